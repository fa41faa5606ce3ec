//! How far a session is, for prompts and kernels to show.

use std::fmt;

/// The state of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It looks for the toolchain and its cache.
    Starting,
    /// Another session compiles the library this one will use.
    Waiting,
    /// The library is being compiled.
    Compiling {
        /// Crates done.
        done: usize,
        /// Crates in all.
        total: usize,
    },
    /// The process for cells is being started.
    Loading,
    /// It can run a cell.
    Ready,
    /// It runs a cell.
    Busy,
    /// It cannot run cells, with a sentence that says why.
    Unavailable(String),
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Starting => f.write_str("starting"),
            Status::Waiting => f.write_str("another session makes the library ready"),
            Status::Compiling { done, total } => write!(f, "compiling the library, {done} of {total} crates"),
            Status::Loading => f.write_str("starting Rust"),
            Status::Ready => f.write_str("ready"),
            Status::Busy => f.write_str("busy"),
            Status::Unavailable(_) => f.write_str("commands only"),
        }
    }
}
