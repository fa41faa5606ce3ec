//! # Without negatives
//!
//! What prevents collapse, by hand. Fill in the bodies, then run `selfsame check 04` in this folder.

/// One step of a momentum copy: each number of `copy` becomes `momentum * copy + (1 - momentum) * student`.
fn follow(copy: &mut [f32], student: &[f32], momentum: f32) {
    todo!()
}

/// The variance term of VICReg for one view: the mean over columns of `max(0, 1 - std)`, where `std` is the root of the
/// variance (divided by n - 1) plus 0.0001.
///
/// Rows all equal give 0.99, columns that vary enough give 0. `rows` has two rows or more of the same width.
fn variance_term(rows: &[Vec<f64>]) -> f64 {
    todo!()
}

/// A teacher's distribution in DINO: the softmax of `(scores - centre) / temperature`.
///
/// With a low temperature the exponentials are large: take the largest value out first.
fn teacher(scores: &[f64], centre: &[f64], temperature: f64) -> Vec<f64> {
    todo!()
}
