//! A row-major matrix of embeddings.

use rand::seq::index::sample;

use crate::error::{Error, Result};
use crate::random::{stream, Purpose};

/// `n` embeddings of width `d`, row-major, in f64 whatever they came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    n: usize,
    d: usize,
    values: Vec<f64>,
}

impl Rows {
    /// Takes `n * d` numbers, row after row.
    ///
    /// # Errors
    /// Another number of values than `n * d`.
    pub fn new(values: Vec<f64>, n: usize, d: usize) -> Result<Rows> {
        if n.checked_mul(d) != Some(values.len()) {
            return Err(Error::shape(
                "embeddings",
                format!("{n} rows of {d} numbers"),
                format!("{} numbers", values.len()),
            ));
        }
        Ok(Rows { n, d, values })
    }

    /// The same from f32, converted once.
    ///
    /// # Errors
    /// Another number of values than `n * d`.
    pub fn from_f32(values: &[f32], n: usize, d: usize) -> Result<Rows> {
        Rows::new(values.iter().map(|&v| f64::from(v)).collect(), n, d)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is nothing to measure: no rows, or rows without columns.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of columns.
    pub fn dim(&self) -> usize {
        self.d
    }

    /// All numbers, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        // `chunks_exact` does not take 0; without columns there are no values to chunk either.
        self.values.chunks_exact(self.d.max(1))
    }

    /// Whether every number is finite.
    pub fn is_finite(&self) -> bool {
        self.values.iter().all(|v| v.is_finite())
    }

    /// Each row divided by its L2 norm, or by 1e-12 where the norm is smaller (as torch does): zero rows stay zero.
    pub fn normalized(&self) -> Rows {
        let mut out = self.clone();
        for row in out.values.chunks_exact_mut(self.d.max(1)) {
            let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-12);
            row.iter_mut().for_each(|v| *v /= norm);
        }
        out
    }

    /// The mean of each column.
    pub fn mean(&self) -> Vec<f64> {
        let Some(first) = self.iter().next() else { return Vec::new() };
        // Summed as differences from the first row, so that the mean of equal rows is that row exactly.
        let mut sums = vec![0.0; self.d];
        for row in self.iter() {
            for ((sum, v), base) in sums.iter_mut().zip(row).zip(first) {
                *sum += v - base;
            }
        }
        sums.iter().zip(first).map(|(sum, base)| base + sum / self.n as f64).collect()
    }

    /// Each column less its mean. Equal rows give exact zeros.
    pub fn centred(&self) -> Rows {
        let mean = self.mean();
        let mut out = self.clone();
        for row in out.values.chunks_exact_mut(self.d.max(1)) {
            row.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m);
        }
        out
    }

    /// `count` rows chosen by `seed`, in their old order; all of them when there are no more.
    pub fn sample(&self, count: usize, seed: u64) -> Rows {
        if count >= self.n {
            return self.clone();
        }
        let mut chosen = sample(&mut stream(&[seed, Purpose::Judge as u64]), self.n, count).into_vec();
        chosen.sort_unstable();
        let values =
            chosen.iter().flat_map(|&i| &self.values[i * self.d..(i + 1) * self.d]).copied().collect();
        Rows { n: count, d: self.d, values }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_count_names_both_sizes() {
        let error = Rows::new(vec![0.0; 5], 2, 3).unwrap_err().to_string();
        assert_eq!(error, "embeddings: expected 2 rows of 3 numbers, found 5 numbers");
        assert!(Rows::new(vec![], usize::MAX, 2).is_err());
    }

    #[test]
    fn equal_rows_centre_to_exact_zeros() {
        let row = [0.1, -3.7, 1e9];
        let rows = Rows::new(row.repeat(7), 7, 3).unwrap();
        assert!(rows.centred().values().iter().all(|&v| v == 0.0));
    }

    #[test]
    fn a_sample_is_the_same_for_the_same_seed_and_keeps_whole_rows() {
        let rows = Rows::new((0..200).map(f64::from).collect(), 100, 2).unwrap();
        let sample = rows.sample(10, 7);
        assert_eq!(sample, rows.sample(10, 7));
        assert_ne!(sample, rows.sample(10, 8));
        assert_eq!(sample.len(), 10);
        assert!(sample.iter().all(|row| row[1] == row[0] + 1.0));
    }
}
