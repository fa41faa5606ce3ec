//! SupCon: all images of one class attract (Khosla et al. 2020, arXiv 2004.11362).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::error::Result;
use crate::losses::{sup_con, SupConConvention, SupConSettings};
use crate::nn::{Encoder, Head, HeadPlan, Mode};
use crate::ops::Engine;
use crate::random::default_seed;
use crate::tape::parameters;

/// Settings of [`SupCon`].
///
/// Khosla et al. 2020, arXiv 2004.11362.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SupConConfig {
    /// Divides the cosines (0.1).
    pub temperature: f64,
    /// Width of the projector's hidden layer (2048). No batch norm, as in the authors' code.
    pub hidden: usize,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for SupConConfig {
    fn default() -> Self {
        SupConConfig { temperature: 0.1, hidden: 2048, seed: default_seed() }
    }
}

/// SupCon over encoder `E` with projections of compile-time width `DIM` (128 in the paper).
///
/// Khosla et al. 2020, arXiv 2004.11362.
///
/// It sees the labels of the training part, so it is no self-supervised objective: what one gains by labels.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let sup_con = SupCon::<Encoder, 32, Cpu>::new(&Cpu::default(), SupConConfig { hidden: 64, ..Default::default() })?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type SupCon<E, const DIM: usize, D = AutoDevice> = Learner<E, SupConObjective<E, Const<DIM>, D>, D>;

/// What [`SupCon`] puts over its encoder: a projector with one hidden layer. Its width `Z` may be a run-time `usize`.
#[derive(Debug)]
pub struct SupConObjective<E: Encoder<D>, Z: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    settings: SupConSettings,
}

parameters!(
    [E: Encoder<D>, Z: Dim, D: Engine] SupConObjective<E, Z, D>, D,
    tensors {}, modules { projector }, plain { settings }
);

impl<E: Encoder<D>, Z: Dim + Default, D: Engine> Configured<E, D> for SupConObjective<E, Z, D> {
    type Config = SupConConfig;
    type Dims = Z;

    fn over(encoder: &E, dev: &D, config: &SupConConfig, width: Z) -> Result<Self> {
        let SupConConfig { temperature, hidden, seed } = *config;
        checks::width(width)?;
        checks::positive("temperature", temperature, checks::TEMPERATURES)?;
        checks::at_least_one("hidden", hidden, "2048 is the paper's.")?;
        let plan = HeadPlan { hidden: &[hidden], norm: false, last_norm: false };
        let projector =
            Head::new(dev, encoder.features(), width, plan, &mut weights_of(seed, Part::Projector))?;
        let convention = SupConConvention::Out;
        let settings = SupConSettings { temperature, base_temperature: temperature, convention };
        Ok(SupConObjective { projector, settings })
    }

    fn seed(config: &SupConConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> Objective<E, D> for SupConObjective<E, Z, D> {
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let z = self.projector.forward(features, Mode::Train)?;
        Ok(sup_con(z, batch.labels(), self.settings)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn about(&self, _images: usize) -> Trait {
        Trait {
            name: "supcon",
            // None of its own: the doctor's arithmetic on temperatures is that of a loss with one positive.
            temperature: None,
            projector_dim: self.projector.outputs().size(),
            sees_labels: true,
            accumulation: Some(
                "SupCon's positives and negatives come from one micro-batch, so accumulating is not the same as a larger batch: the loss sees fewer of both.",
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
    use crate::methods::Method;

    fn made() -> SupCon<Net, 16, Cpu> {
        SupCon::new(&Cpu::default(), SupConConfig { hidden: 24, ..Default::default() }).unwrap()
    }

    #[test]
    fn a_few_steps_on_one_batch_lower_the_loss() {
        let losses = testing::losses(&mut made(), 12, 1e-2);
        assert!(losses[11] < 0.9 * losses[0], "{losses:?}");
    }

    #[test]
    fn it_is_the_labels_that_say_what_attracts() {
        let mut sup_con = made();
        let (dev, views) = (Cpu::default(), testing::views(2, 0));
        let shape = Encoder::<Cpu>::input(sup_con.encoder());
        let indices: Vec<u32> = (0..testing::IMAGES as u32).collect();
        let mut value = |labels: Vec<u32>| {
            let batch = MicroBatch::new(&dev, shape, &views, &labels, &indices, [0, 1, 0]).unwrap();
            sup_con.loss(&batch).unwrap().value()
        };
        let alone: Vec<u32> = indices.clone();
        assert_ne!(value(alone), value(indices.iter().map(|i| i % 4).collect()));
    }
}
