//! `selfsame reference`: the pages of the book that the program writes about itself.

use std::fs;

use selfsame::train::write_atomic;
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
            output::stdout(&file.display().to_string())?;
        } else if fs::read_to_string(&file).ok().as_ref() != Some(&text) {
            output::error(&format!(
                "{} is not what this program says of itself. Make it anew: selfsame reference --to {}",
                file.display(),
                arguments.to.display()
            ));
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}
