//! The line at the prompt: reading, checking, colouring, completing and remembering it.
//!
//! One file a role, as in reedline: the parts are plain and know no session. What they complete and colour by comes
//! in through small types ([`Vocabulary`], [`RustCompleter`], [`Status`]); inputs go out through [`LineSource`].
mod highlighter;
mod input;
mod line_source;
mod rust_lexer;
mod theme;
mod validator;

pub use highlighter::InputHighlighter;
pub use input::{inputs, joined, Input, InputKind, Lines};
pub use line_source::{plain_terminal, script, stdin, text, Event, LineSource, Stream};
pub use theme::{Theme, ThemeName};
pub use validator::{completeness, Completeness, InputValidator};
