//! What a session's first cell calls.

use super::end_of_cell;
use crate::{front, interrupt, tape};

/// Makes this process fit for a session: the face is known and hidden from the programs that cells start ([`front::adopt`]),
/// panics are told to the face ([`front::guard`]), a stop can be asked for from
/// outside ([`interrupt::listen`]), freed memory is kept for the next step ([`tape::keep_freed_memory`]), and what a cell
/// prints without a newline is shown when it ends ([`END_OF_CELL`](super::END_OF_CELL)). To be called once, on the thread
/// that runs cells; later calls do nothing.
pub fn start() {
    front::adopt();
    front::guard();
    interrupt::listen();
    tape::keep_freed_memory();
    end_of_cell::register();
}
