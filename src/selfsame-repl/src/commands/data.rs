//! `selfsame data`: what there is, what is in it, how to get it.

use selfsame::presets::DATA;
use selfsame::Error;

use super::methods;
use crate::args::{Data, DataCommand};
use crate::exit::Exit;
use crate::output;

/// Lists, inspects or downloads.
///
/// # Errors
/// Unknown names, data that cannot be read, downloads that fail.
pub fn run(arguments: Data) -> Result<Exit, Error> {
    match arguments.command {
        DataCommand::List => list(),
        DataCommand::Info { .. } => Ok(Exit::Failed),
        DataCommand::Fetch { .. } => Ok(Exit::Failed),
    }
}

fn list() -> Result<Exit, Error> {
    output::stdout(&format!("'train' takes\n{}", methods::list(DATA)))?;
    Ok(Exit::Done)
}
