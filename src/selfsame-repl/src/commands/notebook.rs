//! `selfsame notebook`: a tutorial in Markdown as a notebook.

use std::fs;

use selfsame::train::write_atomic;
use selfsame::Error;

use crate::args::Notebook;
use crate::exit::Exit;
use crate::{notebook, output};

/// Writes a notebook beside each file, or only looks whether those that are there are up to date.
///
/// # Errors
/// A file that cannot be read or written.
pub fn run(arguments: &Notebook) -> Result<Exit, Error> {
    let mut exit = Exit::Done;
    for file in &arguments.files {
        let text = fs::read_to_string(file).map_err(Error::io("read", file))?;
        let made = notebook::json(&notebook::cells(&text));
        let name = file.with_extension("ipynb");
        let target = match &arguments.to {
            Some(folder) => folder.join(name.file_name().unwrap_or_default()),
            None => name,
        };
        if !arguments.check {
            write_atomic(&target, made.as_bytes())?;
            output::stdout(&target.display().to_string())?;
        } else if fs::read_to_string(&target).ok().as_ref() != Some(&made) {
            output::error(&format!(
                "{} is not what {} makes. Change the tutorial, not the notebook, and make it anew without --check.",
                target.display(),
                file.display()
            ));
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}
