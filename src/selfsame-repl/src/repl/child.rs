//! Commands that this program carries out as a process of its own, so that they can be stopped by force without the
//! session losing anything, and so that a crash of theirs is theirs.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use selfsame::front::{Message, Sent};

use crate::engine::{self, Interrupt, Output};

/// A second Ctrl-C within this time ends the process.
const TWICE: Duration = Duration::from_secs(2);

/// The process that is running, for the handler of Ctrl-C; 0 when there is none.
static RUNNING: AtomicU32 = AtomicU32::new(0);
static INTERRUPTED: Mutex<Option<Instant>> = Mutex::new(None);

/// What a command came to.
#[derive(Debug, Default)]
pub struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The run folder it made or went on with, where there is one.
    pub folder: Option<PathBuf>,
    /// What it wrote to standard error when it failed.
    pub errors: Vec<String>,
}

impl Ended {
    /// Whether it did what it was asked.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }
}

/// Runs `selfsame WORDS`, passing on what it prints as it comes.
///
/// # Errors
/// The process cannot be started.
pub fn run(
    words: &[String],
    environment: &[(&str, String)],
    frontend: &str,
    show: &mut dyn FnMut(Output),
) -> std::io::Result<Ended> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(words).envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
    engine::without_settings(&mut command);
    engine::for_own_process(&mut command, frontend);
    start(command, Some(engine::secret()), show)
}

/// Runs a line of the system's shell, passing on what it prints as it comes: text, whatever it looks like.
///
/// # Errors
/// The shell cannot be started.
pub fn shell(line: &str, show: &mut dyn FnMut(Output)) -> std::io::Result<Ended> {
    let mut command = system_shell(line);
    end_with_us(&mut command);
    start(command, None, show)
}

/// Has the system end a program of others when this process is gone, as a closed terminal does. Our own notice it themselves.
/// It goes with the thread that starts the program, which here is the one that serves as long as the process lives.
#[cfg(target_os = "linux")]
fn end_with_us(command: &mut Command) {
    // SAFETY: the one call that is made between the two that start a process is a system call without memory.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(command, || {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGHUP as libc::c_ulong);
            Ok(())
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_us(_: &mut Command) {}

/// The system's shell for one line, in the environment this program was started with.
pub fn system_shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    engine::without_settings(&mut command);
    command
}

/// `secret` is what the command's messages carry, if it is one that sends some.
fn start(mut command: Command, secret: Option<&str>, show: &mut dyn FnMut(Output)) -> std::io::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Ctrl-C is passed on by us, so that the second one can be told from the first.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    RUNNING.store(child.id(), Ordering::SeqCst);
    let ended = follow(&mut child, secret, show);
    RUNNING.store(0, Ordering::SeqCst);
    *INTERRUPTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    ended
}

fn follow(child: &mut Child, secret: Option<&str>, show: &mut dyn FnMut(Output)) -> std::io::Result<Ended> {
    let (lines, heard) = channel();
    if let Some(stdout) = child.stdout.take() {
        read(stdout, lines.clone(), false);
    }
    if let Some(stderr) = child.stderr.take() {
        read(stderr, lines, true);
    }
    let mut ended = Ended::default();
    for (line, is_error) in heard {
        if is_error {
            ended.errors.push(line);
            continue;
        }
        match secret.and_then(|secret| Sent::parse(&line, secret)) {
            Some(Ok(sent)) => {
                if let Message::Plan(plan) = &sent.message {
                    ended.folder.clone_from(&plan.folder);
                }
                show(Output::Message(Box::new(sent)));
            }
            _ => show(Output::Line(line)),
        }
    }
    ended.code = child.wait()?.code();
    if ended.succeeded() {
        ended.errors.drain(..).for_each(|line| show(Output::ErrorLine(line)));
    }
    Ok(ended)
}

fn read(stream: impl std::io::Read + Send + 'static, lines: Sender<(String, bool)>, is_error: bool) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_string();
            if lines.send((line, is_error)).is_err() {
                return;
            }
        }
    });
}

/// Passes a Ctrl-C on to the command that is running: the first asks it to stop, a second within two seconds ends it.
pub fn interrupt() -> Interrupt {
    let id = RUNNING.load(Ordering::SeqCst);
    if id == 0 {
        return Interrupt::Idle;
    }
    let mut last = INTERRUPTED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let again = last.is_some_and(|then| then.elapsed() < TWICE);
    *last = Some(Instant::now());
    let signal = if again { libc::SIGKILL } else { libc::SIGINT };
    // SAFETY: a system call without memory. The number is a child's that has not been waited for yet, or was a moment ago; it
    // leads a group of its own, which is what it has started.
    unsafe { libc::kill(-(id as libc::pid_t), signal) };
    if again {
        Interrupt::Killed
    } else {
        Interrupt::Asked
    }
}
