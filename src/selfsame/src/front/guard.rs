//! Panics told to the face: evcxr counts a cell that panicked as one that succeeded.

use std::panic::{self, PanicHookInfo};
use std::sync::Once;
use std::thread::{self, ThreadId};

use super::{send, Message};

/// From now on a panic also sends [`Message::Panic`], after its usual text on stderr. To be called once, on the thread
/// that runs cells; later calls do nothing.
pub fn guard() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let (usual, cells) = (panic::take_hook(), thread::current().id());
        panic::set_hook(Box::new(move |info| {
            usual(info);
            send(message(info, cells));
        }));
    });
}

fn message(info: &PanicHookInfo<'_>, cells: ThreadId) -> Message {
    let ends_cell = thread::current().id() == cells || rayon::current_thread_index().is_some();
    Message::Panic {
        message: info.payload_as_str().unwrap_or("a value that is no text").into(),
        location: info.location().map_or_else(String::new, ToString::to_string),
        ends_cell,
    }
}
