//! How the terminal takes keys while nobody reads them, or a program does that we have started.

#[cfg(unix)]
use rustix::termios::{tcgetattr, tcsetattr, InputModes, LocalModes, OptionalActions, Termios};

/// A mode of the terminal. Dropping it brings back the one before.
pub struct TerminalMode {
    #[cfg(unix)]
    before: Termios,
}

impl TerminalMode {
    /// Keys wait for the next prompt as they were pressed, and are not shown; Ctrl-C and Ctrl-Z are signals as ever. `None`
    /// where there is no terminal.
    ///
    /// In the usual mode the terminal makes lines of them, which end in newlines. The line editor takes those for Ctrl-J and
    /// drops what comes behind one; and what is typed would be shown in the middle of what is printed.
    pub fn keys_wait() -> Option<TerminalMode> {
        #[cfg(unix)]
        return change(|mode| {
            mode.input_modes.remove(InputModes::ICRNL | InputModes::INLCR | InputModes::IGNCR);
            mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
            mode.local_modes.insert(LocalModes::ISIG);
        });
        #[cfg(not(unix))]
        None
    }

    /// Lines, shown and corrected as they are typed: what programs and questions expect.
    pub fn usual() -> Option<TerminalMode> {
        #[cfg(unix)]
        return change(|mode| {
            mode.input_modes.insert(InputModes::ICRNL);
            mode.local_modes
                .insert(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN | LocalModes::ISIG);
        });
        #[cfg(not(unix))]
        None
    }
}

#[cfg(unix)]
fn change(how: impl FnOnce(&mut Termios)) -> Option<TerminalMode> {
    let before = tcgetattr(rustix::stdio::stdin()).ok()?;
    let mut mode = before.clone();
    how(&mut mode);
    tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &mode).ok()?;
    Some(TerminalMode { before })
}

#[cfg(unix)]
impl Drop for TerminalMode {
    fn drop(&mut self) {
        // A terminal that has gone needs no mode.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
    }
}
