//! How a run looks while it goes on: a live bar where stderr is a terminal, a line now and then where it is not.
//!
//! Everything a face draws goes to stderr, so stdout belongs to results.

mod download;
mod plain;
mod rate;
mod terminal;
pub mod words;

use std::io::{self, IsTerminal};

use selfsame::train::Watch;

pub use download::Download;
pub use plain::Plain;
pub use terminal::Terminal;

/// The face that suits stderr.
pub fn for_stderr() -> Box<dyn Watch> {
    if io::stderr().is_terminal() {
        Box::new(Terminal::new())
    } else {
        Box::new(Plain::new())
    }
}
