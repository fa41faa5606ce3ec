//! One process at a time in a run folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::files::{no_link, open_own, remove_leftovers};

/// The file in the run folder that is locked. It stays behind; only the system's lock on it counts, and that ends with
/// the process, however it ends.
const FILE: &str = "lock";
/// The folders in a run folder that are written to.
const FOLDERS: [&str; 2] = ["checkpoint", "figures"];

/// Holds a run folder for this process until it is dropped.
#[derive(Debug)]
pub(crate) struct RunLock {
    _file: File,
}

/// Whether a process is training in `folder` now.
pub fn is_training(folder: &Path) -> bool {
    // A shared lock is refused while somebody has the folder, and given back before anybody who begins gives up.
    open_own(&folder.join(FILE), OpenOptions::new().read(true))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl RunLock {
    /// Takes `folder`, and leaves the process's id in it for whoever finds it taken; removes what processes that were
    /// killed left in it.
    ///
    /// # Errors
    /// [`Error::Run`] when another process has it, [`Error::Io`] when the folder cannot be written, [`Error::Input`] when
    /// something in it that is written to is a link.
    pub(crate) fn take(folder: &Path) -> Result<RunLock> {
        let path = folder.join(FILE);
        let mut options = OpenOptions::new();
        let mut file = open_own(&path, options.create(true).truncate(false).read(true).write(true))?;
        for inside in FOLDERS {
            no_link(&folder.join(inside))?;
        }
        match patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.take(32).read_to_string(&mut holder);
                let process = match holder.trim().parse::<u32>() {
                    Ok(id) => format!("process {id}"),
                    Err(_) => "another process".to_string(),
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
        remove_leftovers(folder);
        FOLDERS.iter().for_each(|inside| remove_leftovers(&folder.join(inside)));
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
    use std::fs;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_received_folder_leads_nowhere_else() {
        use std::os::unix::fs::symlink;
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("precious");
        fs::write(&target, "keep").unwrap();
        for (name, leads) in
            [("lock", target.as_path()), ("checkpoint", elsewhere.path()), ("figures", &target)]
        {
            let folder = tempfile::tempdir().unwrap();
            symlink(leads, folder.path().join(name)).unwrap();
            let said = RunLock::take(folder.path()).unwrap_err().to_string();
            assert!(said.contains(&format!("{name}: it is a link")), "{said}");
            assert!(!is_training(folder.path()));
        }
        assert_eq!(fs::read_to_string(&target).unwrap(), "keep");
        // Nor does a pipe hold up whoever only asks.
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("lock");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(!is_training(folder.path()) && RunLock::take(folder.path()).is_err());
    }

    #[test]
    fn what_killed_processes_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        for inside in FOLDERS {
            fs::create_dir(folder.path().join(inside)).unwrap();
        }
        let left = [
            "metrics.jsonl.4294967295.tmp",
            "figures/.map.svg.4294967295.tmp",
            "checkpoint/.selfsame-4294967295-0-0.tmp",
        ]
        .map(|name| folder.path().join(name));
        left.iter().for_each(|file| fs::write(file, "").unwrap());
        let _lock = RunLock::take(folder.path()).unwrap();
        assert!(left.iter().all(|file| !file.exists()));
    }

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
