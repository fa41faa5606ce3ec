//! How many threads compute.

use crate::error::{Error, Result};

/// Gives the library `threads` threads to compute in; one a core unless this is called before the first computation.
///
/// # Errors
/// [`Error::Setting`] for 0, for another number once a computation has begun, and when the system does not give as many.
pub fn threads(threads: usize) -> Result<()> {
    let refused =
        |why: &str| Error::setting("threads", threads, "1 or more, before anything is computed", why);
    if threads == 0 {
        return Err(refused("Leave it out for one thread a core."));
    }
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build_global() {
        Ok(()) => Ok(()),
        Err(_) if rayon::current_num_threads() == threads => Ok(()),
        Err(e) => Err(refused(&format!("Start a new session and set it first. The system says: {e}"))),
    }
}
