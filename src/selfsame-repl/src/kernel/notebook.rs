//! A notebook's cell as the screen of the shell.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

use super::failure::Failure;
use super::outputs::Outputs;
use super::stdin::Stdin;
use crate::engine::{Fault, Output, Value};
use crate::repl::{Ended, Screen};

/// Lines of a paragraph are broken behind this many characters; a notebook does not break plain text itself.
const WIDTH: usize = 100;

/// Sends everything to the cell that runs.
pub struct Notebook {
    outputs: Arc<Mutex<Outputs>>,
    stdin: Arc<Stdin>,
}

impl Notebook {
    /// Output goes to `outputs`, questions to `stdin`.
    pub fn new(outputs: Arc<Mutex<Outputs>>, stdin: Arc<Stdin>) -> Notebook {
        Notebook { outputs, stdin }
    }

    fn outputs(&self) -> MutexGuard<'_, Outputs> {
        lock(&self.outputs)
    }
}

impl Screen for Notebook {
    fn output(&mut self, output: Output) {
        match output {
            Output::Line(line) => self.outputs().line(&line, false),
            Output::Partial(text) => self.outputs().partial(&text),
            Output::ErrorLine(line) => self.outputs().line(&line, true),
            Output::Message(sent) => self.outputs().message(*sent),
            Output::Omitted { lines, bytes } => self.outputs().omitted(lines, bytes),
        }
    }

    fn line(&mut self, line: &str) {
        self.outputs().line(line, false);
    }

    fn finish(&mut self) {
        self.outputs().finish();
    }

    fn value(&mut self, value: &Value) {
        if !value.is_empty() {
            self.outputs().result(bundle(value));
        }
    }

    fn fault(&mut self, fault: &Fault, source: &str) {
        self.outputs().fail(Failure::of_code(fault, source));
    }

    fn failure(&mut self, message: &str) {
        self.outputs().fail(Failure::of_command(message));
    }

    fn command_failed(&mut self, ended: &Ended, name: &str) {
        self.outputs().fail(Failure::of_program(ended, name));
    }

    fn note(&mut self, text: &str) {
        self.outputs().note(text);
    }

    fn waiting(&mut self, what: &str) {
        self.outputs().waiting(what);
    }

    fn heading(&mut self, text: &str) {
        self.line(&format!("\x1b[1m{text}\x1b[0m"));
    }

    fn paragraph(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line += word;
        }
        self.line(&line);
    }

    fn ask(&mut self, prompt: &str, is_password: bool) -> String {
        self.outputs().finish();
        self.stdin.ask(prompt, is_password).unwrap_or_else(|| {
            self.outputs()
                .note(&format!("'{prompt}' is answered by an empty line: nobody can be asked here."));
            String::new()
        })
    }

    fn is_looked_at(&self) -> bool {
        true
    }

    fn lends_its_terminal(&self) -> bool {
        false
    }
}

/// A value as Jupyter wants it: JSON types as JSON, everything else as text.
fn bundle(value: &Value) -> Json {
    let data = value.iter().map(|(mime, text)| {
        let is_json = mime == "application/json" || mime.ends_with("+json");
        let json = is_json.then(|| serde_json::from_str(text).ok()).flatten();
        (mime.clone(), json.unwrap_or_else(|| Json::String(text.clone())))
    });
    Json::Object(data.collect())
}

/// A lock whatever happened to its last holder: all values here are whole at any time.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_types_travel_as_json_and_damage_as_text() {
        let value = [("application/json", "{\"a\":1}"), ("text/html", "<b>"), ("x+json", "{")];
        let value: Value = value.iter().map(|(m, t)| (m.to_string(), t.to_string())).collect();
        assert_eq!(
            bundle(&value),
            json!({ "application/json": { "a": 1 }, "text/html": "<b>", "x+json": "{" })
        );
    }
}
