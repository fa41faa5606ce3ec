//! What a face hears of a cell: its output while it runs, and how it ended.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::time::Duration;

use selfsame::front::Sent;

use super::fault::Fault;

/// One thing a face hears while a cell runs.
#[derive(Debug)]
pub enum Event {
    /// The cell printed or the library reported something.
    Output(Output),
    /// The cell asks for a line of text; it waits until one is sent or the sender is dropped.
    Input {
        /// What it wants to know.
        prompt: String,
        /// Whether the answer must not be shown.
        is_password: bool,
        /// Where the answer goes.
        reply: Sender<String>,
    },
    /// The cell has ended. Nothing follows.
    Done(Box<Outcome>),
}

/// What a face has not drawn yet waits here, and a cell that prints faster waits too.
const WAITING: usize = 256;

/// The two ends of what a cell tells a face.
pub fn channel() -> (SyncSender<Event>, Receiver<Event>) {
    std::sync::mpsc::sync_channel(WAITING)
}

/// A piece of output.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A line of standard output, without its end.
    Line(String),
    /// The beginning of a line of standard output that is still being written. The whole line follows as
    /// [`Output::Line`], or a longer beginning.
    Partial(String),
    /// A line of standard error.
    ErrorLine(String),
    /// A message of the library.
    Message(Box<Sent>),
    /// Output that was too much to keep.
    Omitted {
        /// Lines left out.
        lines: u64,
        /// Bytes left out.
        bytes: u64,
    },
}

/// How a cell ended.
#[derive(Debug)]
pub struct Outcome {
    /// The value of its last expression by media type (`text/plain`, `text/html`, ..; nothing for `()`), or what went wrong.
    pub result: Result<Value, Fault>,
    /// Names of variables that were there before the cell and are not any more.
    pub lost: Vec<String>,
    /// From the request to the end.
    pub took: Duration,
    /// The part of it that was spent running.
    pub ran: Duration,
}

/// A value as text by media type.
pub type Value = BTreeMap<String, String>;
