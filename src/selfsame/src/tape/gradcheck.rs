//! Analytic gradients against finite differences, for our operations and for yours.

use dfdx::prelude::*;

use super::custom::values;
use crate::error::{device, Result};

/// What [`gradcheck`] found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GradCheck {
    /// Largest `|analytic - numeric| / max(1, |analytic|, |numeric|)`.
    pub worst: f64,
    /// Position it was found at, in row-major order.
    pub at: usize,
    /// The gradient that came from the tape there.
    pub analytic: f64,
    /// The central difference there.
    pub numeric: f64,
}

/// Compares the gradient of `f` at `x` with central differences of step `1e-5`, in float64.
///
/// `f` takes a taped tensor of any shape and returns a scalar. To check the gradient with respect to a weight, let `x`
/// be the weight: split its tape off inside `f` and put it on the input. A right gradient of a smooth function gives
/// `worst` below about `1e-7`.
///
/// PyTorch equivalent: `torch.autograd.gradcheck(f, x)`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::tape::gradcheck;
/// let dev = Cpu::seed_from_u64(1);
/// let x: Tensor<Rank2<3, 5>, f64, _> = dev.sample_normal();
/// let check = gradcheck(&x, |x| Ok(x.square().sum()))?;
/// assert!(check.worst < 1e-7, "{check:?}");
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// Whatever `f` returns.
pub fn gradcheck<S: Shape, D: Device<f64>>(
    x: &Tensor<S, f64, D>,
    f: impl Fn(Tensor<S, f64, D, OwnedTape<f64, D>>) -> Result<Tensor<Rank0, f64, D, OwnedTape<f64, D>>>,
) -> Result<GradCheck> {
    const STEP: f64 = 1e-5;
    let at = values(x);
    let place = |v: Vec<f64>| x.device().try_tensor_from_vec(v, *x.shape()).map_err(device);
    let fresh = place(at.clone())?;
    let mut grads = f(fresh.leaky_trace())?.try_backward().map_err(device)?;
    grads.try_alloc_for(&fresh).map_err(device)?;
    let analytic = values(&grads.get(&fresh));

    let value = |v: Vec<f64>| -> Result<f64> { Ok(values(&f(place(v)?.leaky_trace())?.split_tape().0)[0]) };
    let mut found = GradCheck { worst: 0.0, at: 0, analytic: 0.0, numeric: 0.0 };
    for (i, &analytic) in analytic.iter().enumerate() {
        let moved = |by: f64| {
            let mut v = at.clone();
            v[i] += by;
            v
        };
        let numeric = (value(moved(STEP))? - value(moved(-STEP))?) / (2.0 * STEP);
        let error = (analytic - numeric).abs() / analytic.abs().max(numeric.abs()).max(1.0);
        // A NaN is reported and not skipped, and stays: nothing is larger.
        if error.is_nan() || error > found.worst {
            found = GradCheck { worst: error, at: i, analytic, numeric };
        }
    }
    Ok(found)
}
