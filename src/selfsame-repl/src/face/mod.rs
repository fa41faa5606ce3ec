//! How a run looks while it goes on: a live bar where stderr is a terminal, a line now and then where it is not.
//!
//! Everything a face draws goes to stderr, so stdout belongs to results.

mod block;
mod download;
mod live;
pub mod picture;
mod plain;
mod rate;
mod training;
pub mod words;

use selfsame::train::Watch;

pub use download::Download;
pub use live::Live;
pub use plain::Plain;

/// The face of a command, for stderr.
pub fn for_stderr() -> Box<dyn Watch> {
    Box::new(Live::new(true))
}
