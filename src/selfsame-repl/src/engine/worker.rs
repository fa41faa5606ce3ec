//! The thread that owns evcxr: it starts the session and answers requests one after the other.

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::Arc;
use std::time::{Duration, Instant};

use evcxr::{CommandContext, EvalCallbacks, EvalContext, EvalContextOutputs, EvalOutputs};

use super::again;
use super::apart::{looked_at, separate, Elsewhere};
use super::cache::{Cache, Slot, Source};
use super::compile::{compile, outlined, Progress};
use super::depth::too_deep;
use super::ended::{compile_fault, in_words, process_fault, runtime_fault, Ended};
use super::environment;
use super::event::{Event, Outcome, Output, Value};
use super::fault::{Fault, FaultKind};
use super::listener::{listen, Listener};
use super::manifest::{flags, without_library};
use super::record::Record;
use super::session::{lock, Options, Shared, Suggestion, Suggestions, Variable};
use super::status::Status;
use super::toolchain::{rustup, Toolchain};

/// As long rust-analyzer asks cargo about the packages when a session begins. What else wants cargo comes after it: for
/// seconds then one processor has nothing to do.
const QUESTIONS: Duration = Duration::from_millis(500);

/// A session that is asked for nothing this long warms up, by what is slow the first time only.
const IDLE: Duration = Duration::from_millis(500);

/// What handles ask for.
#[derive(Debug)]
pub(super) enum Request {
    Eval { code: String, events: SyncSender<Event>, quiet: bool },
    Complete { source: String, at: usize, reply: Sender<Suggestions> },
    Hover { source: String, at: usize, reply: Sender<Option<(String, String)>> },
    Variables { reply: Sender<Vec<Variable>> },
    Restart { forget: bool, reply: Sender<Result<(), Fault>> },
}

/// evcxr, and the slot of the cache it works in.
struct Running {
    context: CommandContext,
    /// With which cells are compiled.
    flags: String,
    /// Held as long as the session runs.
    slot: Slot,
    /// Reads what cells print.
    listener: Arc<Listener>,
}

struct Worker<'s> {
    options: Options,
    shared: &'s Arc<Shared>,
    /// Whether this thread has a working folder of its own.
    is_separate: bool,
    running: Option<Running>,
    /// What is left of warming up, the next last.
    cold: Vec<fn(&mut CommandContext)>,
}

/// evcxr allows question marks from the first on, which it has to compile twice.
fn question(context: &mut CommandContext) {
    let _ = context.execute("Ok::<(), String>(())?;");
}

/// The first time types are inferred takes seconds; the answer is thrown away.
fn infer(context: &mut CommandContext) {
    let cell = "let warm = Vec::<f32>::new(); warm.l;";
    let _ = context.completions(cell, cell.len() - 1);
}

/// Starts the session and serves until the last handle is dropped.
pub(super) fn run(options: Options, inbox: &Receiver<Request>, shared: &Arc<Shared>) {
    let mut worker = Worker { options, shared, is_separate: separate(), running: None, cold: Vec::new() };
    worker.begin();
    loop {
        let heard = if worker.cold.is_empty() {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(IDLE)
        };
        match heard {
            Ok(request) => worker.serve(request),
            Err(RecvTimeoutError::Timeout) => worker.warm_up(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // The process for cells ends when its input closes, unless it is busy; nobody will read what it does.
    shared.signal(libc::SIGKILL);
}

impl Worker<'_> {
    /// Starts a session, whatever was there before.
    fn begin(&mut self) {
        self.running = None;
        let started = catch_unwind(AssertUnwindSafe(|| self.start()));
        let status = match started {
            Ok(Ok(running)) => {
                self.running = Some(running);
                self.cold = vec![infer, question];
                Status::Ready
            }
            Ok(Err(why)) => Status::Unavailable(why),
            Err(_) => Status::Unavailable("The compiler's helper, evcxr, panicked while it started.".into()),
        };
        self.shared.set(status);
    }

    /// One step of what is slow the first time, whoever asks for it; better while nobody waits.
    fn warm_up(&mut self) {
        if let Some(step) = self.cold.pop() {
            self.guarded(step);
        }
    }

    fn start(&self) -> Result<Running, String> {
        self.shared.set(Status::Starting);
        // Said before anything that is missing.
        crate::private::cells().map_err(|e| e.to_string())?;
        let toolchain = Toolchain::find()?;
        let cache = Cache::open(&toolchain, Source::find()).map_err(|e| e.to_string())?;
        let slot = cache.slot().map_err(|e| e.to_string())?;
        let alone = cache.compile_alone(|| self.shared.set(Status::Waiting)).map_err(|e| e.to_string())?;
        let compile = || {
            let mut tell = |p: Progress| self.shared.set(Status::Compiling { done: p.done, total: p.total });
            let compiled = compile(&toolchain, &cache, &slot, &alone, &mut tell).map_err(|e| e.to_string());
            self.shared.set(Status::Loading);
            if let Some(remade) = compiled? {
                self.shared.arrived(Record::ErrorLine(remade));
            }
            Ok::<(), String>(())
        };
        if !outlined(&toolchain, &cache, &slot, &alone).map_err(|e| e.to_string())? {
            compile()?;
            super::outline::write(&toolchain, &cache, &slot).map_err(|e| e.to_string())?;
        }
        // Without the copy it only takes longer.
        let sources = super::sources::shortened(&toolchain, &cache).unwrap_or_default();
        self.shared.set(Status::Loading);
        // The library is first wanted by what a session begins with; evcxr takes seconds to get there.
        let (mut context, listener) = std::thread::scope(|scope| {
            let compiling = scope.spawn(|| {
                std::thread::sleep(QUESTIONS);
                let compiled = compile();
                // Others need not wait for what is ours alone; the lock goes with its file in any case.
                let _ = alone.unlock();
                compiled
            });
            let loaded = self.load(&toolchain, &slot, sources.as_deref());
            compiling.join().map_err(|_| "The library's compilation panicked.")??;
            loaded
        })?;
        let flags = flags(&toolchain, &slot);
        self.set_up(&mut context, &flags).map_err(|why| self.with_last_words(why))?;
        Ok(Running { context, flags, slot, listener })
    }

    /// evcxr, with a process for cells, reading what types are inferred from.
    fn load(
        &self,
        toolchain: &Toolchain,
        slot: &Slot,
        sources: Option<&Path>,
    ) -> Result<(CommandContext, Arc<Listener>), String> {
        super::place::use_slot(slot, sources).map_err(|e| e.to_string())?;
        let here = std::env::current_dir().map_err(|e| format!("The working folder is not there: {e}."))?;
        let (listener, output) =
            listen(Arc::clone(self.shared)).map_err(|e| format!("Rust cells cannot run: {e}"))?;
        let process = self.process(toolchain, slot, &here, output)?;
        let elsewhere = match self.is_separate {
            true => Some(Elsewhere::go().map_err(|e| format!("The working folder cannot be left: {e}."))?),
            false => looked_at(&here, |folder| rustup("rustc", folder)).map(|()| None)?,
        };
        let started = EvalContext::with_subprocess_command(process);
        drop(elsewhere);
        let (context, outputs) = started.map_err(|e| format!("Rust cells cannot run: {e}"))?;
        *lock(&self.shared.process) = Some(context.process_handle());
        self.listen(outputs);
        Ok((CommandContext::with_eval_context(context), listener))
    }

    /// This program, as the process that runs cells; what they print goes to `output`.
    fn process(
        &self,
        toolchain: &Toolchain,
        slot: &Slot,
        here: &Path,
        output: OwnedFd,
    ) -> Result<Command, String> {
        let program =
            std::env::current_exe().map_err(|e| format!("This program's own file is not found: {e}."))?;
        let mut command = Command::new(program);
        command.current_dir(here);
        // What a cell starts is the user's.
        super::place::without_settings(&mut command);
        environment::for_own_process(&mut command, self.options.frontend);
        environment::for_cells(&mut command, output.as_raw_fd(), libraries(toolchain, slot));
        if let Some(threads) = self.options.threads {
            command.env("RAYON_NUM_THREADS", threads.to_string());
        }
        // A Ctrl-C at the terminal goes to the whole foreground group, and must not end the cells' process.
        command.process_group(0);
        // SAFETY: between the two system calls that start a process only one is made, which is allowed there: this process, and
        // no other that we start, has the descriptor too.
        unsafe {
            command.pre_exec(move || match libc::fcntl(output.as_raw_fd(), libc::F_SETFD, 0) {
                -1 => Err(std::io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        Ok(command)
    }

    /// Passes on what a process says before it has a relay, and what has been held back long enough, until evcxr is gone.
    fn listen(&self, outputs: EvalContextOutputs) {
        let EvalContextOutputs { stderr, .. } = outputs;
        let shared = Arc::clone(self.shared);
        std::thread::spawn(move || loop {
            match stderr.recv_timeout(Duration::from_millis(40)) {
                Ok(line) => shared.arrived(Record::ErrorLine(line)),
                Err(e) if e.is_disconnected() => return,
                Err(_) => {
                    if let Some(cell) = lock(&shared.cell).as_mut() {
                        cell.tick();
                    }
                }
            }
        });
    }

    /// What every session begins with.
    fn set_up(&self, context: &mut CommandContext, flags: &str) -> Result<(), String> {
        let code = &format!(
            ":efmt {{}}\n:build_env CARGO_ENCODED_RUSTFLAGS={flags}\nuse selfsame::prelude::*;\n\
             selfsame::session::start();"
        );
        context.execute(code).map_err(|e| in_words(&e, code))?;
        if let Some(preload) = &self.options.preload {
            context
                .execute(preload)
                .map_err(|e| format!("The preload in the configuration fails: {}", in_words(&e, preload)))?;
        }
        Ok(())
    }

    /// Why there is no session, with what its process said on standard error before it ended.
    fn with_last_words(&self, why: String) -> String {
        // The thread that reads them is a moment behind.
        std::thread::sleep(Duration::from_millis(100));
        let said = std::mem::take(&mut *lock(&self.shared.stray));
        let errors = said.into_iter().filter_map(|output| match output {
            Output::ErrorLine(line) => Some(line),
            _ => None,
        });
        std::iter::once(why.trim_end().to_string()).chain(errors).collect::<Vec<_>>().join("\n")
    }

    fn serve(&mut self, request: Request) {
        match request {
            Request::Eval { code, events, quiet } => match too_deep(&code) {
                Some(fault) => refuse(fault, &events),
                None => self.eval(&code, events, quiet),
            },
            Request::Complete { source, reply, .. } if too_deep(&source).is_some() => {
                let _ = reply.send(Suggestions::default());
            }
            Request::Hover { source, reply, .. } if too_deep(&source).is_some() => drop(reply.send(None)),
            Request::Complete { source, at, reply } => {
                let _ = reply.send(self.complete(&source, at));
            }
            Request::Hover { source, at, reply } => {
                let _ = reply.send(self.guarded(|c| c.hover_at(&source, at).ok()).flatten());
            }
            Request::Variables { reply } => {
                let _ = reply.send(self.variables());
            }
            Request::Restart { forget, reply } => {
                let _ = reply.send(self.restart(forget));
            }
        }
    }

    /// Calls evcxr; when it panics, its session is lost and a new one is started.
    fn guarded<T>(&mut self, call: impl FnOnce(&mut CommandContext) -> T) -> Option<T> {
        let context = &mut self.running.as_mut()?.context;
        let result = catch_unwind(AssertUnwindSafe(|| call(context))).ok();
        if result.is_none() {
            self.begin();
        }
        result
    }

    fn complete(&mut self, source: &str, at: usize) -> Suggestions {
        let Some(Ok(found)) = self.guarded(|context| context.completions(source, at)) else {
            return Suggestions::default();
        };
        let items = found.completions.into_iter();
        Suggestions {
            start: found.start_offset,
            end: found.end_offset,
            items: items.map(|c| Suggestion { code: c.code, kind: c.kind, label: c.label }).collect(),
        }
    }

    fn variables(&self) -> Vec<Variable> {
        let Some(running) = &self.running else { return Vec::new() };
        let mut variables: Vec<_> = running
            .context
            .variables_and_types()
            .map(|(name, type_name)| Variable { name: name.into(), type_name: type_name.into() })
            .collect();
        variables.sort_by(|a, b| a.name.cmp(&b.name));
        variables
    }

    fn restart(&mut self, forget: bool) -> Result<(), Fault> {
        if self.running.is_none() {
            self.begin();
        } else {
            self.shared.set(Status::Loading);
            let command = if forget { ":clear" } else { ":restart" };
            let done = self.guarded(|context| context.execute(command).map(drop).map_err(|e| e.to_string()));
            if done == Some(Ok(())) {
                self.again();
            } else {
                self.begin();
            }
        }
        match self.shared.status() {
            Status::Unavailable(why) => Err(Fault::new(FaultKind::NoSession, why)),
            _ => Ok(()),
        }
    }

    /// Sets up a process that evcxr has just started anew.
    fn again(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        let done = catch_unwind(AssertUnwindSafe(|| {
            let Running { context, flags, .. } = &mut running;
            self.set_up(context, flags)
        }));
        match done {
            Ok(Ok(())) => {
                self.running = Some(running);
                self.shared.set(Status::Ready);
            }
            Ok(Err(why)) => self.shared.set(Status::Unavailable(why)),
            Err(_) => self.begin(),
        }
    }

    fn eval(&mut self, code: &str, events: SyncSender<Event>, quiet: bool) {
        let begun = Instant::now();
        let before: Vec<String> = self.variables().into_iter().map(|v| v.name).collect();
        let Some(running) = self.running.as_mut() else {
            let fault = Fault::new(
                FaultKind::NoSession,
                match self.shared.status() {
                    Status::Unavailable(why) => why,
                    other => format!("Rust cells cannot run yet: {other}."),
                },
            );
            let outcome =
                Outcome { result: Err(fault), lost: Vec::new(), took: begun.elapsed(), ran: Duration::ZERO };
            let _ = events.send(Event::Done(Box::new(outcome)));
            return;
        };
        again::forget(&running.slot);
        self.shared.begin(events.clone());
        let code = &without_library(code);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut callbacks = EvalCallbacks { input_reader: &|r| ask(&events, r.prompt, r.is_password) };
            running.context.execute_with_callbacks(code, &mut callbacks)
        }));
        let listener = Arc::clone(&running.listener);
        let (result, ran, ended) = self.judge(result, &listener, code, quiet);
        let after = self.variables();
        let lost = before.into_iter().filter(|name| !after.iter().any(|v| v.name == *name)).collect();
        let outcome = Outcome { result, lost, took: begun.elapsed(), ran };
        match ended {
            Ended::Well => self.shared.set(Status::Ready),
            Ended::Process => self.shared.set(Status::Loading),
            Ended::Session => self.shared.set(Status::Starting),
        }
        let _ = events.send(Event::Done(Box::new(outcome)));
        match ended {
            Ended::Well => {}
            Ended::Process => self.again(),
            Ended::Session => self.begin(),
        }
    }

    /// From what evcxr returned, and what the process said meanwhile, to what became of the cell.
    fn judge(
        &self,
        result: std::thread::Result<Result<EvalOutputs, evcxr::Error>>,
        listener: &Listener,
        code: &str,
        quiet: bool,
    ) -> (Result<Value, Fault>, Duration, Ended) {
        // Of a cell that is nothing but a comment nothing is run, and nothing will say that it has ended.
        let ran = matches!(&result, Ok(Ok(outputs)) if !outputs.phases.is_empty());
        if ran {
            self.read_to_the_end(listener);
        } else if matches!(&result, Ok(Err(evcxr::Error::SubprocessTerminated(_)))) {
            listener.settle();
        }
        let Some(mut cell) = lock(&self.shared.cell).take() else {
            return (Ok(Value::new()), Duration::ZERO, Ended::Well);
        };
        let (result, time, ended) = match result {
            Ok(Ok(outputs)) => {
                let time = outputs.phases.iter().filter(|p| p.name == "Execution").map(|p| p.duration).sum();
                let value = outputs.content_by_mime_type.into_iter().collect();
                let result = if cell.panic.is_some() || cell.failed {
                    Err(runtime_fault(&mut cell))
                } else {
                    Ok(value)
                };
                (result, time, Ended::Well)
            }
            Ok(Err(evcxr::Error::SubprocessTerminated(said))) => {
                let killed = *lock(&self.shared.killed);
                (Err(process_fault(&said, killed, &cell.take_held())), Duration::ZERO, Ended::Process)
            }
            Ok(Err(error)) => {
                if self.shared.was_interrupted() {
                    // It was never heard by the code, and must not be heard by the next.
                    self.shared.signal(libc::SIGUSR1);
                }
                (Err(compile_fault(error, code)), Duration::ZERO, Ended::Well)
            }
            Err(_) => {
                let summary =
                    "evcxr, which compiles the cells, panicked on this one. Its variables are lost.";
                let fault =
                    Fault::new(FaultKind::ProcessEnded, summary).remedy("A new session is being started.");
                (Err(fault), Duration::ZERO, Ended::Session)
            }
        };
        if !quiet || result.is_err() {
            cell.finish();
        }
        (result, time, ended)
    }

    /// Waits until everything the cell printed has been read; the thread that reads is a moment behind, or as much as whoever
    /// draws.
    fn read_to_the_end(&self, listener: &Listener) {
        let mut wait = 20;
        while lock(&self.shared.cell).as_ref().is_some_and(|cell| !cell.ended) && !listener.is_closed() {
            std::thread::sleep(Duration::from_millis(wait / 20));
            wait = (wait + 1).min(200);
        }
    }
}

/// Where cells find the shared standard library and ours. They know a way from where they were compiled, but evcxr moves
/// them, and under `cargo run` and `cargo test` the variable names folders with a library of ours that is another.
fn libraries(toolchain: &Toolchain, slot: &Slot) -> Option<std::ffi::OsString> {
    let own = [toolchain.std_library.parent()?.to_path_buf(), slot.compiled()];
    let others = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let others = std::env::split_paths(&others).filter(|folder| !folder.as_os_str().is_empty());
    std::env::join_paths(own.into_iter().chain(others)).ok()
}

/// Ends a cell that is not even begun.
fn refuse(fault: Fault, events: &SyncSender<Event>) {
    let (took, ran) = (Duration::ZERO, Duration::ZERO);
    let _ = events.send(Event::Done(Box::new(Outcome { result: Err(fault), lost: Vec::new(), took, ran })));
}

/// Asks the face and waits for its answer; an empty line when it has none.
fn ask(events: &SyncSender<Event>, prompt: String, is_password: bool) -> String {
    let (reply, answer) = channel();
    if events.send(Event::Input { prompt, is_password, reply }).is_err() {
        return String::new();
    }
    // The answer travels as one line.
    answer.recv().unwrap_or_default().replace(['\n', '\r'], " ")
}
