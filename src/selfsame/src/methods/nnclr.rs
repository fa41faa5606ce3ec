//! NNCLR: the nearest neighbour of a view is the positive of the other view (Dwibedi et al. 2021, arXiv 2104.14548).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::Plateau;
use crate::error::Result;
use crate::losses::{nearest_neighbours, nnclr, NnclrConvention};
use crate::nn::{Encoder, Head, HeadPlan, Mode, Queue};
use crate::ops::Engine;
use crate::random::default_seed;
use crate::tape::parameters;

/// Settings of [`Nnclr`].
///
/// Dwibedi et al. 2021, arXiv 2104.14548.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NnclrConfig {
    /// Divides the cosines (0.1).
    pub temperature: f64,
    /// Width of the projector's two hidden layers (2048).
    pub hidden: usize,
    /// Width of the predictor's hidden layer (4096).
    pub predictor_hidden: usize,
    /// Seed of the initial weights and the initial queue ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for NnclrConfig {
    fn default() -> Self {
        NnclrConfig { temperature: 0.1, hidden: 2048, predictor_hidden: 4096, seed: default_seed() }
    }
}

/// NNCLR over encoder `E` with projections of compile-time width `DIM` (256 in the paper) and a support set of `QUEUE`
/// embeddings (98304; 65536 in solo-learn, 4096 in lightly's CIFAR-10 recipe).
///
/// Dwibedi et al. 2021, arXiv 2104.14548.
///
/// The support set starts with random directions, which are everybody's neighbour as much as nobody's: the first
/// `QUEUE / batch` steps teach little.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let config = NnclrConfig { hidden: 128, predictor_hidden: 128, ..Default::default() };
/// let nnclr = Nnclr::<Encoder, 32, 1024, Cpu>::new(&Cpu::default(), config)?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type Nnclr<E, const DIM: usize, const QUEUE: usize, D = AutoDevice> =
    Learner<E, NnclrObjective<E, Const<DIM>, Const<QUEUE>, D>, D>;

/// What [`Nnclr`] puts over its encoder: a three-layer projector that ends in a batch norm, a predictor with one hidden
/// layer, and the support set. Its width `Z` and the set's length `K` may be run-time `usize`.
#[derive(Debug)]
pub struct NnclrObjective<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    predictor: Head<Z, Z, D>,
    queue: Queue<K, Z, D>,
    /// Embeddings of the step under way.
    fresh: Vec<f32>,
    temperature: f64,
}

parameters!(
    [E: Encoder<D>, Z: Dim, K: Dim, D: Engine] NnclrObjective<E, Z, K, D>, D,
    tensors {}, modules { projector, predictor, queue },
    plain { fresh, temperature }
);

impl<E: Encoder<D>, Z: Dim + Default, K: Dim + Default, D: Engine> Configured<E, D>
    for NnclrObjective<E, Z, K, D>
{
    type Config = NnclrConfig;
    type Dims = (Z, K);

    fn over(encoder: &E, dev: &D, config: &NnclrConfig, (width, length): (Z, K)) -> Result<Self> {
        let NnclrConfig { temperature, hidden, predictor_hidden, seed } = *config;
        checks::width(width)?;
        checks::positive("temperature", temperature, checks::TEMPERATURES)?;
        checks::at_least_one("hidden", hidden, "2048 is the paper's.")?;
        checks::at_least_one("predictor-hidden", predictor_hidden, "4096 is the paper's.")?;
        let plan = HeadPlan { hidden: &[hidden; 2], norm: true, last_norm: true };
        let rng = &mut weights_of(seed, Part::Projector);
        let projector = Head::new(dev, encoder.features(), width, plan, rng)?;
        let plan = HeadPlan { hidden: &[predictor_hidden], norm: true, last_norm: false };
        Ok(NnclrObjective {
            projector,
            predictor: Head::new(dev, width, width, plan, &mut weights_of(seed, Part::Predictor))?,
            queue: Queue::new(dev, length, width, &mut weights_of(seed, Part::Queue))?,
            fresh: Vec::new(),
            temperature,
        })
    }

    fn seed(config: &NnclrConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> NnclrObjective<E, Z, K, D> {
    /// The support set.
    pub fn queue(&self) -> &Queue<K, Z, D> {
        &self.queue
    }
}

impl<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> Objective<E, D> for NnclrObjective<E, Z, K, D> {
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let (z, tape) = self.projector.forward(features, Mode::Train)?.split_tape();
        // Copies of the queue's rows: through a neighbour no gradient flows.
        let (_, neighbours) = nearest_neighbours(&z, self.queue.entries())?;
        let first = batch.images() * z.shape().1.size();
        self.fresh.extend_from_slice(&z.as_vec()[..first]);
        let p = self.predictor.forward(z.put_tape(tape), Mode::Train)?;
        Ok(nnclr(p, &neighbours, self.temperature, NnclrConvention::Paper)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn after_step(&mut self, _encoder: &E, _step: u64, _total: u64) -> Result<()> {
        self.queue.push(&std::mem::take(&mut self.fresh))
    }

    fn about(&self, images: usize) -> Trait {
        Trait {
            name: "nnclr",
            temperature: Some(self.temperature),
            projector_dim: self.projector.outputs().size(),
            plateaus: vec![Plateau {
                name: "ln N".into(),
                value: (images as f64).ln(),
                means: "All similarities are equal: a neighbour does not tell which image it belongs to.".into(),
                try_this: "Lower the learning rate (--lr 1e-3) and check that the two views still show the same thing."
                    .into(),
            }],
            accumulation: Some(
                "NNCLR's negatives come from one micro-batch, so accumulating is not the same as a larger batch: the loss sees fewer negatives.",
            ),
            ..Default::default()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::testing::{self, Net, IMAGES};

    fn made() -> Nnclr<Net, 16, 64, Cpu> {
        let config = NnclrConfig { hidden: 24, predictor_hidden: 24, ..Default::default() };
        Nnclr::new(&Cpu::default(), config).unwrap()
    }

    #[test]
    fn a_few_steps_on_one_batch_lower_the_loss() {
        let losses = testing::losses(&mut made(), 12, 1e-2);
        assert!(losses[11] < 0.8 * losses[0], "{losses:?}");
    }

    #[test]
    fn the_queue_gets_no_gradient_and_moves_after_the_step() {
        let mut nnclr = made();
        let (some, _) = testing::reached(&mut nnclr);
        assert!(some.iter().all(|name| !name.contains("queue.")), "{some:?}");
        assert!(some.iter().any(|name| name.starts_with("encoder.")));
        // That was one micro-batch; a step of one more makes two.
        assert_eq!(nnclr.objective().queue().position(), 0);
        testing::losses(&mut nnclr, 1, 1e-3);
        assert_eq!(nnclr.objective().queue().position(), 2 * IMAGES);
    }
}
