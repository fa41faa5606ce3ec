//! What is put over an encoder to train it.

use dfdx::prelude::*;

use super::{Loss, MicroBatch, Trait};
use crate::diagnose::{Missing, Statistics};
use crate::error::Result;
use crate::eval::Embeddings;
use crate::nn::Encoder;
use crate::ops::Engine;
use crate::tape::Parameters;

/// A loss over an encoder's features with everything it needs beside the encoder: projector, predictor, momentum
/// copies, queue.
///
/// With an encoder it makes a [`Learner`](super::Learner); several over one encoder are a
/// [`Hybrid`](super::HybridObjective).
///
/// # State
/// [`Objective::loss`] may collect (keys for a queue, sums for a centre) but must not move anything a later
/// micro-batch of the same step sees. What was collected is applied in [`Objective::after_step`], once an optimiser
/// step. Everything that outlives a step is a tensor among its [`Parameters`], so that a checkpoint has it.
pub trait Objective<E: Encoder<D>, D: Engine>: Parameters<D> {
    /// How many views of each image it compares.
    fn views(&self) -> usize {
        2
    }

    /// How many of the views, from the first on, go through the encoder that is trained; the others are for momentum
    /// copies alone.
    fn encoded(&self) -> usize {
        self.views()
    }

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

    /// Called before the first step of every epoch, counted from 1; `embed` gives the encoder's features of all
    /// training images, in evaluation mode and without augmentation, in order. What it leaves must be among the
    /// [`Parameters`]: a run that is resumed inside an epoch does not call it again.
    ///
    /// # Errors
    /// What `embed` says; a device out of memory.
    fn before_epoch(&mut self, _epoch: u64, _embed: &dyn Fn() -> Result<Embeddings>) -> Result<()> {
        Ok(())
    }

    /// The loss of one micro-batch. `features` are those of the first [`encoded`](Objective::encoded) views, one view
    /// after the other, (views * images, features), in training mode and on their tape.
    ///
    /// # Errors
    /// A batch too small for the loss; a device out of memory.
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>>;

    /// What the loss compares, for diagnostics: features (images, features) to (images, width), in evaluation mode.
    ///
    /// # Errors
    /// The device is out of memory.
    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>>;

    /// Called once after every optimiser step, `step` counted from 1 up to `total`, with the encoder as it is then.
    ///
    /// # Errors
    /// The device is out of memory.
    fn after_step(&mut self, _encoder: &E, _step: u64, _total: u64) -> Result<()> {
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

impl<E: Encoder<D>, D: Engine, O: Objective<E, D> + ?Sized> Objective<E, D> for Box<O> {
    fn views(&self) -> usize {
        (**self).views()
    }
    fn local_views(&self) -> usize {
        (**self).local_views()
    }
    fn fits(&self, images: usize, training: usize) -> Result<()> {
        (**self).fits(images, training)
    }
    fn before_epoch(&mut self, epoch: u64, embed: &dyn Fn() -> Result<Embeddings>) -> Result<()> {
        (**self).before_epoch(epoch, embed)
    }
    fn encoded(&self) -> usize {
        (**self).encoded()
    }
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        (**self).loss(features, batch)
    }
    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        (**self).project(features)
    }
    fn after_step(&mut self, encoder: &E, step: u64, total: u64) -> Result<()> {
        (**self).after_step(encoder, step, total)
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

/// An [`Objective`] that is made from settings over a given encoder.
pub trait Configured<E: Encoder<D>, D: Engine>: Objective<E, D> + Sized {
    /// Its settings.
    type Config;
    /// Sizes that are in its type: the projector's width, and a queue's length where it has one.
    type Dims: Default;

    /// The objective over `encoder`, which it may copy but does not keep.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a setting out of its range; a device out of memory.
    fn over(encoder: &E, dev: &D, config: &Self::Config, dims: Self::Dims) -> Result<Self>;

    /// The seed of the weights.
    fn seed(config: &Self::Config) -> u64;
}
