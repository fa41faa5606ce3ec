//! # Your own objective
//!
//! A loss, its gradient, and the test that compares them. Fill in the bodies, then run `selfsame check 09`.

/// The alignment of two views: the mean over rows of the squared distance between row i of `a` and row i of `b`.
fn alignment(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    todo!()
}

/// The gradient of `alignment` with respect to `a`: as many rows and columns as `a`.
fn alignment_gradient(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    todo!()
}

/// The slope of `f` at `x` in the direction of number `i`, by the difference of two values of `f` a step of `h` to either
/// side, divided by their distance.
fn slope(f: impl Fn(&[f64]) -> f64, x: &[f64], i: usize, h: f64) -> f64 {
    todo!()
}
