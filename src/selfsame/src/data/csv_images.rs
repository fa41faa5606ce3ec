//! Images as rows of a CSV file: one column a pixel, the label last.

use std::io::Read;
use std::path::Path;

use super::compressed::Compressed;
use super::dataset::{Dataset, InMemory, Split, SPLIT_SEED};
use crate::error::{Error, Place, Result};
use crate::shape::{Picture, Size};

/// Labels above this are taken for a mistake; it keeps a stray number from asking for a billion class names.
const MOST_CLASSES: u32 = 10_000;

/// Reader of CSV files without a header line: pixels channel by channel, row by row, then the label.
#[derive(Debug, Clone, Copy)]
pub struct CsvImages;

impl CsvImages {
    /// Opens a CSV file, gzipped or not. Pixels run from 0 to `max_value` and are scaled to whole numbers 0..255;
    /// labels are whole numbers from 0. A fifth of each class becomes the test part, a tenth of what that leaves the
    /// validation part.
    ///
    /// # Errors
    /// A file that cannot be read; a row with a hole, with something that is no number, a number out of range, or too
    /// few or many columns (named by line); no rows; a `max_value` that is not a positive number.
    pub fn open<P: Picture>(path: impl AsRef<Path>, max_value: f64) -> Result<Dataset<P>> {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.trim_end_matches(".gz").trim_end_matches(".csv").to_string();
        CsvImages::read::<P>(Compressed::open(path)?, path, name, max_value)
    }

    /// The same for an open file.
    pub(crate) fn read<P: Picture>(
        file: Compressed,
        path: &Path,
        name: String,
        max_value: f64,
    ) -> Result<Dataset<P>> {
        if !(max_value.is_finite() && max_value > 0.0) {
            let remedy = "Pass the value that stands for white, 255 for bytes.";
            return Err(Error::setting("max_value", max_value, "a positive number", remedy));
        }
        let (bytes, labels) = rows(file, path, P::LEN, max_value)?;
        if labels.is_empty() {
            return Err(Error::input(
                path,
                Place::Whole,
                "no rows",
                format!("rows of {} pixels and a label", P::LEN),
                "Check that this is the right file.",
            ));
        }
        let classes = 0..=labels.iter().copied().max().unwrap_or(0);
        let split = Split::stratified(&labels, 0.1, 0.2, SPLIT_SEED);
        Dataset::new(
            name,
            classes.map(|c| c.to_string()).collect(),
            labels,
            InMemory::new(Size::of::<P>(), bytes)?,
            split,
        )
    }
}

/// Bytes that a number may take in a row, spaces and separator among them.
const MOST_A_FIELD: u64 = 256;

/// A file whose lines have an end: a row is held in memory, and a gzip stream of a few bytes may hold one of gigabytes.
struct Lines<'f> {
    /// What was read of it already.
    start: &'f [u8],
    file: &'f mut Compressed,
    most: u64,
    since_a_break: u64,
}

impl Read for Lines<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        // Before the next piece is read, so that the rows before the one without an end are taken and counted.
        if self.since_a_break > self.most {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let n = if self.start.is_empty() { self.file.read(out)? } else { self.start.read(out)? };
        self.since_a_break = match out[..n].iter().rposition(|&byte| byte == b'\n') {
            Some(at) => (n - at - 1) as u64,
            None => self.since_a_break + n as u64,
        };
        Ok(n)
    }
}

/// All rows as bytes and labels.
fn rows(mut file: Compressed, path: &Path, pixels: usize, max_value: f64) -> Result<(Vec<u8>, Vec<u32>)> {
    let most = (pixels as u64 + 1).saturating_mul(MOST_A_FIELD);
    let mut start = Vec::new();
    file.append(3, &mut start)?;
    if start == b"\xef\xbb\xbf" {
        // A byte-order mark, as spreadsheets write one.
        start.clear();
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(Lines { start: start.as_slice(), file: &mut file, most, since_a_break: 0 });
    let (mut bytes, mut labels) = (Vec::new(), Vec::new());
    let mut row = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut row) {
            Ok(true) => {}
            Ok(false) => return Ok((bytes, labels)),
            Err(e) => {
                let done = reader.position().byte();
                let line = reader.position().line();
                let e = match e.into_kind() {
                    csv::ErrorKind::Io(e) if e.kind() == std::io::ErrorKind::FileTooLarge => {
                        return Err(Error::input(
                            path,
                            Place::Line(line),
                            format!("a row of more than {most} bytes"),
                            format!("{} columns: {pixels} pixels and the label", pixels + 1),
                            "Check that this is the right file.",
                        ))
                    }
                    csv::ErrorKind::Io(e) => e,
                    other => std::io::Error::other(format!("{other:?}")),
                };
                drop(reader);
                return Err(file.explain(done, e));
            }
        }
        let line = row.position().map_or(0, csv::Position::line);
        let wrong = |found: String, expected: String, remedy: &str| {
            Error::input(path, Place::Line(line), found, expected, remedy)
        };
        if row.len() != pixels + 1 {
            return Err(wrong(
                format!("{} columns", row.len()),
                format!("{} columns: {pixels} pixels and the label", pixels + 1),
                "Check the image size, and that no row was cut.",
            ));
        }
        for (column, field) in row.iter().enumerate() {
            let most = if column < pixels { max_value } else { f64::from(MOST_CLASSES - 1) };
            let value = number(field, most).map_err(|found| {
                wrong(
                    format!("column {} is {found}", column + 1),
                    format!("a number from 0 to {most}"),
                    "Fill or remove the row; a header line must be removed too.",
                )
            })?;
            if column < pixels {
                bytes.push((value / max_value * 255.0).round() as u8);
            } else if value.fract() == 0.0 {
                labels.push(value as u32);
            } else {
                let found = format!("the label is {value}");
                return Err(wrong(found, "a whole number".into(), "Put the class number last in every row."));
            }
        }
    }
}

/// The field as a number in `0..=most`, or what it is instead.
fn number(field: &[u8], most: f64) -> std::result::Result<f64, String> {
    if field.is_empty() {
        return Err("empty".into());
    }
    let text = String::from_utf8_lossy(field);
    match text.parse::<f64>() {
        Ok(value) if (0.0..=most).contains(&value) => Ok(value),
        _ => Err(format!("'{}'", text.chars().take(40).collect::<String>())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::shape::Image;

    type Tiny = Image<1, 2, 2>;

    fn read(text: &[u8], max: f64) -> std::result::Result<Dataset<Tiny>, String> {
        let path = Path::new("t.csv");
        let file = Compressed::from_reader(path, Cursor::new(text.to_vec())).unwrap();
        CsvImages::read::<Tiny>(file, path, "t".into(), max).map_err(|e| e.to_string())
    }

    #[test]
    fn pixels_are_scaled_and_labels_come_last() {
        let data = read(b"0,8,16,4,1\n 1, 2,3.5,16,0\n", 16.0).unwrap();
        assert_eq!(data.classes(), ["0", "1"]);
        assert_eq!(data.train().labels(), [1, 0]);
        let mut out = [0; 4];
        data.train().read(0, &mut out).unwrap();
        assert_eq!(out, [0, 128, 255, 64]);
        data.train().read(1, &mut out).unwrap();
        assert_eq!(out, [16, 32, 56, 255]);
    }

    #[test]
    fn a_byte_order_mark_is_no_column_and_a_row_has_an_end() {
        let data = read(b"\xef\xbb\xbf0,8,16,4,1\n1,2,3,16,0\n", 16.0).unwrap();
        assert_eq!(data.train().labels(), [1, 0]);
        // A hundred megabytes of one number, packed into a hundred thousand bytes.
        let bomb = super::super::compressed::tests::gz(&[&b"1,2,3,4,0\n"[..], &[b'7'; 100 << 20]].concat());
        let said = read(&bomb, 16.0).map(|_| ()).unwrap_err();
        assert!(said.starts_with("t.csv, line 2: a row of more than 1280 bytes."), "{said}");
    }

    #[test]
    fn every_bad_row_is_named_by_its_line() {
        let says = |text: &[u8]| read(text, 16.0).map(|_| ()).unwrap_err();
        assert_eq!(
            says(b"1,2,3,4,0\n1,,3,4,0\n"),
            "t.csv, line 2: column 2 is empty. Expected a number from 0 to 16. Fill or remove the row; a header line \
             must be removed too."
        );
        assert!(says(b"a,b,c,d,label\n").starts_with("t.csv, line 1: column 1 is 'a'. Expected a number"));
        assert!(says(b"1,2,3,nan,0\n").starts_with("t.csv, line 1: column 4 is 'nan'."));
        assert!(says(b"1,2,3,17,0\n").starts_with("t.csv, line 1: column 4 is '17'."));
        assert!(says(b"1,2,3,\xff,0\n").starts_with("t.csv, line 1: column 4 is '\u{fffd}'."));
        assert!(says(b"1,2,3,4,0\n1,2,3,0\n").starts_with("t.csv, line 2: 4 columns. Expected 5 columns"));
        assert!(says(b"1,2,3,4,5,0\n").starts_with("t.csv, line 1: 6 columns."));
        assert!(says(b"1,2,3,4,0.5\n").starts_with("t.csv, line 1: the label is 0.5. Expected a whole"));
        assert!(says(b"1,2,3,4,-1\n").starts_with("t.csv, line 1: column 5 is '-1'."));
        assert!(says(b"1,2,3,4,4000000000\n").starts_with("t.csv, line 1: column 5 is '4000000000'."));
        assert!(says(b"").starts_with("t.csv: no rows. Expected rows of 4 pixels and a label."));
    }

    #[test]
    fn a_cut_gzip_a_missing_file_and_a_bad_scale_are_errors() {
        let mut cut = super::super::compressed::tests::gz("1,2,3,4,0\n".repeat(5000).as_bytes());
        cut.truncate(cut.len() - 12);
        assert!(read(&cut, 16.0).map(|_| ()).unwrap_err().starts_with("t.csv: the gzip stream is cut short"));
        let missing = CsvImages::open::<Tiny>("/no/such/file.csv", 1.0).map(|_| ()).unwrap_err();
        assert!(missing.to_string().starts_with("cannot read /no/such/file.csv: "));
        assert!(read(b"1,2,3,4,0\n", 0.0).map(|_| ()).unwrap_err().starts_with("max_value is 0."));
        assert!(read(b"1,2,3,4,0\n", f64::NAN).map(|_| ()).unwrap_err().starts_with("max_value is NaN."));
    }
}
