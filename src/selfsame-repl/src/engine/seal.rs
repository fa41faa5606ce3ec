//! What a folder held when it was finished, by which damage to it is found before anything in it is loaded.
//!
//! A power cut, a full disk or a kill leaves files empty or cut, and cargo and the compiler look at a file's age alone. So
//! when a folder of the cache is finished, its files are brought to the disk and their checksums written down beside it.
//! A file that has not been touched since (its size, its number and the time of its last change are the same) is whole;
//! one that has been is read again. Where nothing was touched that takes a few milliseconds.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use selfsame::train::write_atomic;
use serde::{Deserialize, Serialize};

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sealed {
    touched: Touched,
    /// Its CRC-32: this is against accidents. Who could damage it on purpose is this user.
    sum: u32,
}

/// What a file is not changed without changing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Touched {
    size: u64,
    number: u64,
    /// The time of its last change, in seconds and nanoseconds.
    changed: (i64, i64),
}

/// The files of a folder by their names in it.
type Files = BTreeMap<PathBuf, Sealed>;

/// How a folder was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Its files are those it was finished with.
    Whole,
    /// These are missing, or others than they were.
    Damaged(Vec<PathBuf>),
    /// It was never finished, or is from another version.
    Unfinished,
}

/// Seals a finished folder: all that is in it is on the disk afterwards, and a change to it will be found.
///
/// # Errors
/// A file that cannot be read or synced; the seal cannot be written.
pub fn close(folder: &Path) -> io::Result<()> {
    let mut paths = Vec::new();
    let mut folders = Vec::new();
    walk(folder, &mut paths, &mut folders)?;
    let sealed = |path: &PathBuf| -> io::Result<(PathBuf, Sealed)> {
        let file = File::open(path)?;
        file.sync_all()?;
        Ok((name(folder, path), Sealed { touched: touched(&file.metadata()?), sum: sum(file)? }))
    };
    let files: Files = paths.par_iter().map(sealed).collect::<io::Result<_>>()?;
    // Their names are in the folders.
    for folder in folders {
        File::open(folder)?.sync_all()?;
    }
    write(folder, &files)
}

/// Takes a folder's seal off, before anything in it is changed.
///
/// # Errors
/// It cannot be removed.
pub fn open(folder: &Path) -> io::Result<()> {
    match fs::remove_file(place(folder)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Looks whether a folder is as it was sealed. Files that have come since are not looked at.
pub fn look(folder: &Path) -> Found {
    let read = fs::read(place(folder)).ok().and_then(|text| serde_json::from_slice::<Files>(&text).ok());
    let Some(mut files) = read else { return Found::Unfinished };
    let now = |path: &Path| folder.join(path).symlink_metadata().ok().filter(Metadata::is_file);
    let changed: Vec<(PathBuf, Option<Touched>)> = files
        .iter()
        .map(|(path, sealed)| (path, sealed, now(path).map(|data| touched(&data))))
        .filter(|(_, sealed, now)| now.as_ref() != Some(&sealed.touched))
        .map(|(path, _, now)| (path.clone(), now))
        .collect();
    let is_same = |path: &Path, now: &Touched| {
        let was = &files[path];
        was.touched.size == now.size
            && File::open(folder.join(path)).and_then(sum).is_ok_and(|sum| sum == was.sum)
    };
    let read_again: Vec<(PathBuf, Option<Touched>)> = changed
        .into_par_iter()
        .map(|(path, now)| {
            let whole = now.filter(|now| is_same(&path, now));
            (path, whole)
        })
        .collect();
    let (whole, damaged): (Vec<_>, Vec<_>) = read_again.into_iter().partition(|(_, whole)| whole.is_some());
    if !damaged.is_empty() {
        return Found::Damaged(damaged.into_iter().map(|(path, _)| folder.join(path)).collect());
    }
    if !whole.is_empty() {
        // A file that only got another name beside its own, in another session's folder, need not be read each time.
        for (path, now) in whole {
            if let (Some(sealed), Some(now)) = (files.get_mut(&path), now) {
                sealed.touched = now;
            }
        }
        let _ = write(folder, &files);
    }
    Found::Whole
}

/// Where a folder's seal is: beside it.
fn place(folder: &Path) -> PathBuf {
    folder.with_extension("seal")
}

fn write(folder: &Path, files: &Files) -> io::Result<()> {
    let text = serde_json::to_vec(files)?;
    write_atomic(place(folder), &text).map_err(io::Error::other)
}

fn name(folder: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(folder).unwrap_or(path).to_path_buf()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, folders: &mut Vec<PathBuf>) -> io::Result<()> {
    folders.push(folder.to_path_buf());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => walk(&entry.path(), files, folders)?,
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}

fn sum(mut file: File) -> io::Result<u32> {
    let mut sum = crc32fast::Hasher::new();
    let mut part = vec![0; 1 << 18];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(sum.finalize()),
            n => sum.update(&part[..n]),
        }
    }
}

fn touched(data: &Metadata) -> Touched {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Touched { size: data.len(), number: data.ino(), changed: (data.ctime(), data.ctime_nsec()) }
    }
    #[cfg(not(unix))]
    {
        let since = data
            .modified()
            .ok()
            .and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok())
            .unwrap_or_default();
        let changed = (since.as_secs() as i64, i64::from(since.subsec_nanos()));
        Touched { size: data.len(), number: 0, changed }
    }
}

/// Whether a compiled library ends where it says. Cargo takes one that was cut for done, as it is young enough.
pub fn is_complete(library: &Path) -> bool {
    let Ok(mut file) = File::open(library) else { return false };
    let Ok(size) = file.metadata().map(|data| data.len()) else { return false };
    let mut start = [0; 64];
    if file.read_exact(&mut start).is_err() {
        return false;
    }
    if start.starts_with(b"!<arch>\n") {
        return archive_ends(&mut file, size).unwrap_or(false);
    }
    if start.starts_with(b"\x7fELF\x02\x01") {
        // The table of sections is the last part of such a file: where it begins, the size of an entry, their number.
        let number = |at: usize, bytes: usize| {
            start[at..at + bytes].iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let end = number(58, 2).checked_mul(number(60, 2)).and_then(|table| table.checked_add(number(40, 8)));
        return end.is_some_and(|end| end <= size);
    }
    // Of another system; what a disk gives for what never came to it is nothing.
    start.iter().any(|byte| *byte != 0)
}

/// Goes from member to member of an archive: each has a header of 60 bytes with its size in decimal.
fn archive_ends(file: &mut File, size: u64) -> io::Result<bool> {
    use std::io::{Seek, SeekFrom};
    let mut at = 8;
    while at < size {
        let mut header = [0; 60];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut header)?;
        let long = std::str::from_utf8(&header[48..58]).ok().and_then(|text| text.trim().parse::<u64>().ok());
        let Some(long) = long.filter(|_| header[58..] == *b"`\n") else { return Ok(false) };
        let end = at.saturating_add(60).saturating_add(long);
        if end > size {
            return Ok(false);
        }
        // The next one begins at an even place.
        at = end + long % 2;
    }
    Ok(size > 8)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sealed() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("folder");
        fs::create_dir_all(folder.join("deep")).unwrap();
        for (name, text) in [("a", "first"), ("b", ""), ("deep/c", "third")] {
            fs::write(folder.join(name), text).unwrap();
        }
        close(&folder).unwrap();
        (root, folder)
    }

    #[test]
    fn damage_of_every_kind_is_found() {
        let (_root, folder) = sealed();
        assert_eq!(look(&folder), Found::Whole);
        let of_the_same_size = folder.join("deep/c");
        let time = of_the_same_size.metadata().unwrap().modified().unwrap();
        fs::write(&of_the_same_size, "thirD").unwrap();
        File::options().write(true).open(&of_the_same_size).unwrap().set_modified(time).unwrap();
        assert_eq!(look(&folder), Found::Damaged(vec![of_the_same_size.clone()]));
        fs::write(&of_the_same_size, "third").unwrap();
        assert_eq!(look(&folder), Found::Whole, "what is the same again is whole");
        fs::write(folder.join("a"), "").unwrap();
        fs::remove_file(folder.join("b")).unwrap();
        assert_eq!(look(&folder), Found::Damaged(vec![folder.join("a"), folder.join("b")]));
    }

    #[test]
    fn a_link_to_a_file_elsewhere_costs_one_reading() {
        let (root, folder) = sealed();
        let before = fs::read(place(&folder)).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::hard_link(folder.join("a"), root.path().join("another")).unwrap();
        assert_eq!(look(&folder), Found::Whole);
        let after = fs::read(place(&folder)).unwrap();
        assert_ne!(before, after);
        assert_eq!(look(&folder), Found::Whole);
        assert_eq!(fs::read(place(&folder)).unwrap(), after);
    }

    #[test]
    fn a_folder_without_a_seal_or_with_a_damaged_one_was_never_finished() {
        let (_root, folder) = sealed();
        fs::write(place(&folder), "{\"a").unwrap();
        assert_eq!(look(&folder), Found::Unfinished);
        open(&folder).unwrap();
        open(&folder).unwrap();
        assert_eq!(look(&folder), Found::Unfinished);
    }

    #[test]
    fn a_library_that_was_cut_is_told_from_a_whole_one() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("lib");
        let member = |text: &str| format!("{:<48}{:<10}`\n{text}", "name", text.len());
        let archive = format!("!<arch>\n{}\n{}", member("odd"), member("even"));
        let is_complete = |bytes: &[u8]| {
            fs::write(&file, bytes).unwrap();
            super::is_complete(&file)
        };
        assert!(is_complete(archive.as_bytes()) && !is_complete(&[0; 100]));
        for length in [0, 8, 30, 70, archive.len() - 1] {
            assert!(!is_complete(&archive.as_bytes()[..length]), "{length}");
        }
        // This test is such a library as good as any.
        if cfg!(target_os = "linux") {
            let mut own = fs::read(std::env::current_exe().unwrap()).unwrap();
            assert!(is_complete(&own));
            own.truncate(own.len() - own.len() / 10);
            assert!(!is_complete(&own));
        }
    }
}
