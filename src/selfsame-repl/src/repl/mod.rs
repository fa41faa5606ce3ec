//! The REPL: commands and Rust at one prompt, and the same from scripts.

mod child;
mod colon;
mod interrupts;
mod line;
mod screen;
mod shell;
mod start;

pub use start::{at_a_terminal, interactive, script, Script};
