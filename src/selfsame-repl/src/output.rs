//! Writing to stdout and stderr without panicking when the reader has gone.
//!
//! `println!` and `eprintln!` panic on a closed pipe, and `selfsame compare ... | head` closes one.

use std::io::{self, IsTerminal, Write};

use selfsame::Error;

/// Writes `text` and a newline to stdout. A reader that has gone is not an error: it has seen what it wanted.
///
/// # Errors
/// [`Error::Io`] when stdout cannot be written for another reason, a full disk behind a redirection for one.
pub fn stdout(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Io { action: "write", path: "<stdout>".into(), source })
        }
        _ => Ok(()),
    }
}

/// Writes `text` and a newline to stderr. Nobody is left to tell when that fails, and work must not stop for it.
pub fn stderr(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes `error: text` to stderr.
pub fn error(text: &str) {
    stderr(&format!("{} {text}", paint(Colour::Red, "error:")));
}

/// Writes `note: text` to stderr.
pub fn note(text: &str) {
    stderr(&format!("{} {text}", paint(Colour::Blue, "note:")));
}

/// The colours the program uses on stderr, always together with words that say the same.
#[derive(Debug, Clone, Copy)]
pub enum Colour {
    /// Something failed.
    Red,
    /// Something deserves a look.
    Yellow,
    /// Information.
    Blue,
    /// All is well.
    Green,
}

/// `text` in `colour` where stderr is a terminal that wants colour, as it is everywhere else.
pub fn paint(colour: Colour, text: &str) -> String {
    if !coloured() {
        return text.to_string();
    }
    let code = match colour {
        Colour::Red => 31,
        Colour::Yellow => 33,
        Colour::Blue => 36,
        Colour::Green => 32,
    };
    format!("\x1b[1;{code}m{text}\x1b[0m")
}

/// Whether stderr takes colour: it is a terminal, `NO_COLOR` (<https://no-color.org>) is unset or empty, and `TERM` is
/// not `dumb`.
pub fn coloured() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}

/// Writes `value` to stdout as JSON, on one line.
///
/// # Errors
/// Those of [`stdout`].
pub fn json(value: &impl serde::Serialize) -> Result<(), Error> {
    let text = serde_json::to_string(value).map_err(|e| Error::Io {
        action: "write",
        path: "<stdout>".into(),
        source: e.into(),
    })?;
    stdout(&text)
}
