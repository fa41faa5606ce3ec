//! `selfsame kernel`: the kernel for Jupyter.

use selfsame::Error;

use crate::exit::Exit;
use crate::kernel::{self, Arguments, Command};

/// Carries out the command.
///
/// # Errors
/// Those of its parts.
pub fn run(arguments: Arguments) -> Result<Exit, Error> {
    match arguments.command {
        Command::Install(arguments) => kernel::install(&arguments),
        Command::List { json } => kernel::list(json),
        Command::Uninstall(arguments) => kernel::uninstall(&arguments),
        Command::Run(arguments) => kernel::serve(&arguments.connection_file),
    }
}
