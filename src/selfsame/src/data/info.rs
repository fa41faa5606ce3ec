//! What a data set holds, for people and for `--json`.

use std::fmt;

use serde::Serialize;

use super::dataset::{Dataset, Part};
use crate::shape::ImageShape;
use crate::text::visible;

/// One class and how many images of it each part has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClassInfo {
    /// Its name.
    pub name: String,
    /// Images of it in the training part.
    pub train: usize,
    /// Images of it in the validation part.
    pub validation: usize,
    /// Images of it in the test part.
    pub test: usize,
}

/// What a data set holds; its `Display` is a few lines for a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DataInfo {
    /// The data set's name.
    pub name: String,
    /// Channels, height and width.
    pub image: [usize; 3],
    /// Images in the training part.
    pub train: usize,
    /// Images in the validation part.
    pub validation: usize,
    /// Images in the test part.
    pub test: usize,
    /// The classes, in the order of their labels.
    pub classes: Vec<ClassInfo>,
    /// Bytes of all images, decoded.
    pub bytes: u64,
    /// Bytes of memory that the open data set takes.
    pub bytes_in_memory: u64,
    /// Files passed over because they are no images.
    pub skipped: usize,
}

impl<P: ImageShape> Dataset<P> {
    /// Counts for each part and class, image size and bytes.
    pub fn info(&self) -> DataInfo {
        let size = self.shape().size();
        let count = |part: &Part<P>| {
            let mut counts = vec![0; self.classes().len()];
            part.labels().iter().for_each(|&label| counts[label as usize] += 1);
            counts
        };
        let parts = [self.train(), self.validation(), self.test()];
        let [train, validation, test] = [0, 1, 2].map(|i| count(&parts[i]));
        let class = |(i, name): (usize, &String)| ClassInfo {
            name: name.clone(),
            train: train[i],
            validation: validation[i],
            test: test[i],
        };
        DataInfo {
            name: self.name().to_string(),
            image: [size.channels, size.height, size.width],
            train: parts[0].len(),
            validation: parts[1].len(),
            test: parts[2].len(),
            classes: self.classes().iter().enumerate().map(class).collect(),
            bytes: (self.source().len() * size.len()) as u64,
            bytes_in_memory: self.source().bytes_in_memory() as u64,
            skipped: self.source().skipped(),
        }
    }
}

impl fmt::Display for DataInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [channels, height, width] = self.image;
        writeln!(f, "{}: {} images of {channels}x{height}x{width}", visible(&self.name), self.images())?;
        writeln!(f, "  train {}, validation {}, test {}", self.train, self.validation, self.test)?;
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let (bytes, held) = (megabytes(self.bytes), megabytes(self.bytes_in_memory));
        writeln!(f, "  {bytes:.1} MB decoded, {held:.1} MB held in memory")?;
        if self.skipped > 0 {
            writeln!(f, "  {} files passed over: no images by their names", self.skipped)?;
        }
        write!(f, "  {} classes", self.classes.len())?;
        for class in &self.classes {
            let all = class.train + class.validation + class.test;
            write!(f, "\n    {} ({all})", visible(&class.name))?;
        }
        Ok(())
    }
}

impl DataInfo {
    /// Images in all parts together.
    pub fn images(&self) -> usize {
        self.train + self.validation + self.test
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use crate::data::Digits;

    #[test]
    fn no_terminal_obeys_a_class() {
        let mut info = Digits::load().unwrap().info();
        info.name = "a\u{1b}[2J".into();
        info.classes[3].name = "cat\u{9b}31m\r\n    dog (3)".into();
        let text = info.to_string();
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text}");
        assert!(text.contains(r"    cat\u{9b}31m\r\n    dog (3) (183)"), "{text}");
    }

    #[test]
    fn the_digits_are_counted() {
        let digits = Digits::load().unwrap();
        let info = digits.info();
        assert_eq!((info.images(), info.image, info.classes.len()), (1797, [1, 8, 8], 10));
        assert_eq!((info.bytes, info.bytes_in_memory), (1797 * 64, 1797 * 64));
        let sum: usize = info.classes.iter().map(|c| c.test).sum();
        assert_eq!(sum, digits.test().len());
        let text = info.to_string();
        assert!(
            text.starts_with("digits: 1797 images of 1x8x8\n") && text.contains("\n    3 (183)"),
            "{text}"
        );
    }
}
