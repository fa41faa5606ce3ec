//! `--threads`: how many threads compute.

use selfsame::Error;

/// Gives rayon's global pool, which the library computes in, `threads` threads; one a core when `None`.
///
/// # Errors
/// [`Error::Setting`] for 0, and when the system does not give as many.
pub fn set(threads: Option<usize>) -> Result<(), Error> {
    let Some(threads) = threads else { return Ok(()) };
    let refused = |why: &str| Error::setting("--threads", threads, "1 or more", why);
    if threads == 0 {
        return Err(refused("Leave it out for one thread a core."));
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|e| refused(&format!("The system says: {e}.")))
}
