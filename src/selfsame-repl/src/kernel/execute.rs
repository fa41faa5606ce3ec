//! Running a cell.

use serde_json::{json, Map, Value};

use super::failure::Failure;
use super::message::Request;
use super::notebook::lock;
use super::server::Server;
use crate::editor::{inputs, Input, InputKind};
use crate::repl::Flow;

impl Server {
    /// Answers an `execute_request`.
    pub(super) fn execute(&mut self, request: &Request) {
        let code = request.text("code");
        let silent = request.flag("silent", false);
        let stored = !silent && request.flag("store_history", true) && !code.trim().is_empty();
        if stored {
            self.count += 1;
            self.past.add(self.count, code);
        }
        if !silent {
            let content = json!({ "code": code, "execution_count": self.count });
            self.outbox.publish("execute_input", content, Some(&request.header));
        }
        lock(&self.outputs).begin(request.header.clone(), self.count, silent);
        self.stdin.begin(request);
        for output in self.shell.session().stray_output() {
            self.shell.screen.output(output);
        }
        let flow = self.run(code);
        let failure = lock(&self.outputs).end(flow == Flow::Failed);
        let interrupted = self.stop.done();
        self.reply(request, flow, failure.as_ref(), silent);
        // Who interrupts a cell does not want the next ones either.
        if (failure.is_some() || interrupted) && request.flag("stop_on_error", true) {
            self.abort_waiting();
        }
    }

    /// Runs a cell: as one piece of Rust, or input by input where there are commands in it.
    fn run(&mut self, code: &str) -> Flow {
        let place = format!("cell {}", self.count);
        let code = without_comments_before_a_command(code);
        let given = inputs(code);
        if !given.iter().any(|input| input.kind().is_one_line()) {
            return self.shell.input(&Input { text: code.to_string(), line: 1 }, &place);
        }
        for input in &given {
            let flow = self.shell.input(input, &place);
            if flow != Flow::Go {
                return flow;
            }
        }
        Flow::Go
    }

    fn reply(&mut self, request: &Request, flow: Flow, failure: Option<&Failure>, silent: bool) {
        let mut content = json!({ "execution_count": self.count });
        match failure {
            Some(failure) => {
                let error = failure.json();
                if !silent {
                    self.outbox.publish("error", error.clone(), Some(&request.header));
                }
                content["status"] = "error".into();
                for (name, value) in error.as_object().into_iter().flatten() {
                    content[name] = value.clone();
                }
            }
            None => {
                content["status"] = "ok".into();
                content["user_expressions"] = refused(&request.content["user_expressions"]);
            }
        }
        content["payload"] = self.payload(flow);
        self.outbox.shell(request.answer(content));
    }

    /// What the front end is asked to do: put a text into the next cell, or leave.
    fn payload(&mut self, flow: Flow) -> Value {
        let mut payload = Vec::new();
        if let Some(text) = self.shell.prefill.take() {
            payload.push(json!({ "source": "set_next_input", "text": text, "replace": false }));
        }
        if let Flow::Quit(_) = flow {
            payload.push(json!({ "source": "ask_exit", "keepkernel": false }));
        }
        payload.into()
    }

    /// Cells that wait already are not run; other requests stay.
    fn abort_waiting(&mut self) {
        self.waiting.extend(self.inbox.try_iter());
        let (cells, others) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|request| request.kind() == "execute_request");
        self.waiting = others.into();
        for cell in cells {
            self.state("busy", &cell);
            let content = json!({ "status": "aborted", "execution_count": self.count });
            self.outbox.shell(cell.answer(content));
            self.state("idle", &cell);
        }
    }
}

/// Comments above a command would make Rust of it.
fn without_comments_before_a_command(code: &str) -> &str {
    let mut rest = code;
    while let Some((line, after)) = rest.split_once('\n') {
        let text = line.trim();
        if !(text.is_empty() || (text.starts_with("//") && !text.starts_with("//:"))) {
            break;
        }
        rest = after;
    }
    if InputKind::of(rest).is_one_line() {
        rest
    } else {
        code
    }
}

/// Expressions to be evaluated beside a cell: each would be a compilation of its own.
fn refused(expressions: &Value) -> Value {
    let error = json!({
        "status": "error",
        "ename": "NotSupported",
        "evalue": "This kernel evaluates no user_expressions: put the expression last in a cell.",
        "traceback": [],
    });
    let names = expressions.as_object().into_iter().flat_map(Map::keys);
    Value::Object(names.map(|name| (name.clone(), error.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_above_a_command_are_left_out() {
        let of = without_comments_before_a_command;
        assert_eq!(of("// train\n\n:train simclr digits"), ":train simclr digits");
        assert_eq!(of("// x\nlet x = 1;"), "// x\nlet x = 1;");
        assert_eq!(of("//:methods"), "//:methods");
    }

    #[test]
    fn every_expression_is_refused_by_name() {
        let answer = refused(&json!({ "a": "1 + 1", "b": "x" }));
        assert_eq!(answer["a"]["status"], "error");
        assert_eq!(answer.as_object().map(Map::len), Some(2));
        assert_eq!(refused(&Value::Null), json!({}));
    }
}
