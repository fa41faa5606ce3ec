//! Becoming the process that runs cells.

use super::{again, relay, runtime};

/// Must be the first thing `main` does. A session starts this program again to run its cells, marked by a variable, and has
/// cargo start it to compile them, with the compiler as the first argument; in those processes this does not return. In all others it does nothing.
pub fn become_session_process() {
    again::become_compiler();
    if std::env::var_os("EVCXR_IS_RUNTIME").is_some() {
        // Until the library listens, a Ctrl-C meant for it must not end it.
        // SAFETY: a system call that changes only how this process takes a signal.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
        if let Err(e) = relay::install() {
            eprintln!("The session's output cannot be passed on: {e}");
            std::process::exit(1);
        }
        runtime::serve();
    }
    evcxr::runtime_hook();
}
