//! # Judging honestly
//!
//! Solutions of the exercises.

// ANCHOR: over_seeds
fn over_seeds(accuracies: &[f64]) -> (f64, f64) {
    let n = accuracies.len() as f64;
    let mean = accuracies.iter().sum::<f64>() / n;
    let squares: f64 = accuracies.iter().map(|a| (a - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}
// ANCHOR_END: over_seeds

// ANCHOR: chosen
fn chosen(settings: &[(f64, f64)]) -> usize {
    let mut best = 0;
    for (i, (validation, _)) in settings.iter().enumerate() {
        if *validation > settings[best].0 {
            best = i;
        }
    }
    best
}
// ANCHOR_END: chosen

// ANCHOR: peeking
fn peeking(settings: &[(f64, f64)]) -> f64 {
    let best = settings.iter().map(|(_, test)| *test).fold(f64::NEG_INFINITY, f64::max);
    best - settings[chosen(settings)].1
}
// ANCHOR_END: peeking
