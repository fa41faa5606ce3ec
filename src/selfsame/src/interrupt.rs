//! Asking running work to stop at the next step.
//!
//! Training, probes, kNN and downloads poll [`interrupted`] and hand back what they have. A front end calls
//! [`interrupt`] (from a signal handler, say) and [`clear_interrupt`] before the next piece of work; from outside the
//! process it does the same by signals or a file, once the process [`listen`]s.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Once;
use std::time::Duration;

/// The environment variable that names the stop file; see [`listen`].
pub const STOP_FILE: &str = "SELFSAME_STOP_FILE";

/// How often the stop file is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

static STOP: AtomicBool = AtomicBool::new(false);

/// Whether a stop was asked for. Cheap enough for an inner loop.
pub fn interrupted() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Asks running work to stop at its next step. Safe to call from a signal handler.
pub fn interrupt() {
    STOP.store(true, Ordering::Relaxed);
}

/// Forgets an earlier [`interrupt`].
pub fn clear_interrupt() {
    STOP.store(false, Ordering::Relaxed);
}

/// Lets another process ask for a stop; later calls do nothing.
///
/// On Unix SIGINT becomes [`interrupt`] and SIGUSR1 [`clear_interrupt`], and the process goes on. On any system, when
/// [`STOP_FILE`] holds an absolute path, a file of that name becomes [`interrupt`]; it is removed when it was seen.
pub fn listen() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        #[cfg(unix)]
        signals();
        if let Some(path) = std::env::var_os(STOP_FILE).map(PathBuf::from).filter(|p| p.is_absolute()) {
            // Without a thread there are still the signals.
            let _ = std::thread::Builder::new().name("stop-file".into()).spawn(move || loop {
                if path.exists() && std::fs::remove_file(&path).is_ok() {
                    interrupt();
                }
                std::thread::sleep(LOOK_EVERY);
            });
        }
    });
}

#[cfg(unix)]
fn signals() {
    extern "C" fn stop(_: libc::c_int) {
        interrupt();
    }
    extern "C" fn go_on(_: libc::c_int) {
        clear_interrupt();
    }
    for (signal, handler) in [(libc::SIGINT, stop as extern "C" fn(libc::c_int)), (libc::SIGUSR1, go_on)] {
        // SAFETY: `action` is a whole sigaction (all zero is a valid one) with an empty mask and a handler that does
        // nothing but store an atomic flag, which a signal handler may.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            libc::sigemptyset(&mut action.sa_mask);
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::time::Instant;

    use super::*;
    use crate::front::child::{command, is_child};

    const NAME: &str = "interrupt::tests::a_process_is_stopped_and_goes_on_from_outside";

    /// Waits until `interrupted()` is `wanted`, then says so.
    fn wait(wanted: bool, say: &str) {
        let begun = Instant::now();
        while interrupted() != wanted && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        println!("{say} {}", interrupted() == wanted);
    }

    #[test]
    fn a_process_is_stopped_and_goes_on_from_outside() {
        if is_child() {
            listen();
            println!("ready true");
            wait(true, "stopped");
            wait(false, "going");
            wait(true, "file");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stop");
        let mut child =
            command(NAME).env(STOP_FILE, &file).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The harness writes the name of the test on the line that the first word ends.
        let mut heard = |word: &str| lines.any(|l| l.is_ok_and(|l| l.ends_with(&format!("{word} true"))));
        let send = |signal| {
            // SAFETY: a signal to a child that has not been waited for.
            assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
        };
        assert!(heard("ready"));
        send(libc::SIGINT);
        assert!(heard("stopped"));
        send(libc::SIGUSR1);
        assert!(heard("going"));
        std::fs::write(&file, "").unwrap();
        assert!(heard("file"));
        assert!(!file.exists());
        assert!(child.wait().unwrap().success());
    }
}
