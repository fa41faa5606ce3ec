//! `selfsame reference`: the pages of the book that the program writes about itself.

use std::fs;

use selfsame::files::{read_text, write_atomic, MOST_TEXT};
use selfsame::text::visible_path;
use selfsame::Error;

use crate::args::Reference;
use crate::exit::Exit;
use crate::{output, reference};

/// Writes the pages, or only looks whether those that are there are up to date.
///
/// # Errors
/// A file that cannot be written.
pub fn run(arguments: &Reference) -> Result<Exit, Error> {
    let mut exit = Exit::Done;
    for (name, text) in reference::pages()? {
        let file = arguments.to.join(name);
        if !arguments.check {
            fs::create_dir_all(&arguments.to).map_err(Error::io("create", &arguments.to))?;
            write_atomic(&file, text.as_bytes())?;
            output::stdout(&visible_path(&file))?;
        } else if read_text(&file, MOST_TEXT).ok().as_ref() != Some(&text) {
            output::error(&format!(
                "{} is not what this program says of itself. Make it anew: selfsame reference --to {}",
                visible_path(&file),
                visible_path(&arguments.to)
            ));
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}
