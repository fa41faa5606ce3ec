//! CIFAR-10 and CIFAR-100 in their binary form (<https://www.cs.toronto.edu/~kriz/cifar.html>).

use std::path::{Path, PathBuf};

use super::dataset::{Dataset, InMemory, Split, SPLIT_SEED};
use crate::error::{Error, Place, Result};
use crate::files;
use crate::shape::{Image, Size};

/// Bytes of one image: three planes, red, green, blue, row by row.
const PIXELS: usize = 3 * 32 * 32;

/// Bytes that one of the files has at most, eleven times what the largest official one has: 2 GiB.
const MOST_BYTES: u64 = 2 << 30;

/// CIFAR-10: 50,000 + 10,000 photographs of ten kinds of things.
///
/// A. Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*, 2009.
#[derive(Debug, Clone, Copy)]
pub struct Cifar10;

impl Cifar10 {
    /// Opens `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin` in `dir` or in its sub-folder
    /// `cifar-10-batches-bin`. Class names come from `batches.meta.txt` where it is there. A tenth of each class of the
    /// five batches is the validation part.
    ///
    /// # Errors
    /// A missing folder or file, a file whose length is not a whole number of records, an empty one, a label above 9.
    pub fn open(dir: impl AsRef<Path>) -> Result<Dataset<Image<3, 32, 32>>> {
        let train: Vec<String> = (1..=5).map(|i| format!("data_batch_{i}.bin")).collect();
        let layout = Layout { name: "cifar10", inside: "cifar-10-batches-bin", label_bytes: 1, classes: 10 };
        layout.open(dir.as_ref(), &train, "test_batch.bin", "batches.meta.txt")
    }
}

/// CIFAR-100: as [`Cifar10`], with 100 fine classes; the 20 coarse ones are not used.
#[derive(Debug, Clone, Copy)]
pub struct Cifar100;

impl Cifar100 {
    /// Opens `train.bin` and `test.bin` in `dir` or in its sub-folder `cifar-100-binary`. Class names come from
    /// `fine_label_names.txt` where it is there. A tenth of each class of `train.bin` is the validation part.
    ///
    /// # Errors
    /// As [`Cifar10::open`]; a fine label above 99.
    pub fn open(dir: impl AsRef<Path>) -> Result<Dataset<Image<3, 32, 32>>> {
        let layout = Layout { name: "cifar100", inside: "cifar-100-binary", label_bytes: 2, classes: 100 };
        layout.open(dir.as_ref(), &["train.bin".to_string()], "test.bin", "fine_label_names.txt")
    }
}

/// What the two sets differ in.
struct Layout {
    name: &'static str,
    /// The folder that the official archive puts the files into.
    inside: &'static str,
    /// Label bytes before each image; the last one counts.
    label_bytes: usize,
    classes: usize,
}

impl Layout {
    fn open(
        &self,
        dir: &Path,
        train: &[String],
        test: &str,
        names: &str,
    ) -> Result<Dataset<Image<3, 32, 32>>> {
        let nested = dir.join(self.inside);
        let dir = if nested.is_dir() { nested } else { dir.to_path_buf() };
        let mut paths: Vec<PathBuf> = train.iter().map(|file| dir.join(file)).collect();
        paths.push(dir.join(test));
        if let Some(missing) = paths.iter().find(|path| !path.is_file()) {
            return Err(Error::input(
                missing,
                Place::Whole,
                "no such file",
                format!("a folder with {} and {test}", train.join(", ")),
                format!("Fetch it with `selfsame data fetch {}`, or name another folder.", self.name),
            ));
        }
        let (mut bytes, mut labels) = (Vec::new(), Vec::new());
        let mut first_test = 0;
        for path in &paths {
            first_test = labels.len();
            self.read(path, &mut bytes, &mut labels)?;
        }
        let classes = self.class_names(&dir.join(names))?;
        let split = Split::with_official_test(&labels, first_test, 0.1, SPLIT_SEED);
        let size = Size { channels: 3, height: 32, width: 32 };
        Dataset::new(self.name, classes, labels, InMemory::new(size, bytes)?, split)
    }

    /// Appends one file's images and labels.
    fn read(&self, path: &Path, bytes: &mut Vec<u8>, labels: &mut Vec<u32>) -> Result<()> {
        let file = files::read(path, MOST_BYTES)?;
        let record = self.label_bytes + PIXELS;
        if file.is_empty() || file.len() % record != 0 {
            return Err(Error::input(
                path,
                Place::Byte((file.len() - file.len() % record) as u64),
                format!("{} bytes, no whole number of records", file.len()),
                format!("at least one record of {record} bytes"),
                "Take the binary version of the set, or fetch it again.",
            ));
        }
        // Exact, because the growth of a plain reserve could double the whole set.
        bytes.reserve_exact(file.len() / record * PIXELS);
        for (i, row) in file.chunks_exact(record).enumerate() {
            let (label, pixels) = row.split_at(self.label_bytes);
            let label = label[self.label_bytes - 1];
            if usize::from(label) >= self.classes {
                return Err(Error::input(
                    path,
                    Place::Record(i as u64),
                    format!("label {label}"),
                    format!("a label below {}", self.classes),
                    "Take the binary version of the set, or fetch it again.",
                ));
            }
            labels.push(u32::from(label));
            bytes.extend_from_slice(pixels);
        }
        Ok(())
    }

    /// The names in `path`, a line each, or the numbers where there is no such file.
    fn class_names(&self, path: &Path) -> Result<Vec<String>> {
        if !path.exists() {
            return Ok((0..self.classes).map(|c| c.to_string()).collect());
        }
        let text = files::read(path, files::MOST_SETTINGS)?;
        let text = String::from_utf8_lossy(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text));
        let names: Vec<String> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
        if names.len() != self.classes {
            return Err(Error::input(
                path,
                Place::Whole,
                format!("{} class names", names.len()),
                format!("{}, a line each", self.classes),
                "Fetch the set again, or remove this file: classes are then called by their numbers.",
            ));
        }
        Ok(names)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::fs;

    use super::*;

    /// Records with the given label bytes; every pixel of record `i` is `i`.
    fn records(labels: &[&[u8]]) -> Vec<u8> {
        labels.iter().enumerate().flat_map(|(i, l)| [l, &[i as u8; PIXELS][..]].concat()).collect()
    }

    fn cifar10() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for i in 1..=5 {
            let file = records(&[&[i], &[9]]);
            fs::write(dir.path().join(format!("data_batch_{i}.bin")), file).unwrap();
        }
        fs::write(dir.path().join("test_batch.bin"), records(&[&[3], &[0], &[1]])).unwrap();
        dir
    }

    fn says(dir: &Path) -> String {
        Cifar10::open(dir).map(|_| ()).unwrap_err().to_string().replace(&format!("{}/", dir.display()), "")
    }

    #[test]
    fn cifar10_opens_with_and_without_names() {
        let dir = cifar10();
        let data = Cifar10::open(dir.path()).unwrap();
        assert_eq!(data.train().len() + data.validation().len(), 10);
        assert_eq!(data.test().labels(), [3, 0, 1]);
        assert_eq!(data.classes()[3], "3");
        let mut image = vec![0; PIXELS];
        data.test().read(2, &mut image).unwrap();
        assert!(image.iter().all(|&b| b == 2));
        let names: String = (0..10).map(|i| format!("thing {i}\n")).collect();
        fs::write(dir.path().join("batches.meta.txt"), names + "\n").unwrap();
        assert_eq!(Cifar10::open(dir.path()).unwrap().classes()[3], "thing 3");
        let marked =
            "\u{feff}".to_string() + &fs::read_to_string(dir.path().join("batches.meta.txt")).unwrap();
        fs::write(dir.path().join("batches.meta.txt"), marked).unwrap();
        assert!(!Cifar10::open(dir.path()).unwrap().classes()[0].starts_with('\u{feff}'));
        fs::write(dir.path().join("batches.meta.txt"), "cat\n").unwrap();
        assert!(says(dir.path()).starts_with("batches.meta.txt: 1 class names. Expected 10, a line each."));
    }

    #[test]
    fn cifar100_uses_fine_labels_and_finds_the_folder_of_the_archive() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("cifar-100-binary");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("train.bin"), records(&[&[1, 70], &[2, 71]])).unwrap();
        fs::write(inside.join("test.bin"), records(&[&[19, 99]])).unwrap();
        let data = Cifar100::open(dir.path()).unwrap();
        assert_eq!(data.test().labels(), [99]);
        assert_eq!(data.classes().len(), 100);
    }

    #[test]
    fn missing_cut_and_mislabelled_files_are_named() {
        let missing = says(Path::new("/no/such/folder"));
        assert!(missing.starts_with("data_batch_1.bin: no such file. Expected a folder with"), "{missing}");
        let dir = cifar10();
        fs::remove_file(dir.path().join("data_batch_4.bin")).unwrap();
        assert!(says(dir.path()).starts_with("data_batch_4.bin: no such file."));
        let dir = cifar10();
        let cut = &records(&[&[1], &[2]])[..PIXELS + 10];
        fs::write(dir.path().join("test_batch.bin"), cut).unwrap();
        let message = says(dir.path());
        assert!(
            message.starts_with("test_batch.bin, byte 3073: 3082 bytes, no whole number of records."),
            "{message}"
        );
        fs::write(dir.path().join("test_batch.bin"), b"").unwrap();
        assert!(says(dir.path()).starts_with("test_batch.bin, byte 0: 0 bytes"));
        fs::write(dir.path().join("test_batch.bin"), records(&[&[1], &[10]])).unwrap();
        assert!(
            says(dir.path()).starts_with("test_batch.bin, record 1: label 10. Expected a label below 10.")
        );
    }
}
