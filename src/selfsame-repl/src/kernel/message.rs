//! Messages: what Jupyter asks, and what goes back.

use std::sync::Mutex;

use bytes::Bytes;
use jupyter_protocol::{Header, JupyterMessage, JupyterMessageContent, UnknownMessage};
use jupyter_zmq_client::{Connection, RawMessage, RuntimeError};
use serde_json::Value;
use zeromq::{SocketRecv, ZmqMessage};

use super::notebook::lock;
use super::seen::Seen;

/// The name messages are sent under.
const USER: &str = "kernel";
/// What stands between the identities of a message and its signature.
const DELIMITER: &[u8] = b"<IDS|MSG>";

/// A message from Jupyter whose signature is right.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its header, which every answer names.
    pub header: Header,
    /// Whom an answer is for.
    pub identities: Vec<Bytes>,
    /// What it says.
    pub content: Value,
}

impl Request {
    /// Waits for the next message; `None` for one that was among those `seen` before, which somebody has recorded and sent
    /// again.
    ///
    /// # Errors
    /// A message without the right signature, or one that is not as the protocol has it; a socket that is gone.
    pub async fn receive<S: SocketRecv>(
        connection: &mut Connection<S>,
        seen: &Mutex<Seen>,
    ) -> Result<Option<Request>, RuntimeError> {
        let parts = connection.socket.recv().await?;
        let signature = signature(&parts);
        let raw = RawMessage::from_multipart(parts, &connection.mac)?;
        // Only a signature that is right is remembered: others cost whoever sends them nothing.
        let is_signed = connection.mac.is_some();
        if is_signed && signature.is_some_and(|signature| !lock(seen).is_new(&signature)) {
            return Ok(None);
        }
        let part = |at: usize| raw.jparts.get(at).map_or(&b""[..], |part| part);
        let header = serde_json::from_slice(part(0))?;
        let content = serde_json::from_slice(part(3))?;
        Ok(Some(Request { header, content, identities: raw.zmq_identities }))
    }

    /// Its type: `execute_request`.
    pub fn kind(&self) -> &str {
        &self.header.msg_type
    }

    /// A text it holds; empty where it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.content[name].as_str().unwrap_or_default()
    }

    /// A yes or no it holds; `otherwise` where it is missing.
    pub fn flag(&self, name: &str, otherwise: bool) -> bool {
        self.content[name].as_bool().unwrap_or(otherwise)
    }

    /// A whole number it holds.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.content[name].as_i64()
    }

    /// The code it is about, and the byte the cursor stands at. Jupyter counts characters.
    pub fn code_and_cursor(&self) -> (&str, usize) {
        let code = self.text("code");
        let characters =
            self.number("cursor_pos").and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        let at = code.char_indices().nth(characters).map_or(code.len(), |(at, _)| at);
        (code, at)
    }

    /// The answer to it: of the same name, to whoever asked.
    pub fn answer(&self, content: Value) -> JupyterMessage {
        self.message(&self.kind().replace("_request", "_reply"), content)
    }

    /// A message of any type to whoever asked.
    pub fn message(&self, kind: &str, content: Value) -> JupyterMessage {
        JupyterMessage { zmq_identities: self.identities.clone(), ..made(kind, content, Some(&self.header)) }
    }
}

/// The signature of a message in parts, in one spelling.
fn signature(parts: &ZmqMessage) -> Option<Bytes> {
    let mut parts = parts.iter().skip_while(|part| part[..] != *DELIMITER);
    parts.nth(1).map(|signature| signature.to_ascii_lowercase().into())
}

/// A message for everybody who listens. `parent` is the header of the request it belongs to.
pub fn published(kind: &str, content: Value, parent: Option<&Header>) -> JupyterMessage {
    // The first part is what a listener can choose by.
    let topic = Bytes::from(format!("kernel.{kind}"));
    JupyterMessage { zmq_identities: vec![topic], ..made(kind, content, parent) }
}

fn made(kind: &str, content: Value, parent: Option<&Header>) -> JupyterMessage {
    let content =
        JupyterMessageContent::UnknownMessage(UnknownMessage { msg_type: kind.to_string(), content });
    let mut message = JupyterMessage::new(content, None);
    message.header.username = USER.to_string();
    message.parent_header = parent.cloned();
    message
}

/// The number of characters before byte `at`, which is how Jupyter counts.
pub fn characters(code: &str, at: usize) -> usize {
    code.get(..at).unwrap_or(code).chars().count()
}

#[cfg(test)]
pub mod tests {
    use serde_json::json;

    use super::*;

    /// A request as it would come in.
    pub fn request(kind: &str, content: Value) -> Request {
        let message = made(kind, json!({}), None);
        Request { header: message.header, identities: vec![Bytes::from_static(b"who")], content }
    }

    #[test]
    fn an_answer_goes_to_whoever_asked_and_names_the_question() {
        let asked = request("history_request", json!({"n": 3, "raw": true}));
        let answer = asked.answer(json!({"status": "ok"}));
        assert_eq!(answer.header.msg_type, "history_reply");
        assert_eq!(answer.zmq_identities, asked.identities);
        assert_eq!(answer.parent_header.map(|h| h.msg_id), Some(asked.header.msg_id.clone()));
        assert_eq!(
            (asked.number("n"), asked.flag("raw", false), asked.flag("output", true)),
            (Some(3), true, true)
        );
    }

    #[test]
    fn cursors_are_counted_in_characters() {
        let asked = request("complete_request", json!({"code": "größe.l", "cursor_pos": 6}));
        assert_eq!(asked.code_and_cursor(), ("größe.l", 8));
        assert_eq!(characters("größe.l", 8), 6);
        assert_eq!(request("complete_request", json!({"code": "ä"})).code_and_cursor(), ("ä", 2));
    }
}
