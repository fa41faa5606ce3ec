//! BYOL: predict what a slow copy of oneself says of the other view (Grill et al. 2020, arXiv 2006.07733).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::momentum_branch::{Following, MomentumBranch};
use super::{checks, predictor_sample, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::{Missing, Plateau, Statistics};
use crate::error::Result;
use crate::losses::{byol, ByolConvention};
use crate::nn::{Encoder, Head, HeadPlan, Mode};
use crate::ops::Engine;
use crate::optim::Buffers;
use crate::random::default_seed;
use crate::tape::parameters;

/// Settings of [`Byol`].
///
/// Grill et al. 2020, arXiv 2006.07733.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ByolConfig {
    /// Width of the hidden layers of projector and predictor (4096; 1024 in lightly's CIFAR-10 recipe).
    pub hidden: usize,
    /// Momentum of the copy at the first step (0.996, for 1000 epochs; 0.97 for 40, 0.99 for 100 to 300).
    pub momentum: f64,
    /// Whether the momentum rises along a half cosine to 1 at the last step (true).
    pub rising: bool,
    /// What becomes of the copy's running batch-norm statistics: `kept`, `copied` or `averaged` (kept). They are not used
    /// while training: the copy normalises with its own batch.
    pub buffers: Buffers,
    /// Whether there is a predictor (true). Without it the loss collapses: a mistake to look at, not to make.
    pub predictor: bool,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for ByolConfig {
    fn default() -> Self {
        ByolConfig {
            hidden: 4096,
            momentum: 0.996,
            rising: true,
            buffers: Buffers::Kept,
            predictor: true,
            seed: default_seed(),
        }
    }
}

/// BYOL over encoder `E` with projections of compile-time width `DIM` (256 in the paper).
///
/// Grill et al. 2020, arXiv 2006.07733.
///
/// The encoder that is kept is the trained one, not the momentum copy.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let byol = Byol::<Encoder, 32, Cpu>::new(&Cpu::default(), ByolConfig { hidden: 128, ..Default::default() })?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type Byol<E, const DIM: usize, D = AutoDevice> = Learner<E, ByolObjective<E, Const<DIM>, D>, D>;

/// What [`Byol`] puts over its encoder: projector and predictor, each with one hidden layer, and momentum copies of
/// encoder and projector. Its width `Z` may be a run-time `usize`.
#[derive(Debug)]
pub struct ByolObjective<E: Encoder<D>, Z: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    predictor: Head<Z, Z, D>,
    momentum: MomentumBranch<E, Z, D>,
    latest: predictor_sample::PredictorSample,
    predicts: bool,
}

parameters!(
    [E: Encoder<D>, Z: Dim, D: Engine] ByolObjective<E, Z, D>, D, tensors {}, modules { projector, predictor, momentum },
    plain { latest, predicts }
);

impl<E: Encoder<D>, Z: Dim + Default, D: Engine> Configured<E, D> for ByolObjective<E, Z, D> {
    type Config = ByolConfig;
    type Dims = Z;

    fn over(encoder: &E, dev: &D, config: &ByolConfig, width: Z) -> Result<Self> {
        checks::width(width)?;
        checks::at_least_one("hidden", config.hidden, "4096 is the paper's.")?;
        let plan = HeadPlan { hidden: &[config.hidden], norm: true, last_norm: false };
        let rng = &mut weights_of(config.seed, Part::Projector);
        let projector = Head::new(dev, encoder.features(), width, plan, rng)?;
        let rng = &mut weights_of(config.seed, Part::Predictor);
        let predictor = Head::new(dev, width, width, plan, rng)?;
        let ByolConfig { momentum, rising, buffers, .. } = *config;
        let following = Following { momentum, rising, buffers };
        let momentum = MomentumBranch::new(dev, encoder, &projector, plan, following)?;
        let predicts = config.predictor;
        Ok(ByolObjective { projector, predictor, momentum, latest: Default::default(), predicts })
    }

    fn seed(config: &ByolConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> Objective<E, D> for ByolObjective<E, Z, D> {
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let targets = self.momentum.project(batch.pixels(0..2)?)?;
        let z = self.projector.forward(features, Mode::Train)?;
        let (seen, tape) = z.split_tape();
        if !self.predicts {
            return Ok(byol(seen.put_tape(tape), &targets, ByolConvention::Paper)?.into());
        }
        let p = self.predictor.forward(seen.clone().put_tape(tape), Mode::Train)?;
        self.latest.keep(&seen, &p);
        Ok(byol(p, &targets, ByolConvention::Paper)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn after_step(&mut self, encoder: &E, step: u64, total: u64) -> Result<()> {
        self.momentum.follow(encoder, &self.projector, step, total)
    }

    fn statistics(&self) -> Result<Statistics> {
        Ok(Statistics {
            momentum: Some(self.momentum.momentum()),
            predictor_alignment: self.latest.alignment()?,
            ..Default::default()
        })
    }

    fn missing(&self) -> Vec<Missing> {
        match self.predicts {
            true => Vec::new(),
            false => vec![Missing::new(
                "There is no predictor: the student is pulled towards the mean of its own past, which a constant satisfies.",
                "--set predictor=true",
            )],
        }
    }

    fn about(&self, _images: usize) -> Trait {
        Trait {
            name: "byol",
            projector_dim: self.projector.outputs().size(),
            plateaus: vec![Plateau {
                name: "0".into(),
                value: 0.0,
                means: "Predictions and targets agree perfectly, which views of different images do only when all embeddings are alike."
                    .into(),
                try_this: "Lower the learning rate (--lr 1e-3) or raise --set momentum=0.99; BYOL needs its predictor and the momentum copy."
                    .into(),
            }],
            accumulation: Some(
                "BYOL's batch statistics come from one micro-batch, so accumulating is not quite the same as a larger batch.",
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
    use crate::optim::{Optimizer, Rule};

    fn byol() -> Byol<Net, 16, Cpu> {
        let config = ByolConfig { hidden: 24, momentum: 0.9, ..Default::default() };
        Byol::new(&Cpu::default(), config).unwrap()
    }

    #[test]
    fn a_few_steps_on_one_batch_lower_the_loss() {
        let losses = testing::losses(&mut byol(), 10, 1e-2);
        assert!(losses[9] < 0.7 * losses[0], "{losses:?}");
    }

    #[test]
    fn no_gradient_reaches_the_copies_and_all_else_gets_one() {
        let (some, none) = testing::reached(&mut byol());
        assert!(none.iter().all(|name| name.contains("momentum.") || name.contains("running_")), "{none:?}");
        assert!(some.iter().all(|name| !name.contains("momentum.")), "{some:?}");
        assert!(some.iter().any(|name| name.starts_with("objective.predictor")));
    }

    #[test]
    fn the_copy_follows_once_a_step_however_many_micro_batches_it_has() {
        let mut byol = byol();
        let copy = |byol: &Byol<Net, 16, Cpu>| testing::values(byol, "objective.momentum.projector.output");
        let own = |byol: &Byol<Net, 16, Cpu>| testing::values(byol, "objective.projector.output");
        let before = copy(&byol);
        assert_eq!(before, own(&byol));
        let mut optimizer = Optimizer::new(Rule::ADAMW, 0.0);
        testing::step(&mut byol, &mut optimizer, 1e-2, 1, &[0, 1, 2]);
        for ((after, own), before) in copy(&byol).iter().zip(own(&byol)).zip(before) {
            let expected = 0.9 * before + 0.1 * own;
            assert!((after - expected).abs() < 1e-6, "{after} {expected}");
        }
        assert_eq!(byol.objective().statistics().unwrap().momentum, Some(0.9));
    }
}
