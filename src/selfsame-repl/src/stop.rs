//! Ctrl-C: the first one asks, the second one leaves. SIGTERM, which schedulers and containers send, asks too.
//!
//! SIGHUP is left alone, because `nohup` relies on it: a handler of ours would undo what it set.

use std::sync::atomic::{AtomicBool, Ordering};

use selfsame::front::Frontend;
use selfsame::Error;

use crate::exit::Exit;
use crate::output;

static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on the first Ctrl-C asks the library to stop and says what happens now; the second leaves at once. `doing`
/// is what happens now: `finishing this step, then saving`.
///
/// # Errors
/// [`Error::Io`] when the system refuses the handler.
pub fn on_ctrl_c(doing: &'static str) -> Result<(), Error> {
    let refused = |source| Error::Io { action: "listen for", path: "Ctrl-C".into(), source };
    #[cfg(unix)]
    on_sigterm(doing).map_err(refused)?;
    ctrlc::set_handler(move || ask(doing)).map_err(|e| refused(std::io::Error::other(e)))
}

fn ask(doing: &str) {
    let again = ASKED.swap(true, Ordering::SeqCst);
    if Frontend::detect().is_some() {
        // The program that started this one says what is to be said, and ends this one when it must.
        return selfsame::interrupt();
    }
    if again {
        std::process::exit(i32::from(Exit::Interrupted.code()));
    }
    selfsame::interrupt();
    output::stderr(&format!("\n{doing}; Ctrl-C again to stop at once"));
}

/// From now on a write beyond the size that files may have here (`ulimit -f`) fails, as on a full disk, and says so;
/// otherwise the system would end the process without a word. A handler and not 'ignore', which programs that we start
/// would inherit.
pub fn a_file_that_is_too_large_is_an_error() {
    #[cfg(unix)]
    // Where it cannot be had, things are as they were.
    let _ = signal_hook::flag::register(libc::SIGXFSZ, std::sync::Arc::new(AtomicBool::new(false)));
}

#[cfg(unix)]
fn on_sigterm(doing: &'static str) -> std::io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM])?;
    std::thread::Builder::new().name("sigterm".to_string()).spawn(move || {
        for _ in signals.forever() {
            ask(doing);
        }
    })?;
    Ok(())
}
