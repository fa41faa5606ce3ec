//! In the session process: standard output passes through here on its way to us.
//!
//! evcxr tells the end of a cell, a panic and a failed `?` by lines on the session's standard output, between the lines
//! the cell itself prints. Three things go wrong with that: a cell that prints no final newline glues its text to the
//! marker, which is then not recognised, and the session hangs; text that was printed but not flushed appears in the
//! next cell; and evcxr keeps the panic and the failed `?` to itself. The session process therefore writes into a pipe,
//! and a thread copies it to the real output: line by line, with markers on lines of their own, with
//! [`Notice`] lines where evcxr would say nothing, and with the text of a line that is still being written.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Starts a line that is a [`Notice`]. The character before the word is ASCII's record separator.
pub const MARK: &str = "\u{1e}SELFSAME-RELAY ";

const COMPLETE: &[u8] = b"EVCXR_EXECUTION_COMPLETE";
const PANIC: &[u8] = b"EVCXR_PANIC_NOTIFICATION";
const FAILED: &[u8] = b"EVCXR_ERROR_OCCURRED";
const CONTENT: &[u8] = b"EVCXR_BEGIN_CONTENT ";
/// A line is cut after this many bytes, so that memory stays bounded.
const LONGEST_LINE: usize = 1 << 20;
/// A line that has not ended after this time is shown as far as it goes.
const PATIENCE: Duration = Duration::from_millis(60);

/// What the relay says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// The cell panicked.
    Panic,
    /// A `?` in the cell returned early.
    Failed,
    /// Everything the cell printed has been read.
    End,
    /// The beginning of a line that is still being written; the whole line follows when it ends.
    Partial {
        /// The text so far.
        text: String,
    },
}

impl Notice {
    /// The notice in `line`, if it is one.
    pub fn parse(line: &str) -> Option<Notice> {
        serde_json::from_str(line.strip_prefix(MARK)?).ok()
    }

    /// The line that carries it, without its end.
    pub fn text(&self) -> String {
        // A value of plain strings always serialises.
        format!("{MARK}{}", serde_json::to_string(self).unwrap_or_default())
    }
}

/// Where the session library leaves the address of a function to call at the end of each cell (see
/// [`selfsame::session::END_OF_CELL`]): it flushes its standard output, because this program and the cells have a standard
/// library each, with a buffer each.
static END_OF_CELL: AtomicUsize = AtomicUsize::new(0);
/// Whether everything that was written to the pipe has been copied.
static IDLE: AtomicBool = AtomicBool::new(true);
static PIPE: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Puts the relay between this process's standard output and whoever reads it.
///
/// # Errors
/// The system has no file descriptors or threads left.
pub fn install() -> io::Result<()> {
    // SAFETY: plain system calls on descriptors that are open: 1 is ours, and the others come from the calls before.
    let (reader, real) = unsafe {
        let mut ends: [RawFd; 2] = [0; 2];
        check(libc::pipe(ends.as_mut_ptr()))?;
        let real = check(libc::dup(1))?;
        check(libc::fcntl(real, libc::F_SETFD, libc::FD_CLOEXEC))?;
        check(libc::fcntl(ends[0], libc::F_SETFD, libc::FD_CLOEXEC))?;
        check(libc::dup2(ends[1], 1))?;
        check(libc::close(ends[1]))?;
        (File::from_raw_fd(ends[0]), File::from_raw_fd(real))
    };
    PIPE.store(reader.as_raw_fd() as usize, Ordering::SeqCst);
    std::env::set_var(
        selfsame::session::END_OF_CELL,
        format!("{}:{:x}", std::process::id(), &raw const END_OF_CELL as usize),
    );
    std::thread::Builder::new().name("output".into()).spawn(move || copy(reader, real))?;
    // SAFETY: both handlers only read atomics, ask how many bytes a pipe holds, and sleep.
    unsafe {
        libc::atexit(drain);
        libc::signal(libc::SIGABRT, on_abort as *const () as libc::sighandler_t);
    }
    Ok(())
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// Waits, a fifth of a second at most, until what was written has been copied.
extern "C" fn drain() {
    for _ in 0..200 {
        let mut waiting: libc::c_int = 0;
        // SAFETY: FIONREAD writes one int; a wrong descriptor makes it fail, and the loop ends.
        let known =
            unsafe { libc::ioctl(PIPE.load(Ordering::SeqCst) as RawFd, libc::FIONREAD, &raw mut waiting) };
        if known < 0 || (waiting == 0 && IDLE.load(Ordering::SeqCst)) {
            return;
        }
        // SAFETY: no memory of ours is involved.
        unsafe { libc::usleep(1000) };
    }
}

extern "C" fn on_abort(signal: libc::c_int) {
    drain();
    // SAFETY: both are allowed in a signal handler.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Has the session library end the cell on its side, once it is there to do it; says whether it is.
fn end_cell() -> bool {
    let address = END_OF_CELL.load(Ordering::SeqCst);
    if address != 0 {
        // SAFETY: the only writer is `selfsame::session::start` in this process, which stores the address of a function of
        // this type; libraries of cells are never unloaded.
        let end: extern "C" fn() = unsafe { std::mem::transmute(address) };
        end();
    }
    address != 0
}

/// Copies until the pipe is closed, which is when the process ends.
fn copy(mut from: File, mut to: File) {
    let mut lines = Lines::default();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let open = wait(&from, lines.is_partial());
        IDLE.store(false, Ordering::SeqCst);
        let out = match open {
            Wait::Ready => match from.read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(n) => lines.feed(&chunk[..n]),
            },
            Wait::Late => lines.show_partial(),
        };
        let mut out = out;
        if lines.at_end_of_cell() {
            let told = end_cell();
            while matches!(wait_for(&from, Duration::ZERO), Wait::Ready) {
                match from.read(&mut chunk) {
                    Ok(n) if n > 0 => out.extend(lines.feed(&chunk[..n])),
                    _ => break,
                }
            }
            out.extend(lines.end_cell(told));
            if told {
                // Standard error goes its own way; this comes behind everything the cell wrote there.
                let _ = writeln!(io::stderr().lock(), "{}", Notice::End.text());
            }
        }
        if to.write_all(&out).is_err() {
            return;
        }
        IDLE.store(true, Ordering::SeqCst);
    }
}

enum Wait {
    Ready,
    Late,
}

fn wait(file: &File, partial: bool) -> Wait {
    if partial {
        wait_for(file, PATIENCE)
    } else {
        // Nothing to show meanwhile: the read itself may block.
        Wait::Ready
    }
}

fn wait_for(file: &File, time: Duration) -> Wait {
    let mut poll = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one pollfd, which lives through the call.
    match unsafe { libc::poll(&raw mut poll, 1, time.as_millis() as libc::c_int) } {
        0 => Wait::Late,
        _ => Wait::Ready,
    }
}

/// Bytes in, whole lines out.
#[derive(Debug, Default)]
struct Lines {
    /// The line that has not ended yet.
    open: Vec<u8>,
    /// How much of it has been shown as [`Notice::Partial`].
    shown: usize,
    /// The end of the cell was read; it is passed on when all its output has been.
    ended: bool,
}

impl Lines {
    fn is_partial(&self) -> bool {
        self.open.len() > self.shown
    }

    fn at_end_of_cell(&self) -> bool {
        self.ended
    }

    /// What is to be written for `bytes`.
    fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 64);
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(text) => {
                    self.open.extend_from_slice(text);
                    let line = std::mem::take(&mut self.open);
                    self.shown = 0;
                    self.line(&line, &mut out);
                }
                None => self.open.extend_from_slice(piece),
            }
            if self.open.len() > LONGEST_LINE {
                let line = std::mem::take(&mut self.open);
                self.shown = 0;
                put(&line, &mut out);
            }
        }
        out
    }

    /// A line that has ended.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if !line.windows(6).any(|w| w == b"EVCXR_") {
            return put(line, out);
        }
        if let Some(text) = line.strip_suffix(COMPLETE) {
            // What the cell flushes at its end may go on with this.
            self.open = text.to_vec();
            self.ended = true;
        } else if let Some(text) = line.strip_suffix(PANIC) {
            own_line(text, PANIC, &Notice::Panic, out);
        } else if let Some(text) = line.strip_suffix(FAILED) {
            own_line(text, FAILED, &Notice::Failed, out);
        } else if let Some(at) = find(line, CONTENT).filter(|at| *at > 0) {
            put(&line[..at], out);
            put(&line[at..], out);
        } else {
            put(line, out);
        }
    }

    /// The beginning of a line that takes its time.
    fn show_partial(&mut self) -> Vec<u8> {
        self.shown = self.open.len();
        let mut out = Vec::new();
        let text = String::from_utf8_lossy(&self.open).into_owned();
        put(Notice::Partial { text }.text().as_bytes(), &mut out);
        out
    }

    /// The rest of the cell's output, and its end. Told of it too is only who listens by then: evcxr's first cell, which it
    /// runs before it hands out its output, would wait for ever for somebody to read a notice.
    fn end_cell(&mut self, told: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.open.is_empty() {
            put(&std::mem::take(&mut self.open), &mut out);
            self.shown = 0;
        }
        if told {
            put(Notice::End.text().as_bytes(), &mut out);
        }
        put(COMPLETE, &mut out);
        self.ended = false;
        out
    }
}

fn put(line: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(line);
    out.push(b'\n');
}

fn own_line(text: &[u8], marker: &[u8], notice: &Notice, out: &mut Vec<u8>) {
    if !text.is_empty() {
        put(text, out);
    }
    put(notice.text().as_bytes(), out);
    put(marker, out);
}

fn find(line: &[u8], what: &[u8]) -> Option<usize> {
    line.windows(what.len()).position(|w| w == what)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn whole_lines_pass_as_they_are() {
        let mut lines = Lines::default();
        assert_eq!(text(lines.feed(b"one\ntwo\nthr")), "one\ntwo\n");
        assert_eq!(text(lines.feed(b"ee\n")), "three\n");
        assert!(!lines.is_partial());
    }

    #[test]
    fn text_without_a_newline_is_not_glued_to_the_end_of_the_cell() {
        let mut lines = Lines::default();
        let mut out = lines.feed(b"abcEVCXR_EXECUTION_COMPLETE\n");
        assert!(lines.at_end_of_cell());
        out.extend(lines.end_cell(true));
        assert_eq!(text(out), format!("abc\n{}\nEVCXR_EXECUTION_COMPLETE\n", Notice::End.text()));
    }

    #[test]
    fn a_line_that_is_flushed_in_two_parts_is_one() {
        let mut lines = Lines::default();
        assert_eq!(text(lines.feed(b"50 EVCXR_EXECUTION_COMPLETE\n%")), "");
        assert!(text(lines.end_cell(true)).starts_with("50 %\n"));
    }

    #[test]
    fn text_that_is_flushed_late_comes_before_the_end_of_its_cell() {
        let mut lines = Lines::default();
        assert_eq!(text(lines.feed(b"EVCXR_EXECUTION_COMPLETE\n")), "");
        assert_eq!(text(lines.feed(b"late")), "");
        let end = format!("late\n{}\nEVCXR_EXECUTION_COMPLETE\n", Notice::End.text());
        assert_eq!(text(lines.end_cell(true)), end);
    }

    #[test]
    fn panics_and_failures_are_told() {
        let mut lines = Lines::default();
        let out = text(lines.feed(b"x = EVCXR_PANIC_NOTIFICATION\nEVCXR_ERROR_OCCURRED\n"));
        let told: Vec<_> = out.lines().filter_map(Notice::parse).collect();
        assert_eq!(told, [Notice::Panic, Notice::Failed]);
        assert!(out.starts_with("x = \n"));
        assert!(out.contains("\nEVCXR_PANIC_NOTIFICATION\n") && out.ends_with("\nEVCXR_ERROR_OCCURRED\n"));
    }

    #[test]
    fn a_display_block_begins_a_line() {
        let mut lines = Lines::default();
        assert_eq!(
            text(lines.feed(b"50 %EVCXR_BEGIN_CONTENT text/html\n<b>\nEVCXR_END_CONTENT\n")),
            "50 %\nEVCXR_BEGIN_CONTENT text/html\n<b>\nEVCXR_END_CONTENT\n"
        );
    }

    #[test]
    fn a_slow_line_is_shown_once_as_far_as_it_goes() {
        let mut lines = Lines::default();
        lines.feed(b"working ");
        assert!(lines.is_partial());
        let shown = text(lines.show_partial());
        assert_eq!(Notice::parse(shown.trim_end()), Some(Notice::Partial { text: "working ".into() }));
        assert!(!lines.is_partial());
        assert_eq!(text(lines.feed(b"done\n")), "working done\n");
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut lines = Lines::default();
        let out = lines.feed(&vec![b'x'; LONGEST_LINE + 7]);
        assert_eq!(out.len(), LONGEST_LINE + 8);
        assert!(!lines.is_partial());
    }
}
