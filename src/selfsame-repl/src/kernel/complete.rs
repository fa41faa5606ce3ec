//! Completions: what the prompt of the REPL proposes, in Jupyter's form.

use std::path::Path;
use std::time::{Duration, Instant};

use reedline::{Completer as _, CompletionStatus, Suggestion};
use serde_json::{json, Value};

use super::message::characters;
use crate::editor::{InputCompleter, InputKind};
use crate::engine::Session;
use crate::repl::{vocabulary, Completer};

/// A front end has given up by then.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a session is asked whether it has the answer.
const LOOK: Duration = Duration::from_millis(4);

/// Proposes commands, their arguments, paths and Rust.
pub struct Completions {
    completer: InputCompleter,
}

impl Completions {
    /// Rust comes from `session`.
    pub fn new(session: Session) -> Completions {
        let rust = Box::new(Completer::new(session));
        Completions { completer: InputCompleter::new(vocabulary(), rust, Path::new("runs")) }
    }

    /// The answer to a `complete_request` for byte `at` of `code`.
    pub fn answer(&mut self, code: &str, at: usize) -> Value {
        let (begin, end) = piece(code, at);
        let found = self.wait_for(&code[begin..end], at - begin);
        // One place only can be replaced, so what would replace another is left out.
        let Some(span) = found.first().map(|s| s.span) else {
            let at = characters(code, at);
            return json!({ "status": "ok", "matches": [], "cursor_start": at, "cursor_end": at, "metadata": {} });
        };
        let (start, end) = (characters(code, begin + span.start), characters(code, begin + span.end));
        let found: Vec<&Suggestion> = found.iter().filter(|s| s.span == span).collect();
        let matches: Vec<&str> = found.iter().map(|s| s.value.as_str()).collect();
        let types: Vec<Value> = found
            .iter()
            .map(|s| {
                let about = s.description.as_deref().unwrap_or_default();
                let is_rust = !s.append_whitespace && !about.is_empty();
                let (kind, signature) = match about.split_once(' ').filter(|_| is_rust) {
                    Some((kind, signature)) => (in_jupyter(kind), signature),
                    None if is_rust => (in_jupyter(about), ""),
                    None => ("magic", about),
                };
                json!({ "text": s.value, "type": kind, "signature": signature, "start": start, "end": end })
            })
            .collect();
        json!({
            "status": "ok",
            "matches": matches,
            "cursor_start": start,
            "cursor_end": end,
            "metadata": { "_jupyter_types_experimental": types },
        })
    }

    /// The prompt never waits; a request does.
    fn wait_for(&mut self, text: &str, at: usize) -> Vec<Suggestion> {
        let begun = Instant::now();
        loop {
            let found = self.completer.complete(text, at);
            if !found.is_provisional() {
                return found.suggestions().to_vec();
            }
            while self.completer.poll_completion() == CompletionStatus::Pending {
                if begun.elapsed() > PATIENCE {
                    return Vec::new();
                }
                std::thread::sleep(LOOK);
            }
            if begun.elapsed() > PATIENCE {
                return Vec::new();
            }
        }
    }
}

/// The prompt's word for a kind in the words of Jupyter's front ends, which have a picture for each.
fn in_jupyter(kind: &str) -> &str {
    match kind {
        "value" => "instance",
        "type" => "class",
        kind => kind,
    }
}

/// The part of a cell the cursor is in, as bytes: its line where that is a command, else the Rust below the commands.
pub fn piece(code: &str, at: usize) -> (usize, usize) {
    let mut begin = 0;
    for line in code.split_inclusive('\n') {
        let end = begin + line.len();
        if InputKind::of(line).is_one_line() {
            if at < end || (at == end && !line.ends_with('\n')) {
                return (begin, end);
            }
        } else if !line.trim().is_empty() {
            break;
        }
        begin = end;
    }
    (begin.min(at), code.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_its_line_and_rust_is_the_rest() {
        let of = |code: &'static str, at| {
            let (begin, end) = piece(code, at);
            &code[begin..end]
        };
        let code = ":seed 3\n:train sim\nlet x = 1;\nx.";
        assert_eq!(of(code, 3), ":seed 3\n");
        assert_eq!(of(code, 12), ":train sim\n");
        assert_eq!(of(code, code.len()), "let x = 1;\nx.");
        assert_eq!(of("x.", 2), "x.");
        assert_eq!(of(":tr", 3), ":tr");
        assert_eq!(of("", 0), "");
    }
}
