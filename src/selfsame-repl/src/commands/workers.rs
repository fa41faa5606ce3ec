//! `--threads`: how many threads compute.

use selfsame::{session, Error};

use crate::output;

/// Gives rayon's global pool, which the library computes in, `threads` threads, or as many of them as help, which is said; one a
/// core when `None`.
///
/// # Errors
/// [`Error::Setting`] for 0, and when the system does not give as many.
pub fn set(threads: Option<usize>) -> Result<(), Error> {
    let Some(threads) = threads else { return Ok(()) };
    let refused = |why: &str| Error::setting("--threads", threads, "1 or more", why);
    if threads == 0 {
        return Err(refused("Leave it out for one thread a core."));
    }
    if let Some(words) = session::fewer_threads(threads) {
        output::stderr(&words);
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(session::useful_threads(threads))
        .build_global()
        .map_err(|e| refused(&format!("The system says: {e}.")))
}
