//! A process that ends with the one that started it, however that one ended.
//!
//! The system's own signal for it is Linux's only, and goes with the thread that started the process; asking four times a
//! second who the parent is costs nothing and works everywhere.

use std::time::{Duration, Instant};

/// How often the parent is asked for.
const LOOK: Duration = Duration::from_millis(250);
/// A process that was asked to stop is gone after this time, whatever it does: a step and a checkpoint take less.
pub const GRACE: Duration = Duration::from_secs(60);

/// The process that started this one, which is another when that one has ended.
pub fn parent_process() -> libc::pid_t {
    // SAFETY: a system call without arguments that cannot fail.
    unsafe { libc::getppid() }
}

/// Calls `gone` once, on a thread of its own, when `is_there` says no.
pub fn when_gone(is_there: impl Fn() -> bool + Send + 'static, gone: impl FnOnce() + Send + 'static) {
    // Without a thread there is still what the parent does when it ends in order.
    let _ = std::thread::Builder::new().name("parent".into()).spawn(move || {
        while is_there() {
            std::thread::sleep(LOOK);
        }
        gone();
    });
}

/// From now on this process ends with `parent`: `ask` asks what runs to stop, and a minute later the process is gone.
pub fn end_with(parent: libc::pid_t, ask: impl Fn() + Send + 'static) {
    when_gone(
        move || parent_process() == parent,
        move || {
            let begun = Instant::now();
            while begun.elapsed() < GRACE {
                // Again and again: between two cells, or two parts of a command, an earlier request is forgotten.
                ask();
                std::thread::sleep(LOOK);
            }
            // SAFETY: ends the process at once, without what threads that still run may be using.
            unsafe { libc::_exit(130) };
        },
    );
}
