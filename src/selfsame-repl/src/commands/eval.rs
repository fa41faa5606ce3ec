//! `selfsame eval`: the frozen encoder of a run under the probes.

use selfsame::presets;
use selfsame::text::visible;
use selfsame::train::Scores;
use selfsame::Error;
use serde::Serialize;

use super::{scores, workers};
use crate::args::Eval;
use crate::exit::Exit;
use crate::run_folder::RunFolder;
use crate::{face, output, stop};

/// What `--json` prints.
#[derive(Serialize)]
struct Evaluation<'a> {
    run: &'a str,
    data: &'a str,
    #[serde(flatten)]
    scores: &'a Scores,
}

/// Scores and prints. The baselines of the report stand beside the scores when the data are the run's own.
///
/// # Errors
/// No such run, no usable checkpoint, data of another shape.
pub fn run(arguments: Eval) -> Result<Exit, Error> {
    let run = RunFolder::open(&arguments.run)?;
    workers::set(arguments.threads)?;
    stop::on_ctrl_c("stopping; nothing is lost")?;
    let found = {
        let mut face = face::for_stderr();
        presets::evaluate(&arguments.run, arguments.data.as_deref(), face.as_mut())?
    };
    let data = arguments.data.as_deref().unwrap_or(&run.config.data);
    let baselines = run.report.as_ref().filter(|_| data == run.config.data).map(|report| &report.baselines);
    let text = format!("{} on {}\n\n{}", visible(&run.name), visible(data), scores::table(&found, baselines));
    if arguments.json {
        output::stderr(&text);
        output::json(&Evaluation { run: &run.name, data, scores: &found })?;
    } else {
        output::stdout(&text)?;
    }
    Ok(Exit::Done)
}
