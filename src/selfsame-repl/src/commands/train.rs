//! `selfsame train`: one run from the first step to the report.

use std::ffi::OsStr;
use std::path::Path;

use selfsame::front::Frontend;
use selfsame::plot::verdict;
use selfsame::presets;
use selfsame::text::visible_path;
use selfsame::train::{Outcome, Report};
use selfsame::Error;

use super::{scores, workers};
use crate::args::Train;
use crate::exit::Exit;
use crate::numbers::counted;
use crate::{face, invocation, output, spec, stop};

/// Trains or resumes, and says what came of it.
///
/// # Errors
/// Wrong settings, unreadable data, a run that cannot be resumed or that diverged.
pub fn run(arguments: Train) -> Result<Exit, Error> {
    let spec = spec::build(&arguments)?;
    workers::set(arguments.threads)?;
    stop::on_ctrl_c("finishing this step, then saving")?;
    let outcome = {
        let mut face = face::for_stderr();
        match &arguments.resume {
            Some(folder) => presets::resume(folder, &spec, face.as_mut())?,
            None => presets::train(&spec, face.as_mut())?,
        }
    };
    match outcome {
        Outcome::Done { folder, report } => done(&folder, &report, arguments.json),
        Outcome::Interrupted { folder, epochs_done, steps_done } => {
            output::stderr(&format!(
                "stopped after {} and {}, saved in {}. To go on:\n  {}",
                counted(epochs_done as u64, "epoch"),
                counted(steps_done, "step"),
                visible_path(&folder),
                invocation::resume(&folder)
            ));
            Ok(Exit::Interrupted)
        }
    }
}

/// The result: for people on stdout, or as JSON there and for people on stderr.
fn done(folder: &Path, report: &Report, json: bool) -> Result<Exit, Error> {
    let summary = summary(folder, report);
    if json {
        output::stderr(&summary);
        output::json(report)?;
    } else {
        output::stdout(&summary)?;
    }
    Ok(Exit::Done)
}

fn summary(folder: &Path, report: &Report) -> String {
    let mut text = format!("\n{}\n", scores::table(&report.scores, Some(&report.baselines)));
    // The face that draws the training says it with its end.
    if Frontend::detect().is_none_or(|front| front == Frontend::Command) {
        text += &format!("\n{}\n", verdict(report));
    }
    for why in report.all_unjudged() {
        text += &format!("\n{why}\n");
    }
    text += &format!("\nreport    {}\n\nTo try next:\n", visible_path(folder.join("report.html")));
    for (command, why) in next(folder, report) {
        text += &format!("  {command}\n      {why}\n");
    }
    text.trim_end().to_string()
}

/// Commands worth typing now, each with its reason. They start from this run's own settings.
fn next(folder: &Path, report: &Report) -> Vec<(String, String)> {
    let again = |suffix: &str, more: &[&str]| {
        let config = folder.join("config.json");
        let name = format!("{}-{suffix}", report.run);
        let mut words = vec![OsStr::new("train"), OsStr::new("--config"), config.as_os_str()];
        words.extend(["--name", &name].into_iter().chain(more.iter().copied()).map(OsStr::new));
        invocation::command_line(&words)
    };
    let mut next = Vec::new();
    if let Some(alarm) = report.alarms.last() {
        next.push((again("again", &[]), format!("with what the last alarm says: {}", alarm.try_this)));
    } else {
        let epochs = report.epochs.saturating_mul(2).to_string();
        next.push((again("longer", &["--epochs", &epochs]), "is it still getting better?".to_string()));
        let seed = report.seed.wrapping_add(1).to_string();
        next.push((again("reseeded", &["--seed", &seed]), "how much of it is luck?".to_string()));
    }
    let compare = [OsStr::new("compare"), folder.as_os_str(), OsStr::new("OTHER-RUN")];
    next.push((invocation::command_line(&compare), "side by side with another run".to_string()));
    next
}
