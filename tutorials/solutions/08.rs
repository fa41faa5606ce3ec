//! # Practice
//!
//! Solutions of the exercises.

// ANCHOR: schedule
fn schedule(step: usize, warmup: usize, total: usize, peak: f64) -> f64 {
    if step < warmup {
        return peak * (step + 1) as f64 / warmup as f64;
    }
    let along = (step - warmup) as f64 / (total - 1 - warmup) as f64;
    peak * 0.5 * (1.0 + (std::f64::consts::PI * along).cos())
}
// ANCHOR_END: schedule

// ANCHOR: steps
fn steps(images: usize, batch: usize, epochs: usize) -> usize {
    images / batch * epochs
}
// ANCHOR_END: steps

// ANCHOR: may_mirror
fn may_mirror(things: &str) -> bool {
    // What is written or drawn to be read is another thing in the mirror.
    !matches!(things, "digits" | "letters" | "road signs")
}
// ANCHOR_END: may_mirror
