//! Barlow Twins: features of two views agree and say different things (Zbontar et al. 2021, arXiv 2103.03230).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::{Missing, Plateau};
use crate::error::Result;
use crate::losses::{barlow_twins, BarlowSettings};
use crate::nn::{Encoder, Head, HeadPlan, Mode};
use crate::ops::Engine;
use crate::random::default_seed;
use crate::tape::parameters;

/// Settings of [`BarlowTwins`].
///
/// Zbontar et al. 2021, arXiv 2103.03230.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BarlowTwinsConfig {
    /// Width of the projector's two hidden layers (8192).
    pub hidden: usize,
    /// Weight of the correlations between different features (0.0051). The paper's is for 8192 of them; fewer want more.
    pub lambda: f64,
    /// Multiplies the whole loss (1). The loss grows with the projector's width, and the rate that suits it with it;
    /// solo-learn has 0.1 on CIFAR-10.
    pub scale: f64,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for BarlowTwinsConfig {
    fn default() -> Self {
        BarlowTwinsConfig { hidden: 8192, lambda: 0.0051, scale: 1.0, seed: default_seed() }
    }
}

/// Barlow Twins over encoder `E` with embeddings of compile-time width `DIM` (8192 in the paper).
///
/// Zbontar et al. 2021, arXiv 2103.03230.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let config = BarlowTwinsConfig { hidden: 128, lambda: 0.02, ..Default::default() };
/// let barlow = BarlowTwins::<Encoder, 128, Cpu>::new(&Cpu::default(), config)?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type BarlowTwins<E, const DIM: usize, D = AutoDevice> =
    Learner<E, BarlowTwinsObjective<E, Const<DIM>, D>, D>;

/// What [`BarlowTwins`] puts over its encoder: a three-layer projector. Its width `Z` may be a run-time `usize`.
#[derive(Debug)]
pub struct BarlowTwinsObjective<E: Encoder<D>, Z: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    settings: BarlowSettings,
}

parameters!(
    [E: Encoder<D>, Z: Dim, D: Engine] BarlowTwinsObjective<E, Z, D>, D, tensors {}, modules { projector },
    plain { settings }
);

impl<E: Encoder<D>, Z: Dim + Default, D: Engine> Configured<E, D> for BarlowTwinsObjective<E, Z, D> {
    type Config = BarlowTwinsConfig;
    type Dims = Z;

    fn over(encoder: &E, dev: &D, config: &BarlowTwinsConfig, width: Z) -> Result<Self> {
        checks::width(width)?;
        checks::at_least_one("hidden", config.hidden, "8192 is the paper's.")?;
        checks::not_negative("lambda", config.lambda, "0.0051 is the paper's.")?;
        checks::positive("scale", config.scale, "1 is the paper's.")?;
        let plan = HeadPlan { hidden: &[config.hidden; 2], norm: true, last_norm: false };
        let rng = &mut weights_of(config.seed, Part::Projector);
        let projector = Head::new(dev, encoder.features(), width, plan, rng)?;
        let BarlowTwinsConfig { lambda, scale, .. } = *config;
        Ok(BarlowTwinsObjective {
            projector,
            settings: BarlowSettings { lambda, scale, ..Default::default() },
        })
    }

    fn seed(config: &BarlowTwinsConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> Objective<E, D> for BarlowTwinsObjective<E, Z, D> {
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        _batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        Ok(barlow_twins(self.projector.forward(features, Mode::Train)?, self.settings)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn missing(&self) -> Vec<Missing> {
        match self.settings.lambda == 0.0 {
            true => vec![Missing::new(
                "The weight of the correlations between features is 0: all of them may carry the same thing.",
                "--set lambda=0.02",
            )],
            false => Vec::new(),
        }
    }

    fn about(&self, _images: usize) -> Trait {
        let width = self.projector.outputs().size();
        Trait {
            name: "barlow",
            projector_dim: width,
            plateaus: vec![Plateau {
                name: "D".into(),
                value: self.settings.scale * width as f64,
                means: "No feature of one view says anything about the other view's: all correlations are 0.".into(),
                try_this: "Lower the learning rate (--lr 1e-3) and check that the two views still show the same thing."
                    .into(),
            }],
            accumulation: Some(
                "Barlow Twins' correlations come from one micro-batch, so accumulating is not the same as a larger batch: they are noisier.",
            ),
            ..Default::default()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::testing::{self, Net};

    #[test]
    fn a_few_steps_on_one_batch_lower_the_loss() {
        let config = BarlowTwinsConfig { hidden: 24, ..Default::default() };
        let mut barlow = BarlowTwins::<Net, 16, Cpu>::new(&Cpu::default(), config).unwrap();
        let losses = testing::losses(&mut barlow, 10, 1e-2);
        assert!(losses[9] < 0.8 * losses[0], "{losses:?}");
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let config = BarlowTwinsConfig { hidden: 8, lambda: -1.0, ..Default::default() };
        let e = BarlowTwins::<Net, 16, Cpu>::new(&Cpu::default(), config).unwrap_err().to_string();
        assert!(e.starts_with("lambda is -1."), "{e}");
    }
}
