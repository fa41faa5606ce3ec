//! Folders of this user alone, and where this program has them.
//!
//! What is kept in them is obeyed and loaded: settings of the compiler's helper, libraries that run in a session. So they
//! are made by calls that fail where something stands already, or are looked at before anything in them is used: whose they
//! are, and who may write there.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use selfsame::error::Place;
use selfsame::Error;
use tempfile::TempDir;

/// The variable that names the cache.
const CACHE: &str = "SELFSAME_CACHE_DIR";
/// What Rust cells need, in the cache.
pub const CELLS: &str = "cells";
/// A folder in which nobody but the owner of the machine leaves files. Programs that obey what lies in the folder they are
/// started in, or above it, are started here.
pub const NOWHERE: &str = "/";

/// The user's cache: `SELFSAME_CACHE_DIR` where it is set, else `selfsame` in the system's folder for caches; `None` where
/// no home is known.
pub fn cache() -> Option<PathBuf> {
    let named = std::env::var_os(CACHE).filter(|name| !name.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(dirs::cache_dir()?.join("selfsame")))
}

/// The folder for what Rust cells need, as a path without links. It is this user's, nobody else can read or write in it, and
/// nobody can put another one in its place.
///
/// # Errors
/// No home is known; the folder cannot be made, or is not such a folder.
pub fn cells() -> Result<PathBuf, Error> {
    let cache = cache().ok_or_else(|| {
        Error::setting(
            CACHE,
            "not set",
            "a folder of yours, as no home folder is known",
            "Rust cells keep what they compile there: name one in SELFSAME_CACHE_DIR.",
        )
    })?;
    let cells = std::path::absolute(&cache).map_err(Error::io("find", &cache))?.join(CELLS);
    own(&cells)
}

/// `folder`, made where it is missing, if it is this user's alone; as a path without links.
///
/// # Errors
/// It cannot be made; it is somebody else's, others could have written in it, or could put another one in its place; its
/// name is none that cargo and a line of text can hold.
pub fn own(folder: &Path) -> Result<PathBuf, Error> {
    make(folder).map_err(Error::io("create", folder))?;
    let folder = folder.canonicalize().map_err(Error::io("find", folder))?;
    let name = folder.to_str().filter(|name| !name.contains(char::is_control));
    if name.is_none() {
        return Err(refused(
            &folder,
            "its name is not text, or has a line's end in it",
            "a name that cargo's files can hold",
        ));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let data = folder.symlink_metadata().map_err(Error::io("look at", &folder))?;
        judge(&folder, data.uid(), data.mode())?;
        if data.mode() & 0o077 != 0 {
            let alone = fs::Permissions::from_mode(0o700);
            fs::set_permissions(&folder, alone).map_err(Error::io("close to others", &folder))?;
        }
        for above in folder.ancestors().skip(1) {
            let mode = above.symlink_metadata().map_err(Error::io("look at", above))?.mode();
            if mode & 0o1002 == 0o002 {
                let why = "everybody may put another folder in the place of yours, whose files would be run";
                return Err(refused(above, why, "a folder where only you can do that"));
            }
        }
    }
    Ok(folder)
}

/// Whether a folder of this owner and mode may be believed.
#[cfg(unix)]
fn judge(folder: &Path, owner: u32, mode: u32) -> Result<(), Error> {
    let why = if owner != user() {
        format!("it belongs to another user (number {owner}), whose files would be run")
    } else if mode & 0o002 != 0 {
        "everybody may write in it, and what they left there would be run".to_string()
    } else {
        return Ok(());
    };
    Err(refused(folder, why, "a folder of your own, which nobody else can write in"))
}

fn refused(folder: &Path, why: impl Into<String>, expected: &str) -> Error {
    let remedy = format!("Look at what is in it and remove it, or name another folder in {CACHE}.");
    Error::input(folder, Place::Whole, why, expected, remedy)
}

/// The number of the user this process acts as.
#[cfg(unix)]
pub fn user() -> u32 {
    // SAFETY: a system call that always succeeds and touches no memory.
    unsafe { libc::geteuid() }
}

/// Makes a folder, and those above it, for this user alone, where they are not there.
///
/// # Errors
/// It cannot be made.
pub fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A new folder of a name nobody can guess, for this user alone; it goes when this is dropped.
///
/// # Errors
/// It cannot be made.
pub fn fresh(place: &Path, prefix: impl AsRef<OsStr>) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix.as_ref());
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(place)
}

/// This process's own folder, which is removed with all that is in it when the process has ended, however it ended.
static OWN: OnceLock<PathBuf> = OnceLock::new();

/// Says which folder is this process's own.
pub fn settle(folder: &Path) {
    // It never has another.
    let _ = OWN.set(folder.to_path_buf());
}

/// A new folder for a file that an editor or another process of ours is given: in this process's own, or in the system's for
/// temporary files where there is none.
///
/// # Errors
/// It cannot be made.
pub fn scratch() -> io::Result<TempDir> {
    fresh(OWN.get().unwrap_or(&std::env::temp_dir()), "selfsame-")
}

/// Options for writing a file that only this user can read; one that is there keeps its mode.
pub fn writing() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Closes a file that is there to other users, and makes it, empty, where it is not.
///
/// # Errors
/// It cannot be made, or is not this user's.
pub fn close(file: &Path) -> io::Result<()> {
    let opened = writing().truncate(false).open(file)?;
    closed(&opened)
}

#[cfg(unix)]
fn closed(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn closed(_: &File) -> io::Result<()> {
    Ok(())
}

/// Whether only people who are trusted anyway could have written what is there: this user, the owner of the machine, and
/// whoever owns this program.
pub fn is_trusted(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let owner = |path: &Path| path.metadata().map(|data| data.uid()).ok();
        let program = std::env::current_exe().ok().and_then(|program| owner(&program));
        let data = path.metadata().ok();
        data.is_some_and(|data| {
            let known = [Some(0), Some(user()), program].contains(&Some(data.uid()));
            known && data.mode() & 0o002 == 0
        })
    }
    #[cfg(not(unix))]
    path.exists()
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::{symlink, MetadataExt, PermissionsExt};

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().mode() & 0o7777
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_is_made_for_its_user_alone_and_an_open_one_is_closed() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("cache/cells");
        let made = own(&folder).unwrap();
        assert_eq!((mode(&made), mode(made.parent().unwrap())), (0o700, 0o700));
        // An earlier version's, or one of a system where groups are people.
        for open in [0o755, 0o775] {
            set(&made, open);
            assert_eq!(own(&folder).unwrap(), made);
            assert_eq!(mode(&made), 0o700);
        }
    }

    #[test]
    fn a_folder_others_could_have_written_in_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("cells");
        own(&folder).unwrap();
        set(&folder, 0o777);
        let said = own(&folder).unwrap_err().to_string();
        assert!(said.contains("everybody may write in it") && said.contains("SELFSAME_CACHE_DIR"), "{said}");
        assert_eq!(mode(&folder), 0o777, "what is in it is left for its owner to look at");
        let said = judge(&folder, user() + 1, 0o700).unwrap_err().to_string();
        assert!(said.contains("belongs to another user"), "{said}");
    }

    #[test]
    fn a_folder_that_others_could_replace_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let open = root.path().join("open");
        fs::create_dir(&open).unwrap();
        set(&open, 0o777);
        let said = own(&open.join("deep/cells")).unwrap_err().to_string();
        assert!(said.contains("open: ") && said.contains("everybody may put"), "{said}");
        // As the system's folder for temporary files is.
        set(&open, 0o1777);
        own(&open.join("deep/cells")).unwrap();
    }

    #[test]
    fn a_link_is_followed_once_and_what_it_leads_to_is_judged() {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().join("real");
        fs::create_dir(&real).unwrap();
        symlink(&real, root.path().join("link")).unwrap();
        assert_eq!(own(&root.path().join("link/cells")).unwrap(), real.canonicalize().unwrap().join("cells"));
        set(&real, 0o777);
        assert!(own(&root.path().join("link/cells")).is_err());
    }

    #[test]
    fn a_new_folder_has_a_name_of_its_own_and_is_closed_whatever_the_mask() {
        let root = tempfile::tempdir().unwrap();
        let (one, two) = (fresh(root.path(), "a-").unwrap(), fresh(root.path(), "a-").unwrap());
        assert_ne!(one.path(), two.path());
        assert_eq!(mode(one.path()), 0o700);
        let path = one.path().to_path_buf();
        drop(one);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_is_closed_to_others() {
        let root = tempfile::tempdir().unwrap();
        let (new, old) = (root.path().join("new"), root.path().join("old"));
        fs::write(&old, "text").unwrap();
        set(&old, 0o644);
        for file in [&new, &old] {
            close(file).unwrap();
            assert_eq!(mode(file), 0o600);
        }
        assert_eq!(fs::read_to_string(&old).unwrap(), "text");
    }

    #[test]
    fn sources_of_strangers_are_not_trusted() {
        let root = tempfile::tempdir().unwrap();
        assert!(is_trusted(root.path()));
        set(root.path(), 0o777);
        assert!(!is_trusted(root.path()) && !is_trusted(&root.path().join("missing")));
    }
}
