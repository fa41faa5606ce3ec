//! Where the shell's output goes: a terminal, a file, a notebook's cell.

use super::child::Ended;
use crate::engine::{Fault, Output, Value};

/// What the shell and its commands tell the person who works with them.
pub trait Screen {
    /// One piece of output of a cell or command.
    fn output(&mut self, output: Output);

    /// A line of standard output.
    fn line(&mut self, line: &str);

    /// Ends whatever is being drawn.
    fn finish(&mut self);

    /// The value of a cell's last expression.
    fn value(&mut self, value: &Value);

    /// What went wrong with `source`.
    fn fault(&mut self, fault: &Fault, source: &str);

    /// A failure of a command, in a sentence.
    fn failure(&mut self, message: &str);

    /// A command of the program that failed: what it said, or how it ended.
    fn command_failed(&mut self, ended: &Ended, name: &str);

    /// Something the shell itself says.
    fn note(&mut self, text: &str);

    /// What is being waited for; it takes the place of what was waited for before.
    fn waiting(&mut self, what: &str);

    /// The heading of something longer.
    fn heading(&mut self, text: &str);

    /// A text of any length, broken into lines that fit.
    fn paragraph(&mut self, text: &str);

    /// Asks for a line; empty where nobody can answer.
    fn ask(&mut self, prompt: &str, is_password: bool) -> String;

    /// Whether a person reads it, who does not read millions of lines.
    fn is_looked_at(&self) -> bool;

    /// Whether programs that are started can have this process's own terminal.
    fn lends_its_terminal(&self) -> bool;
}
