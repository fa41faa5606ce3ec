//! What went wrong with a cell, as notebooks show it.

use serde_json::{json, Value};

use crate::engine::Fault;
use crate::repl::Ended;

/// An error's name, its value and the text below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    name: String,
    value: String,
    traceback: Vec<String>,
}

impl Failure {
    /// What went wrong with the Rust in `source`.
    pub fn of_code(fault: &Fault, source: &str) -> Failure {
        let (name, value) = (fault.kind.to_string(), fault.summary.clone());
        let mut traceback = vec![first_line(&name, &value)];
        traceback.extend(fault.excerpt(source).lines().map(str::to_string));
        traceback.extend(fault.remedy.iter().map(|remedy| format!("  {remedy}")));
        Failure { name, value, traceback }
    }

    /// A command that cannot be carried out.
    pub fn of_command(message: &str) -> Failure {
        let name = "CommandError".to_string();
        Failure { traceback: vec![first_line(&name, message)], value: message.to_string(), name }
    }

    /// A command that was carried out by the program, and failed.
    pub fn of_program(ended: &Ended, command: &str) -> Failure {
        let how =
            ended.code.map_or("was ended by force".to_string(), |code| format!("ended with code {code}"));
        let said: Vec<&str> =
            ended.errors.iter().map(|line| line.strip_prefix("error: ").unwrap_or(line)).collect();
        let value = match said.iter().find(|line| !line.trim().is_empty()) {
            Some(line) => line.to_string(),
            None => format!("{command} {how}"),
        };
        let name = "CommandError".to_string();
        let mut traceback = vec![first_line(&name, &value)];
        traceback.extend(said.iter().skip_while(|line| **line != value).skip(1).map(ToString::to_string));
        Failure { name, value, traceback }
    }

    /// The failure as the fields of a message.
    pub fn json(&self) -> Value {
        json!({ "ename": self.name, "evalue": self.value, "traceback": self.traceback })
    }

    /// The failure as text, for a cell that goes on.
    pub fn text(&self) -> String {
        self.traceback.join("\n")
    }
}

/// The name in red, as notebooks show errors.
fn first_line(name: &str, value: &str) -> String {
    format!("\x1b[1;31m{name}\x1b[0m: {value}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::FaultKind;

    #[test]
    fn an_error_has_a_name_a_value_and_says_what_to_do() {
        let fault = Fault::new(FaultKind::Panic, "panicked: no").remedy("Do not.");
        let failure = Failure::of_code(&fault, "panic!(\"no\")");
        assert_eq!(failure.json()["ename"], "Panic");
        assert_eq!(failure.json()["evalue"], "panicked: no");
        assert_eq!(failure.traceback, ["\x1b[1;31mPanic\x1b[0m: panicked: no", "  Do not."]);
    }

    #[test]
    fn a_program_is_quoted_and_one_that_said_nothing_has_its_code() {
        let ended = |errors: &[&str]| Ended {
            code: Some(2),
            folder: None,
            errors: errors.iter().map(ToString::to_string).collect(),
        };
        let failure = Failure::of_program(&ended(&["error: unknown method 'x'", "  try y"]), "train");
        assert_eq!((failure.value.as_str(), failure.traceback.len()), ("unknown method 'x'", 2));
        assert_eq!(Failure::of_program(&ended(&[]), "train").value, "train ended with code 2");
    }
}
