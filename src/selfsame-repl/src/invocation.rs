//! Commands we print for the user to copy: they must work as they stand, in the folder we were called from.

use std::ffi::OsStr;
use std::path::Path;

use selfsame::front::Frontend;
use selfsame::text::shell_word;

/// A command line that calls this program the way it was called now, with `arguments`, quoted for a shell; at our own
/// prompt the command it has there, which reads its arguments as a shell does.
pub fn command_line<S: AsRef<OsStr>>(arguments: &[S]) -> String {
    if Frontend::detect().is_some_and(|front| front != Frontend::Command) {
        let words: Vec<String> = arguments.iter().map(shell_word).collect();
        return format!(":{}", words.join(" "));
    }
    let program = std::env::args_os().next().unwrap_or_else(|| "selfsame".into());
    std::iter::once(shell_word(&program))
        .chain(arguments.iter().map(shell_word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The command that goes on with the run in `folder`.
pub fn resume(folder: &Path) -> String {
    command_line(&[OsStr::new("train"), OsStr::new("--resume"), folder.as_os_str()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_misread_is_quoted() {
        assert!(resume(Path::new("runs/a b")).ends_with(" train --resume 'runs/a b'"));
        assert!(resume(Path::new("a\u{1b}c")).ends_with(r" train --resume $'a\033c'"));
    }
}
