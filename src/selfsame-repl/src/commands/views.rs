//! `selfsame views`: images and what augmentation makes of them.

use selfsame::presets;
use selfsame::Error;

use super::drawn;
use crate::args::Views;
use crate::exit::Exit;

/// Shows the views that a run would compare.
///
/// # Errors
/// Unknown names, data that cannot be read, an index beyond the training part, a file that cannot be written.
pub fn run(arguments: Views) -> Result<Exit, Error> {
    let Views { data, method, index, seed, save } = arguments;
    let pictures = presets::views(&data, &method, index, seed)?;
    drawn::show(&pictures.figure()?, save.as_deref())?;
    Ok(Exit::Done)
}
