//! Text from elsewhere, names of files and classes first, made fit for a terminal or a shell.
//!
//! A file may be called anything but `/` and NUL. Printed as it stands, a name with an escape sequence in it moves the
//! cursor, rewrites what is on the screen, or sets the window's title; pasted into a shell, one with a space or a `;` is
//! another command.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

/// Whether a terminal obeys `c` instead of showing it: control characters, and those that turn the direction of what
/// follows.
fn obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// `text` on one line, with every character that a terminal would obey written as Rust writes it: `\n`, `\u{1b}`.
///
/// ```
/// use selfsame::text::visible;
/// assert_eq!(visible("cat\u{1b}[2J"), r"cat\u{1b}[2J");
/// assert_eq!(visible("Katze, γάτα"), "Katze, γάτα");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    without(text, obeyed)
}

/// As [`visible`], for text of several lines: line breaks and tabs stay.
///
/// ```
/// use selfsame::text::visible_lines;
/// assert_eq!(visible_lines("a\tb\nc\r\u{9b}"), "a\tb\nc\\r\\u{9b}");
/// ```
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    without(text, |c| obeyed(c) && c != '\n' && c != '\t')
}

/// A path as [`visible`] text. What is not Unicode in it is shown by a replacement character.
pub fn visible_path(path: impl AsRef<Path>) -> String {
    visible(&path.as_ref().to_string_lossy()).into_owned()
}

fn without(text: &str, taken: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&taken) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match taken(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// `word` as a shell reads it back; left bare where it can be. What a terminal would obey, and bytes that are no
/// Unicode, come in `$'..'`, which bash, zsh, ksh and POSIX 2024 know.
///
/// ```
/// use selfsame::text::shell_word;
/// use std::ffi::OsStr;
/// assert_eq!(shell_word(OsStr::new("runs/simclr-7")), "runs/simclr-7");
/// assert_eq!(shell_word(OsStr::new("a; rm -r ~")), "'a; rm -r ~'");
/// assert_eq!(shell_word(OsStr::new("it's")), r"'it'\''s'");
/// ```
pub fn shell_word(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%".contains(c);
    match word.to_str() {
        Some(text) if text.contains(obeyed) => dollar_quoted(word),
        // A word that begins with `=` is a command's path to zsh.
        Some(text) if !text.is_empty() && !text.starts_with('=') && text.chars().all(plain) => text.into(),
        Some(text) => format!("'{}'", text.replace('\'', "'\\''")),
        None => dollar_quoted(word),
    }
}

fn dollar_quoted(word: &OsStr) -> String {
    let mut out = String::from("$'");
    for &byte in word.as_encoded_bytes() {
        match byte {
            b'\'' | b'\\' => out.extend(['\\', char::from(byte)]),
            0x20..=0x7e => out.push(char::from(byte)),
            // Three octal digits end by themselves; hexadecimal ones would take what follows with them.
            _ => out += &format!("\\{byte:03o}"),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let hostile = "a\u{1b}]0;title\u{7}\u{9b}31m\r\n\u{202e}b\u{7f}\0";
        let shown = visible(hostile);
        assert!(!shown.contains(obeyed), "{shown}");
        assert_eq!(shown, r"a\u{1b}]0;title\u{7}\u{9b}31m\r\n\u{202e}b\u{7f}\u{0}");
        assert_eq!(visible_path(Path::new("x\u{1b}c/y")), r"x\u{1b}c/y");
    }

    /// A shell is asked, because it is what reads these words.
    #[cfg(unix)]
    #[test]
    fn a_shell_reads_every_word_back() {
        use std::os::unix::ffi::OsStrExt;
        let words: [&[u8]; 9] = [
            b"plain",
            b"",
            b"two words",
            b"it's $HOME `id` $(id) !x \\ \"",
            b"=ls",
            b"a\nb;\tc",
            b"\x1b[31mred\x1b[0m7",
            b"not utf-8: \xff\xfe",
            "gr\u{fc}n \u{202e}x'".as_bytes(),
        ];
        let all: Vec<String> = words.iter().map(|w| shell_word(OsStr::from_bytes(w))).collect();
        assert!(all.iter().all(|word| !word.contains(obeyed)), "{all:?}");
        let line = format!("printf '%s\\0' {}", all.join(" "));
        let said = std::process::Command::new("bash").args(["-c", &line]).output().unwrap();
        let expected: Vec<u8> = words.iter().flat_map(|w| w.iter().copied().chain([0])).collect();
        assert_eq!(said.stdout, expected, "{line}");
    }
}
