//! One process at a time in a run folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};

/// The file in the run folder that is locked. It stays behind; only the system's lock on it counts, and that ends with
/// the process, however it ends.
const FILE: &str = "lock";

/// Holds a run folder for this process until it is dropped.
#[derive(Debug)]
pub(crate) struct RunLock {
    _file: File,
}

/// Whether a process is training in `folder` now.
pub fn is_training(folder: &Path) -> bool {
    // A shared lock is refused while somebody has the folder, and given back before anybody who begins gives up.
    File::open(folder.join(FILE))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl RunLock {
    /// Takes `folder`, and leaves the process's id in it for whoever finds it taken.
    ///
    /// # Errors
    /// [`Error::Run`] when another process has it, [`Error::Io`] when the folder cannot be written.
    pub(crate) fn take(folder: &Path) -> Result<RunLock> {
        let path = folder.join(FILE);
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let mut file = open.map_err(Error::io("create", &path))?;
        match patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&path).unwrap_or_default();
                let process = match holder.trim() {
                    "" => "another process".to_string(),
                    id => format!("process {id}"),
                };
                let remedy = "Let it finish, or stop it first; then resume the run.";
                return Err(Error::run(folder, format!("{process} is training in it"), remedy));
            }
            // A file system without locks (some network mounts) is no reason not to train.
            Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path)(e)),
        }
        let id = format!("{}\n", std::process::id());
        file.set_len(0).and_then(|()| file.write_all(id.as_bytes())).map_err(Error::io("write", &path))?;
        Ok(RunLock { _file: file })
    }
}

/// Tries for a moment: whoever only asks [`is_training`] has the lock for less.
fn patiently(file: &File) -> std::result::Result<(), TryLockError> {
    for _ in 0..5 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            other => return other,
        }
    }
    file.try_lock()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_with_the_first_one_s_id_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunLock::take(folder.path()).unwrap();
        let refused = RunLock::take(folder.path()).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {} is training", std::process::id())), "{refused}");
        assert!(is_training(folder.path()));
        drop(first);
        assert!(!is_training(folder.path()) && !is_training(&folder.path().join("none")));
        RunLock::take(folder.path()).unwrap();
    }

    #[test]
    fn what_a_dead_process_left_behind_does_not_hold_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "4294967295 and more\n").unwrap();
        let _lock = RunLock::take(folder.path()).unwrap();
        let left = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(left, format!("{}\n", std::process::id()));
    }
}
