//! The session engine: Rust cells, compiled and run in a process of their own by evcxr, with the library in scope.
//!
//! Nothing here draws or reads a terminal; faces (the REPL, the notebook kernel) do, with what a [`Session`] tells them.
//!
//! ```text
//! face ── Session ──► worker thread: evcxr, which compiles a cell into a library ──► session process: runs it
//!           ▲                                                                              │ what cells print
//!           └── events ◄── output: sorted ◄── listener ◄── records ◄── relay: whole lines ◄┘
//! ```

mod again;
mod apart;
mod cache;
mod compile;
mod depth;
mod ended;
mod environment;
mod event;
mod explain;
mod fault;
mod health;
mod host;
mod library;
mod listener;
mod manifest;
mod opening;
mod outline;
mod output;
mod parent;
mod place;
mod record;
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
pub use environment::{for_own_process, secret};
pub use event::{Event, Output, Value};
pub use explain::upper;
pub use fault::{Fault, FaultKind};
pub use health::{health, Health};
pub use host::become_session_process;
pub use parent::{parent_process, when_gone, GRACE};
pub use place::{without_settings, Settings};
pub use session::{Interrupt, Options, Session, Suggestions};
pub use status::Status;
pub use toolchain::version as rust_version;
