//! The number types kernels work in.

use dfdx::dtypes::Dtype;

/// float32 or float64: what dfdx computes in, with the functions of the standard library.
pub trait Real: Dtype + num_traits::Float + std::iter::Sum + Into<f64> {
    /// The nearest value to `x`.
    fn of(x: f64) -> Self;
    /// As float64.
    fn wide(self) -> f64;
    /// The error function.
    fn erf(self) -> Self;
}

impl Real for f32 {
    fn of(x: f64) -> f32 {
        x as f32
    }
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn erf(self) -> f32 {
        libm::erff(self)
    }
}

impl Real for f64 {
    fn of(x: f64) -> f64 {
        x
    }
    fn wide(self) -> f64 {
        self
    }
    fn erf(self) -> f64 {
        libm::erf(self)
    }
}
