//! MNIST and its many relatives: IDX files, gzipped or not (<http://yann.lecun.com/exdb/mnist/>).

use std::path::{Path, PathBuf};

use super::compressed::Compressed;
use super::dataset::{Dataset, InMemory, Split, SPLIT_SEED};
use crate::error::{Error, Place, Result};
use crate::shape::{Image, Picture, Size};

/// The first four bytes of a file of images: unsigned bytes, three dimensions.
const IMAGES: u32 = 0x0000_0803;
/// The first four bytes of a file of labels: unsigned bytes, one dimension.
const LABELS: u32 = 0x0000_0801;

/// MNIST: 60,000 + 10,000 handwritten digits.
///
/// Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-Based Learning Applied to Document Recognition*, 1998.
#[derive(Debug, Clone, Copy)]
pub struct Mnist;

impl Mnist {
    /// Opens the four files in `dir`; see [`IdxImages::open`].
    ///
    /// # Errors
    /// All of [`IdxImages::open`]'s; a label above 9.
    pub fn open(dir: impl AsRef<Path>) -> Result<Dataset<Image<1, 28, 28>>> {
        open(dir.as_ref(), "mnist", Some((0..10).map(|c| c.to_string()).collect()))
    }
}

/// Fashion-MNIST: 60,000 + 10,000 pieces of clothing in MNIST's format.
///
/// H. Xiao, K. Rasul and R. Vollgraf, *Fashion-MNIST*, 2017, <https://arxiv.org/abs/1708.07747>.
#[derive(Debug, Clone, Copy)]
pub struct FashionMnist;

impl FashionMnist {
    /// Opens the four files in `dir`; see [`IdxImages::open`].
    ///
    /// # Errors
    /// All of [`IdxImages::open`]'s; a label above 9.
    pub fn open(dir: impl AsRef<Path>) -> Result<Dataset<Image<1, 28, 28>>> {
        let names = [
            "t-shirt",
            "trouser",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle boot",
        ];
        open(dir.as_ref(), "fashion-mnist", Some(names.map(String::from).to_vec()))
    }
}

/// Any set in MNIST's format, of any image size with one channel.
#[derive(Debug, Clone, Copy)]
pub struct IdxImages;

impl IdxImages {
    /// Opens `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
    /// `t10k-labels-idx1-ubyte` in `dir`, each with or without `.gz`, a dot in place of the second hyphen allowed. The
    /// t10k files are the test part, a tenth of each class of the others the validation part; classes are called by
    /// their numbers.
    ///
    /// # Errors
    /// A missing folder or file (all four names are in the message), a cut or corrupt gzip stream, a wrong magic
    /// number, no images, images of another size than `P`'s, bytes missing or left over, and as many labels as images.
    pub fn open<P: Picture>(dir: impl AsRef<Path>) -> Result<Dataset<P>> {
        let dir = dir.as_ref();
        open(dir, &dir.file_name().unwrap_or_default().to_string_lossy(), None)
    }
}

fn open<P: Picture>(dir: &Path, name: &str, classes: Option<Vec<String>>) -> Result<Dataset<P>> {
    let size = Size::of::<P>();
    if size.channels != 1 {
        return Err(Error::shape(format!("IDX images in {}", dir.display()), "one channel", size));
    }
    if !dir.is_dir() {
        return Err(missing(dir, "no such folder"));
    }
    let files =
        [("train", "images", 3), ("train", "labels", 1), ("t10k", "images", 3), ("t10k", "labels", 1)]
            .map(|(part, what, dims)| find(dir, part, what, dims));
    let [train_images, train_labels, test_images, test_labels] = files;
    let most = classes.as_ref().map_or(256, Vec::len);
    let (mut bytes, mut labels) = (Vec::new(), Vec::new());
    let first_test = read_part(&train_images?, &train_labels?, size, most, &mut bytes, &mut labels)?;
    read_part(&test_images?, &test_labels?, size, most, &mut bytes, &mut labels)?;
    let split = Split::with_official_test(&labels, first_test, 0.1, SPLIT_SEED);
    let classes = classes.unwrap_or_else(|| {
        (0..=labels.iter().copied().max().unwrap_or(0)).map(|class| class.to_string()).collect()
    });
    Dataset::new(name, classes, labels, InMemory::new(size, bytes)?, split)
}

fn missing(dir: &Path, found: impl Into<String>) -> Error {
    Error::input(
        dir,
        Place::Whole,
        found,
        "a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and \
         t10k-labels-idx1-ubyte, each with or without .gz",
        "Fetch it with `selfsame data fetch mnist`, or name another folder.",
    )
}

/// The path of one of the four files in any of its spellings.
fn find(dir: &Path, part: &str, what: &str, dims: u32) -> Result<PathBuf> {
    for separator in ["-", "."] {
        for end in ["", ".gz"] {
            let path = dir.join(format!("{part}-{what}{separator}idx{dims}-ubyte{end}"));
            if path.is_file() {
                return Ok(path);
            }
        }
    }
    Err(missing(dir, format!("no file {part}-{what}-idx{dims}-ubyte in it")))
}

/// Appends one part's images and labels and says how many there are.
fn read_part(
    images: &Path,
    label_file: &Path,
    size: Size,
    classes: usize,
    bytes: &mut Vec<u8>,
    labels: &mut Vec<u32>,
) -> Result<usize> {
    let count = read_images(images, size, bytes)?;
    let mut part = Vec::new();
    let label_count = read_labels(label_file, &mut part)?;
    if label_count != count {
        return Err(Error::input(
            label_file,
            Place::Whole,
            format!("{label_count} labels"),
            format!("{count}, one for each image in {}", images.display()),
            "Take both files from the same set.",
        ));
    }
    if let Some(at) = part.iter().position(|label| usize::from(*label) >= classes) {
        return Err(Error::input(
            label_file,
            Place::Byte(8 + at as u64),
            format!("label {}", part[at]),
            format!("a label below {classes}"),
            "Check that the file belongs to this set.",
        ));
    }
    labels.extend(part.into_iter().map(u32::from));
    Ok(count)
}

fn read_images(path: &Path, size: Size, bytes: &mut Vec<u8>) -> Result<usize> {
    let mut file = Compressed::open(path)?;
    let [count, height, width] = header::<3>(&mut file, path, IMAGES)?;
    if count == 0 {
        let remedy = "Check that this is the right file.";
        return Err(Error::input(path, Place::Byte(4), "zero images", "at least one", remedy));
    }
    if [height as usize, width as usize] != [size.height, size.width] {
        return Err(Error::input(
            path,
            Place::Byte(8),
            format!("images of {height}x{width}"),
            format!("images of {}x{}", size.height, size.width),
            "Name a data set of that size, or open this one as IdxImages of its own size.",
        ));
    }
    body(&mut file, path, 16, u64::from(count), size.len() as u64, bytes)?;
    Ok(count as usize)
}

fn read_labels(path: &Path, labels: &mut Vec<u8>) -> Result<usize> {
    let mut file = Compressed::open(path)?;
    let [count] = header::<1>(&mut file, path, LABELS)?;
    body(&mut file, path, 8, u64::from(count), 1, labels)?;
    Ok(count as usize)
}

/// Reads the magic number and `N` big-endian sizes.
fn header<const N: usize>(file: &mut Compressed, path: &Path, magic: u32) -> Result<[u32; N]> {
    let length = 4 * (N + 1);
    let mut bytes = Vec::with_capacity(length);
    file.append(length as u64, &mut bytes)?;
    let words: Vec<u32> =
        bytes.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect();
    match words.first() {
        Some(&found) if found != magic => Err(Error::input(
            path,
            Place::Byte(0),
            format!("magic number {found:#010x}"),
            format!("{magic:#010x}"),
            "Check that images and labels are not swapped and that the file is in IDX format.",
        )),
        _ => words.get(1..).and_then(|sizes| sizes.try_into().ok()).ok_or_else(|| {
            Error::input(
                path,
                Place::Byte(bytes.len() as u64),
                "the file ends inside its header",
                format!("a header of {length} bytes"),
                "Fetch or copy the file again.",
            )
        }),
    }
}

/// Reads the `count` records of `length` bytes that must follow the header, and nothing after them. Memory grows with
/// what arrives, not with what a header claims.
fn body(
    file: &mut Compressed,
    path: &Path,
    header: u64,
    count: u64,
    length: u64,
    out: &mut Vec<u8>,
) -> Result<()> {
    // `count` is below 2^32 and `length` is the size of an image that a type holds, so this cannot overflow.
    let expected = count * length;
    let got = file.append(expected, out)?;
    if got < expected {
        return Err(Error::input(
            path,
            Place::Byte(header + got),
            format!("the file ends after {} of {count} records", got / length),
            format!("{count} records of {length} bytes, as its header says"),
            "Fetch or copy the file again.",
        ));
    }
    if file.append(1, &mut Vec::new())? > 0 {
        return Err(Error::input(
            path,
            Place::Byte(header + expected),
            "more bytes",
            format!("the file to end after {count} records of {length} bytes, as its header says"),
            "Fetch or copy the file again.",
        ));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::fs;

    use super::super::compressed::tests::gz;
    use super::*;

    type Tiny = Image<1, 2, 3>;

    fn images(count: u32, height: u32, width: u32) -> Vec<u8> {
        let mut bytes = [IMAGES, count, height, width].map(u32::to_be_bytes).concat();
        bytes.extend((0..count * height * width).map(|i| i as u8));
        bytes
    }

    fn labels(of: &[u8]) -> Vec<u8> {
        [&[LABELS, of.len() as u32].map(u32::to_be_bytes).concat()[..], of].concat()
    }

    /// A correct folder, 20 training and 4 test images of 2x3.
    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let train: Vec<u8> = (0..20).map(|i| i % 2).collect();
        fs::write(dir.path().join("train-images-idx3-ubyte.gz"), gz(&images(20, 2, 3))).unwrap();
        fs::write(dir.path().join("train-labels-idx1-ubyte"), labels(&train)).unwrap();
        fs::write(dir.path().join("t10k-images.idx3-ubyte"), images(4, 2, 3)).unwrap();
        fs::write(dir.path().join("t10k-labels.idx1-ubyte.gz"), gz(&labels(&[0, 1, 0, 1]))).unwrap();
        dir
    }

    /// What opening says after `name` was replaced by `bytes`.
    fn says(name: &str, bytes: &[u8]) -> String {
        let dir = folder();
        fs::write(dir.path().join(name), bytes).unwrap();
        let message = IdxImages::open::<Tiny>(dir.path()).map(|_| ()).unwrap_err().to_string();
        message.replace(&format!("{}/", dir.path().display()), "")
    }

    #[test]
    fn all_four_spellings_are_found_and_the_test_part_is_the_official_one() {
        let dir = folder();
        let data = IdxImages::open::<Tiny>(dir.path()).unwrap();
        assert_eq!((data.train().len(), data.validation().len(), data.test().len()), (18, 2, 4));
        assert_eq!(data.test().labels(), [0, 1, 0, 1]);
        assert_eq!(data.classes(), ["0", "1"]);
        let mut out = [0; 6];
        data.test().read(1, &mut out).unwrap();
        assert_eq!(out, [6, 7, 8, 9, 10, 11]);
        data.source().read(19, &mut out).unwrap();
        assert_eq!(out, [114, 115, 116, 117, 118, 119]);
    }

    #[test]
    fn a_missing_folder_or_file_says_what_is_looked_for() {
        let message = Mnist::open("/no/such/folder").map(|_| ()).unwrap_err().to_string();
        assert!(message
            .starts_with("/no/such/folder: no such folder. Expected a folder with train-images-idx3-ubyte"));
        let dir = folder();
        fs::remove_file(dir.path().join("t10k-images.idx3-ubyte")).unwrap();
        let message = IdxImages::open::<Tiny>(dir.path()).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("no file t10k-images-idx3-ubyte in it"), "{message}");
    }

    #[test]
    fn damaged_gzip_is_named() {
        let whole = gz(&images(20, 2, 3));
        let cut = says("train-images-idx3-ubyte.gz", &whole[..whole.len() - 20]);
        assert!(cut.starts_with("train-images-idx3-ubyte.gz: the gzip stream is cut short after"), "{cut}");
        let mut corrupt = whole.clone();
        let crc = corrupt.len() - 5;
        corrupt[crc] ^= 0x10;
        let corrupt = says("train-images-idx3-ubyte.gz", &corrupt);
        assert!(corrupt.starts_with("train-images-idx3-ubyte.gz: the gzip stream is corrupt"), "{corrupt}");
    }

    #[test]
    fn a_wrong_header_is_named_with_both_values() {
        assert_eq!(
            says("train-labels-idx1-ubyte", &images(20, 2, 3)),
            "train-labels-idx1-ubyte, byte 0: magic number 0x00000803. Expected 0x00000801. Check that images and \
             labels are not swapped and that the file is in IDX format."
        );
        let none = says("train-images-idx3-ubyte", &images(0, 2, 3));
        assert!(
            none.starts_with("train-images-idx3-ubyte, byte 4: zero images. Expected at least one."),
            "{none}"
        );
        let size = says("train-images-idx3-ubyte", &images(20, 3, 2));
        assert!(size.contains("byte 8: images of 3x2. Expected images of 2x3."), "{size}");
        let empty = says("train-images-idx3-ubyte", b"");
        assert!(empty.contains("byte 0: the file ends inside its header."), "{empty}");
        let short = says("train-images-idx3-ubyte", &images(20, 2, 3)[..10]);
        assert!(short.contains("byte 10: the file ends inside its header."), "{short}");
    }

    #[test]
    fn counts_that_do_not_fit_the_bytes_are_errors() {
        let whole = images(20, 2, 3);
        let short = says("train-images-idx3-ubyte", &whole[..whole.len() - 7]);
        assert!(short.contains("byte 129: the file ends after 18 of 20 records."), "{short}");
        let long = says("train-images-idx3-ubyte", &[&whole[..], &[1]].concat());
        assert!(long.contains("byte 136: more bytes. Expected the file to end after 20 records"), "{long}");
        let mut huge = whole.clone();
        huge[4] = 0xff;
        let huge = says("train-images-idx3-ubyte", &huge);
        assert!(huge.contains("the file ends after 20 of 4278190100 records"), "{huge}");
        let labels = says("train-labels-idx1-ubyte", &labels(&[0; 19]));
        assert!(
            labels.contains("train-labels-idx1-ubyte: 19 labels. Expected 20, one for each image"),
            "{labels}"
        );
    }

    #[test]
    fn a_label_without_a_class_and_a_colour_shape_are_refused() {
        let dir = folder();
        let mut wrong = vec![0; 20];
        wrong[3] = 10;
        fs::write(dir.path().join("train-labels-idx1-ubyte"), labels(&wrong)).unwrap();
        let ten = Some((0..10).map(|c: u8| c.to_string()).collect());
        let message = open::<Tiny>(dir.path(), "x", ten).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("byte 11: label 10. Expected a label below 10."), "{message}");
        let message = IdxImages::open::<Image<3, 2, 3>>(dir.path()).map(|_| ()).unwrap_err().to_string();
        assert!(message.ends_with("expected one channel, found 3x2x3"), "{message}");
    }

    #[test]
    fn mnist_itself_opens() {
        let data = std::env::var_os("SELFSAME_DATA").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
            PathBuf::from,
        );
        if !data.join("mnist").is_dir() {
            crate::golden::skip(format_args!(
                "no MNIST in {}; SELFSAME_DATA may name another folder",
                data.display()
            ));
            return;
        }
        let mnist = Mnist::open(data.join("mnist")).unwrap();
        let sizes = (mnist.train().len() + mnist.validation().len(), mnist.test().len());
        assert_eq!(sizes, (60_000, 10_000));
        assert_eq!(mnist.test().labels()[..5], [7, 2, 1, 0, 4]);
        let mut image = [0; 784];
        mnist.test().read(0, &mut image).unwrap();
        assert!(image.iter().any(|&b| b > 200) && image[0] == 0);
    }
}
