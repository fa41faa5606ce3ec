//! The REPL: commands and Rust at one prompt, the same from scripts, and from a notebook's cells.

mod child;
mod colon;
mod interrupts;
mod line;
mod screen;
mod shell;
mod start;
mod terminal;

pub use child::Ended;
pub use colon::{all as commands, read_script};
pub use interrupts::note as note_interrupt;
pub use line::{vocabulary, Completer};
pub use screen::Screen;
pub use shell::{Flow, Shell};
pub use start::{at_a_terminal, interactive, script, Script};
