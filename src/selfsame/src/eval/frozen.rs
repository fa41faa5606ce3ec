//! An encoder that can no longer change.

use dfdx::prelude::Dim;

use super::Embeddings;
use crate::augment::Normalise;
use crate::data::{for_each_plain_batch, Part};
use crate::error::{device, Error, Result};
use crate::interrupt::interrupted;
use crate::nn::{Encoder, Mode};
use crate::ops::Engine;
use crate::shape::{AnyImage, ImageShape};

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
    /// Freezes `encoder`; `normalise` is what its training images went through. [`Frozen::load`] reads both from a file.
    pub fn new(encoder: &'e E, dev: &D, normalise: Normalise) -> Self {
        Frozen { encoder, dev: dev.clone(), normalise }
    }

    /// The encoder, to look at.
    pub fn encoder(&self) -> &E {
        self.encoder
    }

    /// What images go through before the encoder sees them.
    pub fn normalise(&self) -> &Normalise {
        &self.normalise
    }

    /// The features of every image of `part`, in order, without augmentation.
    ///
    /// # Errors
    /// An image that cannot be read; [`Error::Interrupted`] when a stop was asked for; a device out of memory.
    pub fn embed(&self, part: &Part<E::Input>) -> Result<Embeddings> {
        let width = self.encoder.features().size();
        embed(&part.any(), &self.normalise, width, &interrupted, &mut |pixels| self.features(pixels))
    }

    fn features(&self, pixels: Vec<f32>) -> Result<Vec<f32>> {
        features(self.encoder, &self.dev, pixels, Mode::Eval)
    }
}

/// What `encoder` makes of images, given and returned as numbers.
pub(crate) fn features<E: Encoder<D>, D: Engine>(
    encoder: &E,
    dev: &D,
    pixels: Vec<f32>,
    mode: Mode,
) -> Result<Vec<f32>> {
    let images = pixels.len() / encoder.input().size().len().max(1);
    if images == 0 {
        // dfdx cannot read a tensor without rows.
        return Ok(Vec::new());
    }
    let x = dev.try_tensor_from_vec(pixels, encoder.input().images(images)).map_err(device)?;
    Ok(encoder.forward(x, mode)?.as_vec())
}

/// Pixels of some images to their features.
pub(crate) type Features<'f> = &'f mut dyn FnMut(Vec<f32>) -> Result<Vec<f32>>;

/// [`Frozen::embed`] for an encoder whose types are forgotten, of `width` features, until `stop`.
pub(crate) fn embed(
    part: &Part<AnyImage>,
    normalise: &Normalise,
    width: usize,
    stop: &dyn Fn() -> bool,
    features: Features<'_>,
) -> Result<Embeddings> {
    let mut values = Vec::with_capacity(part.len() * width);
    for_each_plain_batch(part, BATCH, normalise, |_, pixels| {
        if stop() {
            return Err(Error::Interrupted);
        }
        values.extend(features(pixels)?);
        Ok(())
    })?;
    Embeddings::new(values, width, part.labels(), part.classes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::data::Digits;
    use crate::nn::ConvNet;
    use crate::random::stream;
    use crate::shape::Image;
    use dfdx::prelude::Cpu;

    #[test]
    fn features_of_no_images_have_their_width() {
        let dev = Cpu::default();
        let encoder = ConvNet::<Image<1, 8, 8>, 64, 3, Cpu>::new(&dev, &mut stream(&[0])).unwrap();
        let none = Digits::load().unwrap().train().subset(&[]);
        let features = Frozen::new(&encoder, &dev, Normalise::identity(1)).embed(&none).unwrap();
        assert_eq!((features.len(), features.width()), (0, 64));
    }
}
