//! SimCLR's two views of small colour images.

use rand::RngCore;

use super::contrast::Colour;
use super::measure::Work;
use crate::augment::{presets, Normalise, Views};
use crate::error::Result;
use crate::random::stream;
use crate::shape::{Input, Size};

const IMAGES: usize = 256;

/// Images and where their views go.
pub(super) struct Augmentation {
    images: Vec<u8>,
    indices: Vec<u64>,
    views: Views,
    out: Vec<f32>,
    epoch: u64,
}

impl Augmentation {
    pub(super) fn new() -> Augmentation {
        Augmentation {
            images: random_images(IMAGES),
            indices: (0..IMAGES as u64).collect(),
            views: views(),
            out: vec![0.0; IMAGES * Colour::LEN],
            epoch: 0,
        }
    }
}

/// Crop of 20 to 100 %, flip, jitter of strength 0.5, grey, normalisation.
pub(super) fn views() -> Views {
    let normalise = Normalise { mean: vec![0.49, 0.48, 0.45], std: vec![0.25, 0.24, 0.26] };
    presets::simclr(Size::of::<Colour>()).normalise(&normalise)
}

/// `count` images of noise.
pub(super) fn random_images(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count * Colour::LEN];
    stream(&[0, 3]).fill_bytes(&mut bytes);
    bytes
}

impl Work for Augmentation {
    fn samples(&self) -> usize {
        self.views.count() * IMAGES
    }
    fn run(&mut self, steps: usize, done: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let size = Size::of::<Colour>();
        for _ in 0..steps {
            for view in 0..self.views.count() {
                let Augmentation { images, indices, views, out, epoch } = self;
                views.render_batch(images, size, indices, 0, *epoch, view, out)?;
            }
            self.epoch += 1;
            done()?;
        }
        Ok(())
    }
}
