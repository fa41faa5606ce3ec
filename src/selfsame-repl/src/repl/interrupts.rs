//! Ctrl-C while something runs. At the prompt it is a key, which the line editor reads.

use std::sync::atomic::{AtomicBool, Ordering};

use selfsame::Error;

use crate::engine::Interrupt;
use crate::output;

static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C goes to what runs: the first asks, a second within two seconds ends it by force.
///
/// # Errors
/// The system refuses the handler.
pub fn listen(interrupt: impl Fn() -> Interrupt + Send + Sync + 'static) -> Result<(), Error> {
    let told = move || {
        ASKED.store(true, Ordering::SeqCst);
        match interrupt() {
            Interrupt::Idle => {}
            Interrupt::Asked => {
                output::stderr(
                    "\nstopping at the next step; Ctrl-C again within two seconds ends it by force",
                );
            }
            Interrupt::Killed => output::stderr("\nended by force"),
        }
    };
    ctrlc::set_handler(told).map_err(|e| Error::Io {
        action: "listen for",
        path: "Ctrl-C".into(),
        source: std::io::Error::other(e),
    })
}

/// Takes note of an interrupt that did not come as Ctrl-C.
pub fn note() {
    ASKED.store(true, Ordering::SeqCst);
}

/// Whether Ctrl-C was pressed since [`clear`].
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Forgets an earlier Ctrl-C.
pub fn clear() {
    ASKED.store(false, Ordering::SeqCst);
}
