//! Ctrl-C: the first one asks, the second one leaves.

use std::sync::atomic::{AtomicBool, Ordering};

use selfsame::Error;

use crate::exit::Exit;
use crate::output;

static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on the first Ctrl-C (or SIGTERM, or SIGHUP) asks the library to stop and says what happens now; the second
/// leaves at once. `doing` is what happens now: `finishing this step, then saving`.
///
/// # Errors
/// [`Error::Device`] when the system refuses the handler.
pub fn on_ctrl_c(doing: &'static str) -> Result<(), Error> {
    ctrlc::set_handler(move || {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        selfsame::interrupt();
        output::stderr(&format!("\n{doing}; Ctrl-C again to stop at once"));
    })
    .map_err(|e| Error::Device { device: "cpu", message: format!("cannot listen for Ctrl-C: {e}") })
}
