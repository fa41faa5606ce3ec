//! MoCo v3: contrast predictions with a momentum encoder's keys of the other view, without a queue (Chen, Xie and He 2021,
//! arXiv 2104.02057).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::momentum_branch::{Following, MomentumBranch};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::{Plateau, Statistics};
use crate::error::Result;
use crate::losses::{moco_v3, MoCoV3Convention};
use crate::nn::{Encoder, Head, HeadPlan, Mode};
use crate::ops::Engine;
use crate::optim::Buffers;
use crate::random::default_seed;
use crate::tape::parameters;

/// Settings of [`MoCoV3`].
///
/// Chen, Xie and He 2021, arXiv 2104.02057.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MoCoV3Config {
    /// Divides the cosines (1.0, for a ResNet; 0.2 for a ViT). The loss is multiplied by twice the temperature, so that
    /// its slope hardly depends on it.
    pub temperature: f64,
    /// Width of the hidden layers of projector and predictor (4096).
    pub hidden: usize,
    /// Momentum of the key encoder at the first step (0.99).
    pub momentum: f64,
    /// Whether the momentum rises along a half cosine to 1 at the last step (true).
    pub rising: bool,
    /// What becomes of the key encoder's running batch-norm statistics: `kept`, `copied` or `averaged` (kept).
    pub buffers: Buffers,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for MoCoV3Config {
    fn default() -> Self {
        MoCoV3Config {
            temperature: 1.0,
            hidden: 4096,
            momentum: 0.99,
            rising: true,
            buffers: Buffers::Kept,
            seed: default_seed(),
        }
    }
}

/// MoCo v3 over encoder `E` with projections of compile-time width `DIM` (256 in the paper).
///
/// Chen, Xie and He 2021, arXiv 2104.02057.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let moco = MoCoV3::<Encoder, 32, Cpu>::new(&Cpu::default(), MoCoV3Config { hidden: 128, ..Default::default() })?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type MoCoV3<E, const DIM: usize, D = AutoDevice> = Learner<E, MoCoV3Objective<E, Const<DIM>, D>, D>;

/// What [`MoCoV3`] puts over its encoder: a two-layer projector that ends in a batch norm without scale and shift, a
/// two-layer predictor, momentum copies of encoder and projector. Its width `Z` may be a run-time `usize`.
#[derive(Debug)]
pub struct MoCoV3Objective<E: Encoder<D>, Z: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    predictor: Head<Z, Z, D>,
    momentum: MomentumBranch<E, Z, D>,
    temperature: f64,
}

parameters!(
    [E: Encoder<D>, Z: Dim, D: Engine] MoCoV3Objective<E, Z, D>, D,
    tensors {}, modules { projector, predictor, momentum },
    plain { temperature }
);

impl<E: Encoder<D>, Z: Dim + Default, D: Engine> Configured<E, D> for MoCoV3Objective<E, Z, D> {
    type Config = MoCoV3Config;
    type Dims = Z;

    fn over(encoder: &E, dev: &D, config: &MoCoV3Config, width: Z) -> Result<Self> {
        let MoCoV3Config { temperature, hidden, momentum, rising, buffers, seed } = *config;
        checks::width(width)?;
        checks::positive("temperature", temperature, "1.0 and 0.2 are the paper's.")?;
        checks::at_least_one("hidden", hidden, "4096 is the paper's.")?;
        let plan = HeadPlan { hidden: &[hidden], norm: true, last_norm: true };
        let rng = &mut weights_of(seed, Part::Projector);
        let projector = Head::new(dev, encoder.features(), width, plan, rng)?;
        let rng = &mut weights_of(seed, Part::Predictor);
        let predictor = Head::new(dev, width, width, HeadPlan { last_norm: false, ..plan }, rng)?;
        let following = Following { momentum, rising, buffers };
        let momentum = MomentumBranch::new(dev, encoder, &projector, plan, following)?;
        Ok(MoCoV3Objective { projector, predictor, momentum, temperature })
    }

    fn seed(config: &MoCoV3Config) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> Objective<E, D> for MoCoV3Objective<E, Z, D> {
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        // The paper moves the copy before it computes keys; here it moved after the step before, which is the same.
        let keys = self.momentum.project(batch.pixels(0..2)?)?;
        let q = self.predictor.forward(self.projector.forward(features, Mode::Train)?, Mode::Train)?;
        Ok(moco_v3(q, &keys, self.temperature, MoCoV3Convention::Reference)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn after_step(&mut self, encoder: &E, step: u64, total: u64) -> Result<()> {
        self.momentum.follow(encoder, &self.projector, step, total)
    }

    fn statistics(&self) -> Result<Statistics> {
        Ok(Statistics { momentum: Some(self.momentum.momentum()), ..Default::default() })
    }

    fn about(&self, images: usize) -> Trait {
        Trait {
            name: "moco-v3",
            // None of its own: the doctor's arithmetic on temperatures is that of a loss that is not rescaled by it.
            temperature: None,
            projector_dim: self.projector.outputs().size(),
            plateaus: vec![Plateau {
                name: "4T ln N".into(),
                value: 4.0 * self.temperature * (images as f64).ln(),
                means: "All similarities are equal: the loss cannot tell an image's other view from a different image."
                    .into(),
                try_this: "Lower the learning rate (--lr 1e-3) and check that the two views still show the same thing."
                    .into(),
            }],
            accumulation: Some(
                "MoCo v3's negatives come from one micro-batch, so accumulating is not the same as a larger batch: the loss sees fewer negatives.",
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

    fn moco() -> MoCoV3<Net, 16, Cpu> {
        let config = MoCoV3Config { temperature: 0.2, hidden: 24, momentum: 0.9, ..Default::default() };
        MoCoV3::new(&Cpu::default(), config).unwrap()
    }

    #[test]
    fn a_few_steps_on_one_batch_lower_the_loss() {
        let losses = testing::losses(&mut moco(), 10, 1e-2);
        assert!(losses[9] < 0.8 * losses[0], "{losses:?}");
    }

    #[test]
    fn no_gradient_reaches_the_copies() {
        let (some, _) = testing::reached(&mut moco());
        assert!(some.iter().all(|name| !name.contains("momentum.")), "{some:?}");
        assert!(some.iter().any(|name| name.starts_with("encoder.")));
    }

    #[test]
    fn the_copy_follows_after_the_step() {
        let mut moco = moco();
        let copy = |m: &MoCoV3<Net, 16, Cpu>| testing::values(m, "objective.momentum.encoder");
        let before = copy(&moco);
        testing::losses(&mut moco, 1, 1e-2);
        assert_ne!(copy(&moco), before);
    }
}
