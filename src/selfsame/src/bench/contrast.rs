//! SimCLR steps of a vision transformer and of a convolutional network.

use dfdx::prelude::*;

use super::flops;
use super::measure::Work;
use super::model::{pictures, Input, Loss, Model, Training};
use crate::error::{device, Result};
use crate::losses::nt_xent;
use crate::nn::{ConvNet, Encoder, Images, Mode, Projector, Vit};
use crate::optim::{Optimizer, Rule};
use crate::random::{stream, Purpose};
use crate::shape::{Image, ImageShape};
use crate::tape::parameters;

/// Images a step, each in two views.
pub(super) const BATCH: usize = 256;
/// Divides the cosines.
const TEMPERATURE: f64 = 0.2;
/// Width of the projector's hidden layer and of its output.
const HEAD: (usize, usize) = (256, 128);
/// AdamW's rate and decay.
pub(super) const RATE: f64 = 1e-3;
const DECAY: f64 = 0.05;

/// The images of the convolutional network.
pub(super) type Colour = Image<3, 32, 32>;
/// The convolutional network.
pub(super) type Convolutional = Network<ConvNet<Colour, 256, 4, Cpu>>;

/// An encoder under a projector.
pub(super) struct Network<E: Encoder<Cpu>> {
    encoder: E,
    projector: Projector<E::Features, usize, usize, Cpu>,
}

parameters!([E: Encoder<Cpu>] Network<E>, Cpu, tensors {}, modules { encoder, projector });

impl<E: Encoder<Cpu, Recipe = ()>> Network<E> {
    pub(super) fn new(dev: &Cpu) -> Result<Self> {
        let rng = &mut stream(&[0, Purpose::Init as u64]);
        let encoder = E::new(dev, rng)?;
        let projector = Projector::new(dev, encoder.features(), HEAD.0, HEAD.1, rng)?;
        Ok(Network { encoder, projector })
    }

    /// The loss of two views, one after the other.
    pub(super) fn contrast(&self, views: &Images<E::Input, Cpu>) -> Result<Loss> {
        let features = self.encoder.forward(views.leaky_trace(), Mode::Train)?;
        nt_xent(self.projector.forward(features, Mode::Train)?, TEMPERATURE)
    }
}

/// A network with its batch.
pub(super) struct Contrast<E: Encoder<Cpu>> {
    network: Network<E>,
    views: Images<E::Input, Cpu>,
}

parameters!([E: Encoder<Cpu>] Contrast<E>, Cpu, tensors {}, modules { network }, plain { views });

impl<E: Encoder<Cpu, Recipe = ()>> Contrast<E> {
    fn new(batch: usize) -> Result<Self> {
        let dev = Cpu::default();
        let network = Network::<E>::new(&dev)?;
        let shape = network.encoder.input();
        let values = pictures(2 * batch, shape.size().len(), 1);
        let views = dev.try_tensor_from_vec(values, shape.images(2 * batch)).map_err(device)?;
        Ok(Contrast { network, views })
    }
}

impl<E: Encoder<Cpu, Recipe = ()>> Model for Contrast<E> {
    fn loss(&self) -> Result<Loss> {
        self.network.contrast(&self.views)
    }
    fn inputs(&self) -> Vec<Input> {
        let sizes = self.views.shape().concrete().into_iter().collect();
        vec![Input { name: "views", sizes, values: self.views.as_vec() }]
    }
}

/// The model of `simclr-vit` on `batch` images.
pub(super) fn vit(batch: usize) -> Result<Contrast<Vit<Image<1, 28, 28>, 4, 128, 4, 4, Cpu>>> {
    Contrast::new(batch)
}

/// The model of `simclr-cnn` on `batch` images.
pub(super) fn convnet(batch: usize) -> Result<Contrast<ConvNet<Colour, 256, 4, Cpu>>> {
    Contrast::new(batch)
}

/// `simclr-vit`.
pub(super) fn vit_steps() -> Result<impl Work> {
    let flops = flops::vit(2 * BATCH, 49, 16, 128, 4, 256) + head(128);
    Ok(Training::new(vit(BATCH)?, optimizer(), RATE, BATCH, flops))
}

/// `simclr-cnn`.
pub(super) fn convnet_steps() -> Result<impl Work> {
    Ok(Training::new(convnet(BATCH)?, optimizer(), RATE, BATCH, convnet_flops()))
}

/// Operations of a step of `simclr-cnn`.
pub(super) fn convnet_flops() -> f64 {
    flops::convnet(2 * BATCH, (3, 32), 256, 4) + head(256)
}

/// AdamW of the image workloads.
pub(super) fn optimizer() -> Optimizer {
    Optimizer::new(Rule::ADAMW, DECAY)
}

/// Operations of projector and loss over features of `width`.
fn head(width: usize) -> f64 {
    let rows = 2 * BATCH;
    flops::linear(rows, width, HEAD.0)
        + flops::linear(rows, HEAD.0, HEAD.1)
        + flops::linear(rows, HEAD.1, rows)
}
