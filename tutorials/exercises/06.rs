//! # Collapse, and how to see it
//!
//! The doctor's numbers by hand. Fill in the bodies, then run `selfsame check 06` in this folder.

/// The mean over columns of the standard deviation of the L2-normalised rows, times the root of the width: about 1 for a
/// healthy cloud, 0 for a point.
///
/// Divide each row by its length; take each column's standard deviation (divide by n - 1); average over columns; multiply by
/// the root of the number of columns. All rows have the same width; there are two rows or more.
fn spread(rows: &[Vec<f64>]) -> f64 {
    todo!()
}

/// The exponential of the entropy of `values` taken as shares of their sum: how many directions are in use.
///
/// `rank(&[2.0, 2.0, 2.0])` is 3, `rank(&[5.0, 0.0])` is 1. Values are 0 or more and not all 0.
fn rank(values: &[f64]) -> f64 {
    todo!()
}

/// What a doctor would say of an embedding of width `width`: `"total"` when the spread (times root width) is below 0.1,
/// else `"dimensional"` when the rank is below a twentieth of the width, else `"healthy"`.
fn diagnosis(spread: f64, rank: f64, width: usize) -> &'static str {
    todo!()
}
