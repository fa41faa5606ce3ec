//! # Contrastive learning from scratch
//!
//! Solutions of the exercises.

// ANCHOR: similarity
fn similarity(a: &[f32], b: &[f32]) -> f32 {
    let inner = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    inner(a, b) / (inner(a, a) * inner(b, b)).sqrt()
}
// ANCHOR_END: similarity

// ANCHOR: info_nce
fn info_nce(similarities: &[f32], own: usize, temperature: f32) -> f32 {
    // The largest is taken out first, so that no exponential overflows.
    let largest = similarities.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = similarities.iter().map(|s| ((s - largest) / temperature).exp()).sum();
    total.ln() - (similarities[own] - largest) / temperature
}
// ANCHOR_END: info_nce

// ANCHOR: plateau
fn plateau(n: usize) -> f32 {
    // All 2n - 1 candidates are equally likely.
    (2.0 * n as f32 - 1.0).ln()
}
// ANCHOR_END: plateau

// ANCHOR: symmetric
fn symmetric(loss: impl Fn(&[Vec<f32>], &[Vec<f32>]) -> f32, first: &[Vec<f32>], second: &[Vec<f32>]) -> f32 {
    0.5 * (loss(first, second) + loss(second, first))
}
// ANCHOR_END: symmetric
