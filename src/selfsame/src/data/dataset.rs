//! A data set whose image shape is part of its type, and its three disjoint parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::seq::SliceRandom;

use crate::error::{Error, Result};
use crate::random::{stream, Purpose};
use crate::shape::{AnyImage, ImageShape, Size};

/// The seed of every split this crate makes itself, so that a data set's parts are the same in every run.
pub(crate) const SPLIT_SEED: u64 = 0;

/// Where images come from: memory, or a folder decoded as it streams. Implementations are plain code without shapes in
/// their types; [`Dataset`] adds those.
pub trait Source: Send + Sync {
    /// The size every image comes out with.
    fn size(&self) -> Size;
    /// How many images there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Writes image `index` to `out` as bytes, channel by channel, row by row; `out` has `size().len()` bytes.
    ///
    /// # Errors
    /// A file that cannot be read or decoded, named.
    fn read(&self, index: usize, out: &mut [u8]) -> Result<()>;
    /// How many bytes of memory the images take while the source lives.
    fn bytes_in_memory(&self) -> usize {
        0
    }
    /// How many files were passed over because they are no images.
    fn skipped(&self) -> usize {
        0
    }
}

/// What every [`Source::read`] checks first.
pub(crate) fn check_read(source: &dyn Source, index: usize, out: &[u8]) -> Result<()> {
    if index >= source.len() {
        return Err(Error::shape("image index", format!("below {}", source.len()), index));
    }
    if out.len() != source.size().len() {
        let expected = format!("{} bytes", source.size().len());
        return Err(Error::shape("buffer for an image", expected, format!("{} bytes", out.len())));
    }
    Ok(())
}

/// Images held in memory as bytes, one after the other.
#[derive(Debug, Clone)]
pub struct InMemory {
    size: Size,
    bytes: Vec<u8>,
}

impl InMemory {
    /// Takes `bytes`, whose length must be a multiple of `size.len()`.
    ///
    /// # Errors
    /// [`Error::Shape`] when it is not.
    pub fn new(size: Size, bytes: Vec<u8>) -> Result<InMemory> {
        if size.is_empty() || !bytes.len().is_multiple_of(size.len()) {
            return Err(Error::shape(
                "images in memory",
                format!("a multiple of {size}"),
                format!("{} bytes", bytes.len()),
            ));
        }
        Ok(InMemory { size, bytes })
    }
}

impl Source for InMemory {
    fn size(&self) -> Size {
        self.size
    }
    fn len(&self) -> usize {
        self.bytes.len() / self.size.len()
    }
    fn read(&self, index: usize, out: &mut [u8]) -> Result<()> {
        let n = self.size.len();
        check_read(self, index, out)?;
        out.copy_from_slice(&self.bytes[index * n..(index + 1) * n]);
        Ok(())
    }
    fn bytes_in_memory(&self) -> usize {
        self.bytes.len()
    }
}

/// Which samples belong to which part. The three lists never share an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// What encoders and probes learn from.
    pub train: Vec<u32>,
    /// What hyper-parameters of probes are chosen on.
    pub validation: Vec<u32>,
    /// What is only ever scored.
    pub test: Vec<u32>,
}

impl Split {
    /// Splits `labels.len()` samples class by class: `test` and `validation` are fractions, `test` of each class
    /// and `validation` of what that leaves; the rest is for training. Depends on labels and `seed` alone.
    pub fn stratified(labels: &[u32], validation: f64, test: f64, seed: u64) -> Split {
        let all: Vec<u32> = (0..labels.len() as u32).collect();
        let (rest, test) = part(&all, labels, test, seed, 0);
        let (train, validation) = part(&rest, labels, validation, seed, 1);
        Split { train, validation, test }
    }

    /// For data with an official test part: `first_test` is the index where it begins; `validation` is a fraction of
    /// each class of what comes before.
    pub fn with_official_test(labels: &[u32], first_test: usize, validation: f64, seed: u64) -> Split {
        let first_test = first_test.min(labels.len());
        let before: Vec<u32> = (0..first_test as u32).collect();
        let (train, validation) = part(&before, labels, validation, seed, 1);
        Split { train, validation, test: (first_test as u32..labels.len() as u32).collect() }
    }
}

/// Takes `fraction` of each class out of `from`; both lists come back sorted.
fn part(from: &[u32], labels: &[u32], fraction: f64, seed: u64, which: u64) -> (Vec<u32>, Vec<u32>) {
    let mut by_class: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for &i in from {
        by_class.entry(labels[i as usize]).or_default().push(i);
    }
    let (mut rest, mut taken) = (Vec::new(), Vec::new());
    for (class, mut members) in by_class {
        members.shuffle(&mut stream(&[seed, which, u64::from(class), Purpose::Split as u64]));
        let n = (members.len() as f64 * fraction.clamp(0.0, 1.0)).round() as usize;
        taken.extend_from_slice(&members[..n]);
        rest.extend_from_slice(&members[n..]);
    }
    rest.sort_unstable();
    taken.sort_unstable();
    (rest, taken)
}

/// Labelled images of one shape, in three parts that never share a sample.
///
/// Labels are only ever used by probes and plots; objectives do not see them.
#[derive(Clone)]
pub struct Dataset<P: ImageShape> {
    name: String,
    classes: Vec<String>,
    labels: Arc<Vec<u32>>,
    source: Arc<dyn Source>,
    split: Arc<Split>,
    shape: P,
}

impl<P: ImageShape> Dataset<P> {
    /// Puts a source, its labels and a split together.
    ///
    /// # Errors
    /// [`Error::Shape`] where the source's size is not `P`'s, the labels are not as many as the images, a label has no
    /// class name, or the split names a sample twice or one that does not exist.
    pub fn new(
        name: impl Into<String>,
        classes: Vec<String>,
        labels: Vec<u32>,
        source: impl Source + 'static,
        split: Split,
    ) -> Result<Dataset<P>> {
        let name = name.into();
        if source.size().is_empty() {
            return Err(Error::shape(format!("data set {name}"), "images with pixels", source.size()));
        }
        let shape = P::of_size(source.size()).map_err(|e| match e {
            Error::Shape { expected, found, .. } => Error::shape(format!("data set {name}"), expected, found),
            other => other,
        })?;
        if labels.len() != source.len() {
            return Err(Error::shape(
                format!("data set {name}"),
                format!("{} labels", source.len()),
                format!("{} labels", labels.len()),
            ));
        }
        if let Some(bad) = labels.iter().find(|l| **l as usize >= classes.len()) {
            return Err(Error::shape(
                format!("data set {name}"),
                format!("labels below {}", classes.len()),
                bad,
            ));
        }
        let mut seen = vec![false; labels.len()];
        for &i in split.train.iter().chain(&split.validation).chain(&split.test) {
            match seen.get_mut(i as usize) {
                Some(s) if !*s => *s = true,
                _ => return Err(Error::shape(format!("split of {name}"), "each sample at most once", i)),
            }
        }
        Ok(Dataset {
            name,
            classes,
            labels: Arc::new(labels),
            source: Arc::new(source),
            split: Arc::new(split),
            shape,
        })
    }

    /// The data set's name, as commands spell it.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Class names; a label is an index into them.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }
    /// What encoders and probes learn from.
    pub fn train(&self) -> Part<P> {
        self.part("train", &self.split.train)
    }
    /// What hyper-parameters of probes are chosen on.
    pub fn validation(&self) -> Part<P> {
        self.part("validation", &self.split.validation)
    }
    /// What is only ever scored.
    pub fn test(&self) -> Part<P> {
        self.part("test", &self.split.test)
    }

    /// The shape of its images.
    pub fn shape(&self) -> P {
        self.shape
    }

    /// The same data with the shape known only at run time, for encoders and objectives taken by name.
    pub fn any(&self) -> Dataset<AnyImage> {
        Dataset {
            name: self.name.clone(),
            classes: self.classes.clone(),
            labels: self.labels.clone(),
            source: self.source.clone(),
            split: self.split.clone(),
            shape: AnyImage(self.shape.size()),
        }
    }

    /// The same data with the first `images` of the training part only, or all where there are fewer.
    pub(crate) fn with_shorter_training(&self, images: usize) -> Dataset<P> {
        let mut split = Split::clone(&self.split);
        split.train.truncate(images);
        Dataset { split: Arc::new(split), ..self.clone() }
    }

    /// Where its images come from.
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    fn part(&self, name: &'static str, indices: &[u32]) -> Part<P> {
        Part {
            name,
            classes: self.classes.len(),
            labels: self.labels.clone(),
            source: self.source.clone(),
            indices: indices.to_vec(),
            shape: self.shape,
        }
    }
}

/// One part of a data set: a list of samples. Cheap to clone; owns no pixels.
#[derive(Clone)]
pub struct Part<P: ImageShape> {
    name: &'static str,
    classes: usize,
    labels: Arc<Vec<u32>>,
    source: Arc<dyn Source>,
    indices: Vec<u32>,
    shape: P,
}

impl<P: ImageShape> Part<P> {
    /// `train`, `validation` or `test`.
    pub fn name(&self) -> &'static str {
        self.name
    }
    /// How many samples.
    pub fn len(&self) -> usize {
        self.indices.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
    /// How many classes the data set has.
    pub fn classes(&self) -> usize {
        self.classes
    }
    /// The shape of its images.
    pub fn shape(&self) -> P {
        self.shape
    }
    /// The label of sample `i` of this part.
    pub fn label(&self, i: usize) -> u32 {
        self.labels[self.indices[i] as usize]
    }
    /// All labels of this part, in order.
    pub fn labels(&self) -> Vec<u32> {
        self.indices.iter().map(|&i| self.labels[i as usize]).collect()
    }
    /// Index of sample `i` in the whole data set.
    pub fn index(&self, i: usize) -> u32 {
        self.indices[i]
    }
    /// Writes sample `i` to `out` (as many bytes as an image has values, channel by channel).
    ///
    /// # Errors
    /// What the [`Source`] says.
    pub fn read(&self, i: usize, out: &mut [u8]) -> Result<()> {
        self.source.read(self.indices[i] as usize, out)
    }
    /// The same samples with the shape known only at run time.
    pub fn any(&self) -> Part<AnyImage> {
        Part {
            name: self.name,
            classes: self.classes,
            labels: self.labels.clone(),
            source: self.source.clone(),
            indices: self.indices.clone(),
            shape: AnyImage(self.shape.size()),
        }
    }
    /// The samples at positions `which` of this part, as a part of its own; panics where a position is not below
    /// [`Part::len`].
    pub fn subset(&self, which: &[usize]) -> Part<P> {
        Part { indices: which.iter().map(|&i| self.indices[i]).collect(), ..self.clone() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::shape::Image;

    fn labels() -> Vec<u32> {
        (0..200).map(|i| i % 4).collect()
    }

    #[test]
    fn a_stratified_split_covers_everything_once_and_every_class_alike() {
        let labels = labels();
        let split = Split::stratified(&labels, 0.1, 0.2, 3);
        let mut all = [split.train.clone(), split.validation.clone(), split.test.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..200).collect::<Vec<u32>>());
        for (part, per_class) in [(&split.train, 36), (&split.validation, 4), (&split.test, 10)] {
            for class in 0..4 {
                assert_eq!(part.iter().filter(|&&i| labels[i as usize] == class).count(), per_class);
            }
        }
        assert_eq!(split, Split::stratified(&labels, 0.1, 0.2, 3));
        assert_ne!(split, Split::stratified(&labels, 0.1, 0.2, 4));
    }

    #[test]
    fn an_official_test_part_is_left_as_it_is() {
        let split = Split::with_official_test(&labels(), 150, 0.1, 0);
        assert_eq!(split.test, (150..200).collect::<Vec<u32>>());
        assert_eq!(split.train.len() + split.validation.len(), 150);
        assert!(split.train.iter().chain(&split.validation).all(|&i| i < 150));
    }

    #[test]
    fn images_of_another_size_or_a_leaking_split_are_refused() {
        let source = || InMemory::new(Size { channels: 1, height: 2, width: 2 }, vec![0; 8]).unwrap();
        let new = |source, labels: Vec<u32>, train: Vec<u32>, test: Vec<u32>| {
            let classes = vec!["a".to_string(), "b".to_string()];
            Dataset::<Image<1, 2, 2>>::new(
                "toy",
                classes,
                labels,
                source,
                Split { train, validation: vec![], test },
            )
            .map(|_| ())
            .map_err(|e| e.to_string())
        };
        assert_eq!(new(source(), vec![0, 1], vec![0], vec![1]), Ok(()));
        let leaks = new(source(), vec![0, 1], vec![0, 1], vec![1]).unwrap_err();
        assert_eq!(leaks, "split of toy: expected each sample at most once, found 1");
        let beyond = new(source(), vec![0, 1], vec![0], vec![2]).unwrap_err();
        assert_eq!(beyond, "split of toy: expected each sample at most once, found 2");
        let labels = new(source(), vec![0], vec![0], vec![]).unwrap_err();
        assert_eq!(labels, "data set toy: expected 2 labels, found 1 labels");
        let class = new(source(), vec![0, 2], vec![0], vec![]).unwrap_err();
        assert_eq!(class, "data set toy: expected labels below 2, found 2");
        let wide = InMemory::new(Size { channels: 1, height: 2, width: 4 }, vec![0; 8]).unwrap();
        assert_eq!(
            new(wide, vec![0], vec![0], vec![]).unwrap_err(),
            "data set toy: expected 1x2x2, found 1x2x4"
        );
        assert!(InMemory::new(Size { channels: 1, height: 2, width: 2 }, vec![0; 7]).is_err());
    }

    #[test]
    fn a_read_outside_the_images_is_an_error() {
        let source = InMemory::new(Size { channels: 1, height: 2, width: 2 }, (0..8).collect()).unwrap();
        let mut out = [0; 4];
        source.read(1, &mut out).unwrap();
        assert_eq!(out, [4, 5, 6, 7]);
        assert_eq!(
            source.read(2, &mut out).unwrap_err().to_string(),
            "image index: expected below 2, found 2"
        );
        assert!(source.read(0, &mut [0; 3]).is_err());
    }
}
