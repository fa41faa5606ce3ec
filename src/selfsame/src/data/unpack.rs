//! Unpacking a downloaded archive: all of it under the final name, or nothing.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;

use crate::error::{Error, Place, Result};
use crate::files;
use crate::interrupt::interrupted;

/// `path` with `end` added to its name.
pub(crate) fn with_suffix(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

/// An archive unpacked is at most so many times its own size; those of the catalogue are about as large. What is said to be
/// more is a bomb.
const MOST_TIMES: u64 = 32;
/// Room for a small archive's headers.
const SLACK: u64 = 4 << 20;
/// Files and folders that an archive may hold.
const MOST_ENTRIES: usize = 100_000;

/// Unpacks a `.tar.gz` to `folder`, leaving out the archive's own top folder. It is done under another name and renamed
/// at the end, so `folder` appears whole or not at all. `folder` must not exist, or be empty.
///
/// # Errors
/// An archive that cannot be read, that holds anything but files and folders, or paths that lead out of it, that is a
/// multiple of what an archive of its size holds, or that lacks one of `expected`.
pub(crate) fn unpack(archive: &Path, folder: &Path, expected: &[String]) -> Result<()> {
    let unfinished = with_suffix(folder, ".unpacking");
    if fs::symlink_metadata(&unfinished).is_ok() {
        fs::remove_dir_all(&unfinished).map_err(Error::io("remove", &unfinished))?;
    }
    if let Some(parent) = unfinished.parent() {
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
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
    // Alone: what somebody else has put there under this name is not written into.
    fs::create_dir(folder).map_err(Error::io("create", folder))?;
    let file = files::open(archive)?;
    let length = file.metadata().map_err(Error::io("read", archive))?.len();
    let left = length.saturating_mul(MOST_TIMES).saturating_add(SLACK);
    let bounded = Bounded { from: GzDecoder::new(io::BufReader::new(file)), left };
    let mut tar = tar::Archive::new(bounded);
    let damaged = |e: io::Error| bad(archive, format!("it cannot be unpacked ({e})"));
    for (number, entry) in tar.entries().map_err(damaged)?.enumerate() {
        if interrupted() {
            return Err(Error::Interrupted);
        }
        if number == MOST_ENTRIES {
            return Err(bad(archive, format!("there are more than {MOST_ENTRIES} files and folders in it")));
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
        copy(&mut entry, &mut out, &damaged, &target)?;
        out.sync_all().map_err(Error::io("write", &target))?;
    }
    match expected.iter().find(|name| !folder.join(name).is_file()) {
        Some(missing) => Err(bad(archive, format!("it holds no '{missing}'"))),
        None => Ok(()),
    }
}

/// Copies a file, and says whether reading it failed or writing it.
fn copy(
    from: &mut impl Read,
    to: &mut File,
    damaged: &dyn Fn(io::Error) -> Error,
    target: &Path,
) -> Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        if interrupted() {
            return Err(Error::Interrupted);
        }
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => to.write_all(&buffer[..n]).map_err(Error::io("write", target))?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(damaged(e)),
        }
    }
}

/// What an archive holds, with an end: names in its headers are held in memory, files go to the disk.
struct Bounded<R> {
    from: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(out)?;
        self.left = self
            .left
            .checked_sub(n as u64)
            .ok_or_else(|| io::Error::other(format!("it holds more than {MOST_TIMES} times its own size")))?;
        Ok(n)
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
        let bomb = archive(&[("top/x.bin", &vec![0; 64 << 20])]);
        assert!(
            bomb.len() < 1 << 20 && says(&bomb).contains("more than 32 times its own size"),
            "{}",
            says(&bomb)
        );
        // So is a name of gigabytes, which would be held in memory.
        let mut named = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(64 << 20);
        header.set_cksum();
        named.append(&header, io::repeat(b'a').take(64 << 20)).unwrap();
        assert!(says(&gz(&named.into_inner().unwrap())).contains("more than 32 times its own size"));
        assert!(says(&archive(&[("top/../../evil", b"")])).contains("leads out of the folder"));
        assert!(says(&archive(&[("/tmp/evil", b"")])).contains("leads out of the folder"));
        use tar::EntryType::{Fifo, Link, Symlink};
        for (kind, leads) in [(Symlink, "/etc/passwd"), (Link, "../../evil"), (Fifo, "x")] {
            let mut tar = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            header.set_entry_type(kind);
            tar.append_link(&mut header, "top/x.bin", leads).unwrap();
            assert!(says(&gz(&tar.into_inner().unwrap())).contains("is neither file nor folder"), "{kind:?}");
        }
        // A link that lies where it is unpacked to is not followed.
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = dir.path().join("a.tar.gz");
        fs::write(&path, &whole).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("out.unpacking")).unwrap();
        unpack(&path, &dir.path().join("out"), &[]).unwrap();
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
