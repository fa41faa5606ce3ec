//! Lesson 00: the judge by hand, solved.

// ANCHOR: solutions
/// The cosine of two vectors of the same length: their inner product over their lengths, and 0 where a length is 0.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let inner = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (inner(a, a) * inner(b, b)).sqrt();
    if lengths == 0.0 {
        0.0
    } else {
        inner(a, b) / lengths
    }
}

/// The position of the row of `bank` with the largest cosine to `query`; of equals the first.
pub fn nearest(bank: &[Vec<f32>], query: &[f32]) -> usize {
    let similarity = |i: &usize| cosine(&bank[*i], query);
    (0..bank.len()).rev().max_by(|i, k| similarity(i).total_cmp(&similarity(k))).unwrap_or(0)
}

/// The label that occurs most often in `labels`; of equals the lowest.
pub fn vote(labels: &[u32]) -> u32 {
    let mut counts = std::collections::BTreeMap::new();
    for label in labels {
        *counts.entry(*label).or_insert(0usize) += 1;
    }
    // Labels come in order: of equal counts the first, which is the lowest, is kept.
    let mut best = (0, 0);
    for (label, count) in counts {
        if count > best.1 {
            best = (label, count);
        }
    }
    best.0
}
// ANCHOR_END: solutions
