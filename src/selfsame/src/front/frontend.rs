//! Which face started this process.

/// The environment variable in which a face names itself: `repl`, `jupyter` or `command`.
pub const VARIABLE: &str = "SELFSAME_FRONTEND";

/// A face that reads [`Message`](super::Message)s from this process's stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frontend {
    /// The prompt in a terminal.
    Repl,
    /// The notebook kernel.
    Jupyter,
    /// A command that runs a script.
    Command,
}

impl Frontend {
    /// The face that started this process, if one did: what [`VARIABLE`] says.
    pub fn detect() -> Option<Frontend> {
        Frontend::named(std::env::var(VARIABLE).ok()?.as_str())
    }

    /// The face of that name; `None` for any other.
    pub fn named(name: &str) -> Option<Frontend> {
        [Frontend::Repl, Frontend::Jupyter, Frontend::Command].into_iter().find(|face| face.name() == name)
    }

    /// Its name, as [`VARIABLE`] spells it.
    pub fn name(self) -> &'static str {
        match self {
            Frontend::Repl => "repl",
            Frontend::Jupyter => "jupyter",
            Frontend::Command => "command",
        }
    }
}

/// Whether this process runs the cells of an evcxr session, ours or the stock one.
pub(crate) fn in_a_cell() -> bool {
    std::env::var_os("EVCXR_IS_RUNTIME").is_some()
}
