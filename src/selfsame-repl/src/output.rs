//! Writing to stdout and stderr without panicking when the reader has gone, and without a terminal obeying a name.
//!
//! `println!` and `eprintln!` panic on a closed pipe, and `selfsame compare ... | head` closes one.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use selfsame::text::{visible, visible_lines};
use selfsame::Error;

/// Writes `text` and a newline to stdout, as [`printable`] text. A reader that has gone is not an error: it has seen what it
/// wanted.
///
/// # Errors
/// [`Error::Io`] when stdout cannot be written for another reason, a full disk behind a redirection for one.
pub fn stdout(text: &str) -> Result<(), Error> {
    stdout_as_it_is(&printable(text))
}

/// As [`stdout`], for what a cell prints, and for pictures.
///
/// # Errors
/// As [`stdout`].
pub fn stdout_as_it_is(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Io { action: "write", path: "<stdout>".into(), source })
        }
        _ => Ok(()),
    }
}

/// Writes `text` and a newline to stderr, as [`printable`] text. Nobody is left to tell when that fails, and work must not
/// stop for it.
pub fn stderr(text: &str) {
    stderr_as_it_is(&printable(text));
}

/// As [`stderr`], for what a cell prints.
pub fn stderr_as_it_is(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// `text` with nothing in it that a terminal obeys, but line breaks, tabs and colours: whatever names of files and classes
/// and the texts of a run folder hold, they move no cursor and set no title.
pub fn printable(text: &str) -> Cow<'_, str> {
    if matches!(visible_lines(text), Cow::Borrowed(_)) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('\u{1b}') {
        out += &visible_lines(&rest[..at]);
        let length = colour(&rest[at..]);
        match length {
            Some(length) => out += &rest[at..at + length],
            None => out += &visible("\u{1b}"),
        }
        rest = &rest[at + length.unwrap_or(1)..];
    }
    out += &visible_lines(rest);
    Cow::Owned(out)
}

/// The length of the colour that `text` begins with: `ESC [ numbers m`.
fn colour(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\u{1b}[")?;
    let end = numbers.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    numbers[end..].starts_with('m').then_some(end + 3)
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
    stdout_as_it_is(&escaped(&text))
}

/// JSON that no terminal obeys either: it escapes control characters, but for those beyond ASCII.
fn escaped(json: &str) -> Cow<'_, str> {
    if !json.contains(char::is_control) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c.is_control() {
            true => out += &format!("\\u{:04x}", u32::from(c)),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_all_a_terminal_is_told() {
        let coloured = "\u{1b}[1;31merror:\u{1b}[0m a\n\tb";
        assert_eq!(printable(coloured), coloured);
        let hostile = "cat\u{1b}[2J\u{1b}]0;x\u{7} \u{1b}[31mred\u{1b}[0m \u{9b}5A\r\u{1b}";
        let shown =
            r"cat\u{1b}[2J\u{1b}]0;x\u{7} ".to_string() + "\u{1b}[31mred\u{1b}[0m " + r"\u{9b}5A\r\u{1b}";
        assert_eq!(printable(hostile), shown);
    }

    #[test]
    fn json_is_read_back_and_holds_no_control_character() {
        let text = serde_json::to_string("a\u{1b}\u{9b}2J\u{7f}é\n").unwrap();
        let shown = escaped(&text);
        assert!(!shown.contains(char::is_control), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), "a\u{1b}\u{9b}2J\u{7f}é\n");
    }
}
