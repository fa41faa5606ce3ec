//! Asking running work to stop at the next step.
//!
//! Training, probes, kNN and downloads poll [`interrupted`] and hand back what they have. A front end calls
//! [`interrupt`] (from a signal handler, say) and [`clear_interrupt`] before the next piece of work.

use std::sync::atomic::{AtomicBool, Ordering};

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
