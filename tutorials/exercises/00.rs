//! Lesson 00: the judge by hand. Fill in the functions and run `selfsame check 00`.

/// The cosine of two vectors of the same length: their inner product over their lengths, and 0 where a length is 0.
///
/// Hint: `a.iter().zip(b)` walks both at once; the length is the root of the sum of squares.
/// Hint: compute the product of both lengths first, and return 0.0 when it is 0.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    todo!()
}

/// The position of the row of `bank` with the largest cosine to `query`; of equals the first. `bank` has at least one row.
///
/// Hint: you may call `cosine`, which is yours.
/// Hint: `max_by` returns the last of equals; go through `(0..bank.len()).rev()` to get the first.
pub fn nearest(bank: &[Vec<f32>], query: &[f32]) -> usize {
    todo!()
}

/// The label that occurs most often in `labels`; of equals the lowest. `labels` is not empty.
///
/// Hint: count with a `std::collections::BTreeMap<u32, usize>`, which keeps labels in order.
/// Hint: compare counts, and where they are equal prefer the lower label.
pub fn vote(labels: &[u32]) -> u32 {
    todo!()
}
