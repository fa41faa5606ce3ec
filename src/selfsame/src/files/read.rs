//! Opening what a user named, or what lies in a folder that was received.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Place, Result};

/// Bytes that a file of settings has at most: 1 MiB.
pub const MOST_SETTINGS: u64 = 1 << 20;
/// Bytes that any other file of text has at most: 1 GiB.
pub const MOST_TEXT: u64 = 1 << 30;

/// Opens a regular file for reading; a link to one is as good. A pipe or a device, which may never end, or never begin,
/// is refused, and nobody waits for it.
///
/// # Errors
/// [`Error::Io`] where it cannot be opened, [`Error::Input`] where it is no regular file.
pub fn open(path: impl AsRef<Path>) -> Result<File> {
    let path = path.as_ref();
    let mut options = OpenOptions::new();
    options.read(true);
    // A pipe without a writer would be waited for; a regular file does not care.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path).map_err(Error::io("read", path))?;
    let about = file.metadata().map_err(Error::io("read", path))?;
    match about.is_file() {
        true => Ok(file),
        false => Err(irregular(path, &about)),
    }
}

/// The bytes of a regular file of at most `most` bytes.
///
/// # Errors
/// Those of [`open()`]; [`Error::Input`] for a file that is longer.
pub fn read(path: impl AsRef<Path>, most: u64) -> Result<Vec<u8>> {
    let path = path.as_ref();
    let file = open(path)?;
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    if length > most {
        return Err(too_long(path, length, most));
    }
    let mut bytes = Vec::new();
    let room = bytes.try_reserve_exact(length as usize + 1);
    room.map_err(|e| Error::io("read", path)(std::io::Error::other(e)))?;
    // Files of the system's, as in /proc, say that they are empty; others grow.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    match bytes.len() as u64 {
        length if length > most => Err(too_long(path, length, most)),
        _ => Ok(bytes),
    }
}

/// The text of a regular file of at most `most` bytes, without the byte-order mark that some editors begin one with.
///
/// # Errors
/// Those of [`read()`]; [`Error::Input`] with the byte where it is not UTF-8.
pub fn read_text(path: impl AsRef<Path>, most: u64) -> Result<String> {
    let path = path.as_ref();
    let mut bytes = read(path, most)?;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|e| {
        let found = match e.as_bytes() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is text in UTF-16",
            _ => "it is not text in UTF-8",
        };
        let at = Place::Byte(e.utf8_error().valid_up_to() as u64);
        Error::input(path, at, found, "text in UTF-8", "Save it in UTF-8, or name another file.")
    })
}

fn too_long(path: &Path, length: u64, most: u64) -> Error {
    let found = format!("{length} bytes or more");
    Error::input(path, Place::Whole, found, format!("at most {most}"), "Check that this is the right file.")
}

/// The error for something that is there and is no regular file.
pub(super) fn irregular(path: &Path, about: &Metadata) -> Error {
    let remedy = "Copy what it holds into a file, and name that.";
    Error::input(path, Place::Whole, format!("it is {}", kind(about)), "a regular file", remedy)
}

#[cfg(unix)]
fn kind(about: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match about.file_type() {
        t if t.is_dir() => "a folder",
        t if t.is_symlink() => "a link",
        t if t.is_fifo() => "a pipe",
        t if t.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn kind(about: &Metadata) -> &'static str {
    match about.is_dir() {
        true => "a folder",
        false => "no file",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use std::fs;

    use super::*;

    /// Makes a pipe that nobody writes to.
    #[cfg(unix)]
    pub(crate) fn pipe(path: &Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let says = |path: &Path| read(path, 10).unwrap_err().to_string();
        let fifo = folder.path().join("fifo");
        pipe(&fifo);
        let begun = std::time::Instant::now();
        assert!(says(&fifo).contains("fifo: it is a pipe. Expected a regular file."), "{}", says(&fifo));
        assert!(says(Path::new("/dev/zero")).starts_with("/dev/zero: it is a device."));
        assert!(says(folder.path()).contains(": it is a folder."));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        assert!(says(&link).contains("link: it is a device."));
        assert!(begun.elapsed().as_secs() < 5);
    }

    #[test]
    fn the_size_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, [7; 10]).unwrap();
        assert_eq!(read(&path, 10).unwrap(), [7; 10]);
        let e = read(&path, 9).unwrap_err().to_string();
        assert!(
            e.ends_with("a: 10 bytes or more. Expected at most 9. Check that this is the right file."),
            "{e}"
        );
        // A file of holes takes no room on the disk and would take all there is in memory.
        File::create(&path).unwrap().set_len(1 << 42).unwrap();
        assert!(read(&path, MOST_TEXT).unwrap_err().to_string().contains("4398046511104 bytes"));
    }

    #[test]
    fn a_byte_order_mark_is_no_text_and_what_is_no_utf8_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let says = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read_text(&path, 100).map_err(|e| e.to_string())
        };
        assert_eq!(says(b"\xef\xbb\xbf{}\n").unwrap(), "{}\n");
        assert_eq!(says("ü\u{feff}".as_bytes()).unwrap(), "ü\u{feff}");
        assert!(says(b"ab\xff").unwrap_err().contains("a, byte 2: it is not text in UTF-8."));
        assert!(says(b"\xff\xfea\0").unwrap_err().contains("a, byte 0: it is text in UTF-16."));
    }
}
