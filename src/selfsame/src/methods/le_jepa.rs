//! LeJEPA: views agree, and embeddings are distributed as a standard normal (Balestriero and LeCun 2025,
//! arXiv 2511.08544).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::error::{Error, Result};
use crate::losses::{lejepa, random_directions, LeJepaSettings, SigRegSettings};
use crate::nn::{Encoder, Head, HeadPlan, Mode};
use crate::ops::Engine;
use crate::random::default_seed;
use crate::tape::parameters;

/// Settings of [`LeJepa`].
///
/// Balestriero and LeCun 2025, arXiv 2511.08544.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeJepaConfig {
    /// Width of the projector's two hidden layers (2048).
    pub hidden: usize,
    /// Weight of the distribution's term; the agreement of views has one minus it (0.05; the paper explores 0.01 to 0.1).
    pub lambda: f64,
    /// Random directions a step along which the distribution is compared (1024).
    pub directions: usize,
    /// Points at which characteristic functions are compared (17), evenly up to 3.
    pub knots: usize,
    /// Views of an image (2). The first `globals` are the large ones, whose mean all views are compared with.
    pub views: usize,
    /// Global views among them (2).
    pub globals: usize,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for LeJepaConfig {
    fn default() -> Self {
        LeJepaConfig {
            hidden: 2048,
            lambda: 0.05,
            directions: 1024,
            knots: 17,
            views: 2,
            globals: 2,
            seed: default_seed(),
        }
    }
}

/// LeJEPA over encoder `E` with embeddings of compile-time width `DIM`.
///
/// Balestriero and LeCun 2025, arXiv 2511.08544.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let le_jepa = LeJepa::<Encoder, 32, Cpu>::new(&Cpu::default(), LeJepaConfig { hidden: 128, ..Default::default() })?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type LeJepa<E, const DIM: usize, D = AutoDevice> = Learner<E, LeJepaObjective<E, Const<DIM>, D>, D>;

/// What [`LeJepa`] puts over its encoder: a three-layer projector. Its width `Z` may be a run-time `usize`.
#[derive(Debug)]
pub struct LeJepaObjective<E: Encoder<D>, Z: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    config: LeJepaConfig,
}

parameters!(
    [E: Encoder<D>, Z: Dim, D: Engine] LeJepaObjective<E, Z, D>, D,
    tensors {}, modules { projector }, plain { config }
);

impl<E: Encoder<D>, Z: Dim + Default, D: Engine> Configured<E, D> for LeJepaObjective<E, Z, D> {
    type Config = LeJepaConfig;
    type Dims = Z;

    fn over(encoder: &E, dev: &D, config: &LeJepaConfig, width: Z) -> Result<Self> {
        checks::width(width)?;
        checks::at_least_one("hidden", config.hidden, "2048 is usual.")?;
        checks::at_least_one("directions", config.directions, "1024 is the paper's.")?;
        checks::share("lambda", config.lambda, "0.05 is the paper's.")?;
        if config.knots < 2 {
            return Err(Error::setting("knots", config.knots, "at least 2", "17 is the paper's."));
        }
        if config.views < 2 {
            return Err(Error::setting("views", config.views, "at least 2", "2 to 10 are usual."));
        }
        if config.globals == 0 || config.globals > config.views {
            let expected = format!("1 to the {} views", config.views);
            return Err(Error::setting("globals", config.globals, expected, "2 is the paper's."));
        }
        checks::within("knots", config.knots, "17 is the paper's.")?;
        checks::within("views", config.views, "2 to 10 are usual.")?;
        let plan = HeadPlan { hidden: &[config.hidden; 2], norm: true, last_norm: false };
        let rng = &mut weights_of(config.seed, Part::Projector);
        let projector = Head::new(dev, encoder.features(), width, plan, rng)?;
        Ok(LeJepaObjective { projector, config: *config })
    }

    fn seed(config: &LeJepaConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> Objective<E, D> for LeJepaObjective<E, Z, D> {
    fn views(&self) -> usize {
        self.config.views
    }

    fn local_views(&self) -> usize {
        self.config.views - self.config.globals
    }

    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let z = self.projector.forward(features, Mode::Train)?;
        let LeJepaConfig { lambda, directions, knots, views, globals, .. } = self.config;
        let directions = random_directions(z.shape().1.size(), directions, &mut batch.random(0));
        let settings = LeJepaSettings { lambda, sigreg: SigRegSettings { knots, ..Default::default() } };
        Ok(lejepa(z, views, globals, &directions, settings)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn about(&self, _images: usize) -> Trait {
        Trait {
            name: "lejepa",
            projector_dim: self.projector.outputs().size(),
            accumulation: Some(
                "LeJEPA measures the distribution of one micro-batch, so accumulating is not the same as a larger batch.",
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
    fn a_few_steps_on_one_batch_lower_the_loss_of_two_views_and_of_four() {
        for views in [2, 4] {
            let config = LeJepaConfig { hidden: 24, directions: 64, views, ..Default::default() };
            let mut le_jepa = LeJepa::<Net, 8, Cpu>::new(&Cpu::default(), config).unwrap();
            let losses = testing::losses(&mut le_jepa, 12, 1e-2);
            assert!(losses[11] < 0.8 * losses[0], "{losses:?}");
        }
    }

    #[test]
    fn the_same_micro_batch_is_looked_at_along_the_same_directions() {
        let config = LeJepaConfig { hidden: 24, directions: 8, ..Default::default() };
        let mut le_jepa = LeJepa::<Net, 8, Cpu>::new(&Cpu::default(), config).unwrap();
        let first = testing::loss(&mut le_jepa, 0).value();
        assert_eq!(first, testing::loss(&mut le_jepa, 0).value());
        assert_ne!(first, testing::loss(&mut le_jepa, 1).value());
    }
}
