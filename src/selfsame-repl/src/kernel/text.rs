//! What a cell prints, bounded in size.
//!
//! The session bounds its own output; commands, and all of them together, are bounded here. The bound is lower than the
//! session's because Jupyter's server cuts a kernel off that sends more than a few megabytes in a moment.

use std::collections::VecDeque;

use crate::numbers::{bytes, thousands};

/// A cell's text is sent up to this many bytes.
const HEAD: u64 = 1 << 20;
/// Of what comes after that, the last bytes are kept for the end.
const TAIL: usize = 16 << 10;

/// Counts what a cell has printed, and keeps what comes too late.
#[derive(Debug, Default)]
pub struct Bound {
    sent: u64,
    tail: VecDeque<String>,
    tail_bytes: usize,
    lines: u64,
    bytes: u64,
}

impl Bound {
    /// The text if it can still be sent; otherwise it is kept or counted.
    pub fn pass(&mut self, text: String) -> Option<String> {
        if self.is_over() || self.sent + text.len() as u64 > HEAD {
            self.sent = HEAD + 1;
            self.keep(text);
            return None;
        }
        self.sent += text.len() as u64;
        Some(text)
    }

    /// Whether nothing more is sent.
    pub fn is_over(&self) -> bool {
        self.sent > HEAD
    }

    /// Counts what the session has left out.
    pub fn omitted(&mut self, lines: u64, bytes: u64) {
        self.sent = HEAD + 1;
        // What is kept came before; it is in the middle of what is left out.
        for text in std::mem::take(&mut self.tail) {
            self.count(&text);
        }
        self.tail_bytes = 0;
        self.lines += lines;
        self.bytes += bytes;
    }

    /// What is sent at the end: how much was left out, and the last of it.
    pub fn end(&mut self) -> Option<String> {
        let tail: String = self.tail.drain(..).collect();
        self.tail_bytes = 0;
        let (lines, left_out) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.bytes));
        self.sent = 0;
        match left_out {
            0 if tail.is_empty() => None,
            0 => Some(tail),
            size => Some(format!("... {} lines ({}) left out ...\n{tail}", thousands(lines), bytes(size))),
        }
    }

    fn keep(&mut self, text: String) {
        self.tail_bytes += text.len();
        self.tail.push_back(text);
        while self.tail_bytes > TAIL {
            let Some(oldest) = self.tail.pop_front() else { break };
            self.tail_bytes -= oldest.len();
            self.count(&oldest);
        }
    }

    fn count(&mut self, text: &str) {
        self.lines += text.matches('\n').count() as u64;
        self.bytes += text.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let mut bound = Bound::default();
        let line = format!("{}\n", "x".repeat(1023));
        let sent = (0..50_000).filter(|_| bound.pass(line.clone()).is_some()).count();
        assert_eq!((sent, bound.is_over()), (1024, true));
        assert_eq!(bound.pass("the last\n".into()), None);
        let end = bound.end().unwrap_or_default();
        let kept = end.lines().count() - 2;
        assert!(
            end.starts_with(&format!("... {} lines", thousands(50_000 - 1024 - kept as u64))),
            "{}",
            &end[..60]
        );
        assert!(end.ends_with("the last\n") && end.len() < TAIL + 100);
        assert_eq!(bound.pass("next cell".into()), Some("next cell".into()));
    }

    #[test]
    fn what_the_session_left_out_is_counted_too() {
        let mut bound = Bound::default();
        assert!(bound.pass("a\n".into()).is_some());
        bound.omitted(7, 70);
        assert_eq!(bound.pass("z\n".into()), None);
        assert_eq!(bound.end(), Some("... 7 lines (70 B) left out ...\nz\n".into()));
        assert_eq!(bound.end(), None);
    }
}
