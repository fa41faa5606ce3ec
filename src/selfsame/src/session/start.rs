//! What a session's first cell calls.

use crate::{front, interrupt, tape};

/// Makes this process fit for a session: panics are told to the face ([`front::guard`]), a stop can be asked for from
/// outside ([`interrupt::listen`]), and freed memory is kept for the next step ([`tape::keep_freed_memory`]). To be called
/// once, on the thread that runs cells; later calls do nothing.
pub fn start() {
    front::guard();
    interrupt::listen();
    tape::keep_freed_memory();
}
