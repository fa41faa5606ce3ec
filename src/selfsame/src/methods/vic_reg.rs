//! VICReg: views agree, every feature varies, no two features say the same (Bardes, Ponce and LeCun 2022,
//! arXiv 2105.04906).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::{Missing, Plateau};
use crate::error::Result;
use crate::losses::{vicreg_views, VicRegConvention, VicRegWeights};
use crate::nn::{Encoder, Head, HeadPlan, Mode};
use crate::ops::Engine;
use crate::random::default_seed;
use crate::tape::parameters;

/// Settings of [`VicReg`].
///
/// Bardes, Ponce and LeCun 2022, arXiv 2105.04906.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VicRegConfig {
    /// Width of the projector's two hidden layers (8192).
    pub hidden: usize,
    /// Weight of the squared distance between views (25).
    pub invariance: f64,
    /// Weight of the hinge that keeps every feature's deviation above 1 (25).
    pub variance: f64,
    /// Weight of the squared covariances between features (1).
    pub covariance: f64,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for VicRegConfig {
    fn default() -> Self {
        VicRegConfig { hidden: 8192, invariance: 25.0, variance: 25.0, covariance: 1.0, seed: default_seed() }
    }
}

/// VICReg over encoder `E` with embeddings of compile-time width `DIM` (8192 in the paper).
///
/// Bardes, Ponce and LeCun 2022, arXiv 2105.04906.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let vic_reg = VicReg::<Encoder, 128, Cpu>::new(&Cpu::default(), VicRegConfig { hidden: 128, ..Default::default() })?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type VicReg<E, const DIM: usize, D = AutoDevice> = Learner<E, VicRegObjective<E, Const<DIM>, D>, D>;

/// What [`VicReg`] puts over its encoder: a three-layer expander. Its width `Z` may be a run-time `usize`.
#[derive(Debug)]
pub struct VicRegObjective<E: Encoder<D>, Z: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    weights: VicRegWeights,
}

parameters!(
    [E: Encoder<D>, Z: Dim, D: Engine] VicRegObjective<E, Z, D>, D,
    tensors {}, modules { projector }, plain { weights }
);

impl<E: Encoder<D>, Z: Dim + Default, D: Engine> Configured<E, D> for VicRegObjective<E, Z, D> {
    type Config = VicRegConfig;
    type Dims = Z;

    fn over(encoder: &E, dev: &D, config: &VicRegConfig, width: Z) -> Result<Self> {
        checks::width(width)?;
        checks::at_least_one("hidden", config.hidden, "8192 is the paper's.")?;
        let VicRegConfig { hidden, invariance, variance, covariance, seed } = *config;
        for (name, weight) in [("invariance", invariance), ("variance", variance), ("covariance", covariance)]
        {
            checks::not_negative(name, weight, "25, 25 and 1 are the paper's weights.")?;
        }
        let plan = HeadPlan { hidden: &[hidden; 2], norm: true, last_norm: false };
        let projector =
            Head::new(dev, encoder.features(), width, plan, &mut weights_of(seed, Part::Projector))?;
        Ok(VicRegObjective { projector, weights: VicRegWeights { invariance, variance, covariance } })
    }

    fn seed(config: &VicRegConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> Objective<E, D> for VicRegObjective<E, Z, D> {
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        _batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let z = self.projector.forward(features, Mode::Train)?;
        Ok(vicreg_views(z, self.weights, VicRegConvention::Reference)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if self.weights.variance == 0.0 {
            let what = "The variance term has weight 0: nothing keeps embeddings from shrinking to a point.";
            missing.push(Missing::new(what, "--set variance=25"));
        }
        if self.weights.covariance == 0.0 {
            let what = "The covariance term has weight 0: all features may carry the same thing.";
            missing.push(Missing::new(what, "--set covariance=1"));
        }
        missing
    }

    fn about(&self, _images: usize) -> Trait {
        Trait {
            name: "vicreg",
            projector_dim: self.projector.outputs().size(),
            plateaus: vec![Plateau {
                name: "0.99 x variance weight".into(),
                value: self.weights.variance * (1.0 - 1e-4f64.sqrt()),
                means: "Every embedding is the same: views agree, covariances are 0, and only the hinge is left.".into(),
                try_this: "--set variance=25 --set invariance=25, the paper's weights, or a lower learning rate (--lr 1e-3)."
                    .into(),
            }],
            accumulation: Some(
                "VICReg's variances and covariances come from one micro-batch, so accumulating is not the same as a larger batch: they are noisier.",
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
        let config = VicRegConfig { hidden: 24, ..Default::default() };
        let mut vic_reg = VicReg::<Net, 16, Cpu>::new(&Cpu::default(), config).unwrap();
        let losses = testing::losses(&mut vic_reg, 12, 1e-2);
        assert!(losses[11] < 0.8 * losses[0], "{losses:?}");
    }
}
