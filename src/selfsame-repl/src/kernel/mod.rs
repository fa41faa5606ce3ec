//! The Jupyter kernel: a notebook's cells on the engine that the REPL has.
//!
//! ```text
//! Jupyter ── five ZMQ sockets ── Channels ──► Server: one request after the other ──► Shell ──► Session
//!                ▲                                                                      │
//!                └── Outbox ◄── Outputs: streams bundled, displays brought up to date ◄─┘ Notebook
//! ```
//!
//! What is asked on the shell channel is done in order. Interrupts and shutdowns come on the control channel and as signals,
//! and act at once.
mod arguments;
mod card;
mod channels;
mod chart;
mod complete;
mod execute;
mod failure;
mod info;
mod inspect;
mod install;
mod is_complete;
mod message;
mod notebook;
mod outputs;
mod owner;
mod past;
mod seen;
mod serve;
mod server;
mod spec;
mod stdin;
mod stop;
mod text;

pub use arguments::{Arguments, Command};
pub use install::{install, list, uninstall};
pub use serve::serve;
pub use spec::DEFAULT_NAME;
