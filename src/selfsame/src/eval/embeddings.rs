//! Features of samples, with their labels.

use std::fmt;

use crate::error::{Error, Result};

/// A matrix of features, a row a sample, and a label for each.
#[derive(Clone, PartialEq)]
pub struct Embeddings {
    values: Vec<f32>,
    labels: Vec<u32>,
    width: usize,
    classes: usize,
}

/// Without the values, which are many.
impl fmt::Debug for Embeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Embeddings({} x {}, {} classes)", self.len(), self.width, self.classes)
    }
}

impl Embeddings {
    /// `values` row by row, `labels.len()` rows of `width`; labels lie below `classes`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the numbers do not fit.
    pub fn new(values: Vec<f32>, width: usize, labels: Vec<u32>, classes: usize) -> Result<Embeddings> {
        if values.len() != labels.len() * width {
            let found = format!("{} values", values.len());
            return Err(Error::shape("embeddings", format!("{} rows of {width}", labels.len()), found));
        }
        if let Some(bad) = labels.iter().find(|l| **l as usize >= classes) {
            return Err(Error::shape("labels of embeddings", format!("below {classes}"), bad));
        }
        Ok(Embeddings { values, labels, width, classes })
    }
    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
    /// One sample's features.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.width..(i + 1) * self.width]
    }
    /// The labels.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }
    /// Features a sample.
    pub fn width(&self) -> usize {
        self.width
    }
    /// How many classes labels may name.
    pub fn classes(&self) -> usize {
        self.classes
    }
    /// How many samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
    /// The samples at `which`.
    pub fn subset(&self, which: &[usize]) -> Embeddings {
        Embeddings {
            values: which.iter().flat_map(|&i| self.row(i).iter().copied()).collect(),
            labels: which.iter().map(|&i| self.labels[i]).collect(),
            ..*self
        }
    }
    /// The same samples with other features, `width` of them.
    ///
    /// # Errors
    /// [`Error::Shape`] where the number of values does not fit.
    pub fn with_values(&self, values: Vec<f32>, width: usize) -> Result<Embeddings> {
        Embeddings::new(values, width, self.labels.clone(), self.classes)
    }
    /// Share of `predicted` that equals the labels, in 0..1; 0 for no samples.
    pub fn accuracy(&self, predicted: &[u32]) -> f64 {
        let right = self.labels.iter().zip(predicted).filter(|(a, b)| a == b).count();
        right as f64 / self.len().max(1) as f64
    }
}
