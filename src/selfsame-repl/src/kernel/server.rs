//! Serving the requests of the shell channel, one after the other.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{json, Value};

use super::channels::Outbox;
use super::complete::Completions;
use super::info::kernel_info;
use super::message::Request;
use super::outputs::Outputs;
use super::past::Past;
use super::stdin::Stdin;
use super::stop::{not_supported, shutdown_reply, Stop};
use super::{inspect, is_complete};
use crate::repl::Shell;

/// How often a kernel that waits looks whether it should go.
const LOOK: Duration = Duration::from_millis(250);

/// Everything that lives from one request to the next.
pub struct Server {
    pub(super) shell: Shell,
    pub(super) outputs: Arc<Mutex<Outputs>>,
    pub(super) stdin: Arc<Stdin>,
    pub(super) stop: Arc<Stop>,
    pub(super) outbox: Outbox,
    pub(super) past: Past,
    /// The number of the last cell that counts.
    pub(super) count: u64,
    pub(super) inbox: Receiver<Request>,
    /// Requests that were taken out of the inbox to look at.
    pub(super) waiting: VecDeque<Request>,
    pub(super) completions: Option<Completions>,
}

impl Server {
    /// Serves until it is told to end.
    pub fn serve(&mut self) {
        while let Some(request) = self.next() {
            self.stop.begin();
            self.state("busy", &request);
            self.answer(&request);
            self.state("idle", &request);
            self.stop.done();
        }
    }

    fn next(&mut self) -> Option<Request> {
        loop {
            if self.stop.is_ending() {
                return None;
            }
            if let Some(request) = self.waiting.pop_front() {
                return Some(request);
            }
            match self.inbox.recv_timeout(LOOK) {
                Ok(request) => return Some(request),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    pub(super) fn state(&self, state: &str, request: &Request) {
        self.outbox.publish("status", json!({ "execution_state": state }), Some(&request.header));
    }

    fn answer(&mut self, request: &Request) {
        let content = match request.kind() {
            "execute_request" => return self.execute(request),
            "kernel_info_request" => kernel_info(),
            "complete_request" => self.complete(request),
            "inspect_request" => self.inspect(request),
            "is_complete_request" => is_complete::answer(request.text("code")),
            "history_request" => self.past.answer(request),
            // There are no comms: nothing here has a part in the browser.
            "comm_info_request" => json!({ "status": "ok", "comms": {} }),
            "comm_open" => {
                let id = json!({ "comm_id": request.content["comm_id"], "data": {} });
                return self.outbox.publish("comm_close", id, Some(&request.header));
            }
            "comm_msg" | "comm_close" => return,
            "shutdown_request" => {
                let content = shutdown_reply(request);
                self.outbox.publish("shutdown_reply", content.clone(), Some(&request.header));
                self.outbox.shell(request.answer(content));
                return self.stop.end();
            }
            other => not_supported(other),
        };
        self.outbox.shell(request.answer(content));
    }

    fn complete(&mut self, request: &Request) -> Value {
        let session = self.shell.session().clone();
        let (code, at) = request.code_and_cursor();
        self.completions.get_or_insert_with(|| Completions::new(session)).answer(code, at)
    }

    fn inspect(&mut self, request: &Request) -> Value {
        let (code, at) = request.code_and_cursor();
        inspect::answer(self.shell.session(), code, at)
    }
}
