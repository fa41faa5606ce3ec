//! Cutting a value off from the graph that made it.

use dfdx::prelude::*;

use crate::error::{device, Result};

/// The values of `x` as a new tensor through which no gradient flows.
///
/// Any shape, one copy. It is not enough to drop the tape: a tensor that shares its id with one on a tape still
/// collects gradients (see the folder's README).
///
/// PyTorch equivalent: `x.detach()`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::tape::stop_gradient;
/// let dev = Cpu::default();
/// let x: Tensor<Rank1<1>, f32, _> = dev.tensor([3.0]);
/// let y = x.leaky_trace() * 2.0;
/// let fixed = stop_gradient(&y)?;
/// let grads = (y * fixed).sum::<Rank0, _>().backward();
/// assert_eq!(grads.get(&x).array(), [12.0]); // 2 * fixed, not 4 * fixed
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// The device is out of memory.
pub fn stop_gradient<S: Shape, E: Dtype, D: Device<E>, T>(x: &Tensor<S, E, D, T>) -> Result<Tensor<S, E, D>> {
    x.retaped::<NoneTape>().try_mul(E::ONE).map_err(device)
}
