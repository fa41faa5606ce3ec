//! A masked autoencoder's step.

use dfdx::prelude::*;

use super::contrast::{optimizer, Colour, BATCH, RATE};
use super::flops;
use super::measure::Work;
use super::model::{pictures, Input, Loss, Model, Training};
use crate::error::{device, Result};
use crate::nn::{Images, MaskedAutoencoder};
use crate::ops::RandomMasking;
use crate::random::{stream, Purpose, Stream};
use crate::shape::Input as _;
use crate::tape::parameters;

const PATCHES: usize = 64;
const VISIBLE: usize = 16;
const DECODER: usize = 2;

/// The network, its images and what is hidden of them in this step.
pub(super) struct Masked {
    network: MaskedAutoencoder<Colour, 4, 128, 4, 4, 64, Cpu>,
    images: Images<Colour, Cpu>,
    masking: RandomMasking,
    random: Stream,
}

parameters!([] Masked, Cpu, tensors {}, modules { network }, plain { images, masking, random });

impl Masked {
    pub(super) fn new(batch: usize) -> Result<Self> {
        let dev = Cpu::default();
        let mut random = stream(&[0, 2]);
        let images = dev.try_tensor_from_vec(pictures(batch, Colour::LEN, 1), Colour::batch(batch));
        Ok(Masked {
            network: MaskedAutoencoder::new(&dev, DECODER, &mut stream(&[0, Purpose::Init as u64]))?,
            images: images.map_err(device)?,
            masking: RandomMasking::draw(batch, PATCHES, VISIBLE, &mut random)?,
            random,
        })
    }
}

impl Model for Masked {
    fn loss(&self) -> Result<Loss> {
        self.network.loss(self.images.leaky_trace(), &self.masking)
    }
    fn next(&mut self) -> Result<()> {
        self.masking = RandomMasking::draw(self.images.shape().0, PATCHES, VISIBLE, &mut self.random)?;
        Ok(())
    }
    fn inputs(&self) -> Vec<Input> {
        let batch = self.images.shape().0;
        let places = self.masking.restore.iter().map(|place| *place as f32).collect();
        vec![
            Input { name: "images", sizes: vec![batch, 3, 32, 32], values: self.images.as_vec() },
            Input { name: "places", sizes: vec![batch, PATCHES], values: places },
        ]
    }
}

/// `mae-vit`.
pub(super) fn steps() -> Result<impl Work> {
    let encoder = flops::vit(BATCH, VISIBLE, 48, 128, 4, 256) + flops::linear(BATCH * VISIBLE, 128, 64);
    let decoder = flops::blocks(BATCH, PATCHES, 64, DECODER, 128, false);
    let flops = encoder + decoder + flops::linear(BATCH * PATCHES, 64, 48);
    Ok(Training::new(Masked::new(BATCH)?, optimizer(), RATE, BATCH, flops))
}
