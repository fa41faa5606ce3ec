//! Putting messages on stdout.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use super::frontend::secret;
use super::{Frontend, Message, Sent};

/// A number no other display of this process has.
pub fn new_display() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Sends `message` as a display of its own; says whether a face is there to read it.
pub fn send(message: Message) -> bool {
    Frontend::detect().is_some() && send_to(new_display(), message)
}

/// Sends `message` for the display with that number; says whether a face is there to read it.
pub fn send_to(display: u64, message: Message) -> bool {
    if Frontend::detect().is_none() {
        return false;
    }
    if let Ok(line) = (Sent { display, message }).line(secret()) {
        print_whole(&line);
    }
    true
}

/// Prints `text`, which ends in a line break, in one piece: no other thread's output gets in between. That nobody reads
/// any more is no reason to stop working.
pub(crate) fn print_whole(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
