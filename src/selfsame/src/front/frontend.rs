//! Which face started this process.

use std::sync::OnceLock;

/// The environment variable in which a face names itself: `repl`, `jupyter` or `command`.
pub const VARIABLE: &str = "SELFSAME_FRONTEND";

/// The environment variable in which a face hands over the secret that this process's messages carry, so that text somebody
/// prints cannot pass for one.
pub const SECRET: &str = "SELFSAME_SECRET";

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

/// What the face said: who it is, and its secret.
struct Told {
    face: Option<Frontend>,
    secret: String,
}

/// The environment is asked once: see [`adopt`].
fn told() -> &'static Told {
    static TOLD: OnceLock<Told> = OnceLock::new();
    TOLD.get_or_init(|| {
        let secret = std::env::var(SECRET).unwrap_or_default();
        let face = std::env::var(VARIABLE).ok().filter(|_| !secret.is_empty());
        Told { face: face.and_then(|name| Frontend::named(&name)), secret }
    })
}

/// Takes note of the face that started this process, and takes what it said out of the environment: the programs that this
/// process starts are not the face's, and what they print is text. To be called while nobody else reads the environment.
pub fn adopt() {
    told();
    std::env::remove_var(VARIABLE);
    std::env::remove_var(SECRET);
}

/// The secret of the face that started this process; empty where none did.
pub(crate) fn secret() -> &'static str {
    &told().secret
}

impl Frontend {
    /// The face that started this process, if one did: what [`VARIABLE`] said, with a [`SECRET`], when it was first asked.
    pub fn detect() -> Option<Frontend> {
        told().face
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

/// Whether this process runs the cells of a stock evcxr session.
pub(crate) fn in_a_cell() -> bool {
    std::env::var_os("EVCXR_IS_RUNTIME").is_some()
}

#[cfg(test)]
mod tests {
    use super::super::child::child;
    use super::*;

    #[test]
    fn what_a_process_starts_is_not_told_of_the_face() {
        let told = child("front::frontend::tests::what_a_process_starts_is_not_told_of_the_face", || {
            adopt();
            assert_eq!(Frontend::detect(), Some(Frontend::Repl));
            assert!(!secret().is_empty());
            assert_eq!((std::env::var_os(VARIABLE), std::env::var_os(SECRET)), (None, None));
            super::super::send(super::super::Message::Note { text: "heard".into() });
        });
        let Some(told) = told else { return };
        assert_eq!(told.messages(), [super::super::Message::Note { text: "heard".into() }]);
    }
}
