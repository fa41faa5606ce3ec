//! The line at the prompt: reading, checking, colouring, completing and remembering it.
//!
//! One file a role, as in reedline: the parts are plain and know no session. What they complete and colour by comes
//! in through small types ([`Vocabulary`], [`RustCompleter`], [`Status`]); inputs go out through [`LineSource`].
mod completer;
mod config;
mod highlighter;
mod hinter;
mod history;
mod input;
mod line_editor;
mod line_source;
mod listing;
mod place;
mod prompt;
mod ranking;
mod rust_completer;
mod rust_lexer;
mod terminal_mode;
mod theme;
mod validator;
mod vocabulary;

pub use completer::InputCompleter;
pub use config::{Config, Origin, Set, KEYS};
pub use history::{default_file as default_history_file, search, Remembered, Search};
pub use input::{inputs, joined, Input, InputKind};
pub use line_editor::{edit, Editor, Parts};
pub use line_source::{plain_terminal, stdin, text, Event, LineSource};
pub use prompt::Status;
pub use rust_completer::{RustAnswer, RustCompleter, RustProposal};
pub use rust_lexer::{tokens, Bracket, Kind, Token};
pub use terminal_mode::TerminalMode;
pub use validator::{completeness, Completeness};
pub use vocabulary::{CommandWords, Values, Vocabulary};
