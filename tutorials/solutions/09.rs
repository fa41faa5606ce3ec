//! # Your own objective
//!
//! Solutions of the exercises.

// ANCHOR: alignment
fn alignment(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let distance = |(x, y): (&Vec<f64>, &Vec<f64>)| x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
    a.iter().zip(b).map(distance).sum::<f64>() / a.len() as f64
}
// ANCHOR_END: alignment

// ANCHOR: alignment_gradient
fn alignment_gradient(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = a.len() as f64;
    a.iter().zip(b).map(|(x, y)| x.iter().zip(y).map(|(x, y)| 2.0 * (x - y) / n).collect()).collect()
}
// ANCHOR_END: alignment_gradient

// ANCHOR: slope
fn slope(f: impl Fn(&[f64]) -> f64, x: &[f64], i: usize, h: f64) -> f64 {
    let moved = |by: f64| {
        let mut at = x.to_vec();
        at[i] += by;
        f(&at)
    };
    (moved(h) - moved(-h)) / (2.0 * h)
}
// ANCHOR_END: slope
