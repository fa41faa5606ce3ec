//! # A first run
//!
//! The judge of the first run by hand: nearest neighbours. Fill in the bodies, then run `selfsame check 00` in this folder.

/// The cosine of two vectors of the same length: their inner product over both lengths, and 0 where a length is 0.
///
/// `cosine(&[1.0, 0.0], &[3.0, 3.0])` is 0.7071.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    todo!()
}

/// The position of the row of `bank` with the largest cosine to `query`; of equals the first. `bank` has a row or more.
///
/// In the bank `[[1, 0], [0, 1]]` the nearest to `[0.1, 0.9]` is 1.
fn nearest(bank: &[Vec<f32>], query: &[f32]) -> usize {
    todo!()
}

/// The label that occurs most often in `labels`; of equals the lowest. `labels` is not empty.
///
/// `vote(&[3, 1, 3, 2])` is 3.
fn vote(labels: &[u32]) -> u32 {
    todo!()
}
