//! The session engine: Rust cells, compiled and run in a process of their own by evcxr, with the library in scope.
//!
//! Nothing here draws or reads a terminal; faces (the REPL, the notebook kernel) do, with what a [`Session`] tells them.
//!
//! ```text
//! face ── Session ──► worker thread: evcxr, which compiles a cell into a library ──► session process: runs it
//!           ▲                                                                              │ standard output
//!           └──────────── events ◄── output: sorted, bounded ◄── relay: whole lines ◄──────┘
//! ```

mod again;
mod apart;
mod cache;
mod compile;
mod ended;
mod event;
mod explain;
mod fault;
mod health;
mod host;
mod library;
mod manifest;
mod opening;
mod outline;
mod output;
mod place;
mod relay;
mod runtime;
mod seal;
mod session;
mod sources;
mod status;
mod toolchain;
mod type_text;
mod worker;

pub use compile::warm;
pub use event::{Event, Output, Value};
pub use explain::upper;
pub use fault::{Fault, FaultKind};
pub use health::{health, Health};
pub use host::become_session_process;
pub use place::{without_settings, Settings};
pub use session::{Interrupt, Options, Session, Suggestions};
pub use status::Status;
pub use toolchain::version as rust_version;
