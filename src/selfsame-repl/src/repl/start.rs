//! Starting the REPL, or carrying out a script.

use std::io::{self, IsTerminal};
use std::path::Path;

use selfsame::Error;

use super::colon::{enter, read_script};
use super::shell::Shell;
use super::terminal::Terminal;
use super::{interrupts, line};
use crate::editor::{self, Config, LineSource};
use crate::engine::Settings;
use crate::output;

/// What a script is.
pub enum Script<'s> {
    /// A file: `.ssl`, `.rs` or `.ipynb`.
    File(&'s Path),
    /// A text given on the command line.
    Text(&'s str),
    /// Standard input.
    Stdin,
}

/// The REPL at this terminal; the exit code.
///
/// # Errors
/// The system refuses a handler for Ctrl-C.
pub fn interactive() -> Result<u8, Error> {
    let _settings = Settings::own();
    let config = Config::load()?;
    let mut shell = Shell::new(config.clone(), "repl", true, Box::new(Terminal::new()));
    interrupts::listen(shell.interrupter())?;
    output::stdout(&banner())?;
    // Rust gets ready while the first command is typed.
    let session = shell.session().clone();
    if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
        return Ok(shell.run(&mut editor::plain_terminal()));
    }
    match line::editor(config, session) {
        Ok(mut editor) => Ok(shell.run(&mut editor)),
        Err(e) => {
            output::note(&format!("the line editor does not start ({e}); lines are read as they come"));
            Ok(shell.run(&mut editor::plain_terminal()))
        }
    }
}

/// Carries out a script and stops at its first error; the exit code.
///
/// # Errors
/// A file that cannot be read; the system refuses a handler for Ctrl-C.
pub fn script(script: &Script<'_>, echo: bool) -> Result<u8, Error> {
    let _settings = Settings::own();
    let mut source: Box<dyn LineSource> = match script {
        Script::File(file) => Box::new(editor::text(&read_script(file)?, &file.display().to_string())),
        Script::Text(text) => Box::new(editor::text(text, "-c")),
        Script::Stdin => Box::new(editor::stdin()),
    };
    let mut shell = Shell::new(Config::load()?, "command", false, Box::new(Terminal::new()));
    shell.echo = echo;
    if let Script::File(file) = script {
        // The first one always can.
        let _ = enter(&mut shell.files, &file.display().to_string());
    }
    interrupts::listen(shell.interrupter())?;
    Ok(shell.run(source.as_mut()))
}

/// Whether somebody sits at both ends.
pub fn at_a_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn banner() -> String {
    format!(
        "Selfsame {} - self-supervised learning you can watch working\n\
         :tour shows around in five minutes, :help lists the commands; anything else is Rust.",
        env!("CARGO_PKG_VERSION")
    )
}
