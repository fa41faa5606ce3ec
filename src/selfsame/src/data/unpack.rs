//! Unpacking a downloaded archive: all of it under the final name, or nothing.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;

use crate::error::{Error, Place, Result};
use crate::interrupt::interrupted;

/// `path` with `end` added to its name.
pub(crate) fn with_suffix(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

/// Unpacks a `.tar.gz` to `folder`, leaving out the archive's own top folder. It is done under another name and renamed
/// at the end, so `folder` appears whole or not at all. `folder` must not exist, or be empty.
///
/// # Errors
/// An archive that cannot be read, that holds anything but files and folders, or paths that lead out of it, or that
/// lacks one of `expected`.
pub(crate) fn unpack(archive: &Path, folder: &Path, expected: &[String]) -> Result<()> {
    let unfinished = with_suffix(folder, ".unpacking");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::io("remove", &unfinished))?;
    }
    let outcome = unpack_into(archive, &unfinished, expected).and_then(|()| {
        if folder.exists() {
            // Only an empty folder can be removed this way.
            fs::remove_dir(folder).map_err(Error::io("replace", folder))?;
        }
        fs::rename(&unfinished, folder).map_err(Error::io("rename", &unfinished))
    });
    if outcome.is_err() {
        // What failed first is what the user needs to know, not that tidying up failed too.
        let _ = fs::remove_dir_all(&unfinished);
    }
    outcome
}

fn unpack_into(archive: &Path, folder: &Path, expected: &[String]) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let file = File::open(archive).map_err(Error::io("read", archive))?;
    let mut tar = tar::Archive::new(GzDecoder::new(io::BufReader::new(file)));
    let damaged = |e: io::Error| bad(archive, format!("it cannot be unpacked ({e})"));
    for entry in tar.entries().map_err(damaged)? {
        if interrupted() {
            return Err(Error::Interrupted);
        }
        let mut entry = entry.map_err(damaged)?;
        let kind = entry.header().entry_type();
        let path = entry.path().map_err(damaged)?.into_owned();
        if !kind.is_file() && !kind.is_dir() {
            return Err(bad(archive, format!("'{}' in it is neither file nor folder", path.display())));
        }
        let inside = inside(&path).ok_or_else(|| {
            bad(archive, format!("'{}' in it leads out of the folder to unpack to", path.display()))
        })?;
        if !kind.is_file() {
            continue;
        }
        let target = folder.join(inside);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
        let mut out = File::create(&target).map_err(Error::io("create", &target))?;
        io::copy(&mut entry, &mut out).map_err(damaged)?;
        out.sync_all().map_err(Error::io("write", &target))?;
    }
    match expected.iter().find(|name| !folder.join(name).is_file()) {
        Some(missing) => Err(bad(archive, format!("it holds no '{missing}'"))),
        None => Ok(()),
    }
}

/// The path without the archive's top folder, or `None` where it does not stay inside.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            _ => return None,
        }
    }
    let top = usize::from(parts.len() > 1);
    Some(parts[top..].iter().collect())
}

fn bad(archive: &Path, found: String) -> Error {
    Error::input(archive, Place::Whole, found, "the data set's archive", "Remove it and fetch again.")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
pub(crate) mod tests {
    use super::super::compressed::tests::gz;
    use super::*;

    /// A `.tar.gz` of the given files; the paths are written as they stand, however bad.
    pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_entry_type(tar::EntryType::Regular);
            header.set_cksum();
            tar.append(&header, *bytes).unwrap();
        }
        gz(&tar.into_inner().unwrap())
    }

    /// Unpacks `bytes` and says what went wrong; nothing may be left behind then.
    fn says(bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar.gz");
        fs::write(&path, bytes).unwrap();
        let e = unpack(&path, &dir.path().join("out"), &["x.bin".to_string()]).unwrap_err();
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["a.tar.gz"]);
        assert!(!dir.path().parent().unwrap().join("evil").exists());
        e.to_string()
    }

    #[test]
    fn the_top_folder_is_left_out_and_what_is_below_it_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar.gz");
        fs::write(&path, archive(&[("./top/x.bin", b"one"), ("top/deep/y.bin", b"two")])).unwrap();
        let out = dir.path().join("out");
        fs::create_dir(&out).unwrap();
        unpack(&path, &out, &["x.bin".to_string()]).unwrap();
        assert_eq!(fs::read(out.join("x.bin")).unwrap(), b"one");
        assert_eq!(fs::read(out.join("deep/y.bin")).unwrap(), b"two");
        assert!(!dir.path().join("out.unpacking").exists());
        assert!(unpack(&path, &out, &[]).is_err(), "a folder with something in it is not replaced");
        assert_eq!(fs::read(out.join("x.bin")).unwrap(), b"one");
    }

    #[test]
    fn a_bad_archive_leaves_nothing() {
        let whole = archive(&[("top/x.bin", &[7; 4000])]);
        assert!(says(&whole[..whole.len() / 2]).contains("it cannot be unpacked"));
        assert!(says(b"no archive").contains("it cannot be unpacked"));
        assert!(says(&archive(&[("top/y.bin", b"")])).contains("it holds no 'x.bin'"));
        assert!(says(&archive(&[("top/../../evil", b"")])).contains("leads out of the folder"));
        assert!(says(&archive(&[("/tmp/evil", b"")])).contains("leads out of the folder"));
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_entry_type(tar::EntryType::Symlink);
        tar.append_link(&mut header, "top/x.bin", "/etc/passwd").unwrap();
        assert!(says(&gz(&tar.into_inner().unwrap())).contains("is neither file nor folder"));
    }
}
