//! The micro-batches of one optimiser step.

use dfdx::prelude::*;

use crate::error::{device, Result};
use crate::methods::Method;
use crate::ops::Engine;
use crate::tape::FlatGradient;

/// Their summed gradient and loss.
#[derive(Default)]
pub(super) struct Step {
    pub(super) gradient: FlatGradient,
    pub(super) loss: f64,
    pub(super) parts: usize,
}

impl Step {
    pub(super) fn add<D: Engine, M: Method<D>>(
        &mut self,
        method: &M,
        loss: Tensor<Rank0, f32, D, OwnedTape<f32, D>>,
    ) -> Result<()> {
        self.loss += loss.as_vec().first().map_or(f64::NAN, |l| f64::from(*l));
        self.gradient.add(method, loss.try_backward().map_err(device)?)?;
        self.parts += 1;
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.gradient.clear();
        (self.loss, self.parts) = (0.0, 0);
    }
}
