//! The REPL, scripts, and what they need compiled.

use selfsame::text::visible_path;
use selfsame::Error;

use crate::args::{Run, Warm};
use crate::engine;
use crate::exit::Exit;
use crate::output;
use crate::repl::{self, Script};

/// Without a command: the REPL at a terminal, else a script.
///
/// # Errors
/// A system that refuses what they need; what is wrong with an input is told where it happens.
pub fn run(text: Option<&str>) -> Result<Exit, Error> {
    let code = match text {
        Some(text) => repl::script(&Script::Text(text), false)?,
        None if repl::at_a_terminal() => repl::interactive()?,
        None => repl::script(&Script::Stdin, false)?,
    };
    Ok(Exit::from_code(code))
}

/// `selfsame run FILE`
///
/// # Errors
/// A file that cannot be read.
pub fn script(arguments: &Run) -> Result<Exit, Error> {
    Ok(Exit::from_code(repl::script(&Script::File(&arguments.file), arguments.echo)?))
}

/// `selfsame warm`
///
/// # Errors
/// No toolchain, a folder that cannot be written, code that does not compile.
pub fn warm(arguments: &Warm) -> Result<Exit, Error> {
    let bar = crate::face::compiling();
    let (folder, remade) = engine::warm(&mut |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    if let Some(remade) = remade {
        output::note(&remade);
    }
    if arguments.json {
        output::json(&serde_json::json!({ "folder": folder.to_string_lossy() }))?;
        return Ok(Exit::Done);
    }
    output::stdout(&format!("The library for Rust cells is compiled, in {}.", visible_path(&folder)))?;
    Ok(Exit::Done)
}
