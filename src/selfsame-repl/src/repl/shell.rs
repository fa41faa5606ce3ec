//! The loop: takes inputs from a source, carries them out, remembers what it needs for the next.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::child;
use super::colon;
use super::interrupts;
use super::screen::Screen;
use crate::editor::{
    inputs, joined, Config, Event as Came, Input, InputKind, LineSource, Origin, Set, TerminalMode,
};
use crate::engine::{Event, Fault, FaultKind, Interrupt, Options, Session, Status};

/// Everything that lives from one input to the next.
pub struct Shell {
    session: Arc<OnceLock<Session>>,
    options: Options,
    /// Where output goes.
    pub screen: Box<dyn Screen>,
    /// What went wrong last, for `:why`.
    pub last_fault: Option<Fault>,
    /// The Rust that the last command stood for.
    pub last_rust: Option<String>,
    /// Inputs that succeeded, in order, for `:save`.
    pub log: Vec<String>,
    /// All inputs, for `:history`.
    pub inputs: Vec<String>,
    /// The folder of the run that `run` is bound to.
    pub run_folder: Option<PathBuf>,
    /// The files that are being run, each by the one before.
    pub files: Vec<PathBuf>,
    /// A text to put at the next prompt.
    pub prefill: Option<String>,
    /// Rust to run before the next cell: what commands bound while no session was ready.
    pending: Vec<String>,
    /// What the user has set, the seed and the threads of commands and cells among it.
    pub config: Config,
    /// Whether inputs are shown before they are carried out.
    pub echo: bool,
    /// Somebody sits there.
    pub interactive: bool,
}

/// What happens after an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The next input.
    Go,
    /// The input failed; a script ends here.
    Failed,
    /// The end, with this exit code.
    Quit(u8),
}

/// The Rust that seeds what a cell makes without a seed of its own.
fn seeding(seed: u64) -> String {
    format!("selfsame::session::seed({seed});")
}

/// The Rust that sets the threads of a process.
fn threading(threads: usize) -> String {
    format!("selfsame::session::threads({threads})?;")
}

impl Shell {
    /// A shell whose session starts when it is first wanted, and whose output goes to `screen`. `frontend` names the face to
    /// the library.
    pub fn new(config: Config, frontend: &'static str, interactive: bool, screen: Box<dyn Screen>) -> Shell {
        let options = Options {
            frontend,
            preload: config.preload.value.clone(),
            threads: config.threads.value,
            // What somebody reads with a program is all of it.
            whole: !interactive || !screen.is_looked_at(),
        };
        let mut shell = Shell {
            session: Arc::new(OnceLock::new()),
            options,
            config,
            screen,
            last_fault: None,
            last_rust: None,
            log: Vec::new(),
            inputs: Vec::new(),
            run_folder: None,
            files: Vec::new(),
            prefill: None,
            pending: Vec::new(),
            echo: false,
            interactive,
        };
        // Of its threads a session knows when it starts.
        shell.pending.extend(shell.config.seed.value.map(seeding));
        shell
    }

    /// Tells a process that is new to the session what the one before was told, before the next cell.
    pub fn tell_again(&mut self) {
        self.pending.extend(self.config.threads.value.map(threading));
        self.pending.extend(self.config.seed.value.map(seeding));
    }

    /// Sets the seed of commands and cells that name none.
    pub fn set_seed(&mut self, seed: u64) {
        self.config.seed = Set { value: Some(seed), origin: Origin::Session };
        self.bind(seeding(seed));
    }

    /// Sets the threads of commands and cells.
    pub fn set_threads(&mut self, threads: usize) {
        self.config.threads = Set { value: Some(threads), origin: Origin::Session };
        self.bind(threading(threads));
    }

    /// The session; it begins to start with the first call.
    pub fn session(&self) -> &Session {
        self.session.get_or_init(|| Session::start(self.options.clone()))
    }

    /// What a handler of Ctrl-C calls, on any thread, while an input is carried out.
    pub fn interrupter(&self) -> impl Fn() -> Interrupt + Send + Sync + 'static {
        let session = Arc::clone(&self.session);
        move || match child::interrupt() {
            Interrupt::Idle => session.get().map_or(Interrupt::Idle, Session::interrupt),
            other => other,
        }
    }

    /// Carries out everything `source` gives. The exit code: 0, or 1 where a script stopped at an error.
    pub fn run(&mut self, source: &mut dyn LineSource) -> u8 {
        loop {
            for output in self.session.get().map(Session::stray_output).unwrap_or_default() {
                self.screen.output(output);
            }
            self.screen.finish();
            if let Some(text) = self.prefill.take() {
                source.prefill(&text);
            }
            let input = match source.next() {
                Ok(Came::Input(input)) => input,
                Ok(Came::Interrupted) => continue,
                Ok(Came::End) => return 0,
                Err(e) => {
                    self.screen.failure(&e.to_string());
                    return 1;
                }
            };
            let begun = Instant::now();
            let flow = self.inputs(&input, source.name());
            self.screen.finish();
            source.finished(begun.elapsed(), flow == Flow::Go);
            match flow {
                Flow::Go => {}
                Flow::Quit(code) => return code,
                Flow::Failed if self.interactive => {}
                Flow::Failed => {
                    self.screen.note(&format!("stopped in line {} of {}", input.line, source.name()));
                    return 1;
                }
            }
        }
    }

    /// Carries out what was given at once: one input, or several that were pasted and begin with a command.
    pub fn inputs(&mut self, given: &Input, place: &str) -> Flow {
        if !given.kind().is_one_line() || !given.text.trim().contains('\n') {
            return self.input(given, place);
        }
        for input in inputs(&given.text) {
            let flow = self.input(&Input { line: given.line + input.line - 1, ..input }, place);
            if flow != Flow::Go {
                return flow;
            }
        }
        Flow::Go
    }

    /// Carries out one input.
    pub fn input(&mut self, input: &Input, place: &str) -> Flow {
        if self.echo {
            for line in input.text.lines() {
                self.screen.line(&format!("{place}> {line}"));
            }
        }
        let text = input.text.trim();
        if !text.is_empty() {
            self.inputs.push(input.text.clone());
        }
        // In a file of plain Rust a command stands in a comment, where other tools do not see it.
        let flow = match text.strip_prefix("//:").filter(|_| !text.contains('\n')) {
            Some(command) => colon::run(self, command.trim()),
            None => match input.kind() {
                InputKind::Empty => return Flow::Go,
                InputKind::Command => colon::run(self, joined(text).trim_start_matches(':')),
                InputKind::Shell => self.shell_line(joined(text).trim_start_matches('!')),
                InputKind::Question => colon::run(self, &format!("doc {}", text.trim_matches('?').trim())),
                InputKind::Rust => self.rust(&input.text),
            },
        };
        if flow == Flow::Go && !colon::is_of_the_moment(text) {
            self.log.push(input.text.clone());
        }
        flow
    }

    /// Runs a cell the user wrote.
    pub fn rust(&mut self, code: &str) -> Flow {
        if !self.ready() {
            return Flow::Failed;
        }
        let heard = self.session().eval(code);
        match self.follow(&heard, true) {
            Ok(_) => Flow::Go,
            Err(fault) => {
                self.screen.fault(&fault, code);
                self.last_fault = Some(fault);
                Flow::Failed
            }
        }
    }

    /// Runs a cell of ours; `show` its output.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn hidden(&mut self, code: &str, show: bool) -> Result<(), Fault> {
        if !self.ready() {
            return Err(Fault::new(FaultKind::NoSession, "Rust cells cannot run."));
        }
        let heard = self.session().eval_hidden(code);
        self.follow(&heard, show).map(drop)
    }

    /// Draws a cell's events until it ends; how long it took and ran.
    pub fn follow(
        &mut self,
        heard: &std::sync::mpsc::Receiver<Event>,
        show: bool,
    ) -> Result<(Duration, Duration), Fault> {
        for event in heard {
            match event {
                Event::Output(output) if show => self.screen.output(output),
                Event::Output(_) => {}
                Event::Input { prompt, is_password, reply } => {
                    let answer =
                        if self.interactive { self.screen.ask(&prompt, is_password) } else { String::new() };
                    let _ = reply.send(answer);
                }
                Event::Done(outcome) => {
                    self.screen.finish();
                    if outcome.result.as_ref().is_err_and(|fault| fault.kind == FaultKind::ProcessEnded) {
                        self.tell_again();
                    }
                    let value = outcome.result?;
                    if show {
                        self.screen.value(&value);
                    }
                    if !outcome.lost.is_empty() && show {
                        self.screen.note(&format!("moved away: {}", outcome.lost.join(", ")));
                    }
                    return Ok((outcome.took, outcome.ran));
                }
            }
        }
        Err(Fault::new(FaultKind::NoSession, "The session has ended."))
    }

    /// Waits until Rust can run, showing what is being done; says why when it cannot.
    pub fn ready(&mut self) -> bool {
        let session = self.session().clone();
        interrupts::clear();
        let waited = session.wait(
            |status| {
                if !matches!(status, Status::Ready | Status::Busy | Status::Unavailable(_)) {
                    self.screen.waiting(&status.to_string());
                }
            },
            interrupts::asked,
        );
        self.screen.finish();
        if !waited {
            self.screen
                .note("Rust is not ready yet; it goes on in the background, and commands work meanwhile.");
            return false;
        }
        if let Status::Unavailable(why) = session.status() {
            self.screen.failure(&why);
            return false;
        }
        for code in std::mem::take(&mut self.pending) {
            let heard = self.session().eval_hidden(&code);
            if let Err(fault) = self.follow(&heard, false) {
                self.screen.fault(&fault, &code);
            }
        }
        true
    }

    /// Has the session run `code` as soon as it can: now when it is ready, else before the next cell.
    pub fn bind(&mut self, code: String) {
        self.last_rust = Some(code.clone());
        self.pending.push(code);
        if self.session.get().is_some_and(|s| s.status() == Status::Ready) {
            self.ready();
        }
    }

    /// A line for the system's shell, with our terminal where there is one.
    fn shell_line(&mut self, line: &str) -> Flow {
        if !self.screen.lends_its_terminal() {
            return self.shell_line_apart(line);
        }
        let _lent = TerminalMode::usual();
        match child::system_shell(line).status() {
            Ok(status) if status.success() => Flow::Go,
            Ok(status) => {
                self.screen.failure(&format!("the shell command ended with {status}"));
                Flow::Failed
            }
            Err(e) => {
                self.screen.failure(&format!("the shell 'sh' does not run: {e}"));
                Flow::Failed
            }
        }
    }

    /// The same without a terminal: its output is shown as a command's is.
    fn shell_line_apart(&mut self, line: &str) -> Flow {
        let screen = &mut self.screen;
        let ended = child::shell(line, &mut |output| screen.output(output));
        self.screen.finish();
        match ended {
            Ok(ended) if ended.succeeded() => Flow::Go,
            Ok(ended) => {
                self.screen.command_failed(&ended, "the shell command");
                Flow::Failed
            }
            Err(e) => {
                self.screen.failure(&format!("the shell 'sh' does not run: {e}"));
                Flow::Failed
            }
        }
    }

    /// Runs `selfsame WORDS` and shows what it prints.
    pub fn command(&mut self, words: &[String]) -> Result<child::Ended, String> {
        let mut environment = Vec::new();
        if let Some(threads) = self.config.threads.value {
            environment.push(("RAYON_NUM_THREADS", threads.to_string()));
        }
        let screen = &mut self.screen;
        let ended =
            child::run(words, &environment, self.options.frontend, &mut |output| screen.output(output));
        self.screen.finish();
        ended.map_err(|e| format!("the command cannot be started: {e}"))
    }
}
