//! How many threads compute.

use std::num::NonZero;

use crate::error::{Error, Result};

/// As many of `asked` threads as help: one a core that this process may use. More take turns on the cores and wait for each
/// other at the end of every operation; results are the same for any number.
pub fn useful_threads(asked: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(asked, NonZero::get);
    asked.min(cores.max(1))
}

/// What to say where `asked` threads are more than help; `None` where they are not.
pub fn fewer_threads(asked: usize) -> Option<String> {
    let used = useful_threads(asked);
    let (cores, take) = if used == 1 { ("core", "is") } else { ("cores", "are") };
    (used < asked).then(|| {
        format!("{asked} threads were asked for; {used} {take} used, one for each of the {used} {cores}")
    })
}

/// Gives the library `threads` threads to compute in, or as many of them as there are cores ([`useful_threads`]), which it then
/// says on stderr; one a core unless this is called before the first computation.
///
/// # Errors
/// [`Error::Setting`] for 0, for another number once a computation has begun, and when the system does not give as many.
pub fn threads(threads: usize) -> Result<()> {
    let refused =
        |why: &str| Error::setting("threads", threads, "1 or more, before anything is computed", why);
    if threads == 0 {
        return Err(refused("Leave it out for one thread a core."));
    }
    if let Some(words) = fewer_threads(threads) {
        eprintln!("{words}");
    }
    let used = useful_threads(threads);
    match rayon::ThreadPoolBuilder::new().num_threads(used).build_global() {
        Ok(()) => Ok(()),
        Err(_) if rayon::current_num_threads() == used => Ok(()),
        Err(e) => Err(refused(&format!("Start a new session and set it first. The system says: {e}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_threads_than_cores_are_used_and_that_is_said() {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        assert_eq!((useful_threads(1), useful_threads(cores)), (1, cores));
        assert_eq!((useful_threads(usize::MAX), fewer_threads(cores)), (cores, None));
        let words = fewer_threads(usize::MAX).unwrap_or_default();
        assert!(words.starts_with("18446744073709551615 threads were asked for; "), "{words}");
    }
}
