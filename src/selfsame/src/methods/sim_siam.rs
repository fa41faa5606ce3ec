//! SimSiam: predict the other view, with a stop-gradient and nothing else (Chen and He 2021, arXiv 2011.10566).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::{checks, predictor_sample, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::{Missing, Plateau, Statistics};
use crate::error::{device, Result};
use crate::losses::simsiam;
use crate::nn::{Encoder, Head, HeadPlan, Mode};
use crate::ops::{embedding, l2_normalize, Engine};
use crate::random::default_seed;
use crate::tape::{parameters, stop_gradient};

/// Settings of [`SimSiam`].
///
/// Chen and He 2021, arXiv 2011.10566.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimSiamConfig {
    /// Width of the projector's two hidden layers (2048).
    pub hidden: usize,
    /// Width of the predictor's hidden layer, the bottleneck: a quarter of the projections' (512).
    pub bottleneck: usize,
    /// Whether no gradient flows through the targets (true). Without it the loss collapses: a mistake to look at, not to make.
    pub stop_gradient: bool,
    /// Whether there is a predictor (true). Without it the loss collapses as well.
    pub predictor: bool,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for SimSiamConfig {
    fn default() -> Self {
        SimSiamConfig {
            hidden: 2048,
            bottleneck: 512,
            stop_gradient: true,
            predictor: true,
            seed: default_seed(),
        }
    }
}

/// SimSiam over encoder `E` with projections of compile-time width `DIM` (2048 in the paper).
///
/// Chen and He 2021, arXiv 2011.10566.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let config = SimSiamConfig { hidden: 128, bottleneck: 32, ..Default::default() };
/// let sim_siam = SimSiam::<Encoder, 128, Cpu>::new(&Cpu::default(), config)?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type SimSiam<E, const DIM: usize, D = AutoDevice> = Learner<E, SimSiamObjective<E, Const<DIM>, D>, D>;

/// What [`SimSiam`] puts over its encoder: a three-layer projector that ends in a batch norm without scale and shift, and a
/// predictor with a bottleneck. Its width `Z` may be a run-time `usize`.
#[derive(Debug)]
pub struct SimSiamObjective<E: Encoder<D>, Z: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    predictor: Head<Z, Z, D>,
    latest: predictor_sample::PredictorSample,
    stops: bool,
    predicts: bool,
}

parameters!(
    [E: Encoder<D>, Z: Dim, D: Engine] SimSiamObjective<E, Z, D>, D, tensors {}, modules { projector, predictor },
    plain { latest, stops, predicts }
);

impl<E: Encoder<D>, Z: Dim + Default, D: Engine> Configured<E, D> for SimSiamObjective<E, Z, D> {
    type Config = SimSiamConfig;
    type Dims = Z;

    fn over(encoder: &E, dev: &D, config: &SimSiamConfig, width: Z) -> Result<Self> {
        checks::width(width)?;
        checks::at_least_one("hidden", config.hidden, "2048 is the paper's.")?;
        checks::at_least_one(
            "bottleneck",
            config.bottleneck,
            "A quarter of the projector's width is the paper's.",
        )?;
        let plan = HeadPlan { hidden: &[config.hidden; 2], norm: true, last_norm: true };
        let rng = &mut weights_of(config.seed, Part::Projector);
        let projector = Head::new(dev, encoder.features(), width, plan, rng)?;
        let plan = HeadPlan { hidden: &[config.bottleneck], norm: true, last_norm: false };
        let rng = &mut weights_of(config.seed, Part::Predictor);
        let predictor = Head::new(dev, width, width, plan, rng)?;
        Ok(SimSiamObjective {
            projector,
            predictor,
            latest: Default::default(),
            stops: config.stop_gradient,
            predicts: config.predictor,
        })
    }

    fn seed(config: &SimSiamConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, D: Engine> Objective<E, D> for SimSiamObjective<E, Z, D> {
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        _batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let (z, tape) = self.projector.forward(features, Mode::Train)?.split_tape();
        let targets = stop_gradient(&z)?;
        let p = match self.predicts {
            true => self.predictor.forward(z.clone().put_tape(tape), Mode::Train)?,
            false => z.clone().put_tape(tape),
        };
        if self.predicts {
            self.latest.keep(&targets, &p);
        }
        if self.stops {
            return Ok(simsiam(p, &targets)?.into());
        }
        Ok(through_both(p, z)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn statistics(&self) -> Result<Statistics> {
        Ok(Statistics { predictor_alignment: self.latest.alignment()?, ..Default::default() })
    }

    fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if !self.stops {
            missing.push(Missing::new(
                "The stop-gradient is off: targets move towards predictions, and the two meet at a constant.",
                "--set stop_gradient=true",
            ));
        }
        if !self.predicts {
            missing.push(Missing::new(
                "There is no predictor: views are pulled together directly, which a constant does best.",
                "--set predictor=true",
            ));
        }
        missing
    }

    fn about(&self, _images: usize) -> Trait {
        Trait {
            name: "simsiam",
            projector_dim: self.projector.outputs().size(),
            plateaus: vec![Plateau {
                name: "-1".into(),
                value: -1.0,
                means: "Predictions and targets agree perfectly, which views of different images do only when all embeddings are alike."
                    .into(),
                try_this: "Lower the learning rate (--lr 1e-3); SimSiam needs its predictor and the stop-gradient.".into(),
            }],
            accumulation: Some(
                "SimSiam's batch statistics come from one micro-batch, so accumulating is not quite the same as a larger batch.",
            ),
            ..Default::default()
        }
    }
}

/// SimSiam's loss with gradients through the targets too: minus the mean cosine of each view's prediction with the other's
/// projection. `p` and `z` hold both views one after the other; `z` was made on the tape that comes with `p`.
fn through_both<Z: Dim, D: Engine>(
    p: Tensor<(usize, Z), f32, D, OwnedTape<f32, D>>,
    z: Tensor<(usize, Z), f32, D>,
) -> Result<Tensor<Rank0, f32, D, OwnedTape<f32, D>>> {
    let rows = p.shape().0;
    let other_view: Vec<u32> = (0..rows).map(|i| ((i + rows / 2) % rows) as u32).collect();
    let (p, tape) = l2_normalize(p)?.split_tape();
    let z = embedding(l2_normalize(z.put_tape(tape))?, &other_view)?;
    let inner = || z.try_mul(p)?.try_sum::<Rank0, _>()?.try_mul(-1.0 / rows as f32);
    inner().map_err(device::<D::Err>)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::testing::{self, Net};
    use crate::tape::Parameters;

    fn sim_siam() -> SimSiam<Net, 16, Cpu> {
        let config = SimSiamConfig { hidden: 24, bottleneck: 8, ..Default::default() };
        SimSiam::new(&Cpu::default(), config).unwrap()
    }

    #[test]
    fn a_few_steps_on_one_batch_lower_the_loss() {
        let losses = testing::losses(&mut sim_siam(), 10, 1e-2);
        assert!(losses[9] < losses[0] - 0.3, "{losses:?}");
    }

    #[test]
    fn everything_trained_gets_a_gradient_through_the_predictor_alone() {
        let (some, none) = testing::reached(&mut sim_siam());
        assert!(some.iter().any(|name| name.starts_with("encoder.")));
        // The batch norm behind a bias takes it away again.
        let constant = ["running_", "last_norm", "projector.output.bias", "linear.bias"];
        assert!(none.iter().all(|name| constant.iter().any(|c| name.contains(c))), "{none:?}");
        // With a predictor that is constant, the targets alone could move the encoder: they do not.
        let mut constant = sim_siam();
        constant.visit_mut("", &mut |name, _, t| {
            if name.starts_with("objective.predictor.output.weight") {
                t.write(&vec![0.0; t.numel()]).unwrap();
            }
        });
        let (some, _) = testing::reached(&mut constant);
        assert!(some.iter().all(|name| name.starts_with("objective.predictor.output")), "{some:?}");
    }

    /// The value is the same with and without the stop-gradient, the gradient is not.
    #[test]
    fn without_the_stop_gradient_the_targets_move_too() {
        let dev = Cpu::default();
        let values: Vec<f32> = (0..24).map(|i| ((i * i) as f32 * 0.7).sin()).collect();
        let z: Tensor<(usize, Const<4>), f32, _> = dev.tensor_from_vec(values.clone(), (6, Const));
        let p: Tensor<(usize, Const<4>), f32, _> =
            dev.tensor_from_vec(values.iter().rev().copied().collect(), (6, Const));
        let stopped = simsiam(p.leaky_trace(), &z).unwrap();
        let both = through_both(p.leaky_trace(), z.clone()).unwrap();
        assert!((stopped.array() - both.array()).abs() < 1e-6);
        let (stopped, mut both) = (stopped.backward(), both.backward());
        let (a, b) = (stopped.get(&p).as_vec(), both.get(&p).as_vec());
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?} {b:?}");
        both.try_alloc_for(&z).unwrap();
        assert!(both.get(&z).as_vec().iter().any(|g| g.abs() > 1e-3));
    }
}
