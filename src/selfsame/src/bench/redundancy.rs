//! VICReg on fully connected layers.

use dfdx::prelude::*;

use super::flops;
use super::measure::Work;
use super::model::{pictures, Input, Loss, Model, Training};
use crate::error::{device, Result};
use crate::losses::{vicreg, VicRegWeights};
use crate::nn::{Mode, Projector};
use crate::optim::{Optimizer, Rule};
use crate::random::{stream, Purpose};
use crate::tape::parameters;

const BATCH: usize = 512;
const INPUTS: usize = 64;
const WIDTH: usize = 512;

type Layers<const I: usize> = Projector<Const<I>, Const<WIDTH>, Const<WIDTH>, Cpu>;
type Samples = Tensor<(usize, Const<INPUTS>), f32, Cpu>;

/// Encoder and projector, each two layers with batch norm and ReLU between them, and two views.
pub(super) struct Redundancy {
    encoder: Layers<INPUTS>,
    projector: Layers<WIDTH>,
    views: [Samples; 2],
}

parameters!([] Redundancy, Cpu, tensors {}, modules { encoder, projector }, plain { views });

impl Redundancy {
    pub(super) fn new(batch: usize) -> Result<Self> {
        let dev = Cpu::default();
        let rng = &mut stream(&[0, Purpose::Init as u64]);
        let view =
            |key| dev.try_tensor_from_vec(pictures(batch, INPUTS, key), (batch, Const)).map_err(device);
        Ok(Redundancy {
            encoder: Projector::new(&dev, Const, Const, Const, rng)?,
            projector: Projector::new(&dev, Const, Const, Const, rng)?,
            views: [view(1)?, view(2)?],
        })
    }

    fn embed(&self, view: &Samples) -> Result<Tensor<(usize, Const<WIDTH>), f32, Cpu, OwnedTape<f32, Cpu>>> {
        self.projector.forward(self.encoder.forward(view.leaky_trace(), Mode::Train)?, Mode::Train)
    }
}

impl Model for Redundancy {
    fn loss(&self) -> Result<Loss> {
        let [a, b] = &self.views;
        vicreg(self.embed(a)?, self.embed(b)?, VicRegWeights::default())
    }
    fn inputs(&self) -> Vec<Input> {
        let input = |(name, view): (&'static str, &Samples)| Input {
            name,
            sizes: vec![view.shape().0, INPUTS],
            values: view.as_vec(),
        };
        ["first", "second"].into_iter().zip(&self.views).map(input).collect()
    }
}

/// `vicreg-mlp`.
pub(super) fn steps() -> Result<impl Work> {
    let wide = flops::linear(BATCH, WIDTH, WIDTH);
    let view = flops::first_linear(BATCH, INPUTS, WIDTH) + 3.0 * wide + flops::linear(WIDTH, BATCH, WIDTH);
    Ok(Training::new(Redundancy::new(BATCH)?, Optimizer::new(Rule::SGD, 0.0), 0.05, BATCH, 2.0 * view))
}
