//! The line at the prompt: reading, checking, colouring, completing and remembering it.
//!
//! One file a role, as in reedline: the parts are plain and know no session. What they complete and colour by comes
//! in through small types ([`Vocabulary`], [`RustCompleter`], [`Status`]); inputs go out through [`LineSource`].
mod completer;
mod config;
mod editor;
mod highlighter;
mod hinter;
mod history;
mod input;
mod line_source;
mod listing;
mod place;
mod prompt;
mod ranking;
mod rust_completer;
mod rust_lexer;
mod theme;
mod validator;
mod vocabulary;

pub use completer::InputCompleter;
pub use config::{default_file as default_config_file, Config, EditStyle, Key, Origin, Set, KEYS};
pub use editor::{edit, program, Editor, Parts};
pub use highlighter::InputHighlighter;
pub use hinter::HistoryHinter;
pub use history::{default_file as default_history_file, search, Notice, Past, Remembered, Search};
pub use input::{inputs, joined, Input, InputKind, Lines};
pub use line_source::{plain_terminal, script, stdin, text, Event, LineSource, Stream};
pub use prompt::{SessionPrompt, Status};
pub use rust_completer::{RustAnswer, RustCompleter, RustProposal};
pub use theme::{Theme, ThemeName};
pub use validator::{completeness, Completeness, InputValidator};
pub use vocabulary::{CommandWords, Flag, Values, Vocabulary};
