//! W-MSE: whitened views agree (Ermolov et al. 2021, arXiv 2007.06346).

use dfdx::prelude::*;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::loss::weighted;
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::error::{Error, Result};
use crate::losses::{w_mse, WMseSettings};
use crate::nn::{Encoder, Head, HeadPlan, Mode};
use crate::ops::Engine;
use crate::random::default_seed;
use crate::tape::parameters;

/// Settings of [`WMse`].
///
/// Ermolov et al. 2021, arXiv 2007.06346.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WMseConfig {
    /// Width of the projector's hidden layer (1024).
    pub hidden: usize,
    /// Samples whitened together (128): more than the projections are wide, at least twice as many is advised. A batch is
    /// drawn into as many groups as fit, anew at each step.
    pub group: usize,
    /// Drawings into groups a step, whose losses are averaged (1; 4 on STL-10).
    pub draws: usize,
    /// Share of the identity in the covariance, which keeps it invertible (0).
    pub shrinkage: f64,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for WMseConfig {
    fn default() -> Self {
        WMseConfig { hidden: 1024, group: 128, draws: 1, shrinkage: 0.0, seed: default_seed() }
    }
}

/// W-MSE over encoder `E` with projections of compile-time width `DIM` (64 in the paper, on CIFAR-10).
///
/// Ermolov et al. 2021, arXiv 2007.06346.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let w_mse = WMse::<Encoder, 32, Cpu>::new(&Cpu::default(), WMseConfig { hidden: 128, ..Default::default() })?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type WMse<E, const DIM: usize, D = AutoDevice> = Learner<E, WMseObjective<E, Const<DIM>, D>, D>;

/// What [`WMse`] puts over its encoder: a projector with one hidden layer. Its width `Z` may be a run-time `usize`.
#[derive(Debug)]
pub struct WMseObjective<E: Encoder<D>, Z: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    settings: WMseSettings,
    draws: usize,
}

parameters!(
    [E: Encoder<D>, Z: Dim, D: Engine] WMseObjective<E, Z, D>, D,
    tensors {}, modules { projector }, plain { settings, draws }
);

impl<E: Encoder<D>, Z: Dim + Default, D: Engine> Configured<E, D> for WMseObjective<E, Z, D> {
    type Config = WMseConfig;
    type Dims = Z;

    fn over(encoder: &E, dev: &D, config: &WMseConfig, width: Z) -> Result<Self> {
        checks::width(width)?;
        checks::at_least_one("hidden", config.hidden, "1024 is the paper's.")?;
        checks::at_least_one("draws", config.draws, "1 is the paper's on CIFAR-10.")?;
        checks::within("group", config.group, "128 is the paper's.")?;
        checks::share("shrinkage", config.shrinkage, "0 is the paper's.")?;
        if config.group <= width.size() {
            let expected = format!("more than the {} projections that are whitened", width.size());
            let remedy = "Twice as many is advised; or take a narrower --projector-dim.";
            return Err(Error::setting("group", config.group, expected, remedy));
        }
        let plan = HeadPlan { hidden: &[config.hidden], norm: true, last_norm: false };
        let rng = &mut weights_of(config.seed, Part::Projector);
        let projector = Head::new(dev, encoder.features(), width, plan, rng)?;
        let settings =
            WMseSettings { group: config.group, shrinkage: config.shrinkage, ..WMseSettings::default() };
        Ok(WMseObjective { projector, settings, draws: config.draws })
    }

    fn seed(config: &WMseConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> Objective<E, D> for WMseObjective<E, Z, D> {
    fn fits(&self, images: usize, _training: usize) -> Result<()> {
        let group = self.settings.group;
        if images.is_multiple_of(group) {
            return Ok(());
        }
        let expected = format!("a divisor of the {images} images of a batch, or of a micro-batch of it");
        let remedy = "Choose a --batch-size that is a multiple of the group, or another --set group.";
        Err(Error::setting("group", group, expected, remedy))
    }

    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let (z, mut tape) = self.projector.forward(features, Mode::Train)?.split_tape();
        let mut sum = None;
        for draw in 0..self.draws {
            let mut order: Vec<usize> = (0..batch.images()).collect();
            order.shuffle(&mut batch.random(draw as u64));
            let loss = w_mse(z.clone().put_tape(std::mem::take(&mut tape)), &order, self.settings)?;
            sum = Some(weighted(loss, 1.0 / self.draws as f64, sum)?);
        }
        sum.map(Loss::from).ok_or_else(|| Error::setting("draws", 0, "at least 1", ""))
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn about(&self, _images: usize) -> Trait {
        Trait {
            name: "w-mse",
            projector_dim: self.projector.outputs().size(),
            accumulation: Some(
                "W-MSE whitens groups of a micro-batch, which must hold at least one group of --set group images.",
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
        for draws in [1, 3] {
            let config = WMseConfig { hidden: 24, group: 8, draws, ..Default::default() };
            let mut w_mse = WMse::<Net, 3, Cpu>::new(&Cpu::default(), config).unwrap();
            let losses = testing::losses(&mut w_mse, 12, 1e-2);
            assert!(losses[11] < 0.8 * losses[0], "{losses:?}");
            // Every draw's gradient arrives: no tape is lost on the way.
            let (some, _) = testing::reached(&mut w_mse);
            assert!(some.iter().any(|name| name.starts_with("encoder.")), "{some:?}");
        }
    }

    #[test]
    fn a_group_no_larger_than_the_width_is_refused() {
        let config = WMseConfig { group: 16, ..Default::default() };
        let e = WMse::<Net, 16, Cpu>::new(&Cpu::default(), config).unwrap_err().to_string();
        assert!(e.starts_with("group is 16. Expected more than the 16"), "{e}");
    }
}
