//! Telling evcxr where to work, and that it has no other settings.
//!
//! evcxr reads `EVCXR_CONFIG_DIR/evcxr.toml` when a session begins. The variable has to be set while the program has one
//! thread; the slot is only known later, on another, and is then written into that file.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use selfsame::error::Error;
use tempfile::TempDir;

use super::cache::{put, Slot};
use crate::private;

/// evcxr's variable for the folder its settings are in.
const SETTINGS: &str = "EVCXR_CONFIG_DIR";
/// rust-analyzer's variable for the standard library's sources; a folder that is not there is passed over.
const SOURCES: &str = "RUST_SRC_PATH";
/// cargo's variable for the folder above which it looks for no settings and no workspace. It is for cargo's own tests, and
/// there is no other way: with it a cell is compiled in the same way wherever the cache lies.
pub const TOP: &str = "__CARGO_TEST_ROOT";
/// The link to the standard library's sources beside the settings.
const LINK: &str = "library";
/// Where the folders of settings are, each of one process, with the lock that is held while one is made or removed.
const FOLDERS: &str = "settings";
const LOCK: &str = "settings.lock";
/// Held by the process whose folder it is in.
const HELD: &str = "held.lock";

/// What this process has set, for as long as it lives.
static OWN: OnceLock<Own> = OnceLock::new();

struct Own {
    /// The folder evcxr reads.
    folder: PathBuf,
    /// The variables that were set, as they were before.
    before: Vec<(&'static str, Option<OsString>)>,
}

/// A folder of settings of this process alone; it goes when this is dropped.
#[derive(Debug)]
pub struct Settings {
    _made: Option<Made>,
}

#[derive(Debug)]
struct Made {
    folder: TempDir,
    _held: File,
}

impl Settings {
    /// Makes this process's folder the one evcxr reads. To be called while there is one thread only.
    ///
    /// Where it cannot be made there are no cells, whose beginning says why; everything else works.
    pub fn own() -> Settings {
        let Ok((top, made)) = private::cells().and_then(|top| make(&top).map(|made| (top, made))) else {
            return Settings { _made: None };
        };
        let folder = made.folder.path().to_path_buf();
        let mut set = vec![(SETTINGS, folder.clone()), (TOP, top)];
        if std::env::var_os(SOURCES).is_none() {
            set.push((SOURCES, folder.join(LINK)));
        }
        private::settle(&folder);
        let before = set.iter().map(|(name, _)| (*name, std::env::var_os(name))).collect();
        set.into_iter().for_each(|(name, value)| std::env::set_var(name, value));
        let _ = OWN.set(Own { folder, before });
        Settings { _made: Some(made) }
    }
}

/// A new folder in `top`, held as long as this process lives.
fn make(top: &Path) -> Result<Made, Error> {
    let folders = top.join(FOLDERS);
    private::own(&folders)?;
    // Between its making and its holding nobody may take it for one that was left behind.
    let _alone = alone(top)?;
    let folder = private::fresh(&folders, "session-").map_err(Error::io("make a folder in", &folders))?;
    let held = folder.path().join(HELD);
    let held =
        private::writing().open(&held).and_then(|file| file.try_lock().map(|()| file).map_err(Into::into));
    let held = held.map_err(Error::io("lock", folder.path()))?;
    Ok(Made { folder, _held: held })
}

fn alone(top: &Path) -> Result<File, Error> {
    let path = top.join(LOCK);
    let file = private::writing().truncate(false).open(&path).map_err(Error::io("open", &path))?;
    file.lock().map_err(Error::io("lock", &path))?;
    Ok(file)
}

/// Removes the folders of processes that were killed.
fn clear(top: &Path) -> Result<(), Error> {
    let folders = top.join(FOLDERS);
    let _alone = alone(top)?;
    let there = fs::read_dir(&folders).map_err(Error::io("read", &folders))?;
    for folder in there.filter_map(|entry| Some(entry.ok()?.path())) {
        let held = File::open(folder.join(HELD)).is_ok_and(|file| file.try_lock().is_err());
        if !held {
            // What cannot be removed takes little room.
            let _ = fs::remove_dir_all(&folder);
        }
    }
    Ok(())
}

/// Takes what is for our own evcxr out of the environment of a program the user runs.
pub fn without_settings(command: &mut Command) {
    for (name, before) in OWN.get().into_iter().flat_map(|own| &own.before) {
        match before {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

/// Has the next session work in `slot`, and read the standard library's sources in `sources` where there are any.
///
/// # Errors
/// A file cannot be written.
pub fn use_slot(slot: &Slot, sources: Option<&Path>) -> Result<(), Error> {
    let Some(Own { folder, .. }) = OWN.get() else {
        // What makes them is called before; this is said only where it has failed and the cache has not.
        let remedy = "Start the program anew.";
        return Err(Error::run(&slot.folder, "there is no folder for the session's settings", remedy));
    };
    if let Ok(top) = private::cells() {
        // Others' folders do not disturb.
        let _ = clear(&top);
    }
    #[cfg(unix)]
    if let Some(sources) = sources {
        let link = folder.join(LINK);
        // A session that is started anew has it already.
        if !link.exists() {
            std::os::unix::fs::symlink(sources, &link).map_err(Error::io("make", &link))?;
        }
    }
    // An earlier session may have ended on a cell that was refused.
    super::again::forget(slot);
    // Where this program's own file is not known, cells only take longer to fail.
    if let Ok(program) = std::env::current_exe() {
        put(&slot.cargo_settings(), &super::again::settings(&program))?;
    }
    put(&folder.join("evcxr.toml"), &super::manifest::settings(&slot.cells(), &super::outline::root(slot)))
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_processes_that_are_gone_are_removed_and_no_others() {
        let root = tempfile::tempdir().unwrap();
        let top = private::own(&root.path().join("cells")).unwrap();
        let (mine, killed) = (make(&top).unwrap(), make(&top).unwrap());
        let (mine_at, killed_at) = (mine.folder.path().to_path_buf(), killed.folder.path().to_path_buf());
        // A process that is killed lets go of its lock and leaves its folder.
        let Made { folder, _held } = killed;
        let _ = folder.keep();
        drop(_held);
        std::os::unix::fs::symlink(root.path(), top.join(FOLDERS).join("link")).unwrap();
        clear(&top).unwrap();
        assert!(mine_at.is_dir() && !killed_at.exists());
        assert!(root.path().is_dir(), "a link is not followed");
        drop(mine);
        assert!(!mine_at.exists());
    }
}
