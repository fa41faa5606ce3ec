//! What the training loop asks of an objective.

use dfdx::prelude::*;

use super::{Loss, MicroBatch};
use crate::diagnose::{Missing, Plateau, Statistics};
use crate::error::Result;
use crate::eval::Embeddings;
use crate::nn::Encoder;
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
    /// Whether what is to be predicted changes while training goes on, so that a loss which has not fallen says nothing: a
    /// teacher's distribution, whose entropy changes as it is centred and sharpened, or clusters that are made anew together
    /// with their classifier.
    pub moving_targets: bool,
    /// Whether the loss on [`project`](Method::project)'s output is told the classes, and so may put each of them in one point.
    pub sees_labels: bool,
    /// Why gradient accumulation is not the same as a larger batch, where it is not.
    pub accumulation: Option<&'static str>,
}

/// An objective: an encoder, whatever the loss needs around it, and the loss.
///
/// Its [`Parameters`] are everything that is trained or saved; what a gradient must not reach has
/// [`Role::Buffer`](crate::tape::Role::Buffer).
///
/// Most are a [`Learner`](super::Learner): an encoder under an [`Objective`](super::Objective). With the encoder's
/// type given, the trait is an object: `Box<dyn Method<D, Encoder = AnyEncoder<D>>>` is what a method taken by name
/// is.
pub trait Method<D: Engine>: Parameters<D> {
    /// The network that is kept.
    type Encoder: Encoder<D>;

    /// The encoder as it is now.
    fn encoder(&self) -> &Self::Encoder;

    /// How many views of each image it compares. All have the size of the encoder's input; a local crop is a smaller
    /// share of the image at that size.
    fn views(&self) -> usize;

    /// How many of the views, the last ones, are local crops (0): smaller shares of the image than the others show.
    fn local_views(&self) -> usize {
        0
    }

    /// Whether its settings go together with micro-batches of `images` and a training part of `training` images: asked before
    /// a run begins, so that none ends at its first step.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting).
    fn fits(&self, _images: usize, _training: usize) -> Result<()> {
        Ok(())
    }

    /// Called before the first step of every epoch, counted from 1; `embed` gives the features of all training
    /// images, in evaluation mode and without augmentation, in order.
    ///
    /// # Errors
    /// What `embed` says; a device out of memory.
    fn before_epoch(
        &mut self,
        _epoch: u64,
        _embed: &dyn Fn(&Self::Encoder) -> Result<Embeddings>,
    ) -> Result<()> {
        Ok(())
    }

    /// The loss of one micro-batch, on its tape. It may collect what the step's end needs (see
    /// [`Objective`](super::Objective)).
    ///
    /// # Errors
    /// A batch too small for the loss; a device out of memory.
    fn loss(&mut self, batch: &MicroBatch<'_, <Self::Encoder as Encoder<D>>::Input, D>) -> Result<Loss<D>>;

    /// What the loss compares, for diagnostics: features (images, features) to (images, width), in evaluation mode.
    ///
    /// # Errors
    /// The device is out of memory.
    fn project(
        &self,
        features: Tensor<(usize, <Self::Encoder as Encoder<D>>::Features), f32, D>,
    ) -> Result<Vec<f32>>;

    /// Called once after every optimiser step, not after a micro-batch: where momentum copies, queues and centres
    /// move. `step` is counted from 1 up to `total`.
    ///
    /// # Errors
    /// The device is out of memory.
    fn after_step(&mut self, _step: u64, _total: u64) -> Result<()> {
        Ok(())
    }

    /// What can be said about its inner state after the latest micro-batch, for the doctor.
    ///
    /// # Errors
    /// The device is out of memory.
    fn statistics(&self) -> Result<Statistics> {
        Ok(Statistics::default())
    }

    /// What the doctor needs to know, for micro-batches of `images`.
    fn about(&self, images: usize) -> Trait;

    /// Safeguards that are switched off, which a collapse is put down to first.
    fn missing(&self) -> Vec<Missing> {
        Vec::new()
    }
}

/// A method whose type is forgotten but for its encoder's.
pub type AnyMethod<E, D> = Box<dyn Method<D, Encoder = E>>;

impl<E: Encoder<D>, D: Engine> Method<D> for AnyMethod<E, D> {
    type Encoder = E;

    fn encoder(&self) -> &E {
        (**self).encoder()
    }
    fn views(&self) -> usize {
        (**self).views()
    }
    fn local_views(&self) -> usize {
        (**self).local_views()
    }
    fn fits(&self, images: usize, training: usize) -> Result<()> {
        (**self).fits(images, training)
    }
    fn before_epoch(&mut self, epoch: u64, embed: &dyn Fn(&E) -> Result<Embeddings>) -> Result<()> {
        (**self).before_epoch(epoch, embed)
    }
    fn loss(&mut self, batch: &MicroBatch<'_, E::Input, D>) -> Result<Loss<D>> {
        (**self).loss(batch)
    }
    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        (**self).project(features)
    }
    fn after_step(&mut self, step: u64, total: u64) -> Result<()> {
        (**self).after_step(step, total)
    }
    fn statistics(&self) -> Result<Statistics> {
        (**self).statistics()
    }
    fn about(&self, images: usize) -> Trait {
        (**self).about(images)
    }
    fn missing(&self) -> Vec<Missing> {
        (**self).missing()
    }
}
