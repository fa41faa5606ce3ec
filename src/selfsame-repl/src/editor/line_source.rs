//! Where inputs come from: the line editor, a pipe, a file. The main loop sees no difference.

use std::io::{self, BufRead, Write};

use super::input::{Input, Lines};

/// An input of more bytes than this is refused: nobody typed it, and the compiler would take minutes over it.
pub const MOST_BYTES: usize = 4 << 20;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A complete input.
    Input(Input),
    /// Ctrl-C at the prompt: what was being typed is dropped, the session goes on.
    Interrupted,
    /// No more inputs: the end of the file, or Ctrl-D.
    End,
}

/// Gives complete inputs one by one.
pub trait LineSource {
    /// Waits for the next input.
    ///
    /// # Errors
    /// Where the source cannot be read, or holds what is no text; the message says in which line.
    fn next(&mut self) -> io::Result<Event>;

    /// What messages call it: a file's name, `stdin`, `prompt`.
    fn name(&self) -> &str;

    /// Puts a text where the next input is typed, to be changed and run; sources nobody types at do nothing.
    fn prefill(&mut self, _text: &str) {}

    /// Tells the source how its last input went, for a history that keeps it.
    fn finished(&mut self, _duration: std::time::Duration, _succeeded: bool) {}
}

/// Inputs of a stream: a pipe, a file, or a terminal too plain for the line editor.
///
/// From a pipe or file an input comes out when the line after it has been read, as that line may belong to it. At a
/// terminal every complete line comes out at once.
pub struct Stream<R> {
    reader: R,
    name: String,
    lines: Lines,
    /// What is printed before a line is read, at a terminal.
    prompt: Option<&'static str>,
    number: usize,
    ready: Option<Input>,
    ended: bool,
}

/// Standard input when it is no terminal.
pub fn stdin() -> Stream<io::StdinLock<'static>> {
    Stream::new(io::stdin().lock(), "stdin")
}

/// Standard input of a terminal that the line editor cannot drive (`TERM=dumb`): a prompt, no editing.
pub fn plain_terminal() -> Stream<io::StdinLock<'static>> {
    Stream { prompt: Some("selfsame> "), ..Stream::new(io::stdin().lock(), "prompt") }
}

/// A text at hand: what `-c` was given, say.
pub fn text(text: &str, name: &str) -> Stream<io::Cursor<Vec<u8>>> {
    Stream::new(io::Cursor::new(text.as_bytes().to_vec()), name)
}

impl<R: BufRead> Stream<R> {
    /// Reads `reader`; messages call it `name`.
    pub fn new(reader: R, name: impl Into<String>) -> Stream<R> {
        Stream {
            reader,
            name: name.into(),
            lines: Lines::new(),
            prompt: None,
            number: 0,
            ready: None,
            ended: false,
        }
    }

    /// The next line without its line break; `None` at the end.
    fn line(&mut self) -> io::Result<Option<String>> {
        if let Some(prompt) = self.prompt {
            let prompt = if self.lines.is_empty() { prompt } else { "........> " };
            let mut out = io::stderr().lock();
            let _ = out.write_all(prompt.as_bytes()).and_then(|()| out.flush());
        }
        let mut bytes = Vec::new();
        let most = MOST_BYTES.saturating_sub(self.lines.len()) as u64 + 1;
        let read = io::Read::take(&mut self.reader, most).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if read as u64 >= most {
            return Err(self.unusable(format!("an input of more than {} MB", MOST_BYTES >> 20)));
        }
        while bytes.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            bytes.pop();
        }
        // Some editors put a byte order mark before the first line.
        let line =
            String::from_utf8(bytes).map_err(|_| self.unusable("bytes that are no UTF-8 text".into()))?;
        if line.contains('\0') {
            return Err(self.unusable("a zero byte, so this is no text".into()));
        }
        Ok(Some(if self.number == 1 { line.trim_start_matches('\u{feff}').to_string() } else { line }))
    }

    fn unusable(&self, found: String) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}, line {}: {found}", self.name, self.number))
    }
}

impl<R: BufRead> LineSource for Stream<R> {
    fn next(&mut self) -> io::Result<Event> {
        if let Some(input) = self.ready.take() {
            return Ok(Event::Input(input));
        }
        while !self.ended {
            match self.line()? {
                Some(line) if self.number == 1 && is_shebang(&line) => _ = self.lines.push(""),
                Some(line) => {
                    let mut done = self.lines.push(&line);
                    if self.prompt.is_some() && self.lines.is_complete() {
                        let last = self.lines.end();
                        (done, self.ready) = if done.is_some() { (done, last) } else { (last, None) };
                    }
                    if let Some(input) = done {
                        return Ok(Event::Input(input));
                    }
                }
                None => {
                    self.ended = true;
                    if let Some(input) = self.lines.end() {
                        return Ok(Event::Input(input));
                    }
                }
            }
        }
        Ok(Event::End)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// `#!/usr/bin/env selfsame run`, but not `#![allow(..)]`.
fn is_shebang(line: &str) -> bool {
    line.strip_prefix("#!").is_some_and(|rest| !rest.trim_start().starts_with('['))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn all(mut source: impl LineSource) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        while let Event::Input(input) = source.next().unwrap() {
            found.push((input.line, input.text));
        }
        assert_eq!(source.next().unwrap(), Event::End);
        found
    }

    #[test]
    fn a_stream_gives_inputs_with_their_lines() {
        let source = text("#!/usr/bin/env selfsame run\r\n:methods\r\nlet x =\r\n  1;\nx", "test");
        assert_eq!(all(source), [(2, ":methods".into()), (3, "let x =\n  1;\nx".into())]);
        assert_eq!(all(text("\u{feff}1", "t")), [(1, "1".into())]);
        assert_eq!(all(text("", "t")), []);
    }

    #[test]
    fn at_a_terminal_a_complete_line_comes_out_at_once() {
        let mut source = Stream { prompt: Some(""), ..text("1 + 1\nfn f() {\n}\n", "t") };
        assert_eq!(source.next().unwrap(), Event::Input(Input { text: "1 + 1".into(), line: 1 }));
        assert_eq!(source.number, 1, "the next line has not been asked for");
        assert_eq!(source.next().unwrap(), Event::Input(Input { text: "fn f() {\n}".into(), line: 2 }));
        assert_eq!(source.next().unwrap(), Event::End);
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line() {
        let message = |bytes: &[u8]| {
            let mut source = Stream::new(io::Cursor::new(bytes.to_vec()), "stdin");
            loop {
                match source.next() {
                    Ok(Event::End) => return String::new(),
                    Ok(_) => {}
                    Err(e) => return e.to_string(),
                }
            }
        };
        assert_eq!(message(b"1\n\xff\xfe\n"), "stdin, line 2: bytes that are no UTF-8 text");
        assert_eq!(message(b"1\n2\na\0b\n"), "stdin, line 3: a zero byte, so this is no text");
        assert_eq!(message(&vec![b'a'; MOST_BYTES + 10]), "stdin, line 1: an input of more than 4 MB");
        let mut open = b"f(".to_vec();
        (0..600_000).for_each(|_| open.extend(b"\n1234567,"));
        assert!(message(&open).ends_with("an input of more than 4 MB"));
        assert_eq!(message(&open[..4_000_000]), "");
    }
}
