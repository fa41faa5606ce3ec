//! Interrupts and the end, which come while a cell runs: on the control channel and as signals.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use selfsame::Error;
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::channels::Outbox;
use super::info::kernel_info;
use super::message::Request;
use super::notebook::lock;
use super::outputs::Outputs;
use super::stdin::give_up;
use crate::engine::Interrupt;

/// What runs in a kernel that was told to end has this time to come to its end; Jupyter waits for five seconds.
const PATIENCE: Duration = Duration::from_millis(2500);
/// And after this time more the kernel is gone, whatever it does.
const FORCE: Duration = Duration::from_secs(1);

/// Stops what runs.
pub struct Stop {
    interrupt: Box<dyn Fn() -> Interrupt + Send + Sync>,
    outputs: Arc<Mutex<Outputs>>,
    answers: Mutex<Sender<String>>,
    outbox: Outbox,
    running: AtomicBool,
    interrupted: AtomicBool,
    ending: AtomicBool,
}

impl Stop {
    /// `interrupt` interrupts what runs, and ends it by force when it is called again within two seconds; `answers` is
    /// where answers to questions go.
    pub fn new(
        interrupt: impl Fn() -> Interrupt + Send + Sync + 'static,
        outputs: Arc<Mutex<Outputs>>,
        answers: Sender<String>,
        outbox: Outbox,
    ) -> Arc<Stop> {
        Arc::new(Stop {
            interrupt: Box::new(interrupt),
            outputs,
            answers: Mutex::new(answers),
            outbox,
            running: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            ending: AtomicBool::new(false),
        })
    }

    /// A request is being served.
    pub fn begin(&self) {
        self.interrupted.store(false, Ordering::SeqCst);
        self.running.store(true, Ordering::SeqCst);
    }

    /// It has been. Whether it was interrupted.
    pub fn done(&self) -> bool {
        self.running.store(false, Ordering::SeqCst);
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Whether the kernel was told to end.
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    /// Asks what runs to stop at its next step; the second time within two seconds, ends it by force.
    pub fn interrupt(&self) {
        crate::repl::note_interrupt();
        self.interrupted.store(true, Ordering::SeqCst);
        give_up(&lock(&self.answers));
        let said = match (self.interrupt)() {
            Interrupt::Idle => return,
            Interrupt::Asked => {
                "stopping at the next step; a second interrupt within two seconds ends it by force"
            }
            Interrupt::Killed => "ended by force",
        };
        lock(&self.outputs).note(said);
    }

    /// Ends the kernel: what runs is asked to stop, so that a training saves a checkpoint, and is ended by force when it has
    /// not within three seconds; then the program.
    pub fn end(self: &Arc<Stop>) {
        self.end_within(PATIENCE);
    }

    /// The same with another patience.
    fn end_within(self: &Arc<Stop>, patience: Duration) {
        self.ending.store(true, Ordering::SeqCst);
        crate::repl::note_interrupt();
        give_up(&lock(&self.answers));
        let _ = (self.interrupt)();
        let stop = Arc::clone(self);
        std::thread::spawn(move || {
            let begun = Instant::now();
            while stop.running.load(Ordering::SeqCst) && begun.elapsed() < patience {
                std::thread::sleep(Duration::from_millis(20));
            }
            if stop.running.load(Ordering::SeqCst) {
                // The second one within two seconds is by force.
                let _ = (stop.interrupt)();
                let _ = (stop.interrupt)();
            }
            // The loop that serves ends the program in order, unless something holds it up.
            std::thread::sleep(FORCE);
            stop.outbox.drain();
            std::process::exit(0);
        });
    }

    /// Ends the kernel when whoever started it is gone, also while a cell runs; there is time then for a step and a checkpoint.
    pub fn when_alone(self: &Arc<Stop>) {
        let stop = Arc::clone(self);
        crate::engine::when_gone(super::owner::is_there(), move || stop.end_within(crate::engine::GRACE));
    }

    /// Serves the control channel on a thread of its own.
    pub fn serve(self: &Arc<Stop>, requests: Receiver<Request>) {
        let stop = Arc::clone(self);
        std::thread::spawn(move || {
            for request in requests {
                // A front end that hears `idle` takes the cell that runs for finished.
                let quiet = stop.running.load(Ordering::SeqCst);
                let state = |state: &str| {
                    if !quiet {
                        stop.outbox.publish(
                            "status",
                            json!({ "execution_state": state }),
                            Some(&request.header),
                        );
                    }
                };
                state("busy");
                stop.answer(&request);
                state("idle");
            }
        });
    }

    fn answer(self: &Arc<Stop>, request: &Request) {
        let reply = |content| self.outbox.control(request.answer(content));
        match request.kind() {
            "interrupt_request" => {
                self.interrupt();
                reply(json!({ "status": "ok" }));
            }
            "shutdown_request" => {
                let content = shutdown_reply(request);
                self.outbox.publish("shutdown_reply", content.clone(), Some(&request.header));
                reply(content);
                self.end();
            }
            "kernel_info_request" => reply(kernel_info()),
            "debug_request" => reply(json!({
                "type": "response",
                "request_seq": request.content["seq"],
                "command": request.content["command"],
                "success": false,
                "message": "This kernel has no debugger. `dbg!(x)` shows a value where it stands.",
                "body": {},
            })),
            _ => reply(not_supported(request.kind())),
        }
    }

    /// Takes SIGINT as an interrupt and SIGTERM as the end.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub fn listen(self: &Arc<Stop>) -> Result<(), Error> {
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
            .map_err(|source| Error::Io { action: "listen for", path: "signals".into(), source })?;
        let stop = Arc::clone(self);
        std::thread::spawn(move || {
            for signal in signals.forever() {
                match signal {
                    SIGINT => stop.interrupt(),
                    _ => stop.end(),
                }
            }
        });
        Ok(())
    }
}

/// What answers a `shutdown_request`.
pub fn shutdown_reply(request: &Request) -> serde_json::Value {
    json!({ "status": "ok", "restart": request.flag("restart", false) })
}

/// What answers a request of a kind that is not known.
pub fn not_supported(kind: &str) -> serde_json::Value {
    json!({
        "status": "error",
        "ename": "NotSupported",
        "evalue": format!("This kernel does not answer '{kind}'."),
        "traceback": [],
    })
}
