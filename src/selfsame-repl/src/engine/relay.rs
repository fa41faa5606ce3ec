//! In the session process: what its cells print passes through here on its way to us.
//!
//! evcxr takes what a session prints on its standard output for its own protocol, between the lines of the cells, and keeps the
//! rest in memory without bound; what is no UTF-8 ends it. The session process therefore writes into pipes of its own, and a
//! thread reads them: text goes to us as [`record`](super::record)s, over a pipe that is read as fast as it is shown, and only what is
//! protocol goes to evcxr. The end of a cell is told by whoever ran it and not by a line of text.
//!
//! What a cell's generated code says of panics, early returns, values and variables is printed between the rest and cannot be told from
//! a text that looks the same. So it is believed only where it can do no harm: a form that can hold scripts needs the
//! secret of this process, which the library's forms carry; any other is shown as the text it is. A variable can only have changed its type
//! before the cell has printed anything.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::record::{self, put};

const COMPLETE: &[u8] = b"EVCXR_EXECUTION_COMPLETE";
const PANIC: &[u8] = b"EVCXR_PANIC_NOTIFICATION";
const FAILED: &[u8] = b"EVCXR_ERROR_OCCURRED";
const CHANGED: &[u8] = b"EVCXR_VARIABLE_CHANGED_TYPE:";
const QUESTION: &[u8] = b"EVCXR_INPUT_REQUEST";
const CONTENT: &[u8] = b"EVCXR_BEGIN_CONTENT ";
const CONTENT_END: &[u8] = b"EVCXR_END_CONTENT";
/// A line is cut after this many bytes, so that memory stays bounded.
const LONGEST_LINE: usize = 1 << 20;
/// A form of a value, or a message of the library, after this many.
const LONGEST_FORM: usize = 64 << 20;
/// A line that has not ended after this time is shown as far as it goes.
const PATIENCE: Duration = Duration::from_millis(60);
/// Forms that are drawn and not carried out, whoever printed them.
const HARMLESS: [&str; 5] = ["text/plain", "image/png", "image/jpeg", "image/gif", "image/webp"];
/// Said once a cell, below a form that is not among them.
const NOT_SHOWN: &str = "A page or picture that can hold scripts was printed, and is shown as text: only values of the library are \
                         shown that way. In a cell, `selfsame::display::Content::new(text).with_html(page).print()` shows one.";

/// Where the session library leaves the address of a function to call at the end of each cell (see
/// [`selfsame::session::END_OF_CELL`]): it flushes its standard output, because this program and the cells have a standard
/// library each, with a buffer each.
static END_OF_CELL: AtomicUsize = AtomicUsize::new(0);
/// Whether everything that was written to the pipes has been copied.
static IDLE: AtomicBool = AtomicBool::new(true);
static PIPES: [AtomicUsize; 2] = [AtomicUsize::new(usize::MAX), AtomicUsize::new(usize::MAX)];

/// Tells the thread that copies when a cell has ended.
#[derive(Debug)]
pub struct Relay {
    ended: File,
}

impl Relay {
    /// Everything the cell has printed is passed on, and then its end.
    pub fn end_cell(&self) {
        let address = END_OF_CELL.load(Ordering::SeqCst);
        if address != 0 {
            // SAFETY: the only writer is `selfsame::session::start` in this process, which stores the address of a function of
            // this type; libraries of cells are never unloaded.
            let end: extern "C" fn() = unsafe { std::mem::transmute(address) };
            end();
        }
        // The thread is there as long as the process.
        let _ = (&self.ended).write_all(b".");
    }
}

/// Puts the relay between this process's output and whoever reads it; text goes to `records`. `secret` is what a form that
/// can hold scripts carries.
///
/// # Errors
/// The system has no file descriptors or threads left.
pub fn install(records: File, secret: String) -> io::Result<Relay> {
    let own = |file: &File| {
        // SAFETY: a flag of a descriptor that is open.
        check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) }).map(drop)
    };
    own(&records)?;
    // SAFETY: 1 is open, and nobody has the new descriptor.
    let evcxr = unsafe { File::from_raw_fd(check(libc::dup(1))?) };
    own(&evcxr)?;
    let (out, err, (ends, ended)) = (in_place_of(1)?, in_place_of(2)?, pipe()?);
    own(&ends)?;
    own(&ended)?;
    for (pipe, place) in [&out, &err].into_iter().zip(&PIPES) {
        own(pipe)?;
        place.store(pipe.as_raw_fd() as usize, Ordering::SeqCst);
    }
    std::env::set_var(
        selfsame::session::END_OF_CELL,
        format!("{}:{:x}", std::process::id(), &raw const END_OF_CELL as usize),
    );
    let copier = Copier { out, err, ends, records, evcxr, lines: Lines::new(secret), error_line: Vec::new() };
    std::thread::Builder::new().name("output".into()).spawn(move || copier.copy())?;
    // SAFETY: both handlers only read atomics, ask how many bytes a pipe holds, and sleep.
    unsafe {
        libc::atexit(drain);
        libc::signal(libc::SIGABRT, on_abort as *const () as libc::sighandler_t);
    }
    Ok(Relay { ended })
}

/// A pipe: the end to read and the end to write.
fn pipe() -> io::Result<(File, File)> {
    let mut ends: [RawFd; 2] = [0; 2];
    // SAFETY: the call writes two descriptors, which nobody else has.
    unsafe {
        check(libc::pipe(ends.as_mut_ptr()))?;
        Ok((File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])))
    }
}

/// Has what is written to `descriptor` from now on come out of the pipe whose end this gives.
fn in_place_of(descriptor: RawFd) -> io::Result<File> {
    let (reader, writer) = pipe()?;
    // SAFETY: both are open; the copy takes the place of the old one.
    check(unsafe { libc::dup2(writer.as_raw_fd(), descriptor) })?;
    Ok(reader)
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// How many bytes wait in a pipe; `None` where there is none.
pub fn waiting(pipe: RawFd) -> Option<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int; a wrong descriptor makes it fail.
    let known = unsafe { libc::ioctl(pipe, libc::FIONREAD, &raw mut bytes) };
    (known >= 0).then_some(bytes as usize)
}

/// Waits, a fifth of a second at most, until what was written has been copied.
extern "C" fn drain() {
    for _ in 0..200 {
        let empty = PIPES.iter().all(|pipe| waiting(pipe.load(Ordering::SeqCst) as RawFd).unwrap_or(0) == 0);
        if empty && IDLE.load(Ordering::SeqCst) {
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

/// What the thread has in its hands.
struct Copier {
    out: File,
    err: File,
    /// A byte for each cell that has ended.
    ends: File,
    records: File,
    evcxr: File,
    lines: Lines,
    /// The line of standard error that has not ended yet.
    error_line: Vec<u8>,
}

impl Copier {
    /// Copies until the process ends. When nobody reads any more it still reads, so that what runs can come to its end.
    fn copy(mut self) {
        let mut chunk = vec![0; 64 << 10];
        loop {
            let [out, err, ends] = self.wait();
            IDLE.store(false, Ordering::SeqCst);
            if !(out || err || ends) {
                self.lines.show_partial();
            }
            if err {
                let read = self.err.read(&mut chunk).unwrap_or(0);
                self.error(&chunk[..read]);
            }
            if out {
                let read = self.out.read(&mut chunk).unwrap_or(0);
                self.lines.feed(&chunk[..read]);
            }
            if ends && self.ends.read(&mut [0]).is_ok() {
                self.end_cell(&mut chunk);
            }
            self.write();
            IDLE.store(true, Ordering::SeqCst);
        }
    }

    /// Waits until there is something; none of it where a line takes its time.
    fn wait(&self) -> [bool; 3] {
        let of = |file: &File| libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let mut polled = [of(&self.out), of(&self.err), of(&self.ends)];
        let time = if self.lines.is_partial() { PATIENCE.as_millis() as libc::c_int } else { -1 };
        // SAFETY: three pollfds, which live through the call.
        unsafe { libc::poll(polled.as_mut_ptr(), 3, time) };
        polled.map(|one| one.revents != 0)
    }

    fn error(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            self.error_line.extend_from_slice(piece.strip_suffix(b"\n").unwrap_or(piece));
            if piece.ends_with(b"\n") || self.error_line.len() > LONGEST_LINE {
                put(record::ERROR_LINE, &std::mem::take(&mut self.error_line), &mut self.lines.records);
            }
        }
    }

    /// Passes on what the cell has written until now, and its end.
    fn end_cell(&mut self, chunk: &mut [u8]) {
        for is_error in [true, false] {
            let pipe = if is_error { &mut self.err } else { &mut self.out };
            let mut left = waiting(pipe.as_raw_fd()).unwrap_or(0);
            while left > 0 {
                let most = left.min(chunk.len());
                let pipe = if is_error { &mut self.err } else { &mut self.out };
                let Ok(read @ 1..) = pipe.read(&mut chunk[..most]) else { break };
                left -= read;
                if is_error {
                    self.error(&chunk[..read]);
                } else {
                    self.lines.feed(&chunk[..read]);
                }
                self.write();
            }
        }
        if !self.error_line.is_empty() {
            put(record::ERROR_LINE, &std::mem::take(&mut self.error_line), &mut self.lines.records);
        }
        self.lines.end_cell();
    }

    /// Writes what is ready: text first, so that it is there when evcxr says that something has happened.
    fn write(&mut self) {
        let _ = self.records.write_all(&self.lines.records);
        self.lines.records.clear();
        if !self.lines.protocol.is_empty() {
            let _ = self.evcxr.write_all(&self.lines.protocol);
            self.lines.protocol.clear();
        }
    }
}

/// A form of a value, between evcxr's marks.
#[derive(Debug)]
struct Form {
    /// The line it began with, without text before it.
    head: Vec<u8>,
    mime: String,
    /// Its lines, each with its end.
    body: Vec<u8>,
    /// It is one that can be shown.
    is_shown: bool,
}

/// Bytes in, whole lines out: records for us, protocol for evcxr.
#[derive(Debug)]
struct Lines {
    secret: String,
    /// The line that has not ended yet.
    open: Vec<u8>,
    /// How much of it has been shown as a partial line.
    shown: usize,
    /// The form that has not ended yet.
    form: Option<Form>,
    /// Variables that are said to have changed their type.
    changed: Vec<Vec<u8>>,
    /// The cell has printed something.
    has_printed: bool,
    /// [`NOT_SHOWN`] has been said.
    is_told: bool,
    records: Vec<u8>,
    protocol: Vec<u8>,
}

impl Lines {
    fn new(secret: String) -> Lines {
        Lines {
            secret,
            open: Vec::new(),
            shown: 0,
            form: None,
            changed: Vec::new(),
            has_printed: false,
            is_told: false,
            // A process before this one may have ended in the middle of a record.
            records: vec![b'\n'],
            protocol: Vec::new(),
        }
    }

    fn is_partial(&self) -> bool {
        self.open.len() > self.shown && self.form.is_none() && !self.is_message()
    }

    /// Whether the line that has not ended yet is one of the library's.
    fn is_message(&self) -> bool {
        self.open.starts_with(selfsame::front::MARK.as_bytes())
    }

    fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            self.open.extend_from_slice(piece.strip_suffix(b"\n").unwrap_or(piece));
            let line = |lines: &mut Lines| {
                lines.shown = 0;
                std::mem::take(&mut lines.open)
            };
            if piece.ends_with(b"\n") {
                let line = line(self);
                self.line(line);
            } else if self.open.len() > self.longest() {
                let line = line(self);
                match &mut self.form {
                    Some(form) => form.body.extend_from_slice(&line),
                    None => self.text(&line),
                }
            }
        }
    }

    /// How long a line may become before it is cut.
    fn longest(&self) -> usize {
        if self.form.is_some() || self.is_message() {
            LONGEST_FORM
        } else {
            LONGEST_LINE
        }
    }

    /// A line that has ended.
    fn line(&mut self, line: Vec<u8>) {
        let is_mark = line.windows(6).any(|w| w == b"EVCXR_");
        if self.form.is_some() && line != PANIC {
            return self.line_of_form(&line);
        }
        if !is_mark {
            return self.text(&line);
        }
        // A panic in the middle of a form ends it.
        self.give_up_form();
        if let Some(text) = line.strip_suffix(PANIC) {
            self.event(text, record::PANIC, PANIC);
        } else if let Some(text) = line.strip_suffix(FAILED) {
            self.event(text, record::FAILED, FAILED);
        } else if line.starts_with(CHANGED) && !self.has_printed {
            self.changed.push(line);
        } else if line.starts_with(QUESTION) {
            self.pass(&line);
        } else if let Some((text, form)) = self.begun(&line) {
            if !text.is_empty() {
                self.text(text);
            }
            self.form = Some(form);
        } else {
            self.text(&line);
        }
    }

    /// The form whose beginning `line` ends with, and the text before it.
    fn begun<'l>(&self, line: &'l [u8]) -> Option<(&'l [u8], Form)> {
        let at = line.windows(CONTENT.len()).position(|w| w == CONTENT)?;
        let head = &line[at..];
        let mut words = std::str::from_utf8(&head[CONTENT.len()..]).ok()?.split(' ');
        let (mime, secret) = (words.next().filter(|mime| !mime.is_empty())?, words.next());
        if words.next().is_some() {
            return None;
        }
        let is_ours = !self.secret.is_empty() && secret == Some(self.secret.as_str());
        let is_shown = is_ours || (secret.is_none() && HARMLESS.contains(&mime));
        let form = Form { head: head.to_vec(), mime: mime.to_string(), body: Vec::new(), is_shown };
        Some((&line[..at], form))
    }

    fn line_of_form(&mut self, line: &[u8]) {
        let Some(form) = &mut self.form else { return };
        if line == CONTENT_END {
            if !form.is_shown {
                self.give_up_form();
                self.text(CONTENT_END);
                if !std::mem::replace(&mut self.is_told, true) {
                    put(record::ERROR_LINE, NOT_SHOWN.as_bytes(), &mut self.records);
                }
                return;
            }
            let Some(form) = self.form.take() else { return };
            let body = String::from_utf8_lossy(&form.body).into_owned();
            let head = [CONTENT, form.mime.as_bytes()].concat();
            for line in [head.as_slice(), body.trim_end_matches('\n').as_bytes(), CONTENT_END] {
                self.pass(line);
            }
            return;
        }
        form.body.extend_from_slice(line);
        form.body.push(b'\n');
        if form.body.len() > LONGEST_FORM {
            self.give_up_form();
        }
    }

    /// A form that does not end, or must not be shown, is the text it is written in.
    fn give_up_form(&mut self) {
        let Some(form) = self.form.take() else { return };
        self.text(&form.head);
        let lines = form.body.strip_suffix(b"\n").unwrap_or(&form.body);
        if !form.body.is_empty() {
            lines.split(|b| *b == b'\n').for_each(|line| self.text(line));
        }
    }

    /// What the cell's own code says of its end, behind text without a line break.
    fn event(&mut self, text: &[u8], kind: u8, mark: &[u8]) {
        if !text.is_empty() {
            self.text(text);
        }
        put(kind, b"", &mut self.records);
        self.pass(mark);
    }

    /// A line of text.
    fn text(&mut self, line: &[u8]) {
        self.has_printed = true;
        for line in std::mem::take(&mut self.changed) {
            put(record::LINE, &line, &mut self.records);
        }
        put(record::LINE, line, &mut self.records);
    }

    /// A line for evcxr, which wants UTF-8.
    fn pass(&mut self, line: &[u8]) {
        self.protocol.extend_from_slice(String::from_utf8_lossy(line).as_bytes());
        self.protocol.push(b'\n');
    }

    /// The beginning of a line that takes its time.
    fn show_partial(&mut self) {
        self.shown = self.open.len();
        put(record::PARTIAL, &self.open, &mut self.records);
    }

    /// The rest of the cell's output, and its end.
    fn end_cell(&mut self) {
        if !self.open.is_empty() {
            self.shown = 0;
            let line = std::mem::take(&mut self.open);
            self.line(line);
        }
        self.give_up_form();
        for line in std::mem::take(&mut self.changed) {
            self.pass(&line);
        }
        (self.has_printed, self.is_told) = (false, false);
        put(record::END, b"", &mut self.records);
        self.pass(COMPLETE);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::record::Record;
    use super::*;

    fn lines() -> Lines {
        Lines { records: Vec::new(), ..Lines::new("s3".into()) }
    }

    /// What is told us, and what evcxr is told.
    fn told(lines: &mut Lines) -> (Vec<Record>, String) {
        let records = std::mem::take(&mut lines.records);
        let protocol = String::from_utf8(std::mem::take(&mut lines.protocol)).unwrap();
        let records = records.split(|b| *b == b'\n').filter_map(Record::parse).collect();
        (records, protocol)
    }

    fn line(text: &str) -> Record {
        Record::Line(text.into())
    }

    /// All of what a cell printed.
    fn cell(printed: &[u8]) -> (Vec<Record>, String) {
        let mut lines = lines();
        lines.feed(printed);
        lines.end_cell();
        told(&mut lines)
    }

    const DONE: &str = "EVCXR_EXECUTION_COMPLETE\n";

    #[test]
    fn whole_lines_pass_as_they_are_and_the_last_needs_no_end() {
        let mut lines = lines();
        lines.feed(b"one\ntwo\nthr");
        assert_eq!(told(&mut lines), (vec![line("one"), line("two")], String::new()));
        lines.feed(b"ee\nabc");
        lines.end_cell();
        assert_eq!(told(&mut lines), (vec![line("three"), line("abc"), Record::End], DONE.into()));
        assert!(!lines.is_partial());
    }

    #[test]
    fn printed_text_is_neither_the_end_of_a_cell_nor_a_record() {
        let (records, protocol) =
            cell(b"EVCXR_EXECUTION_COMPLETE\n.\n!\nEVCXR_END_CONTENT\nx EVCXR_BEGIN_CONTENT\n");
        let text =
            ["EVCXR_EXECUTION_COMPLETE", ".", "!", "EVCXR_END_CONTENT", "x EVCXR_BEGIN_CONTENT"].map(line);
        assert_eq!((&records[..5], protocol.as_str()), (&text[..], DONE));
    }

    #[test]
    fn bytes_that_are_no_text_do_not_end_anything() {
        assert_eq!(cell(b"a \xff\n"), (vec![line("a \u{fffd}"), Record::End], DONE.into()));
        let (_, protocol) = cell(b"EVCXR_BEGIN_CONTENT text/plain\n\xff\nEVCXR_END_CONTENT\n");
        assert_eq!(protocol, format!("EVCXR_BEGIN_CONTENT text/plain\n\u{fffd}\nEVCXR_END_CONTENT\n{DONE}"));
    }

    #[test]
    fn panics_and_failures_are_told() {
        let (records, protocol) = cell(b"x = EVCXR_PANIC_NOTIFICATION\nEVCXR_ERROR_OCCURRED\n");
        assert_eq!(records, [line("x = "), Record::Panic, Record::Failed, Record::End]);
        assert_eq!(protocol, format!("EVCXR_PANIC_NOTIFICATION\nEVCXR_ERROR_OCCURRED\n{DONE}"));
    }

    #[test]
    fn a_form_that_can_hold_scripts_needs_the_secret() {
        let of = |mime: &str| {
            cell(format!("50 %EVCXR_BEGIN_CONTENT {mime}\n<b>\n\nEVCXR_END_CONTENT\n").as_bytes())
        };
        for (mime, passed) in
            [("text/html s3", "text/html"), ("text/plain", "text/plain"), ("image/png", "image/png")]
        {
            let (records, protocol) = of(mime);
            assert_eq!(records, [line("50 %"), Record::End], "{mime}");
            assert_eq!(protocol, format!("EVCXR_BEGIN_CONTENT {passed}\n<b>\nEVCXR_END_CONTENT\n{DONE}"));
        }
        for mime in [
            "text/html",
            "image/svg+xml",
            "application/javascript",
            "text/markdown",
            "text/html s4",
            "text/plain s4",
        ] {
            let (records, protocol) = of(mime);
            assert_eq!(protocol, DONE, "{mime}");
            let head = format!("EVCXR_BEGIN_CONTENT {mime}");
            assert_eq!(
                records[..5],
                ["50 %", head.as_str(), "<b>", "", "EVCXR_END_CONTENT"].map(line),
                "{mime}"
            );
            assert_eq!(records[5..], [Record::ErrorLine(NOT_SHOWN.into()), Record::End], "{mime}");
        }
        let mut unknown = Lines { records: Vec::new(), ..Lines::new(String::new()) };
        unknown.feed(b"EVCXR_BEGIN_CONTENT text/html \nx\nEVCXR_END_CONTENT\n");
        assert_eq!(told(&mut unknown).1, "");
    }

    #[test]
    fn a_form_without_end_is_text_and_the_cell_ends() {
        let (records, protocol) = cell(b"EVCXR_BEGIN_CONTENT text/plain\na\n");
        assert_eq!(records, [line("EVCXR_BEGIN_CONTENT text/plain"), line("a"), Record::End]);
        assert_eq!(protocol, DONE);
        let (records, protocol) = cell(b"EVCXR_BEGIN_CONTENT text/plain\na\nEVCXR_PANIC_NOTIFICATION\n");
        assert_eq!(records, [line("EVCXR_BEGIN_CONTENT text/plain"), line("a"), Record::Panic, Record::End]);
        assert_eq!(protocol, format!("EVCXR_PANIC_NOTIFICATION\n{DONE}"));
    }

    #[test]
    fn a_type_changes_before_anything_is_printed() {
        let (records, protocol) = cell(b"EVCXR_VARIABLE_CHANGED_TYPE:x\nEVCXR_VARIABLE_CHANGED_TYPE:y\n");
        assert_eq!(records, [Record::End]);
        assert_eq!(protocol, format!("EVCXR_VARIABLE_CHANGED_TYPE:x\nEVCXR_VARIABLE_CHANGED_TYPE:y\n{DONE}"));
        let text = ["EVCXR_VARIABLE_CHANGED_TYPE:x", "printed", "EVCXR_VARIABLE_CHANGED_TYPE:y"];
        let (records, protocol) = cell(text.join("\n").as_bytes());
        assert_eq!((&records[..3], protocol.as_str()), (&text.map(line)[..], DONE));
    }

    #[test]
    fn a_slow_line_is_shown_once_as_far_as_it_goes() {
        let mut lines = lines();
        lines.feed(b"working ");
        assert!(lines.is_partial());
        lines.show_partial();
        assert_eq!(told(&mut lines).0, [Record::Partial("working ".into())]);
        assert!(!lines.is_partial());
        lines.feed(b"done\n");
        assert_eq!(told(&mut lines).0, [line("working done")]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut lines = lines();
        lines.feed(&vec![b'x'; LONGEST_LINE + 7]);
        assert_eq!(lines.records.len(), LONGEST_LINE + 9);
        assert!(!lines.is_partial());
    }
}
