//! `selfsame views`: images and what augmentation makes of them.

use selfsame::plot::{GridRow, Tile};
use selfsame::presets;
use selfsame::Error;
use serde_json::{json, Value};

use super::drawn;
use crate::args::Views;
use crate::exit::Exit;
use crate::output;

/// Shows the views that a run would compare.
///
/// # Errors
/// Unknown names, data that cannot be read, an index beyond the training part, a file that cannot be written.
pub fn run(arguments: Views) -> Result<Exit, Error> {
    let Views { data, method, index, seed, save, json } = arguments;
    let pictures = presets::views(&data, &method, index, seed)?;
    if json {
        drawn::save(&pictures.figure()?, save.as_deref())?;
        let images: Vec<Value> = pictures.rows().iter().map(of_an_image).collect();
        output::json(&json!({ "data": data, "method": method, "seed": seed, "images": images }))?;
        drawn::told(save.as_deref());
        return Ok(Exit::Done);
    }
    drawn::show(&pictures.figure()?, save.as_deref())?;
    Ok(Exit::Done)
}

/// The image, which stands first in its row, and its views: sizes and pixels, channel by channel, row by row.
fn of_an_image(row: &GridRow) -> Value {
    let pixels = |tile: &Tile| {
        let Tile { channels, height, width, pixels, .. } = tile;
        json!({ "size": [channels, height, width], "pixels": pixels })
    };
    let views: Vec<Value> = row.tiles.iter().skip(1).map(pixels).collect();
    json!({ "image": row.tiles.first().map(pixels), "views": views })
}
