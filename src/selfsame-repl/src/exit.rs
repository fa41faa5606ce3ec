//! What the process says when it ends: every exit code is decided here.

use std::process::ExitCode;

use selfsame::Error;

use crate::output;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is done.
    Done,
    /// It could not be done.
    Failed,
    /// The arguments make no sense; nothing was started. Clap leaves with the same code.
    BadArguments,
    /// Stopped by a signal; training has saved a checkpoint first.
    Interrupted,
}

impl Exit {
    /// The process's exit code; 130 is what shells expect of a program ended by Ctrl-C.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::BadArguments => 2,
            Exit::Interrupted => 130,
        }
    }

    /// The end a script or the REPL came to, by its code.
    pub fn from_code(code: u8) -> Exit {
        match code {
            0 => Exit::Done,
            2 => Exit::BadArguments,
            130 => Exit::Interrupted,
            _ => Exit::Failed,
        }
    }

    /// The code an error leads to.
    pub fn of(error: &Error) -> Exit {
        match error {
            Error::Setting { .. } | Error::Unknown { .. } => Exit::BadArguments,
            Error::Interrupted => Exit::Interrupted,
            _ => Exit::Failed,
        }
    }
}

/// Prints what went wrong, if something did, and gives the process its code.
pub fn finish(end: Result<Exit, Error>) -> ExitCode {
    let exit = end.unwrap_or_else(|error| {
        output::error(&error.to_string());
        Exit::of(&error)
    });
    ExitCode::from(exit.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_lead_to_the_documented_codes() {
        assert_eq!(Exit::of(&Error::setting("--lr", "NaN", "a number", "")).code(), 2);
        assert_eq!(Exit::of(&Error::unknown("method", "x", &["simclr"])).code(), 2);
        assert_eq!(Exit::of(&Error::run("runs/a", "no checkpoint", "Train first.")).code(), 1);
        assert_eq!(Exit::of(&Error::Interrupted).code(), 130);
        assert_eq!(Exit::Done.code(), 0);
    }
}
