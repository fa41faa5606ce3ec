//! DCL and DCLW: SimCLR without the positive pair among its own negatives (Yeh et al. 2022, arXiv 2110.06848).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::Plateau;
use crate::error::Result;
use crate::losses::{dcl, dclw, DclwConvention};
use crate::nn::{Encoder, Head, HeadPlan, Mode};
use crate::ops::Engine;
use crate::random::default_seed;
use crate::tape::parameters;

/// Settings of [`Dcl`].
///
/// Yeh et al. 2022, arXiv 2110.06848.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DclConfig {
    /// Divides the cosines (0.1).
    pub temperature: f64,
    /// Width of the projector's hidden layer (2048).
    pub hidden: usize,
    /// DCLW's sigma: pairs that are still far apart weigh more, the more the smaller it is (0.5). 0 weighs all pairs alike,
    /// which is DCL (0).
    pub sigma: f64,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for DclConfig {
    fn default() -> Self {
        DclConfig { temperature: 0.1, hidden: 2048, sigma: 0.0, seed: default_seed() }
    }
}

impl DclConfig {
    /// DCLW with the paper's sigma of 0.5.
    pub fn weighted() -> DclConfig {
        DclConfig { sigma: 0.5, ..DclConfig::default() }
    }
}

/// DCL over encoder `E` with projections of compile-time width `DIM` (128 in the paper); DCLW with
/// [`DclConfig::weighted`].
///
/// Yeh et al. 2022, arXiv 2110.06848.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let dclw = Dcl::<Encoder, 32, Cpu>::new(&Cpu::default(), DclConfig { hidden: 64, ..DclConfig::weighted() })?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type Dcl<E, const DIM: usize, D = AutoDevice> = Learner<E, DclObjective<E, Const<DIM>, D>, D>;

/// What [`Dcl`] puts over its encoder: a projector with one hidden layer. Its width `Z` may be a run-time `usize`.
#[derive(Debug)]
pub struct DclObjective<E: Encoder<D>, Z: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    temperature: f64,
    sigma: f64,
}

parameters!(
    [E: Encoder<D>, Z: Dim, D: Engine] DclObjective<E, Z, D>, D,
    tensors {}, modules { projector }, plain { temperature, sigma }
);

impl<E: Encoder<D>, Z: Dim + Default, D: Engine> Configured<E, D> for DclObjective<E, Z, D> {
    type Config = DclConfig;
    type Dims = Z;

    fn over(encoder: &E, dev: &D, config: &DclConfig, width: Z) -> Result<Self> {
        let DclConfig { temperature, hidden, sigma, seed } = *config;
        checks::width(width)?;
        checks::positive("temperature", temperature, checks::TEMPERATURES)?;
        checks::at_least_one("hidden", hidden, "2048 is the paper's.")?;
        checks::not_negative("sigma", sigma, "0.5 is DCLW's, 0 makes it DCL.")?;
        let plan = HeadPlan { hidden: &[hidden], norm: true, last_norm: false };
        let projector =
            Head::new(dev, encoder.features(), width, plan, &mut weights_of(seed, Part::Projector))?;
        Ok(DclObjective { projector, temperature, sigma })
    }

    fn seed(config: &DclConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> Objective<E, D> for DclObjective<E, Z, D> {
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        _batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let z = self.projector.forward(features, Mode::Train)?;
        Ok(match self.sigma > 0.0 {
            true => dclw(z, self.temperature, self.sigma, DclwConvention::Lightly)?,
            false => dcl(z, self.temperature)?,
        }
        .into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn about(&self, images: usize) -> Trait {
        Trait {
            name: if self.sigma > 0.0 { "dclw" } else { "dcl" },
            // None of its own: the doctor's arithmetic on temperatures is that of a loss whose positive is in the sum.
            temperature: None,
            projector_dim: self.projector.outputs().size(),
            plateaus: vec![Plateau {
                name: "ln(2N-2)".into(),
                value: (2.0 * images as f64 - 2.0).ln(),
                means: "All similarities are equal: the loss cannot tell an image's other view from a different image."
                    .into(),
                try_this: "Lower the learning rate (--lr 1e-3) and check that the two views still show the same thing."
                    .into(),
            }],
            accumulation: Some(
                "DCL's negatives come from one micro-batch, so accumulating is not the same as a larger batch: the loss sees fewer negatives.",
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
    fn a_few_steps_on_one_batch_lower_the_loss_of_either() {
        for config in [DclConfig::default(), DclConfig::weighted()] {
            let config = DclConfig { hidden: 24, ..config };
            let losses =
                testing::losses(&mut Dcl::<Net, 16, Cpu>::new(&Cpu::default(), config).unwrap(), 12, 1e-2);
            assert!(losses[11] < losses[0] - 0.5, "{losses:?}");
        }
    }
}
