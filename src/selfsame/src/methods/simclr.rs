//! SimCLR: pull two views of an image together, push all other images away (Chen et al. 2020, arXiv 2002.05709).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Method, Trait};
use crate::diagnose::Plateau;
use crate::error::{Error, Result};
use crate::losses::nt_xent;
use crate::nn::{Encoder, Images, Mode, Projector};
use crate::ops::Engine;
use crate::random::{default_seed, stream, Purpose};
use crate::tape::parameters;

/// Settings of [`SimClr`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SimClrConfig {
    /// Divides the cosines in the loss (0.2; the paper uses 0.1 on ImageNet and 0.5 on CIFAR-10).
    pub temperature: f64,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for SimClrConfig {
    fn default() -> Self {
        SimClrConfig { temperature: 0.2, seed: default_seed() }
    }
}

/// SimCLR over encoder `E` with a projector of compile-time width `DIM`.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let dev = Cpu::default();
/// let simclr = SimClr::<Encoder, 32, Cpu>::new(&dev, SimClrConfig { temperature: 0.5, ..Default::default() })?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type SimClr<E, const DIM: usize, D = AutoDevice> = SimClrOf<E, Const<DIM>, D>;

/// [`SimClr`] with a projector whose width may also be a run-time `usize`.
///
/// The projector is a two-layer MLP whose hidden layer is as wide as the encoder's features.
#[derive(Debug)]
pub struct SimClrOf<E: Encoder<D>, Z: Dim, D: Engine> {
    encoder: E,
    projector: Projector<E::Features, E::Features, Z, D>,
    temperature: f64,
}

parameters!([E: Encoder<D>, Z: Dim, D: Engine] SimClrOf<E, Z, D>, D, tensors {}, modules { encoder, projector });

impl<E: Encoder<D>, Z: ConstDim, D: Engine> SimClrOf<E, Z, D> {
    /// SimCLR with random weights.
    ///
    /// # Errors
    /// [`Error::Setting`] for a temperature that is not positive; a device out of memory.
    pub fn new(dev: &D, config: SimClrConfig) -> Result<Self> {
        Self::with_width(dev, config, Z::default())
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> SimClrOf<E, Z, D> {
    /// SimCLR with a projector of the given width.
    ///
    /// # Errors
    /// [`Error::Setting`] for a temperature that is not positive or a width of 0; a device out of memory.
    pub fn with_width(dev: &D, config: SimClrConfig, width: Z) -> Result<Self> {
        if !(config.temperature > 0.0 && config.temperature.is_finite()) {
            let remedy = "Common values are 0.1 to 0.5.";
            return Err(Error::setting("temperature", config.temperature, "a positive number", remedy));
        }
        if width.size() == 0 {
            return Err(Error::setting("projector-dim", 0, "at least 1", "64 and 128 are common."));
        }
        let encoder = E::new(dev, &mut stream(&[config.seed, Purpose::Init as u64, 0]))?;
        let rng = &mut stream(&[config.seed, Purpose::Init as u64, 1]);
        let projector = Projector::new(dev, E::Features::default(), E::Features::default(), width, rng)?;
        Ok(SimClrOf { encoder, projector, temperature: config.temperature })
    }

    /// The encoder, when training is over; the projector is dropped.
    pub fn into_encoder(self) -> E {
        self.encoder
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> Method<D> for SimClrOf<E, Z, D> {
    type Encoder = E;

    fn encoder(&self) -> &E {
        &self.encoder
    }

    fn views(&self) -> usize {
        2
    }

    fn loss(
        &self,
        x: Images<E::Input, D, OwnedTape<f32, D>>,
    ) -> Result<Tensor<Rank0, f32, D, OwnedTape<f32, D>>> {
        let features = self.encoder.forward(x, Mode::Train)?;
        nt_xent(self.projector.forward(features, Mode::Train)?, self.temperature)
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn about(&self, images: usize) -> Trait {
        let chance = Plateau {
            name: "ln(2N-1)".into(),
            value: ((2 * images) as f64 - 1.0).ln(),
            means: "All similarities are equal: the loss cannot tell an image's other view from a different image.".into(),
            try_this: "Lower the learning rate (--lr 1e-3) and check that the two views still show the same thing.".into(),
        };
        Trait {
            name: "simclr",
            temperature: Some(self.temperature),
            projector_dim: self.projector.outputs().size(),
            plateaus: vec![chance],
            accumulation: Some(
                "SimCLR's negatives and batch statistics come from one micro-batch, so accumulating is not the same as a \
                 larger batch: the loss sees fewer negatives.",
            ),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nn::ConvNet;
    use crate::optim::{Optimizer, Rule};
    use crate::shape::Image;
    use crate::tape::FlatGradient;

    #[test]
    fn a_few_steps_on_one_batch_lower_the_loss() {
        let dev = Cpu::seed_from_u64(3);
        type E = ConvNet<Image<1, 8, 8>, 32, 3, Cpu>;
        let mut simclr = SimClr::<E, 16, Cpu>::new(&dev, SimClrConfig::default()).unwrap();
        let one: Tensor<(usize, Const<1>, Const<8>, Const<8>), f32, _> =
            dev.sample_normal_like(&(16, Const, Const, Const));
        let noise: Vec<f32> = one.as_vec().iter().map(|v| v + 0.1).collect();
        let x = dev.tensor_from_vec([one.as_vec(), noise].concat(), (32, Const, Const, Const));
        let mut optimizer = Optimizer::new(Rule::ADAMW, 0.0);
        let mut losses = Vec::new();
        for _ in 0..8 {
            let loss = simclr.loss(x.leaky_trace()).unwrap();
            losses.push(loss.array());
            let mut gradient = FlatGradient::new();
            gradient.add(&simclr, loss.backward()).unwrap();
            optimizer.step(&mut simclr, gradient.mean(), 1e-2).unwrap();
        }
        assert!(losses[7] < 0.6 * losses[0], "{losses:?}");
    }
}
