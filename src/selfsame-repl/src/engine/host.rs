//! Becoming the process that runs cells.

use std::fs::File;
use std::os::fd::FromRawFd;

use selfsame::front;

use super::{again, environment, parent, relay, runtime};

/// Must be the first thing `main` does. A session starts this program again to run its cells, marked by variables, and has
/// cargo start it to compile them, with the compiler as the first argument; in those processes this does not return. In all
/// others it only takes what is for this process out of the environment.
pub fn become_session_process() {
    again::become_compiler();
    let cells = environment::of_cells();
    let owner = environment::parent();
    let Some(output) = cells else {
        front::adopt();
        if let Some(owner) = owner {
            parent::end_with(owner, selfsame::interrupt);
        }
        return evcxr::runtime_hook();
    };
    // Until the library listens, a Ctrl-C meant for it must not end it.
    // SAFETY: a system call that changes only how this process takes a signal.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
    // SAFETY: the descriptor was opened for us by the process that named it, and nobody else uses it.
    let records = unsafe { File::from_raw_fd(output) };
    let secret = std::env::var(front::SECRET).unwrap_or_default();
    let relay = match relay::install(records, secret) {
        Ok(relay) => relay,
        Err(e) => {
            eprintln!("The session's output cannot be passed on: {e}");
            std::process::exit(1);
        }
    };
    if let Some(owner) = owner {
        parent::end_with(owner, || {
            // SAFETY: a signal to ourselves, which the library listens to as a request to stop, or which is ignored.
            unsafe { libc::kill(libc::getpid(), libc::SIGINT) };
        });
    }
    runtime::serve(&relay)
}
