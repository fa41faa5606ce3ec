//! The micro-batches of one optimiser step.

use std::collections::BTreeMap;

use dfdx::prelude::Backward;

use crate::error::{device, Result};
use crate::methods::Loss;
use crate::ops::Engine;
use crate::tape::{FlatGradient, Parameters};

/// Their summed gradient, loss and terms.
#[derive(Default)]
pub(super) struct Step {
    pub(super) gradient: FlatGradient,
    pub(super) loss: f64,
    /// The loss's terms by name.
    pub(super) terms: BTreeMap<String, f64>,
    pub(super) parts: usize,
}

impl Step {
    pub(super) fn add<D: Engine>(&mut self, method: &dyn Parameters<D>, loss: Loss<D>) -> Result<()> {
        self.loss += loss.value();
        for (name, value) in loss.parts {
            *self.terms.entry(name).or_default() += value;
        }
        self.gradient.add(method, loss.total.try_backward().map_err(device)?)?;
        self.parts += 1;
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.gradient.clear();
        self.terms.clear();
        (self.loss, self.parts) = (0.0, 0);
    }
}
