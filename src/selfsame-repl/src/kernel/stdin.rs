//! Asking the person at the keyboard.

use std::sync::mpsc::{Receiver, Sender};
use std::sync::Mutex;

use serde_json::json;

use super::channels::Outbox;
use super::message::Request;
use super::notebook::lock;

/// Asks whoever runs the cell, where that can be answered.
pub struct Stdin {
    outbox: Outbox,
    /// The request whose cell runs, if its sender answers questions.
    asker: Mutex<Option<Request>>,
    answers: Mutex<Receiver<String>>,
}

impl Stdin {
    /// Answers come through `answers`.
    pub fn new(outbox: Outbox, answers: Receiver<String>) -> Stdin {
        Stdin { outbox, asker: Mutex::new(None), answers: Mutex::new(answers) }
    }

    /// A cell begins.
    pub fn begin(&self, request: &Request) {
        let answers = request.flag("allow_stdin", false);
        *lock(&self.asker) = answers.then(|| request.clone());
    }

    /// Asks, and waits for the answer. `None` where nobody can give one.
    pub fn ask(&self, prompt: &str, is_password: bool) -> Option<String> {
        let asker = lock(&self.asker).clone()?;
        let answers = lock(&self.answers);
        // An answer to a question that was given up is not one to this.
        while answers.try_recv().is_ok() {}
        let content = json!({ "prompt": prompt, "password": is_password });
        self.outbox.stdin(asker.message("input_request", content));
        answers.recv().ok()
    }
}

/// Ends a question without an answer: for an interrupt, on any thread.
pub fn give_up(answers: &Sender<String>) {
    // Who asks nothing does not hear it.
    let _ = answers.send(String::new());
}
