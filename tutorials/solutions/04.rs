//! # Without negatives
//!
//! Solutions of the exercises.

// ANCHOR: follow
fn follow(copy: &mut [f32], student: &[f32], momentum: f32) {
    for (c, s) in copy.iter_mut().zip(student) {
        *c = momentum * *c + (1.0 - momentum) * s;
    }
}
// ANCHOR_END: follow

// ANCHOR: variance_term
fn variance_term(rows: &[Vec<f64>]) -> f64 {
    let (n, width) = (rows.len() as f64, rows[0].len());
    let hinge = |column: usize| {
        let mean = rows.iter().map(|row| row[column]).sum::<f64>() / n;
        let variance = rows.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (1.0 - (variance + 1e-4).sqrt()).max(0.0)
    };
    (0..width).map(hinge).sum::<f64>() / width as f64
}
// ANCHOR_END: variance_term

// ANCHOR: teacher
fn teacher(scores: &[f64], centre: &[f64], temperature: f64) -> Vec<f64> {
    let logits: Vec<f64> = scores.iter().zip(centre).map(|(s, c)| (s - c) / temperature).collect();
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|l| (l - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}
// ANCHOR_END: teacher
