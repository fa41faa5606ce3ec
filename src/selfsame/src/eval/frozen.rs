//! An encoder that can no longer change.

use dfdx::prelude::*;

use super::Embeddings;
use crate::augment::Normalise;
use crate::data::{for_each_plain_batch, Part};
use crate::error::{device, Error, Result};
use crate::interrupt::interrupted;
use crate::nn::{Encoder, Mode};
use crate::ops::Engine;
use crate::shape::ImageShape;

/// Images embedded at once.
const BATCH: usize = 256;

/// An encoder without tape and without training mode: batch norm uses its running statistics, nothing collects
/// gradients, and there is no way to ask for either.
///
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::prelude::*;
/// fn train(frozen: &Frozen<'_, ConvNet<Image<1, 8, 8>, 64, 3, Cpu>, Cpu>, x: Tensor<(usize, Const<1>, Const<8>, Const<8>), f32, Cpu>) {
///     frozen.forward(x, Mode::Train); // no such method
/// }
/// ```
#[derive(Debug)]
pub struct Frozen<'e, E, D> {
    encoder: &'e E,
    dev: D,
    normalise: Normalise,
}

impl<'e, D: Engine, E: Encoder<D>> Frozen<'e, E, D> {
    /// Freezes `encoder`; `normalise` is what its training images went through.
    pub fn new(encoder: &'e E, dev: &D, normalise: Normalise) -> Self {
        Frozen { encoder, dev: dev.clone(), normalise }
    }

    /// The encoder, to look at.
    pub fn encoder(&self) -> &E {
        self.encoder
    }

    /// The features of every image of `part`, in order, without augmentation.
    ///
    /// # Errors
    /// An image that cannot be read; [`Error::Interrupted`] when a stop was asked for; a device out of memory.
    pub fn embed(&self, part: &Part<E::Input>) -> Result<Embeddings> {
        self.embed_unless(part, interrupted)
    }

    /// [`Frozen::embed`] that does not stop on request: for the short probes of a training run, which stops itself.
    pub(crate) fn embed_to_the_end(&self, part: &Part<E::Input>) -> Result<Embeddings> {
        self.embed_unless(part, || false)
    }

    fn embed_unless(&self, part: &Part<E::Input>, stop: impl Fn() -> bool) -> Result<Embeddings> {
        let width = self.encoder.features().size();
        let mut values = Vec::with_capacity(part.len() * width);
        for_each_plain_batch(part, BATCH, &self.normalise, |positions, pixels| {
            if stop() {
                return Err(Error::Interrupted);
            }
            let shape = self.encoder.input().images(positions.len());
            let x = self.dev.try_tensor_from_vec(pixels, shape).map_err(device)?;
            values.extend(self.encoder.forward(x, Mode::Eval)?.as_vec());
            Ok(())
        })?;
        Embeddings::new(values, width, part.labels(), part.classes())
    }
}
