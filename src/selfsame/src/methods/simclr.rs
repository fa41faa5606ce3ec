//! SimCLR: pull two views of an image together, push all other images away (Chen et al. 2020, arXiv 2002.05709).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::{Missing, Plateau};
use crate::error::Result;
use crate::losses::{nt_xent, simsiam};
use crate::nn::{Encoder, Mode, Projector};
use crate::ops::Engine;
use crate::random::default_seed;
use crate::tape::{parameters, stop_gradient};

/// Settings of [`SimClr`].
///
/// Chen et al. 2020, arXiv 2002.05709.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimClrConfig {
    /// Divides the cosines in the loss (0.2; the paper uses 0.1 on ImageNet and 0.5 on CIFAR-10).
    pub temperature: f64,
    /// Whether other images repel (true). Without them only the attraction of the two views is left, minus their cosine,
    /// which a constant solves: a mistake to look at, not to make.
    pub negatives: bool,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for SimClrConfig {
    fn default() -> Self {
        SimClrConfig { temperature: 0.2, negatives: true, seed: default_seed() }
    }
}

/// SimCLR over encoder `E` with a projector of compile-time width `DIM`.
///
/// Chen et al. 2020, arXiv 2002.05709.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let dev = Cpu::default();
/// let simclr = SimClr::<Encoder, 32, Cpu>::new(&dev, SimClrConfig { temperature: 0.5, ..Default::default() })?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type SimClr<E, const DIM: usize, D = AutoDevice> = Learner<E, SimClrObjective<E, Const<DIM>, D>, D>;

/// What [`SimClr`] puts over its encoder: a two-layer projector whose hidden layer is as wide as the features, and
/// [`nt_xent`]. Its width `Z` may be a run-time `usize`.
#[derive(Debug)]
pub struct SimClrObjective<E: Encoder<D>, Z: Dim, D: Engine> {
    projector: Projector<E::Features, E::Features, Z, D>,
    temperature: f64,
    negatives: bool,
}

parameters!(
    [E: Encoder<D>, Z: Dim, D: Engine] SimClrObjective<E, Z, D>, D,
    tensors {}, modules { projector }, plain { temperature, negatives }
);

impl<E: Encoder<D>, Z: Dim + Default, D: Engine> Configured<E, D> for SimClrObjective<E, Z, D> {
    type Config = SimClrConfig;
    type Dims = Z;

    fn over(encoder: &E, dev: &D, config: &SimClrConfig, width: Z) -> Result<Self> {
        checks::positive("temperature", config.temperature, checks::TEMPERATURES)?;
        checks::width(width)?;
        let (rng, features) = (&mut weights_of(config.seed, Part::Projector), encoder.features());
        let projector = Projector::new(dev, features, features, width, rng)?;
        Ok(SimClrObjective { projector, temperature: config.temperature, negatives: config.negatives })
    }

    fn seed(config: &SimClrConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> Objective<E, D> for SimClrObjective<E, Z, D> {
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        _batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let z = self.projector.forward(features, Mode::Train)?;
        if self.negatives {
            return Ok(nt_xent(z, self.temperature)?.into());
        }
        let (z, tape) = z.split_tape();
        let targets = stop_gradient(&z)?;
        Ok(simsiam(z.put_tape(tape), &targets)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn missing(&self) -> Vec<Missing> {
        match self.negatives {
            true => Vec::new(),
            false => {
                let what = "There are no negatives: nothing keeps different images apart.";
                vec![Missing::new(what, "--set negatives=true")]
            }
        }
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
            temperature: self.negatives.then_some(self.temperature),
            projector_dim: self.projector.outputs().size(),
            plateaus: vec![chance],
            accumulation: Some(
                "SimCLR's negatives and batch statistics come from one micro-batch, so accumulating is not the same as a \
                 larger batch: the loss sees fewer negatives.",
            ),
            ..Default::default()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::testing;

    #[test]
    fn a_few_steps_on_one_batch_lower_the_loss() {
        let dev = Cpu::default();
        let mut simclr = SimClr::<testing::Net, 16, Cpu>::new(&dev, SimClrConfig::default()).unwrap();
        let losses = testing::losses(&mut simclr, 8, 1e-2);
        assert!(losses[7] < 0.6 * losses[0], "{losses:?}");
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let dev = Cpu::default();
        let config = SimClrConfig { temperature: 0.0, ..Default::default() };
        let e = SimClr::<testing::Net, 16, Cpu>::new(&dev, config).unwrap_err().to_string();
        assert!(e.starts_with("temperature is 0."), "{e}");
        let e = SimClr::<testing::Net, 0, Cpu>::new(&dev, SimClrConfig::default()).unwrap_err().to_string();
        assert!(e.starts_with("projector-dim is 0."), "{e}");
    }
}
