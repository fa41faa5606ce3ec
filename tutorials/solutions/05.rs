//! # Clustering
//!
//! Solutions of the exercises.

// ANCHOR: assign
fn assign(point: &[f64], centroids: &[Vec<f64>]) -> usize {
    let distance = |c: &Vec<f64>| c.iter().zip(point).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let mut best = 0;
    for k in 1..centroids.len() {
        if distance(&centroids[k]) < distance(&centroids[best]) {
            best = k;
        }
    }
    best
}
// ANCHOR_END: assign

// ANCHOR: balance
fn balance(codes: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let columns: Vec<f64> = (0..codes[0].len()).map(|k| codes.iter().map(|row| row[k]).sum()).collect();
    codes
        .iter()
        .map(|row| {
            let row: Vec<f64> = row.iter().zip(&columns).map(|(v, sum)| v / sum).collect();
            let total: f64 = row.iter().sum();
            row.iter().map(|v| v / total).collect()
        })
        .collect()
}
// ANCHOR_END: balance

// ANCHOR: in_use
fn in_use(assignments: &[usize], clusters: usize) -> f64 {
    let n = assignments.len() as f64;
    let share = |k: usize| assignments.iter().filter(|a| **a == k).count() as f64 / n;
    // An empty cluster contributes nothing.
    (0..clusters).map(share).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum::<f64>().exp()
}
// ANCHOR_END: in_use
