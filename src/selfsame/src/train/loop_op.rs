//! Devices the training loop is compiled for.

use dfdx::prelude::*;

use super::learns::Learns;
use super::{Progress, Trainer};
use crate::augment::Views;
use crate::data::Dataset;
use crate::error::Result;
use crate::ops::Engine;
use crate::shape::AnyImage;

/// Devices with a training loop. Not generic, so that it is compiled in this crate, with its settings, and once.
pub trait LoopOp: Device<f32> {
    /// [`Trainer::fit`] for a method whose types are forgotten.
    fn train(
        trainer: Trainer<'_, Self>,
        method: &mut dyn Learns<Self>,
        data: &Dataset<AnyImage>,
        views: &Views,
    ) -> Result<Progress>
    where
        Self: Engine;
}

impl LoopOp for Cpu {
    fn train(
        trainer: Trainer<'_, Cpu>,
        method: &mut dyn Learns<Cpu>,
        data: &Dataset<AnyImage>,
        views: &Views,
    ) -> Result<Progress> {
        trainer.run(method, data, views)
    }
}

#[cfg(feature = "cuda")]
impl LoopOp for dfdx::tensor::Cuda {
    fn train(
        trainer: Trainer<'_, dfdx::tensor::Cuda>,
        method: &mut dyn Learns<dfdx::tensor::Cuda>,
        data: &Dataset<AnyImage>,
        views: &Views,
    ) -> Result<Progress> {
        trainer.run(method, data, views)
    }
}
