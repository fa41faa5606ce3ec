//! Files that are either whole or not there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::leftovers::temporary_name;
use crate::error::{Error, Result};

/// Writes `bytes` under a temporary name beside `path`, syncs them and renames: a reader, or a crash, sees the old file or
/// the new one. A link at `path` is replaced, not followed; the temporary name is random and made only if nothing has it.
///
/// # Errors
/// [`Error::Io`], naming what could not be done; the temporary file is removed.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    let (mut file, temporary) = create_beside(path).map_err(Error::io("write", path))?;
    let mut write = || -> io::Result<()> {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        // The rename itself must reach the disk too; a folder that cannot be opened (as on some systems) is no reason
        // to fail.
        if let Some(folder) = path.parent().and_then(|p| File::open(p).ok()) {
            folder.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&temporary);
        Error::io("write", path)(e)
    })
}

fn create_beside(path: &Path) -> io::Result<(File, PathBuf)> {
    loop {
        let temporary = path.with_file_name(temporary_name());
        match File::create_new(&temporary) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
            made => return made.map(|file| (file, temporary)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        fs::create_dir(folder.path().join("taken")).unwrap();
        assert!(write_atomic(folder.path().join("taken"), b"").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("target"), "keep").unwrap();
        std::os::unix::fs::symlink(at("target"), at("link")).unwrap();
        write_atomic(at("link"), b"new").unwrap();
        assert_eq!(fs::read_to_string(at("target")).unwrap(), "keep");
        assert_eq!(fs::read_to_string(at("link")).unwrap(), "new");
    }
}
