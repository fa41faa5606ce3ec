//! Commands we print for the user to copy: they must work as they stand, in the folder we were called from.

use std::ffi::OsStr;
use std::path::Path;

use selfsame::front::Frontend;

/// A command line that calls this program the way it was called now, with `arguments`, quoted for a shell; at our own
/// prompt the command it has there, which reads its arguments as a shell does.
pub fn command_line<S: AsRef<OsStr>>(arguments: &[S]) -> String {
    if Frontend::detect().is_some_and(|front| front != Frontend::Command) {
        let words: Vec<String> = arguments.iter().map(|a| quoted(a.as_ref())).collect();
        return format!(":{}", words.join(" "));
    }
    let program = std::env::args_os().next().unwrap_or_else(|| "selfsame".into());
    std::iter::once(quoted(&program))
        .chain(arguments.iter().map(|a| quoted(a.as_ref())))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The command that goes on with the run in `folder`.
pub fn resume(folder: &Path) -> String {
    command_line(&[OsStr::new("train"), OsStr::new("--resume"), folder.as_os_str()])
}

/// `word` as a POSIX shell reads it back; left bare where it can be.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_shell_would_misread_is_quoted() {
        assert_eq!(quoted(OsStr::new("runs/simclr-digits-7")), "runs/simclr-digits-7");
        assert_eq!(quoted(OsStr::new("my runs")), "'my runs'");
        assert_eq!(quoted(OsStr::new("it's")), r"'it'\''s'");
        assert_eq!(quoted(OsStr::new("")), "''");
        assert!(resume(Path::new("runs/a b")).ends_with(" train --resume 'runs/a b'"));
    }
}
