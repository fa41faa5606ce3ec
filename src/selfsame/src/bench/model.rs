//! Training steps: a model with its inputs, an optimiser, and what one step of it is.

use dfdx::prelude::*;
use rand::Rng;

use super::measure::Work;
use crate::error::{device, Result};
use crate::optim::Optimizer;
use crate::random::stream;
use crate::tape::{profile, FlatGradient, Parameters};

/// A loss on its tape.
pub(super) type Loss = Tensor<Rank0, f32, Cpu, OwnedTape<f32, Cpu>>;

/// An input by name: its sizes and values.
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) sizes: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// A network together with the batch it is timed on.
pub(super) trait Model: Parameters<Cpu> {
    /// The loss of the batch.
    fn loss(&self) -> Result<Loss>;
    /// Called after each step: where what is random changes.
    fn next(&mut self) -> Result<()> {
        Ok(())
    }
    /// The batch.
    fn inputs(&self) -> Vec<Input>;
}

/// Optimiser steps of a model, always on the same batch.
pub(super) struct Training<M> {
    model: M,
    optimizer: Optimizer,
    lr: f64,
    gradient: FlatGradient,
    samples: usize,
    flops: f64,
}

impl<M: Model> Training<M> {
    pub(super) fn new(model: M, optimizer: Optimizer, lr: f64, samples: usize, flops: f64) -> Training<M> {
        Training { model, optimizer, lr, gradient: FlatGradient::new(), samples, flops }
    }

    fn step(&mut self) -> Result<()> {
        descend(&mut self.model, M::loss, &mut self.gradient, &mut self.optimizer, self.lr)
    }
}

/// One optimiser step: loss, gradients, update.
pub(super) fn descend<M: Parameters<Cpu>>(
    model: &mut M,
    loss: impl FnOnce(&M) -> Result<Loss>,
    gradient: &mut FlatGradient,
    optimizer: &mut Optimizer,
    lr: f64,
) -> Result<()> {
    let loss = loss(model)?;
    gradient.clear();
    let grads = loss.try_backward().map_err(device)?;
    {
        let _timed = profile::op("collect gradients");
        gradient.add(model, grads)?;
    }
    let _timed = profile::op("optimiser");
    optimizer.step(model, gradient.mean(), lr)
}

impl<M: Model> Work for Training<M> {
    fn samples(&self) -> usize {
        self.samples
    }
    fn flops(&self) -> Option<f64> {
        Some(self.flops)
    }
    fn run(&mut self, steps: usize, done: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        (0..steps).try_for_each(|_| {
            self.step()?;
            self.model.next()?;
            done()
        })
    }
}

/// `count` pictures of `pixels` numbers: noise, each with a brightness and a contrast of its own, as photographs have. Of
/// noise alone all features would be nearly the same, and what normalises them would amplify the rounding.
pub(super) fn pictures(count: usize, pixels: usize, key: u64) -> Vec<f32> {
    let mut rng = stream(&[0, key]);
    let mut values = Vec::with_capacity(count * pixels);
    for _ in 0..count {
        let (brightness, contrast): (f32, f32) = (rng.gen_range(-1.0..1.0), rng.gen_range(0.5..1.5));
        values.extend((0..pixels).map(|_| brightness + contrast * rng.gen_range(-1.0f32..1.0)));
    }
    values
}
