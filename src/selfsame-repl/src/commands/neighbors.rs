//! `selfsame neighbors`: what an encoder finds alike.

use selfsame::display::Pictures;
use selfsame::presets::Run;
use selfsame::Error;
use serde_json::{json, Value};

use super::drawn;
use crate::args::Neighbors;
use crate::exit::Exit;
use crate::numbers::percent;
use crate::{output, stop};

/// Shows test images beside the training images whose features are nearest.
///
/// # Errors
/// No such run, no usable checkpoint, data that cannot be read, a file that cannot be written.
pub fn run(arguments: Neighbors) -> Result<Exit, Error> {
    stop::on_ctrl_c("stopping; nothing is lost")?;
    let run = Run::open(&arguments.run)?;
    let pictures = run.neighbors(arguments.count)?;
    let save = arguments.save.as_deref();
    if arguments.json {
        drawn::save(&pictures.figure()?, save)?;
        output::json(&as_json(&run.name(), &pictures))?;
        drawn::told(save);
    } else {
        drawn::show(&pictures.figure()?, save)?;
        let (same, all) = alike(&pictures);
        let share = percent((all > 0).then(|| same as f64 / all as f64));
        output::stdout(&format!("{same} of {all} neighbours ({share} %) are of the image's class"))?;
    }
    Ok(Exit::Done)
}

/// Neighbours of the query's class, and all of them.
fn alike(pictures: &Pictures) -> (usize, usize) {
    let signs = || pictures.rows().iter().flat_map(|row| &row.tiles).filter_map(|tile| tile.same);
    (signs().filter(|same| *same).count(), signs().count())
}

fn as_json(run: &str, pictures: &Pictures) -> Value {
    let row = |row: &selfsame::plot::GridRow| {
        let classes: Vec<&str> = row.tiles.iter().map(|tile| tile.caption.as_str()).collect();
        let (query, neighbours) = classes.split_first().map_or(("", &[][..]), |(q, n)| (*q, n));
        json!({ "class": query, "neighbors": neighbours })
    };
    let (same, all) = alike(pictures);
    json!({
        "run": run,
        "queries": pictures.rows().iter().map(row).collect::<Vec<_>>(),
        "same_class": if all > 0 { json!(same as f64 / all as f64) } else { Value::Null },
    })
}
