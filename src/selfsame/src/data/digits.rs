//! The UCI handwritten digits, embedded: real data that need no download.

use std::io::Cursor;
use std::path::Path;

use super::compressed::Compressed;
use super::csv_images::CsvImages;
use super::dataset::Dataset;
use crate::error::Result;
use crate::shape::Image;

/// 1,797 handwritten digits of 8x8 pixels in ten classes.
///
/// E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning Repository, 1998,
/// <https://doi.org/10.24432/C50P49>, CC BY 4.0. Counts 0..16 are scaled to bytes 0..255.
#[derive(Debug, Clone, Copy)]
pub struct Digits;

impl Digits {
    /// The embedded digits; a fifth of each class is the test part, a tenth of what that leaves the validation part,
    /// the same in every run.
    ///
    /// ```
    /// let digits = selfsame::data::Digits::load()?;
    /// assert_eq!(digits.classes().len(), 10);
    /// assert_eq!(digits.train().len() + digits.validation().len() + digits.test().len(), 1797);
    /// # Ok::<(), selfsame::Error>(())
    /// ```
    ///
    /// # Errors
    /// None that a correctly built program can meet.
    pub fn load() -> Result<Dataset<Image<1, 8, 8>>> {
        let path = Path::new("digits.csv.gz (embedded)");
        let bytes: &[u8] = include_bytes!("../../assets/digits.csv.gz");
        CsvImages::read(Compressed::from_reader(path, Cursor::new(bytes))?, path, "digits".into(), 16.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_have_their_sizes_and_the_first_digit_its_pixels() {
        let digits = Digits::load().unwrap();
        let sizes = [digits.train().len(), digits.validation().len(), digits.test().len()];
        assert_eq!(sizes.iter().sum::<usize>(), 1797);
        assert!((350..=368).contains(&sizes[2]) && (136..=150).contains(&sizes[1]), "{sizes:?}");
        let mut pixels = [0; 64];
        digits.source().read(0, &mut pixels).unwrap();
        // The file's first row begins 0,0,5,13,9,1,0,0 of 16.
        assert_eq!(pixels[..8], [0, 0, 80, 207, 143, 16, 0, 0]);
    }
}
