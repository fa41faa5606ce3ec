//! Layer normalisation with a learned scale and shift.

use dfdx::prelude::*;

use super::init;
use crate::error::Result;
use crate::ops::{self, Engine};
use crate::tape::parameters;

/// Rows to mean 0 and variance 1, times a scale (1 at first) plus a shift (0); epsilon 1e-5.
///
/// PyTorch equivalent: `torch.nn.LayerNorm(W)`.
#[derive(Debug, Clone)]
pub struct LayerNorm<W: Dim, D: Engine> {
    pub(super) scale: Tensor<(W,), f32, D>,
    pub(super) shift: Tensor<(W,), f32, D>,
}

parameters!([W: Dim, D: Engine] LayerNorm<W, D>, D, tensors { scale: NoDecay, shift: NoDecay }, modules {});

impl<W: Dim, D: Engine> LayerNorm<W, D> {
    /// A norm that leaves standardised rows as they are.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, width: W) -> Result<Self> {
        Ok(LayerNorm {
            scale: init::constant(dev, (width,), 1.0)?,
            shift: init::constant(dev, (width,), 0.0)?,
        })
    }

    /// (rows, W) to the same.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn forward<R: Dim, T: Tape<f32, D>>(
        &self,
        x: Tensor<(R, W), f32, D, T>,
    ) -> Result<Tensor<(R, W), f32, D, T>> {
        ops::layer_norm(x, &self.scale, &self.shift, 1e-5)
    }
}
