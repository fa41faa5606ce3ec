//! A data set whose image shape is part of its type, and its three disjoint parts.

use std::marker::PhantomData;
use std::sync::Arc;

use rand::seq::SliceRandom;

use crate::error::{Error, Result};
use crate::random::{stream, Purpose};
use crate::shape::{Picture, Size};

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
        if size.is_empty() || bytes.len() % size.len() != 0 {
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
        match self.bytes.get(index * n..(index + 1) * n) {
            Some(bytes) if out.len() == n => out.copy_from_slice(bytes),
            _ => return Err(Error::shape("image index", format!("below {}", self.len()), index)),
        }
        Ok(())
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
    /// Splits `labels.len()` samples class by class: `test` and `validation` are fractions of each class, the rest is
    /// for training. Depends on `seed` alone.
    pub fn stratified(labels: &[u32], validation: f64, test: f64, seed: u64) -> Split {
        let all: Vec<u32> = (0..labels.len() as u32).collect();
        let (rest, test) = part(&all, labels, test, seed, 0);
        let (train, validation) = part(&rest, labels, validation, seed, 1);
        Split { train, validation, test }
    }

    /// For data with an official test part: `first_test` is the index where it begins; `validation` is a fraction of
    /// each class of what comes before.
    pub fn with_official_test(labels: &[u32], first_test: usize, validation: f64, seed: u64) -> Split {
        let before: Vec<u32> = (0..first_test as u32).collect();
        let (train, validation) = part(&before, labels, validation, seed, 1);
        Split { train, validation, test: (first_test as u32..labels.len() as u32).collect() }
    }
}

/// Takes `fraction` of each class out of `from`; both lists come back sorted.
fn part(from: &[u32], labels: &[u32], fraction: f64, seed: u64, which: u64) -> (Vec<u32>, Vec<u32>) {
    let classes = labels.iter().max().map_or(0, |m| *m as usize + 1);
    let mut by_class = vec![Vec::new(); classes];
    for &i in from {
        by_class[labels[i as usize] as usize].push(i);
    }
    let (mut rest, mut taken) = (Vec::new(), Vec::new());
    for (class, mut members) in by_class.into_iter().enumerate() {
        members.shuffle(&mut stream(&[seed, which, class as u64, Purpose::Split as u64]));
        let n = (members.len() as f64 * fraction).round() as usize;
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
pub struct Dataset<P: Picture> {
    name: String,
    classes: Vec<String>,
    labels: Arc<Vec<u32>>,
    source: Arc<dyn Source>,
    split: Arc<Split>,
    shape: PhantomData<P>,
}

impl<P: Picture> Dataset<P> {
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
        if source.size() != Size::of::<P>() {
            return Err(Error::shape(format!("data set {name}"), P::words(), source.size()));
        }
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
            shape: PhantomData,
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

    fn part(&self, name: &'static str, indices: &[u32]) -> Part<P> {
        Part {
            name,
            classes: self.classes.len(),
            labels: self.labels.clone(),
            source: self.source.clone(),
            indices: indices.to_vec(),
            shape: PhantomData,
        }
    }
}

/// One part of a data set: a list of samples. Cheap to clone; owns no pixels.
#[derive(Clone)]
pub struct Part<P: Picture> {
    name: &'static str,
    classes: usize,
    labels: Arc<Vec<u32>>,
    source: Arc<dyn Source>,
    indices: Vec<u32>,
    shape: PhantomData<P>,
}

impl<P: Picture> Part<P> {
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
    /// Writes sample `i` to `out` (`P::LEN` bytes, channel by channel).
    ///
    /// # Errors
    /// What the [`Source`] says.
    pub fn read(&self, i: usize, out: &mut [u8]) -> Result<()> {
        self.source.read(self.indices[i] as usize, out)
    }
    /// The samples at positions `which` of this part, as a part of its own.
    pub fn subset(&self, which: &[usize]) -> Part<P> {
        Part { indices: which.iter().map(|&i| self.indices[i]).collect(), ..self.clone() }
    }
}
