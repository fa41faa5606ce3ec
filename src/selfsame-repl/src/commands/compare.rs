//! `selfsame compare`: runs side by side.

use std::path::Path;

use selfsame::plot::{self, Series, Table};
use selfsame::presets::{self, compare::CompareSpec};
use selfsame::text::{visible, visible_path};
use selfsame::train::EpochMetrics;
use selfsame::Error;
use serde_json::{json, Value};

use super::{drawn, workers};
use crate::args::Compare;
use crate::exit::Exit;
use crate::numbers::{number, percent};
use crate::output;
use crate::run_folder::RunFolder;
use crate::{face, sparkline, stop};

/// Columns a curve takes at most.
const CURVE_WIDTH: usize = 60;

/// Reads the runs and shows them.
///
/// # Errors
/// A folder that is no run, a damaged file in one, a figure that cannot be written.
pub fn run(arguments: Compare) -> Result<Exit, Error> {
    if !arguments.methods.is_empty() {
        return train_all(arguments);
    }
    let runs = arguments.runs.iter().map(|path| RunFolder::open(path)).collect::<Result<Vec<_>, _>>()?;
    if let Some(file) = &arguments.save {
        save(&runs, file)?;
    }
    let text = format!("{}\n\n{}", table(&runs), curves(&runs));
    if arguments.json {
        output::stderr(&text);
        output::json(&as_json(&runs)?)?;
    } else {
        output::stdout(&text)?;
    }
    for line in remarks(&runs) {
        output::note(&line);
    }
    Ok(Exit::Done)
}

/// Trains every objective asked for and shows one table of them.
fn train_all(arguments: Compare) -> Result<Exit, Error> {
    workers::set(arguments.threads)?;
    stop::on_ctrl_c("finishing this step, then saving")?;
    let spec = CompareSpec {
        methods: arguments.methods,
        data: arguments.data,
        encoder: arguments.encoder,
        epochs: arguments.epochs,
        minutes: arguments.minutes,
        seeds: arguments.seeds,
        out: arguments.out,
    };
    let found = {
        let mut face = face::for_stderr();
        presets::compare::compare(&spec, face.as_mut())?
    };
    if let Some(file) = &arguments.save {
        found.figure()?.save(file)?;
        output::note(&format!("bars in {}", visible_path(file)));
    }
    let seeds = if found.seeds == 1 { "1 seed".into() } else { format!("{} seeds, mean ±sd", found.seeds) };
    let text = format!("{}, {seeds}\n{}", found.data, found.table().text());
    if arguments.json {
        output::stderr(&text);
        output::json(&found)?;
    } else {
        output::stdout(&text)?;
    }
    for failure in &found.failures {
        output::note(&format!("{} with seed {} failed: {}", failure.method, failure.seed, failure.error));
    }
    Ok(match (found.interrupted, found.failures.is_empty()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Done,
        (false, false) => Exit::Failed,
    })
}

/// A header and what stands under it.
type Column = (&'static str, fn(&RunFolder) -> String);

/// What runs were trained with. Where they agree, one line above the table says it for all of them.
const SETTINGS: [Column; 3] = [
    ("method", |run| run.config.method.clone()),
    ("data", |run| run.config.data.clone()),
    ("encoder", |run| run.config.encoder.clone().unwrap_or_else(|| "-".to_string())),
];

/// What came of them, accuracies in per cent.
const RESULTS: [Column; 9] = [
    ("epochs", epochs),
    ("loss", |run| number(run.metrics.last().and_then(|last| last.loss), 3)),
    ("kNN 20", |run| percent(run.report.as_ref().map(|report| report.scores.knn.k20))),
    ("1% labels", |run| percent(share(run, "1%"))),
    ("10% labels", |run| percent(share(run, "10%"))),
    ("all labels", |run| percent(run.report.as_ref().map(|report| report.scores.linear.accuracy))),
    ("over init", over_init),
    ("rank", |run| number(run.report.as_ref().map(|report| report.diagnostics.rankme), 1)),
    ("alarms", |run| run.report.as_ref().map_or("-".to_string(), |report| report.alarms.len().to_string())),
];

/// A row for each run, below the settings they have in common.
fn table(runs: &[RunFolder]) -> String {
    let (differ, common): (Vec<Column>, Vec<Column>) =
        SETTINGS.into_iter().partition(|(_, of)| runs.iter().any(|run| of(run) != of(&runs[0])));
    let common: Vec<String> =
        common.iter().map(|(name, of)| format!("{name} {}", visible(&of(&runs[0])))).collect();
    let columns: Vec<Column> = differ.into_iter().chain(RESULTS).collect();
    let mut table = Table::new(std::iter::once("run").chain(columns.iter().map(|(name, _)| *name)));
    for run in runs {
        table.row(std::iter::once(run.name.clone()).chain(columns.iter().map(|(_, of)| of(run))));
    }
    let heading = if common.is_empty() { String::new() } else { format!("{}\n", common.join(", ")) };
    heading + &table.text()
}

/// Epochs done of those asked for.
fn epochs(run: &RunFolder) -> String {
    let done = run.metrics.last().map_or(0, |last| last.epoch);
    run.config.epochs.map_or(done.to_string(), |all| format!("{done}/{all}"))
}

/// Accuracy with a share of the labels.
fn share(run: &RunFolder, share: &str) -> Option<f64> {
    run.report.as_ref()?.scores.linear.by_labels.get(share).copied()
}

/// Points gained over the untrained encoder with 1 % of the labels.
fn over_init(run: &RunFolder) -> String {
    let untrained = run.report.as_ref().and_then(|r| r.baselines.random_init.linear.by_labels.get("1%"));
    let gain = share(run, "1%").zip(untrained).map(|(ours, theirs)| 100.0 * (ours - theirs));
    gain.map_or("-".to_string(), |points| format!("{points:+.1}"))
}

/// Loss and online kNN of every run over its epochs, on one scale each, so that lines under one another compare.
fn curves(runs: &[RunFolder]) -> String {
    let names = runs.iter().map(|run| visible(&run.name).chars().count()).max().unwrap_or(0);
    let mut blocks = Vec::new();
    for (title, of) in [("loss", loss as fn(&EpochMetrics) -> Option<f64>), ("kNN 20, validation, %", knn)] {
        let all = runs.iter().flat_map(|run| run.metrics.iter().filter_map(of));
        let Some((low, high)) = sparkline::range(all) else { continue };
        blocks.push(format!("{title}, from {low:.2} to {high:.2}"));
        for run in runs {
            // Epochs without a probe would only leave holes.
            let values: Vec<_> = run.metrics.iter().map(of).filter(Option::is_some).collect();
            blocks.push(format!(
                "  {:names$}  {}",
                visible(&run.name),
                sparkline::sparkline(&values, low, high, CURVE_WIDTH)
            ));
        }
    }
    blocks.join("\n")
}

/// Draws the runs' losses into `file` and, where a run was probed, their kNN accuracies into a second one beside it.
fn save(runs: &[RunFolder], file: &Path) -> Result<(), Error> {
    let series = |of: fn(&EpochMetrics) -> Option<f64>| -> Vec<Series> {
        let points =
            |run: &RunFolder| run.metrics.iter().filter_map(|e| Some((e.epoch as f64, of(e)?))).collect();
        runs.iter().map(|run| Series::new(&run.name, points(run))).collect()
    };
    plot::curves("Training loss", "epoch", "loss (nats)", &series(loss))?.save(file)?;
    output::note(&format!("loss curves in {}", visible_path(file)));
    let probes = series(knn);
    if probes.iter().any(|run| !run.points.is_empty()) {
        let beside = drawn::beside(file, "knn");
        plot::curves("Online kNN (k = 20), validation part", "epoch", "accuracy (%)", &probes)?
            .save(&beside)?;
        output::note(&format!("kNN curves in {}", visible_path(&beside)));
    }
    Ok(())
}

fn loss(epoch: &EpochMetrics) -> Option<f64> {
    epoch.loss
}

fn knn(epoch: &EpochMetrics) -> Option<f64> {
    epoch.knn.map(|accuracy| 100.0 * accuracy)
}

/// `{"runs": [..]}`: each run's report, or what is known of it so far, with `metrics` for its epochs and `finished`.
fn as_json(runs: &[RunFolder]) -> Result<Value, Error> {
    let value = |v: serde_json::Result<Value>| {
        v.map_err(|e| Error::Io { action: "write", path: "<stdout>".into(), source: e.into() })
    };
    let mut list = Vec::new();
    for run in runs {
        let mut entry = match &run.report {
            Some(report) => value(serde_json::to_value(report))?,
            None => json!({"run": run.name, "method": run.config.method, "data": run.config.data}),
        };
        entry["folder"] = json!(run.path.display().to_string());
        entry["finished"] = json!(run.report.is_some());
        entry["metrics"] = value(serde_json::to_value(&run.metrics))?;
        list.push(entry);
    }
    Ok(json!({ "runs": list }))
}

/// What a reader should know before drawing conclusions.
fn remarks(runs: &[RunFolder]) -> Vec<String> {
    let mut remarks = Vec::new();
    let differ = |of: fn(&RunFolder) -> &str| runs.iter().any(|run| of(run) != of(&runs[0]));
    if differ(|run| &run.config.data) {
        remarks.push("the runs are on different data; accuracies do not compare".to_string());
    }
    if differ(|run| &run.config.method) {
        remarks.push("the objectives differ; losses do not compare".to_string());
    }
    let unfinished = runs.iter().filter(|run| run.report.is_none());
    let unfinished: Vec<_> = unfinished.map(|run| visible(&run.name)).collect();
    if !unfinished.is_empty() {
        remarks.push(format!("not finished, so without scores: {}", unfinished.join(", ")));
    }
    remarks
}
