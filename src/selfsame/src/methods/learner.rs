//! An encoder with the objective that trains it.

use std::marker::PhantomData;

use dfdx::prelude::*;

use super::{Configured, Loss, Method, MicroBatch, Objective, Trait};
use crate::diagnose::{Missing, Statistics};
use crate::error::Result;
use crate::eval::Embeddings;
use crate::nn::{Encoder, Mode};
use crate::ops::Engine;
use crate::random::{stream, Purpose, Stream};
use crate::tape::parameters;

/// An encoder `E` and an [`Objective`] `O` over it: the [`Method`] that [`SimClr`](super::SimClr), [`Byol`](super::Byol)
/// and the others are.
///
/// All views go through the encoder, and through a projector, in one pass: batch norm takes its statistics over all of them
/// together. The papers' code does so (SimCLR) or passes one view at a time (BYOL, Barlow Twins, VICReg).
#[derive(Debug)]
pub struct Learner<E, O, D> {
    encoder: E,
    objective: O,
    device: PhantomData<D>,
}

parameters!(
    [E: Encoder<D>, O: Objective<E, D>, D: Engine] Learner<E, O, D>, D, tensors {}, modules { encoder, objective },
    plain { device }
);

impl<E: Encoder<D, Recipe = ()>, O: Configured<E, D>, D: Engine> Learner<E, O, D> {
    /// The method with random weights: `SimClr::<Encoder, 64>::new(&dev, config)`.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a setting out of its range; a device out of memory.
    pub fn new(dev: &D, config: O::Config) -> Result<Self> {
        let encoder = E::new(dev, &mut weights_of(O::seed(&config), Part::Encoder))?;
        let objective = O::over(&encoder, dev, &config, O::Dims::default())?;
        Ok(Learner::of(encoder, objective))
    }
}

impl<E: Encoder<D>, O: Objective<E, D>, D: Engine> Learner<E, O, D> {
    /// Puts an encoder, which may be trained already, and an objective together.
    pub fn of(encoder: E, objective: O) -> Self {
        Learner { encoder, objective, device: PhantomData }
    }

    /// The encoder, when training is over; everything around it is dropped.
    pub fn into_encoder(self) -> E {
        self.encoder
    }

    /// What is around the encoder.
    pub fn objective(&self) -> &O {
        &self.objective
    }
}

impl<E: Encoder<D>, O: Objective<E, D>, D: Engine> Method<D> for Learner<E, O, D> {
    type Encoder = E;

    fn encoder(&self) -> &E {
        &self.encoder
    }

    fn views(&self) -> usize {
        self.objective.views()
    }

    fn local_views(&self) -> usize {
        self.objective.local_views()
    }

    fn fits(&self, images: usize, training: usize) -> Result<()> {
        self.objective.fits(images, training)
    }

    fn before_epoch(&mut self, epoch: u64, embed: &dyn Fn(&E) -> Result<Embeddings>) -> Result<()> {
        self.objective.before_epoch(epoch, &|| embed(&self.encoder))
    }

    fn loss(&mut self, batch: &MicroBatch<'_, E::Input, D>) -> Result<Loss<D>> {
        let pixels = batch.pixels(0..self.objective.encoded())?;
        let features = self.encoder.forward(pixels.leaky_traced(), Mode::Train)?;
        self.objective.loss(features, batch)
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        self.objective.project(features)
    }

    fn after_step(&mut self, step: u64, total: u64) -> Result<()> {
        self.objective.after_step(&self.encoder, step, total)
    }

    fn statistics(&self) -> Result<Statistics> {
        self.objective.statistics()
    }

    fn about(&self, images: usize) -> Trait {
        self.objective.about(images)
    }

    fn missing(&self) -> Vec<Missing> {
        self.objective.missing()
    }
}

/// What has random initial values; each has a stream of its own, so that objectives with one seed share what they share.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Encoder = 0,
    Projector = 1,
    Predictor = 2,
    Queue = 3,
    Prototypes = 4,
    Mask = 5,
}

/// The stream of a part's initial values.
pub(crate) fn weights_of(seed: u64, part: Part) -> Stream {
    stream(&[seed, Purpose::Init as u64, part as u64])
}
