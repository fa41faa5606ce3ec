//! Reading a file that may be gzipped; what it holds decides, not its name.

use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::error::{Error, Place, Result};
use crate::files;

/// An open file whose bytes come out decompressed.
pub(crate) struct Compressed {
    path: PathBuf,
    reader: Box<dyn Read>,
    gzipped: bool,
}

impl Compressed {
    /// Opens `path`; a file that begins with gzip's two magic bytes is decompressed as it is read.
    pub(crate) fn open(path: &Path) -> Result<Compressed> {
        Compressed::from_reader(path, files::open(path)?)
    }

    /// The same for bytes that are at hand already; `path` is what messages call them.
    pub(crate) fn from_reader(path: &Path, mut reader: impl Read + 'static) -> Result<Compressed> {
        let mut start = Vec::with_capacity(2);
        reader.by_ref().take(2).read_to_end(&mut start).map_err(Error::io("read", path))?;
        let gzipped = start == [0x1f, 0x8b];
        let whole = BufReader::with_capacity(1 << 16, Cursor::new(start).chain(reader));
        let reader: Box<dyn Read> =
            if gzipped { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        Ok(Compressed { path: path.to_path_buf(), reader, gzipped })
    }

    /// What a failed read after `done` decompressed bytes means.
    pub(crate) fn explain(&self, done: u64, e: io::Error) -> Error {
        let found = match e.kind() {
            io::ErrorKind::UnexpectedEof if self.gzipped => {
                format!("the gzip stream is cut short after {done} decompressed bytes")
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput if self.gzipped => {
                format!("the gzip stream is corrupt after {done} decompressed bytes ({e})")
            }
            _ => return Error::io("read", &self.path)(e),
        };
        let remedy = "Fetch or copy the file again.";
        Error::input(&self.path, Place::Whole, found, "a complete gzip file", remedy)
    }

    /// Appends up to `limit` bytes to `out` and says how many came.
    pub(crate) fn append(&mut self, limit: u64, out: &mut Vec<u8>) -> Result<u64> {
        let before = out.len();
        match self.reader.by_ref().take(limit).read_to_end(out) {
            Ok(n) => Ok(n as u64),
            Err(e) => Err(self.explain((out.len() - before) as u64, e)),
        }
    }
}

impl Read for Compressed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.reader.read(out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;

    /// `bytes` as gzip writes them.
    pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: Vec<u8>) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        Compressed::from_reader(Path::new("x"), Cursor::new(bytes))?.append(u64::MAX, &mut out)?;
        Ok(out)
    }

    #[test]
    fn the_content_decides_whether_it_is_gzip() {
        assert_eq!(read(gz(b"hello")).unwrap(), b"hello");
        assert_eq!(read(b"hello".to_vec()).unwrap(), b"hello");
        assert_eq!(read(vec![7]).unwrap(), [7]);
        assert_eq!(read(vec![]).unwrap(), [0u8; 0]);
    }

    #[test]
    fn cut_and_corrupt_gzip_are_told_apart() {
        let bytes: Vec<u8> = (0..10_000u32).map(|i| (i * i / 7) as u8).collect();
        let mut cut = gz(&bytes);
        cut.truncate(cut.len() / 2);
        assert!(read(cut).unwrap_err().to_string().starts_with("x: the gzip stream is cut short after"));
        let mut flipped = gz(&bytes);
        let last = flipped.len() - 6;
        flipped[last] ^= 1;
        assert!(read(flipped).unwrap_err().to_string().starts_with("x: the gzip stream is corrupt after"));
    }
}
