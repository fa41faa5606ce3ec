//! `selfsame runs`: what has been trained here.

use std::time::{Duration, SystemTime};

use selfsame::plot::Table;
use selfsame::presets::{self, RunLine};
use selfsame::text::visible_path;
use selfsame::Error;
use serde::Serialize;

use crate::args::Runs;
use crate::exit::Exit;
use crate::numbers::percent;
use crate::output;

/// What `--json` prints of a run.
#[derive(Serialize)]
struct Line<'a> {
    run: &'a str,
    method: &'a str,
    data: &'a str,
    encoder: Option<&'a str>,
    state: presets::RunState,
    epochs_done: usize,
    epochs: Option<usize>,
    knn: Option<f64>,
    linear_1_percent: Option<f64>,
    alarms: Option<usize>,
    age_seconds: Option<u64>,
}

/// Lists the runs of a folder, those last written to first.
///
/// # Errors
/// A folder that is not there or cannot be read.
pub fn run(arguments: Runs) -> Result<Exit, Error> {
    let folder = &arguments.folder;
    if !folder.is_dir() && folder.as_os_str() != crate::args::RUNS {
        let remedy = format!("Without a name, the runs in '{}' are listed.", crate::args::RUNS);
        return Err(Error::run(folder, "there is no such folder", remedy));
    }
    let found = presets::runs(folder)?.runs;
    if arguments.json {
        let lines: Vec<Line<'_>> = found.iter().map(|run| line(run, SystemTime::now())).collect();
        output::json(&serde_json::json!({ "runs": lines }))?;
    } else if found.is_empty() {
        let line = crate::invocation::command_line(&["train", "simclr", "digits"]);
        output::stdout(&format!("no runs in {} yet. To make one:\n  {line}", visible_path(folder)))?;
    } else {
        output::stdout(&table(&found, SystemTime::now()).text())?;
    }
    Ok(Exit::Done)
}

fn table(runs: &[RunLine], now: SystemTime) -> Table {
    let mut table =
        Table::new(["run", "method", "data", "epochs", "kNN %", "1% labels", "alarms", "age", "state"]);
    for run in runs {
        let line = line(run, now);
        let epochs = line.epochs.filter(|all| *all != line.epochs_done);
        table.row([
            line.run.to_string(),
            line.method.to_string(),
            line.data.to_string(),
            epochs.map_or(line.epochs_done.to_string(), |all| format!("{}/{all}", line.epochs_done)),
            percent(line.knn),
            percent(line.linear_1_percent),
            line.alarms.map_or("-".to_string(), |n| n.to_string()),
            line.age_seconds.map_or("-".to_string(), |s| age(Duration::from_secs(s))),
            line.state.word().to_string(),
        ]);
    }
    table
}

/// Scores are of the test part where the run was judged; until then kNN is the last probe's, of the validation part.
fn line(run: &RunLine, now: SystemTime) -> Line<'_> {
    let report = run.report.as_ref();
    let probed = || run.metrics.iter().rev().find_map(|row| row.knn);
    Line {
        run: &run.name,
        method: &run.config.method,
        data: &run.config.data,
        encoder: run.config.encoder.as_deref(),
        state: run.state,
        epochs_done: run.epochs_done,
        epochs: run.config.epochs,
        knn: report.map(|r| r.scores.knn.k20).or_else(probed),
        linear_1_percent: report.and_then(|r| r.scores.linear.by_labels.get("1%").copied()),
        alarms: report.map(|r| r.alarms.len()),
        age_seconds: run.changed.and_then(|at| now.duration_since(at).ok()).map(|age| age.as_secs()),
    }
}

/// `now`, `5 min`, `3 h`, `12 d`.
pub fn age(age: Duration) -> String {
    match age.as_secs() {
        s if s < 60 => "now".to_string(),
        s if s < 3600 => format!("{} min", s / 60),
        s if s < 48 * 3600 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let of = |s: u64| age(Duration::from_secs(s));
        assert_eq!([of(3), of(125), of(7300), of(400_000)], ["now", "2 min", "2 h", "4 d"]);
    }
}
