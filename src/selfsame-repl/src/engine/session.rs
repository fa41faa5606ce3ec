//! A session: the process that runs cells, and the thread that compiles them.

use std::process::Child;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use selfsame::front::Sent;

use super::environment::secret;
use super::event::{self, Event, Output};
use super::fault::{Fault, FaultKind};
use super::output::CellOutput;
use super::record::Record;
use super::status::Status;
use super::worker::{self, Request};

/// A second Ctrl-C within this time ends the process.
const TWICE: Duration = Duration::from_secs(2);
/// Output that arrives between cells is kept up to this many lines.
const STRAY_LINES: usize = 200;

/// A handle on a session; every clone is of the same one. It begins to start when it is made and ends when the last handle
/// is dropped.
#[derive(Debug, Clone)]
pub struct Session {
    requests: Sender<Request>,
    shared: Arc<Shared>,
}

/// How a session is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the library is told about who draws: `repl`, `jupyter` or `command`.
    pub frontend: &'static str,
    /// Rust that every session begins with, after the library's prelude.
    pub preload: Option<String>,
    /// Threads of the library; the machine's cores when `None`.
    pub threads: Option<usize>,
    /// Whether all of a cell's output is wanted, however much it is: by whoever reads a script's, but not at a terminal.
    pub whole: bool,
}

/// What an interrupt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Nothing was running.
    Idle,
    /// The library was asked to stop at its next step.
    Asked,
    /// The process was ended, and its variables with it.
    Killed,
}

/// A variable of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type, as the compiler writes it.
    pub type_name: String,
}

/// What may stand at a place in a cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suggestions {
    /// Bytes of the source that a suggestion replaces.
    pub start: usize,
    /// The byte behind them.
    pub end: usize,
    /// Replacement, kind (`function`, `module`, ..) and signature.
    pub items: Vec<Suggestion>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What is put in.
    pub code: String,
    /// `function`, `class`, `module`, `instance` or `keyword`.
    pub kind: &'static str,
    /// What is shown: the code with its signature.
    pub label: String,
}

/// What the thread and its handles share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    status: Mutex<Option<Status>>,
    changed: Condvar,
    pub(super) process: Mutex<Option<Arc<Mutex<Child>>>>,
    pub(super) cell: Mutex<Option<CellOutput>>,
    pub(super) stray: Mutex<Vec<Output>>,
    interrupted: Mutex<Option<Instant>>,
    pub(super) killed: Mutex<bool>,
    /// Whether nothing of a cell's output may be left out.
    whole: bool,
}

/// A lock whatever happened to its last holder: all values here are whole at any time.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Begins to start a session and returns at once.
    pub fn start(options: Options) -> Session {
        let (requests, inbox) = channel();
        let shared = Arc::new(Shared { whole: options.whole, ..Shared::default() });
        shared.set(Status::Starting);
        let own = Arc::clone(&shared);
        // The stack is rust-analyzer's: it recurses.
        let thread = std::thread::Builder::new().name("session".into()).stack_size(64 << 20);
        if let Err(e) = thread.spawn(move || worker::run(options, &inbox, &own)) {
            shared.set(Status::Unavailable(format!("Rust cells need a thread of their own: {e}.")));
        }
        Session { requests, shared }
    }

    /// What it is doing.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Waits until it can run a cell or cannot at all; calls `tell` whenever what it does changes. `false` when `give_up`
    /// said so first.
    pub fn wait(&self, mut tell: impl FnMut(&Status), mut give_up: impl FnMut() -> bool) -> bool {
        let mut last = None;
        loop {
            let now = self.status();
            if last.as_ref() != Some(&now) {
                tell(&now);
                last = Some(now.clone());
            }
            if matches!(now, Status::Ready | Status::Unavailable(_)) {
                return true;
            }
            if give_up() {
                return false;
            }
            let guard = lock(&self.shared.status);
            drop(self.shared.changed.wait_timeout(guard, Duration::from_millis(50)));
        }
    }

    /// Runs a cell. Events come until [`Event::Done`], which always comes.
    pub fn eval(&self, code: &str) -> Receiver<Event> {
        let (events, heard) = event::channel();
        self.ask(Request::Eval { code: code.into(), events: events.clone(), quiet: false }, &events);
        heard
    }

    /// Runs a cell of ours, which is not counted among the user's.
    pub fn eval_hidden(&self, code: &str) -> Receiver<Event> {
        let (events, heard) = event::channel();
        self.ask(Request::Eval { code: code.into(), events: events.clone(), quiet: true }, &events);
        heard
    }

    fn ask(&self, request: Request, events: &SyncSender<Event>) {
        if self.requests.send(request).is_err() {
            let fault =
                Fault::new(FaultKind::NoSession, "The session has ended.").remedy("Start the program anew.");
            let outcome = event::Outcome {
                result: Err(fault),
                lost: Vec::new(),
                took: Duration::ZERO,
                ran: Duration::ZERO,
            };
            let _ = events.send(Event::Done(Box::new(outcome)));
        }
    }

    /// What may stand at byte `at` of `source`. The answer comes when the session is idle; never, when it is not there.
    pub fn complete(&self, source: &str, at: usize) -> Receiver<Suggestions> {
        let (reply, heard) = channel();
        let _ = self.requests.send(Request::Complete { source: source.into(), at, reply });
        heard
    }

    /// Documentation of the expression that ends at byte `at`, as plain text and as HTML.
    pub fn hover(&self, source: &str, at: usize) -> Receiver<Option<(String, String)>> {
        let (reply, heard) = channel();
        let _ = self.requests.send(Request::Hover { source: source.into(), at, reply });
        heard
    }

    /// The session's variables.
    pub fn variables(&self) -> Vec<Variable> {
        let (reply, heard) = channel();
        let _ = self.requests.send(Request::Variables { reply });
        heard.recv().unwrap_or_default()
    }

    /// The session's variables, for those who do not wait longer than that for what it does just now; `None` for them.
    pub fn variables_within(&self, patience: Duration) -> Option<Vec<Variable>> {
        let (reply, heard) = channel();
        let _ = self.requests.send(Request::Variables { reply });
        match heard.recv_timeout(patience) {
            Ok(variables) => Some(variables),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Vec::new()),
        }
    }

    /// Ends the process and starts a new one; with `forget`, items and imports go too, and not only variables.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&self, forget: bool) -> Result<(), Fault> {
        self.kill();
        let (reply, heard) = channel();
        let gone = || Fault::new(FaultKind::NoSession, "The session has ended.");
        self.requests.send(Request::Restart { forget, reply }).map_err(|_| gone())?;
        heard.recv().map_err(|_| gone())?
    }

    /// Asks what runs to stop at its next step; the second time within two seconds, ends the process.
    pub fn interrupt(&self) -> Interrupt {
        if !matches!(self.status(), Status::Busy) {
            return Interrupt::Idle;
        }
        let mut last = lock(&self.shared.interrupted);
        if last.is_some_and(|then| then.elapsed() < TWICE) {
            *last = None;
            self.kill();
            return Interrupt::Killed;
        }
        *last = Some(Instant::now());
        self.shared.signal(libc::SIGINT);
        Interrupt::Asked
    }

    /// Ends the process that runs cells, if it runs one.
    pub fn kill(&self) {
        if let Some(process) = lock(&self.shared.process).clone() {
            if matches!(self.status(), Status::Busy) {
                *lock(&self.shared.killed) = true;
                let _ = lock(&process).kill();
            }
        }
    }

    /// Output that has arrived since the last cell ended, from threads that outlived it.
    pub fn stray_output(&self) -> Vec<Output> {
        std::mem::take(&mut *lock(&self.shared.stray))
    }
}

impl Shared {
    pub(super) fn status(&self) -> Status {
        lock(&self.status).clone().unwrap_or(Status::Starting)
    }

    pub(super) fn set(&self, status: Status) {
        *lock(&self.status) = Some(status);
        self.changed.notify_all();
    }

    /// Sends a signal to the process that runs cells.
    pub(super) fn signal(&self, signal: libc::c_int) {
        if let Some(process) = lock(&self.process).clone() {
            let id = lock(&process).id() as libc::pid_t;
            // SAFETY: a system call without memory; we hold the child, so the number is still its own.
            unsafe { libc::kill(id, signal) };
        }
    }

    /// A cell begins: an interrupt from before it is not meant for it.
    pub(super) fn begin(&self, events: SyncSender<Event>) {
        *lock(&self.interrupted) = None;
        *lock(&self.killed) = false;
        *lock(&self.cell) = Some(CellOutput::new(events, secret(), self.whole));
        self.set(Status::Busy);
    }

    /// Whether the cell that has just ended was asked to stop.
    pub(super) fn was_interrupted(&self) -> bool {
        lock(&self.interrupted).is_some()
    }

    /// What the session tells of the cell that runs. What comes between two cells is kept for the next.
    pub(super) fn arrived(&self, record: Record) {
        let mut cell = lock(&self.cell);
        if let Some(cell) = cell.as_mut() {
            return cell.record(record);
        }
        let output = match record {
            Record::Line(line) => match Sent::parse(&line, secret()) {
                Some(Ok(sent)) => Output::Message(Box::new(sent)),
                _ => Output::Line(line),
            },
            Record::ErrorLine(line) => Output::ErrorLine(line),
            _ => return,
        };
        let mut stray = lock(&self.stray);
        if stray.len() < STRAY_LINES {
            stray.push(output);
        }
    }
}
