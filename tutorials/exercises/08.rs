//! # Practice
//!
//! A schedule, a learning rate, a checklist. Fill in the bodies, then run `selfsame check 08` in this folder.

/// A learning rate that rises along a line for `warmup` steps to `peak`, then falls as half a cosine to 0 at step
/// `total - 1`. Steps are counted from 0.
///
/// In the warm-up step i has `peak * (i + 1) / warmup`. After it, with `a` the way from step `warmup` (0) to step
/// `total - 1` (1), it is `peak * (1 + cos(pi * a)) / 2`.
fn schedule(step: usize, warmup: usize, total: usize, peak: f64) -> f64 {
    todo!()
}

/// How many optimiser steps a training of `epochs` over `images` has when a batch holds `batch` and an incomplete last batch
/// is left out.
fn steps(images: usize, batch: usize, epochs: usize) -> usize {
    todo!()
}

/// Whether mirroring left and right is a sensible view for images of these things: true for `"dogs"`, `"clouds"`, `"cars"`;
/// false for `"digits"`, `"letters"`, `"road signs"`, whose meaning it changes.
fn may_mirror(things: &str) -> bool {
    todo!()
}
