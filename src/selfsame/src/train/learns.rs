//! A method as the training loop sees it: numbers in and out, the types of images and features forgotten.
//!
//! So the loop, its probe and its checkpoints are compiled once and not anew for every encoder; in a cell of a session that
//! is most of what there would be to compile.

use dfdx::prelude::*;

use crate::data::Batch;
use crate::diagnose::{Missing, Statistics};
use crate::error::{device, Result};
use crate::eval::{features, Embeddings, Features};
use crate::methods::{Loss, Method, MicroBatch, Trait};
use crate::nn::{Encoder, Mode};
use crate::ops::Engine;
use crate::shape::{ImageShape, Size};
use crate::tape::{AnyTensor, Parameters, Role};

/// See [`Method`], whose functions these are.
pub trait Learns<D: Engine>: Parameters<D> {
    /// The encoder's tensors.
    fn encoder(&self) -> &dyn Parameters<D>;
    /// The encoder in words.
    fn describe(&self) -> String;
    /// The size of the images it takes.
    fn size(&self) -> Size;
    /// How many features come out.
    fn width(&self) -> usize;
    /// Whether its settings go together with a micro-batch's images and the training part's.
    fn fits(&self, images: usize, training: usize) -> Result<()>;
    /// `embed` gets what turns pixels into features.
    fn before_epoch(&mut self, epoch: u64, embed: &dyn Fn(Features<'_>) -> Result<Embeddings>) -> Result<()>;
    /// `key` is what the micro-batch's random numbers depend on.
    fn loss(&mut self, batch: &Batch, key: [u64; 3]) -> Result<Loss<D>>;
    /// Pixels of some images to their features.
    fn features(&self, pixels: Vec<f32>, mode: Mode) -> Result<Vec<f32>>;
    /// Features of some images to what the loss compares.
    fn project(&self, features: Vec<f32>) -> Result<Vec<f32>>;
    fn after_step(&mut self, step: u64, total: u64) -> Result<()>;
    fn statistics(&self) -> Result<Statistics>;
    fn about(&self, images: usize) -> Trait;
    fn missing(&self) -> Vec<Missing>;
}

/// A method on its device.
pub(super) struct Typed<'m, M, D> {
    pub(super) method: &'m mut M,
    pub(super) dev: D,
}

impl<M: Method<D>, D: Engine> Parameters<D> for Typed<'_, M, D> {
    fn visit(&self, prefix: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<D>)) {
        self.method.visit(prefix, f);
    }
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<D>)) {
        self.method.visit_mut(prefix, f);
    }
}

impl<M: Method<D>, D: Engine> Learns<D> for Typed<'_, M, D> {
    fn encoder(&self) -> &dyn Parameters<D> {
        self.method.encoder()
    }

    fn describe(&self) -> String {
        self.method.encoder().describe()
    }

    fn size(&self) -> Size {
        self.method.encoder().input().size()
    }

    fn width(&self) -> usize {
        self.method.encoder().features().size()
    }

    fn fits(&self, images: usize, training: usize) -> Result<()> {
        self.method.fits(images, training)
    }

    fn before_epoch(&mut self, epoch: u64, embed: &dyn Fn(Features<'_>) -> Result<Embeddings>) -> Result<()> {
        let dev = &self.dev;
        self.method
            .before_epoch(epoch, &|encoder| embed(&mut |pixels| features(encoder, dev, pixels, Mode::Eval)))
    }

    fn loss(&mut self, batch: &Batch, key: [u64; 3]) -> Result<Loss<D>> {
        let shape = self.method.encoder().input();
        let micro = MicroBatch::new(&self.dev, shape, &batch.views, &batch.labels, &batch.positions, key)?;
        self.method.loss(&micro)
    }

    fn features(&self, pixels: Vec<f32>, mode: Mode) -> Result<Vec<f32>> {
        features(self.method.encoder(), &self.dev, pixels, mode)
    }

    fn project(&self, features: Vec<f32>) -> Result<Vec<f32>> {
        if features.is_empty() {
            // dfdx cannot read a tensor without rows.
            return Ok(Vec::new());
        }
        let shape = (features.len() / self.width().max(1), self.method.encoder().features());
        self.method.project(self.dev.try_tensor_from_vec(features, shape).map_err(device)?)
    }

    fn after_step(&mut self, step: u64, total: u64) -> Result<()> {
        self.method.after_step(step, total)
    }

    fn statistics(&self) -> Result<Statistics> {
        self.method.statistics()
    }

    fn about(&self, images: usize) -> Trait {
        self.method.about(images)
    }

    fn missing(&self) -> Vec<Missing> {
        self.method.missing()
    }
}
