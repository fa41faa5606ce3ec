//! The same encoder trained with labels: what self-supervision is held against.

use std::ops::ControlFlow;

use dfdx::prelude::*;

use super::Embeddings;
use crate::augment::Views;
use crate::data::{epoch_order, for_each_batch, Batches, Part};
use crate::error::{device, Error, Result};
use crate::interrupt::interrupted;
use crate::nn::{Encoder, Linear, Mode};
use crate::ops::{self, Engine};
use crate::optim::{Cosine, Optimizer};
use crate::random::{stream, Purpose};
use crate::shape::ImageShape;
use crate::tape::{parameters, FlatGradient};
use crate::train::TrainConfig;

/// An encoder with a linear classifier on top.
#[derive(Debug)]
pub struct Supervised<E: Encoder<D>, D: Engine> {
    encoder: E,
    head: Linear<E::Features, usize, D>,
}

parameters!([E: Encoder<D>, D: Engine] Supervised<E, D>, D, tensors {}, modules { encoder, head });

impl<E: Encoder<D>, D: Engine> Supervised<E, D> {
    /// Random weights; the encoder's are those of an objective with the same seed.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(recipe: &E::Recipe, dev: &D, classes: usize, seed: u64) -> Result<Self> {
        let encoder = E::build(recipe, dev, &mut stream(&[seed, Purpose::Init as u64, 0]))?;
        let rng = &mut stream(&[seed, Purpose::Init as u64, 2]);
        let head = Linear::new(dev, encoder.features(), classes, rng)?;
        Ok(Supervised { encoder, head })
    }

    /// The encoder under the classifier.
    pub fn encoder(&self) -> &E {
        &self.encoder
    }

    /// The classifier's own predictions from features of its encoder.
    ///
    /// # Errors
    /// A device out of memory.
    pub fn classify(&self, dev: &D, features: &Embeddings) -> Result<Vec<u32>> {
        let shape = (features.len(), self.encoder.features());
        let x = dev.try_tensor_from_vec(features.values().to_vec(), shape).map_err(device)?;
        let logits = self.head.forward(x)?.as_vec();
        let best = |row: &[f32]| (0..row.len()).fold(0, |b, i| if row[i] > row[b] { i } else { b }) as u32;
        Ok(logits.chunks_exact(features.classes().max(1)).map(best).collect())
    }
}

/// Trains an encoder built from `recipe` (`&()` for one whose type says it all) with the labels of `part` by cross-entropy on the first view of `views`, with the optimiser and
/// schedule of `config`, for `config.epochs` passes or `least_steps` steps, whichever is more.
///
/// A part smaller than the batch size is one batch.
///
/// # Errors
/// [`Error::Interrupted`] when a stop was asked for, [`Error::Diverged`] when the loss is not finite, data that cannot be
/// read.
pub fn train_supervised<E: Encoder<D>, D: Engine>(
    recipe: &E::Recipe,
    dev: &D,
    part: &Part<E::Input>,
    views: &Views,
    config: &TrainConfig,
    least_steps: u64,
) -> Result<Supervised<E, D>> {
    let views = &views.first();
    let mut model = Supervised::<E, D>::new(recipe, dev, part.classes(), config.seed)?;
    let batch = config.batch_size.min(part.len());
    let per_epoch = (part.len() / batch.max(1)).max(1) as u64;
    let epochs = (config.epochs as u64).max(least_steps.div_ceil(per_epoch));
    let total = epochs.saturating_mul(per_epoch);
    let schedule = Cosine::new(config.lr, (config.warmup_epochs * per_epoch as f64) as u64, total);
    let mut optimizer = Optimizer::new(config.rule, config.weight_decay);
    let (mut step, mut gradient) = (0u64, FlatGradient::new());
    for epoch in 1..=epochs {
        let order = epoch_order(part.len(), config.seed, epoch);
        let batches =
            Batches { order: &order, batch, start_batch: 0, drop_last: true, seed: config.seed, epoch };
        let flow = for_each_batch(part, batches, views, |b| {
            let pixels = b.views.first().cloned().unwrap_or_default();
            let x = dev.try_tensor_from_vec(pixels, part.shape().images(b.labels.len())).map_err(device)?;
            let features = model.encoder.forward(x.leaky_traced(), Mode::Train)?;
            let loss = ops::cross_entropy(model.head.forward(features)?, &b.labels)?;
            let value = loss.as_vec().first().copied().unwrap_or(f32::NAN);
            if !value.is_finite() {
                return Err(Error::Diverged {
                    epoch: epoch as usize,
                    step: step + 1,
                    found: format!("supervised baseline, loss {value}"),
                    means: "The same learning rate that the objective uses is too high for the baseline."
                        .into(),
                    remedy: "a lower --lr.".into(),
                });
            }
            gradient.clear();
            gradient.add(&model, loss.try_backward().map_err(device)?)?;
            optimizer.step(&mut model, gradient.mean(), schedule.at(step))?;
            step += 1;
            Ok(if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if flow.is_break() {
            return Err(Error::Interrupted);
        }
    }
    Ok(model)
}
