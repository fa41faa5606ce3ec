//! Folders of PNG and JPEG files, a sub-folder for each class, decoded as they stream.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use image::imageops::{resize, FilterType};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, Rgb, RgbImage};

use super::dataset::{check_read, Dataset, Source, Split, SPLIT_SEED};
use super::room::Room;
use crate::error::{Error, Place, Result};
use crate::files;
use crate::shape::{Picture, Size};

/// What images being decoded take together, over all threads: 1 GiB, but for one that needs more, which is decoded alone.
static ROOM: Room = Room::new(1 << 30);

/// File name endings that are taken for images, in any case.
const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Images in folders. Nothing decoded is kept: each image is read, decoded and resized whenever it is asked for.
pub struct ImageFolder {
    size: Size,
    /// The class folders; train and test have their own.
    folders: Vec<PathBuf>,
    /// Which of `folders`, and the path inside it.
    files: Vec<(u32, Box<Path>)>,
    skipped: usize,
}

impl ImageFolder {
    /// Opens `dir`, whose sub-folders are the classes, in the order of their names; files may lie deeper inside them.
    ///
    /// Where `dir` holds `train/` and `test/` (or `val/`, `validation/`), these hold the class folders and the test
    /// part is the official one; where all of `train/`, `val/` and `test/` are there, each is its part. Otherwise a
    /// fifth of each class is the test part. Without an official one, a tenth of each class of what is left is the
    /// validation part.
    ///
    /// Images are stretched to `P`'s height and width (triangle filter), made grey where `P` has one channel and
    /// colour where it has three; transparent pixels stand on black. Hidden files and files other than `.png`, `.jpg`
    /// and `.jpeg` are passed over and counted. File names need not be UTF-8; class names must be.
    ///
    /// # Errors
    /// A missing or unreadable folder, no images, a class folder whose name is not UTF-8, a class with images in
    /// `test/` and none in `train/`, a `P` with neither one nor three channels. A file that cannot be decoded is named
    /// when it is read.
    pub fn open<P: Picture>(dir: impl AsRef<Path>) -> Result<Dataset<P>> {
        let dir = dir.as_ref();
        let size = Size::of::<P>();
        if size.channels != 1 && size.channels != 3 {
            return Err(Error::shape(
                format!("image folder {}", dir.display()),
                "1 or 3 channels",
                size.channels,
            ));
        }
        let parts = part_folders(dir)?;
        let mut found = ImageFolder { size, folders: Vec::new(), files: Vec::new(), skipped: 0 };
        let mut class_of: Vec<String> = Vec::new();
        let mut ends = Vec::new();
        for part in &parts {
            for (class, folder) in class_folders(part)? {
                let number = found.folders.len() as u32;
                found.folders.push(folder.clone());
                found.collect(number, &folder, Path::new(""))?;
                class_of.push(class);
            }
            ends.push(found.files.len());
        }
        if found.files.is_empty() {
            return Err(Error::input(
                dir,
                Place::Whole,
                format!("no images ({} other files)", found.skipped),
                "PNG or JPEG files in sub-folders, one a class",
                "Put the images of each class into a sub-folder of its own.",
            ));
        }
        let (classes, labels) = found.labels(&class_of, ends[0], parts.first().map_or(dir, |p| p))?;
        let split = match ends[..] {
            [_] => Split::stratified(&labels, 0.1, 0.2, SPLIT_SEED),
            [train, _] => Split::with_official_test(&labels, train, 0.1, SPLIT_SEED),
            _ => {
                let range = |from: usize, to: usize| (from as u32..to as u32).collect();
                Split {
                    train: range(0, ends[0]),
                    validation: range(ends[0], ends[1]),
                    test: range(ends[1], found.files.len()),
                }
            }
        };
        let name = dir.file_name().unwrap_or(OsStr::new("folder")).to_string_lossy();
        Dataset::new(name, classes, labels, found, split)
    }

    /// Adds the images in `folder/inside` and below, in the order of their names.
    fn collect(&mut self, number: u32, folder: &Path, inside: &Path) -> Result<()> {
        for name in sorted_names(&folder.join(inside))? {
            let path = inside.join(&name);
            let whole = folder.join(&path);
            // A linked folder is not entered: it could lead back here. A linked file is as good as a file.
            let linked = fs::symlink_metadata(&whole).is_ok_and(|m| m.is_symlink());
            if whole.is_dir() && !linked && !hidden(&name) {
                self.collect(number, folder, &path)?;
            } else if whole.is_file() && !hidden(&name) && has_image_extension(&path) {
                self.files.push((number, path.into_boxed_path()));
            } else {
                self.skipped += 1;
            }
        }
        Ok(())
    }

    /// Class names in order, and the class of each file. The first `train_end` files are for training.
    fn labels(&self, class_of: &[String], train_end: usize, train: &Path) -> Result<(Vec<String>, Vec<u32>)> {
        let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
        for (folder, _) in &self.files[..train_end] {
            numbers.insert(&class_of[*folder as usize], 0);
        }
        for (number, (_, value)) in numbers.iter_mut().enumerate() {
            *value = number as u32;
        }
        let mut labels = Vec::with_capacity(self.files.len());
        for (folder, _) in &self.files {
            let class = class_of[*folder as usize].as_str();
            labels.push(*numbers.get(class).ok_or_else(|| {
                Error::input(
                    &self.folders[*folder as usize],
                    Place::Whole,
                    format!("class '{class}' has images here and none in {}", train.display()),
                    "every class to have training images",
                    "Add training images of this class, or remove the folder.",
                )
            })?);
        }
        Ok((numbers.into_keys().map(String::from).collect(), labels))
    }
}

impl Source for ImageFolder {
    fn size(&self) -> Size {
        self.size
    }
    fn len(&self) -> usize {
        self.files.len()
    }
    fn read(&self, index: usize, out: &mut [u8]) -> Result<()> {
        check_read(self, index, out)?;
        let (folder, file) = &self.files[index];
        let path = self.folders[*folder as usize].join(file);
        let undecodable = |e: image::ImageError| match e {
            image::ImageError::IoError(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
                Error::io("read", &path)(e)
            }
            e => Error::input(
                &path,
                Place::Whole,
                format!("it cannot be decoded ({e})"),
                "a whole PNG or JPEG image",
                "Replace or remove the file.",
            ),
        };
        let file = BufReader::new(files::open(&path)?);
        let reader = ImageReader::new(file).with_guessed_format().map_err(Error::io("read", &path))?;
        let decoder = reader.into_decoder().map_err(undecodable)?;
        Limits::default().reserve(decoder.total_bytes()).map_err(undecodable)?;
        let _room = ROOM.take(needed(&decoder));
        let image = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
        write_planes(over_black(image), self.size, out);
        Ok(())
    }
    fn skipped(&self) -> usize {
        self.skipped
    }
    fn bytes_in_memory(&self) -> usize {
        let names: usize = self.files.iter().map(|(_, path)| path.as_os_str().len()).sum();
        names + self.files.len() * std::mem::size_of::<(u32, Box<Path>)>()
    }
}

/// Bytes that decoding takes at most: the image, and what becomes of it on the way to bytes without transparency. A
/// progressive JPEG takes as much before there is an image.
fn needed(decoder: &impl ImageDecoder) -> u64 {
    let (width, height) = decoder.dimensions();
    decoder.total_bytes() + 7 * u64::from(width) * u64::from(height)
}

/// The folders that hold class folders: one, `train` and test, or `train`, validation and test.
fn part_folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let sub = |name: &str| Some(dir.join(name)).filter(|path| path.is_dir());
    let validation = sub("val").or_else(|| sub("validation"));
    Ok(match (sub("train"), validation, sub("test")) {
        (Some(train), Some(validation), Some(test)) => vec![train, validation, test],
        (Some(train), Some(test), None) | (Some(train), None, Some(test)) => vec![train, test],
        _ => vec![dir.to_path_buf()],
    })
}

/// The class folders in `dir` with their names, in order.
fn class_folders(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut folders = Vec::new();
    for name in sorted_names(dir)? {
        let path = dir.join(&name);
        if !path.is_dir() || hidden(&name) {
            continue;
        }
        match name.to_str() {
            Some(class) => folders.push((class.to_string(), path)),
            None => {
                return Err(Error::input(
                    dir,
                    Place::Whole,
                    format!("the class folder '{}' has a name that is not UTF-8", name.to_string_lossy()),
                    "class names in UTF-8",
                    "Rename the folder.",
                ))
            }
        }
    }
    Ok(folders)
}

/// What a folder holds, in an order that does not depend on the file system.
fn sorted_names(dir: &Path) -> Result<Vec<std::ffi::OsString>> {
    let entries = fs::read_dir(dir).map_err(Error::io("read folder", dir))?;
    let mut names = entries
        .map(|entry| entry.map(|e| e.file_name()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(Error::io("read folder", dir))?;
    names.sort_unstable();
    Ok(names)
}

fn hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().first() == Some(&b'.')
}

fn has_image_extension(path: &Path) -> bool {
    path.extension().is_some_and(|end| EXTENSIONS.iter().any(|e| end.eq_ignore_ascii_case(e)))
}

/// The image without transparency: see-through pixels are mixed with black.
fn over_black(image: DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image;
    }
    let rgba = image.into_rgba8();
    let (width, height) = rgba.dimensions();
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0;
        Rgb([r, g, b].map(|v| ((u16::from(v) * u16::from(a) + 127) / 255) as u8))
    }))
}

/// Resizes and writes channel by channel; `size` has one or three channels.
fn write_planes(image: DynamicImage, size: Size, out: &mut [u8]) {
    let (width, height) = (size.width as u32, size.height as u32);
    if size.channels == 1 {
        let grey = image.into_luma8();
        let fits = grey.dimensions() == (width, height);
        let grey = if fits { grey } else { resize(&grey, width, height, FilterType::Triangle) };
        out.copy_from_slice(grey.as_raw());
        return;
    }
    let rgb = image.into_rgb8();
    let fits = rgb.dimensions() == (width, height);
    let rgb = if fits { rgb } else { resize(&rgb, width, height, FilterType::Triangle) };
    let plane = size.height * size.width;
    for (i, pixel) in rgb.pixels().enumerate() {
        for (channel, value) in pixel.0.into_iter().enumerate() {
            out[channel * plane + i] = value;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use image::{GrayImage, Luma, Rgba, RgbaImage};

    use super::*;
    use crate::shape::Image;

    type Colour = Image<3, 2, 2>;

    fn save(path: PathBuf, colour: [u8; 3], size: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(size, size, Rgb(colour)).save(path).unwrap();
    }

    fn says<P: Picture>(dir: &Path) -> String {
        ImageFolder::open::<P>(dir)
            .map(|_| ())
            .unwrap_err()
            .to_string()
            .replace(&dir.display().to_string(), "DIR")
    }

    #[test]
    fn classes_are_folders_and_other_files_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        for i in 0..10 {
            save(dir.path().join(format!("cat/{i}.png")), [i, 0, 0], 2);
            save(dir.path().join(format!("ant/deeper/{i}.PNG")), [0, i, 0], 4);
        }
        fs::write(dir.path().join("cat/.hidden.png"), b"x").unwrap();
        fs::write(dir.path().join("cat/notes.txt"), b"x").unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        let data = ImageFolder::open::<Colour>(dir.path()).unwrap();
        assert_eq!(data.classes(), ["ant", "cat"]);
        assert_eq!((data.train().len(), data.validation().len(), data.test().len()), (14, 2, 4));
        assert_eq!(data.source().skipped(), 2);
        let mut out = [0; 12];
        data.source().read(13, &mut out).unwrap();
        assert_eq!(out, [3, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
        data.source().read(7, &mut out).unwrap();
        assert_eq!(out, [0, 0, 0, 0, 7, 7, 7, 7, 0, 0, 0, 0]);
    }

    #[test]
    fn train_and_test_folders_are_the_parts() {
        let dir = tempfile::tempdir().unwrap();
        for i in 0..10 {
            save(dir.path().join(format!("train/a/{i}.png")), [1, 1, 1], 2);
            save(dir.path().join(format!("train/b/{i}.png")), [2, 2, 2], 2);
        }
        save(dir.path().join("val/b/x.jpg"), [90, 90, 90], 8);
        let data = ImageFolder::open::<Colour>(dir.path()).unwrap();
        assert_eq!((data.train().len(), data.validation().len()), (18, 2));
        assert_eq!(data.test().labels(), [1]);
        save(dir.path().join("test/a/x.png"), [5, 5, 5], 2);
        let data = ImageFolder::open::<Colour>(dir.path()).unwrap();
        assert_eq!(
            (data.train().len(), data.validation().labels(), data.test().labels()),
            (20, vec![1], vec![0])
        );
        let mut out = [0; 12];
        data.test().read(0, &mut out).unwrap();
        assert_eq!(out, [5; 12]);
        save(dir.path().join("test/c/x.png"), [5, 5, 5], 2);
        let message = says::<Colour>(dir.path());
        assert!(
            message.starts_with("DIR/test/c: class 'c' has images here and none in DIR/train."),
            "{message}"
        );
    }

    #[test]
    fn channels_are_converted_and_transparency_stands_on_black() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        GrayImage::from_pixel(2, 2, Luma([77])).save(dir.path().join("a/1.png")).unwrap();
        let clear = RgbaImage::from_pixel(3, 3, Rgba([200, 100, 50, 51]));
        clear.save(dir.path().join("a/2.png")).unwrap();
        let data = ImageFolder::open::<Colour>(dir.path()).unwrap();
        let mut out = [0; 12];
        data.source().read(0, &mut out).unwrap();
        assert_eq!(out, [77; 12]);
        data.source().read(1, &mut out).unwrap();
        assert_eq!(out, [40, 40, 40, 40, 20, 20, 20, 20, 10, 10, 10, 10]);
        let data = ImageFolder::open::<Image<1, 4, 4>>(dir.path()).unwrap();
        let mut grey = [0; 16];
        data.source().read(0, &mut grey).unwrap();
        assert_eq!(grey, [77; 16]);
    }

    #[test]
    fn a_resized_image_keeps_its_orientation_and_mean() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        // Left half black, right half white, upper rows darker by a half.
        let picture = GrayImage::from_fn(8, 8, |x, y| {
            Luma([if x < 4 {
                0
            } else if y < 4 {
                100
            } else {
                200
            }])
        });
        picture.save(dir.path().join("a/1.png")).unwrap();
        let data = ImageFolder::open::<Image<1, 4, 4>>(dir.path()).unwrap();
        let mut out = [0; 16];
        data.source().read(0, &mut out).unwrap();
        assert!(out[0] < 5 && out[12] < 5 && (95..=105).contains(&out[3]) && out[15] > 190, "{out:?}");
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        let dir = tempfile::tempdir().unwrap();
        assert!(says::<Colour>(&dir.path().join("none")).starts_with("cannot read folder "));
        assert!(
            says::<Colour>(dir.path()).starts_with("DIR: no images (0 other files). Expected PNG or JPEG")
        );
        save(dir.path().join("a/1.png"), [1, 1, 1], 2);
        assert!(says::<Image<2, 4, 4>>(dir.path()).ends_with("expected 1 or 3 channels, found 2"));
    }

    #[test]
    fn images_wait_for_room_to_be_decoded_in() {
        let dir = tempfile::tempdir().unwrap();
        save(dir.path().join("a/1.png"), [9, 9, 9], 2);
        let data = ImageFolder::open::<Colour>(dir.path()).unwrap();
        let (all, done) = (ROOM.take(u64::MAX), std::sync::atomic::AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                data.source().read(0, &mut [0; 12]).unwrap();
                done.store(true, std::sync::atomic::Ordering::SeqCst);
            });
            std::thread::sleep(std::time::Duration::from_millis(50));
            assert!(!done.load(std::sync::atomic::Ordering::SeqCst));
            drop(all);
        });
        assert!(done.into_inner());
    }

    #[test]
    fn an_image_beyond_the_limit_is_refused_before_it_is_decoded() {
        let dir = tempfile::tempdir().unwrap();
        save(dir.path().join("a/1.png"), [9, 9, 9], 2);
        // The header says 20,000 x 20,000, and is believed so far.
        let mut png = fs::read(dir.path().join("a/1.png")).unwrap();
        png[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]);
        let sum = crc(&png[12..29]).to_be_bytes();
        png[29..33].copy_from_slice(&sum);
        fs::write(dir.path().join("a/1.png"), png).unwrap();
        let data = ImageFolder::open::<Colour>(dir.path()).unwrap();
        let said = data.source().read(0, &mut [0; 12]).unwrap_err().to_string();
        assert!(
            said.contains("1.png: it cannot be decoded (") && said.to_lowercase().contains("memory"),
            "{said}"
        );
    }

    /// The sum at the end of a PNG's piece (PNG specification, annex D).
    fn crc(bytes: &[u8]) -> u32 {
        let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
    }

    #[test]
    fn an_undecodable_or_vanished_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        save(dir.path().join("a/1.png"), [1, 1, 1], 64);
        fs::write(dir.path().join("a/2.jpg"), b"no image at all").unwrap();
        let png = fs::read(dir.path().join("a/1.png")).unwrap();
        fs::write(dir.path().join("a/3.png"), &png[..png.len() / 2]).unwrap();
        let data = ImageFolder::open::<Colour>(dir.path()).unwrap();
        let mut out = [0; 12];
        let mut says = |i| {
            data.source()
                .read(i, &mut out)
                .unwrap_err()
                .to_string()
                .replace(&dir.path().display().to_string(), "DIR")
        };
        assert!(says(1).starts_with("DIR/a/2.jpg: it cannot be decoded"));
        assert!(says(2).starts_with("DIR/a/3.png: it cannot be decoded"), "{}", says(2));
        fs::remove_file(dir.path().join("a/1.png")).unwrap();
        assert!(says(0).starts_with("cannot read DIR/a/1.png: "));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_name_need_not_be_utf8_but_a_class_name_must() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        save(dir.path().join("a/1.png"), [9, 9, 9], 2);
        let odd = dir.path().join("a").join(OsStr::from_bytes(b"\xff.png"));
        fs::rename(dir.path().join("a/1.png"), &odd).unwrap();
        let data = ImageFolder::open::<Colour>(dir.path()).unwrap();
        let mut out = [0; 12];
        data.source().read(0, &mut out).unwrap();
        assert_eq!(out, [9; 12]);
        fs::create_dir(dir.path().join(OsStr::from_bytes(b"b\xff"))).unwrap();
        let message = says::<Colour>(dir.path());
        assert!(
            message.starts_with("DIR: the class folder 'b\u{fffd}' has a name that is not UTF-8."),
            "{message}"
        );
    }
}
