//! `selfsame embed`: a run's features in the plane.

use selfsame::plot::{Figure, Sketch};
use selfsame::presets::Run;
use selfsame::Error;
use serde_json::{json, Value};

use super::drawn;
use crate::args::Embed;
use crate::exit::Exit;
use crate::{output, stop};

/// Draws the test features on their first two principal components, coloured by class.
///
/// # Errors
/// No such run, no usable checkpoint, data that cannot be read, a file that cannot be written.
pub fn run(arguments: Embed) -> Result<Exit, Error> {
    stop::on_ctrl_c("stopping; nothing is lost")?;
    let run = Run::open(&arguments.run)?;
    let scatter = run.scatter()?;
    let save = arguments.save.as_deref();
    if arguments.json {
        drawn::save(scatter.figure(), save)?;
        output::json(&as_json(&run.name(), scatter.figure()))?;
        drawn::told(save);
    } else {
        drawn::show(scatter.figure(), save)?;
    }
    Ok(Exit::Done)
}

/// `{"run": .., "axes": [.., ..], "classes": {NAME: [[x, y], ..]}}`
fn as_json(run: &str, figure: &Figure) -> Value {
    let Sketch::Points { x_label, y_label, series, .. } = figure.sketch() else {
        return json!({ "run": run });
    };
    let classes: serde_json::Map<String, Value> =
        series.into_iter().map(|class| (class.name, json!(class.points))).collect();
    json!({ "run": run, "axes": [x_label, y_label], "classes": classes })
}
