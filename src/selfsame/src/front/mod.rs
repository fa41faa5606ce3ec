//! What running library code tells the face that draws: the REPL, the notebook kernel, a command.
//!
//! A face starts the process that runs the code with [`VARIABLE`] and [`SECRET`] set. Training, downloads, figures and panics
//! then leave that process as [`Message`]s, each one line on stdout that begins with [`MARK`] and the secret, between the lines
//! the code prints itself; the face takes them out again with [`Sent::parse`]. Without such a face nothing is sent: under the
//! stock evcxr kernel [`watch`] prints plain lines, anywhere else it is silent.
//!
//! ```
//! use selfsame::front::{Message, Sent, MARK};
//!
//! let line = format!("{MARK}s3cret {{\"display\":7,\"kind\":\"note\",\"text\":\"hello\"}}");
//! let sent = Sent::parse(&line, "s3cret").unwrap()?;
//! assert_eq!((sent.display, sent.message), (7, Message::Note { text: "hello".into() }));
//! assert!(Sent::parse("epoch 3, loss 4.2", "s3cret").is_none());
//! assert!(Sent::parse(&line, "another").is_none());
//! # Ok::<(), selfsame::Error>(())
//! ```
#[cfg(test)]
pub(crate) mod child;
mod downloads;
mod figures;
mod frontend;
mod guard;
mod lines;
mod message;
mod null;
mod reporter;
mod send;
mod watch;

pub use downloads::{downloads, Downloads};
pub use figures::{show_figure, show_table};
pub use frontend::{adopt, Frontend, SECRET, VARIABLE};
pub(crate) use frontend::{in_a_cell, secret};
pub use guard::guard;
pub use lines::Lines;
pub use message::{text_before, Message, Sent, MARK};
pub(crate) use null::nan_from_null;
pub use reporter::Reporter;
pub(crate) use send::print_whole;
pub use send::{new_display, send, send_to};
pub use watch::watch;
