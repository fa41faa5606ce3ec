//! Starting evcxr apart from the working folder.
//!
//! evcxr obeys an `evcxr.toml` in the working folder before any other, and rustup, which it asks where cargo is, a
//! `rust-toolchain.toml` there or above. Either can name a program that is run before the first cell. Whoever wrote
//! the folder a session is started in is not who uses it, so evcxr begins elsewhere.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::private::NOWHERE;

/// evcxr's settings, which it looks for in the working folder first.
const SETTINGS: &str = "evcxr.toml";

/// Gives the calling thread, and those it starts, a working folder of their own; whether the system can. Some containers
/// forbid it.
pub fn separate() -> bool {
    #[cfg(target_os = "linux")]
    // SAFETY: a system call that changes nothing but which folder relative names begin in, for this thread.
    unsafe {
        libc::unshare(libc::CLONE_FS) == 0
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// As long as this lives, the calling thread, which is [separate], works in a folder where nobody leaves files.
///
/// [separate]: separate()
#[derive(Debug)]
pub struct Elsewhere {
    here: File,
}

impl Elsewhere {
    /// Goes there.
    ///
    /// # Errors
    /// The working folder cannot be opened, to come back to it.
    pub fn go() -> io::Result<Elsewhere> {
        let mut options = File::options();
        options.read(true);
        // A folder may be entered without being read.
        #[cfg(target_os = "linux")]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_PATH | libc::O_DIRECTORY);
        let here = options.open(".")?;
        std::env::set_current_dir(NOWHERE)?;
        Ok(Elsewhere { here })
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // SAFETY: a system call without memory, on a descriptor that is open. It cannot fail for a folder that was entered.
        unsafe { libc::fchdir(std::os::fd::AsRawFd::as_raw_fd(&self.here)) };
    }
}

/// Where a thread cannot be separate: whether evcxr would obey anything in `here`, where `rustc` says which compiler rustup would
/// run in a folder.
///
/// # Errors
/// It would; a sentence that says what.
pub fn looked_at(here: &Path, rustc: impl Fn(&Path) -> Option<PathBuf>) -> Result<(), String> {
    let settings = here.join(SETTINGS);
    if settings.symlink_metadata().is_ok() {
        return Err(format!(
            "Rust cells do not start in a folder with settings for evcxr, {}, which would be obeyed. Start in another \
             folder, or rename it.",
            settings.display()
        ));
    }
    if rustc(here) != rustc(Path::new(NOWHERE)) {
        return Err(format!(
            "Rust cells do not start in {}: a rust-toolchain.toml there, or above, asks for another toolchain, which would \
             be run. Start in another folder, or name the toolchain you want in RUSTUP_TOOLCHAIN.",
            here.display()
        ));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_goes_elsewhere_alone_and_comes_back() {
        let here = std::env::current_dir().unwrap();
        let (went, back) = std::thread::spawn(|| {
            if !separate() {
                return None;
            }
            let elsewhere = Elsewhere::go().unwrap();
            let went = std::env::current_dir().unwrap();
            drop(elsewhere);
            Some((went, std::env::current_dir().unwrap()))
        })
        .join()
        .unwrap()
        .unwrap_or_else(|| {
            // What a test prints by other ways is held back when it passes.
            use std::io::Write;
            let _ = writeln!(
                std::io::stderr(),
                "skipped: this system gives no thread a working folder of its own"
            );
            (NOWHERE.into(), here.clone())
        });
        assert_eq!((went.as_path(), back), (Path::new(NOWHERE), here.clone()));
        assert_eq!(std::env::current_dir().unwrap(), here);
    }

    #[test]
    fn where_no_thread_goes_elsewhere_what_would_be_obeyed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let asks_for = |there: Option<&'static str>| {
            move |at: &Path| {
                if at == Path::new(NOWHERE) {
                    Some("/own/rustc".into())
                } else {
                    there.map(PathBuf::from)
                }
            }
        };
        looked_at(here, asks_for(Some("/own/rustc"))).unwrap();
        looked_at(here, |_| None).unwrap();
        // One that is not installed would be installed.
        for other in [Some("/tmp/rustc"), None] {
            let said = looked_at(here, asks_for(other)).unwrap_err();
            assert!(said.contains("rust-toolchain.toml") && said.contains("RUSTUP_TOOLCHAIN"), "{said}");
        }
        fs::write(here.join(SETTINGS), "").unwrap();
        let said = looked_at(here, |_| None).unwrap_err();
        assert!(said.contains(SETTINGS) && said.contains("rename it"), "{said}");
    }
}
