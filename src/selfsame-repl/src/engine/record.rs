//! What a session process tells of its cells' output: records of a line each, over a pipe that is for nothing else.

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A line of standard output.
    Line(String),
    /// The beginning of a line that is still being written; the whole line follows when it ends.
    Partial(String),
    /// A line of standard error.
    ErrorLine(String),
    /// The cell panicked.
    Panic,
    /// A `?` in the cell returned early.
    Failed,
    /// Everything the cell printed has been told.
    End,
}

/// The first byte of each.
pub const LINE: u8 = b'o';
/// As [`LINE`].
pub const PARTIAL: u8 = b'p';
/// As [`LINE`].
pub const ERROR_LINE: u8 = b'e';
/// As [`LINE`].
pub const PANIC: u8 = b'!';
/// As [`LINE`].
pub const FAILED: u8 = b'?';
/// As [`LINE`].
pub const END: u8 = b'.';

/// Appends the record of that kind; `text` has no line break. What is no UTF-8 in it becomes replacement characters when it
/// is read.
pub fn put(kind: u8, text: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(text);
    out.push(b'\n');
}

impl Record {
    /// The record in `bytes`, which are without the line break; `None` where a process ended in the middle of one.
    pub fn parse(bytes: &[u8]) -> Option<Record> {
        let (kind, text) = bytes.split_first()?;
        let text = || String::from_utf8_lossy(text).into_owned();
        Some(match *kind {
            LINE => Record::Line(text()),
            PARTIAL => Record::Partial(text()),
            ERROR_LINE => Record::ErrorLine(text()),
            PANIC => Record::Panic,
            FAILED => Record::Failed,
            END => Record::End,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_read_all_the_same() {
        let mut out = Vec::new();
        put(LINE, b"a \xff b", &mut out);
        assert_eq!(Record::parse(&out[..out.len() - 1]), Some(Record::Line("a \u{fffd} b".into())));
        assert_eq!((Record::parse(b""), Record::parse(b"x1")), (None, None));
    }
}
