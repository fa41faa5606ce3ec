//! # A first run
//!
//! Solutions of the exercises.

// ANCHOR: cosine
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let inner = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (inner(a, a) * inner(b, b)).sqrt();
    if lengths == 0.0 {
        return 0.0;
    }
    inner(a, b) / lengths
}
// ANCHOR_END: cosine

// ANCHOR: nearest
fn nearest(bank: &[Vec<f32>], query: &[f32]) -> usize {
    let similarity = |i: &usize| cosine(&bank[*i], query);
    // From the last to the first: `max_by` keeps the last of equals.
    (0..bank.len()).rev().max_by(|i, k| similarity(i).total_cmp(&similarity(k))).unwrap_or(0)
}
// ANCHOR_END: nearest

// ANCHOR: vote
fn vote(labels: &[u32]) -> u32 {
    let mut counts = std::collections::BTreeMap::new();
    for label in labels {
        *counts.entry(*label).or_insert(0usize) += 1;
    }
    // Labels come in order, so of equal counts the lowest label is kept.
    let mut best = (0, 0);
    for (label, count) in counts {
        if count > best.1 {
            best = (label, count);
        }
    }
    best.0
}
// ANCHOR_END: vote
