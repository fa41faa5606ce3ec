//! What the training loop asks of an objective.

use dfdx::prelude::*;

use crate::diagnose::Plateau;
use crate::error::Result;
use crate::nn::{Encoder, Images};
use crate::ops::Engine;
use crate::tape::Parameters;

/// What the doctor and the reports need to know about an objective.
#[derive(Debug, Clone, Default)]
pub struct Trait {
    /// Its name, as commands spell it.
    pub name: &'static str,
    /// Temperature of a contrastive loss.
    pub temperature: Option<f64>,
    /// Width of what its loss compares.
    pub projector_dim: usize,
    /// Values of the loss that name a failure, for the given number of images a micro-batch.
    pub plateaus: Vec<Plateau>,
    /// Why gradient accumulation is not the same as a larger batch, where it is not.
    pub accumulation: Option<&'static str>,
}

/// An objective: an encoder, whatever the loss needs around it, and the loss.
///
/// Its [`Parameters`] are everything that is trained or saved; what a gradient must not reach has
/// [`Role::Buffer`](crate::tape::Role::Buffer).
pub trait Method<D: Engine>: Parameters<D> {
    /// The network that is kept.
    type Encoder: Encoder<D>;

    /// The encoder as it is now.
    fn encoder(&self) -> &Self::Encoder;

    /// How many views of each image it compares.
    fn views(&self) -> usize;

    /// The loss of one micro-batch, on its tape. `x` holds the views one after the other: (views * images, ...).
    ///
    /// # Errors
    /// A batch too small for the loss; a device out of memory.
    fn loss(
        &self,
        x: Images<<Self::Encoder as Encoder<D>>::Input, D, OwnedTape<f32, D>>,
    ) -> Result<Tensor<Rank0, f32, D, OwnedTape<f32, D>>>;

    /// What the loss compares, for diagnostics: features (images, features) to (images, width), in evaluation mode.
    ///
    /// # Errors
    /// The device is out of memory.
    fn project(
        &self,
        features: Tensor<(usize, <Self::Encoder as Encoder<D>>::Features), f32, D>,
    ) -> Result<Vec<f32>>;

    /// Called once after every optimiser step, not after a micro-batch: where momentum copies, queues and centres move.
    ///
    /// # Errors
    /// The device is out of memory.
    fn after_step(&mut self, _step: u64, _total: u64) -> Result<()> {
        Ok(())
    }

    /// What the doctor needs to know, for micro-batches of `images`.
    fn about(&self, images: usize) -> Trait;
}
