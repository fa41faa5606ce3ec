//! SwAV: predict the cluster that another crop of the image was put in (Caron et al. 2020, arXiv 2006.09882).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::{perplexity, Missing, Plateau, Statistics};
use crate::error::{device, Result};
use crate::losses::{swav, swav_codes, SinkhornSettings, SwavConvention, SwavSettings};
use crate::nn::{Encoder, Head, HeadPlan, Mode, Prototypes, Queue};
use crate::ops::{l2_normalize, Engine};
use crate::random::default_seed;
use crate::tape::{parameters, AnyTensor};

/// Views that are given codes: the global crops.
const ASSIGNED: usize = 2;

/// Settings of [`Swav`].
///
/// Caron et al. 2020, arXiv 2006.09882.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SwavConfig {
    /// Width of the projector's hidden layer (2048).
    pub hidden: usize,
    /// Divides the scores in the prediction (0.1).
    pub temperature: f64,
    /// Divides the scores in the codes (0.05; 0.03 where the loss stays at `ln K`).
    pub epsilon: f64,
    /// Rounds of Sinkhorn's balancing (3).
    pub iterations: usize,
    /// Earlier embeddings of each global crop that codes are balanced with (3840, 15 batches of 256; 0 is none).
    /// Wanted where a batch has fewer samples than there are prototypes.
    pub queue: usize,
    /// The epoch, from 1, in which the queue begins to fill (16).
    pub queue_from_epoch: usize,
    /// Epochs in which the prototypes stay as they are (1).
    pub freeze_epochs: usize,
    /// Local crops an image, beside two global ones (6).
    pub local_views: usize,
    /// Seed of the initial weights ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for SwavConfig {
    fn default() -> Self {
        SwavConfig {
            hidden: 2048,
            temperature: 0.1,
            epsilon: 0.05,
            iterations: 3,
            queue: 3840,
            queue_from_epoch: 16,
            freeze_epochs: 1,
            local_views: 6,
            seed: default_seed(),
        }
    }
}

impl SwavConfig {
    /// For data sets of some thousand small images: a narrow projector, two local crops, a queue of two batches from
    /// the third epoch on.
    pub fn small() -> SwavConfig {
        SwavConfig { hidden: 256, queue: 512, queue_from_epoch: 3, local_views: 2, ..SwavConfig::default() }
    }
}

/// SwAV over encoder `E` with embeddings of compile-time width `DIM` (128 in the paper) and `PROTOTYPES` prototypes
/// (3000).
///
/// Caron et al. 2020, arXiv 2006.09882.
///
/// Views 0 and 1 are global crops, which are given codes; the others are local and only predict. All have the size
/// of the encoder's input. Prototypes are put back to length 1, and the queue takes the step's embeddings, once an
/// optimiser step.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let swav = Swav::<Encoder, 32, 60, Cpu>::new(&Cpu::default(), SwavConfig::small())?;
/// assert_eq!((swav.views(), swav.local_views()), (4, 2));
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type Swav<E, const DIM: usize, const PROTOTYPES: usize, D = AutoDevice> =
    Learner<E, SwavObjective<E, Const<DIM>, Const<PROTOTYPES>, D>, D>;

/// What [`Swav`] puts over its encoder: projector, prototypes, and a queue for each global crop. Its width `Z` and
/// number of prototypes `K` may be run-time `usize`.
#[derive(Debug)]
pub struct SwavObjective<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    prototypes: Prototypes<Z, K, D>,
    queues: Vec<Queue<usize, Z, D>>,
    /// One number: how many rows each queue was given. It is used once it is full.
    stored: Tensor<(usize,), f32, D>,
    /// The step's embeddings of each global crop.
    fresh: [Vec<f32>; ASSIGNED],
    epoch: u64,
    config: SwavConfig,
    perplexity: Option<f64>,
}

parameters!(
    [E: Encoder<D>, Z: Dim, K: Dim, D: Engine] SwavObjective<E, Z, K, D>, D,
    tensors { stored: Buffer }, modules { projector, prototypes, queues },
    plain { fresh, epoch, config, perplexity }
);

impl<E: Encoder<D>, Z: Dim + Default, K: Dim + Default, D: Engine> Configured<E, D>
    for SwavObjective<E, Z, K, D>
{
    type Config = SwavConfig;
    type Dims = (Z, K);

    fn over(encoder: &E, dev: &D, config: &SwavConfig, (width, prototypes): (Z, K)) -> Result<Self> {
        checks::width(width)?;
        checks::at_least_one("prototypes", prototypes.size(), "Some times the classes one hopes for.")?;
        checks::within("local-views", config.local_views, "6 are the paper's.")?;
        checks::at_least_one("hidden", config.hidden, "2048 is the paper's.")?;
        checks::positive("temperature", config.temperature, "0.1 is the paper's.")?;
        checks::positive("epsilon", config.epsilon, "0.05 is the paper's.")?;
        checks::at_least_one("iterations", config.iterations, "3 are the paper's.")?;
        let plan = HeadPlan { hidden: &[config.hidden], norm: true, last_norm: false };
        let rng = &mut weights_of(config.seed, Part::Projector);
        let projector = Head::new(dev, encoder.features(), width, plan, rng)?;
        let rng = &mut weights_of(config.seed, Part::Prototypes);
        let prototypes = Prototypes::new(dev, width, prototypes, rng)?;
        let rng = &mut weights_of(config.seed, Part::Queue);
        let count = if config.queue > 0 { ASSIGNED } else { 0 };
        let queues = (0..count).map(|_| Queue::new(dev, config.queue, width, rng)).collect::<Result<_>>()?;
        Ok(SwavObjective {
            projector,
            prototypes,
            queues,
            stored: dev.try_tensor_from_vec(vec![0.0], (1,)).map_err(device)?,
            fresh: Default::default(),
            epoch: 0,
            config: *config,
            perplexity: None,
        })
    }

    fn seed(config: &SwavConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> SwavObjective<E, Z, K, D> {
    /// The prototypes.
    pub fn prototypes(&self) -> &Prototypes<Z, K, D> {
        &self.prototypes
    }

    /// The queues of the global crops; none where the configuration has none.
    pub fn queues(&self) -> &[Queue<usize, Z, D>] {
        &self.queues
    }

    fn rows_stored(&self) -> usize {
        self.stored.as_vec().first().map_or(0, |n| *n as usize)
    }

    /// Scores of the queues' rows, one queue after the other, once they are full.
    fn queue_scores(&self) -> Result<Option<Tensor<(usize, K), f32, D>>> {
        if self.queues.is_empty() || self.rows_stored() < self.config.queue {
            return Ok(None);
        }
        let rows: Vec<f32> = self.queues.iter().flat_map(|queue| queue.entries().as_vec()).collect();
        let shape = (ASSIGNED * self.config.queue, self.projector.outputs());
        let dev = self.stored.device();
        let rows = dev.try_tensor_from_vec(rows, shape).map_err(device)?;
        self.prototypes.fixed_scores(rows).map(Some)
    }

    fn loss_settings(&self) -> SwavSettings {
        SwavSettings {
            temperature: self.config.temperature,
            sinkhorn: SinkhornSettings { epsilon: self.config.epsilon, iterations: self.config.iterations },
            assigned: ASSIGNED,
            convention: SwavConvention::Reference,
        }
    }
}

impl<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> Objective<E, D> for SwavObjective<E, Z, K, D> {
    fn views(&self) -> usize {
        ASSIGNED + self.config.local_views
    }

    fn local_views(&self) -> usize {
        self.config.local_views
    }

    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let z = l2_normalize(self.projector.forward(features, Mode::Train)?)?;
        self.epoch = batch.epoch();
        if self.epoch >= self.config.queue_from_epoch as u64 && !self.queues.is_empty() {
            let (rows, one) = (z.as_vec(), batch.images() * self.projector.outputs().size());
            for (fresh, view) in self.fresh.iter_mut().zip(rows.chunks_exact(one)) {
                fresh.extend_from_slice(view);
            }
        }
        let frozen = self.epoch <= self.config.freeze_epochs as u64;
        let scores = if frozen { self.prototypes.fixed_scores(z)? } else { self.prototypes.scores(z)? };
        let (queue, settings) = (self.queue_scores()?, self.loss_settings());
        let codes = swav_codes(&scores, queue.as_ref(), self.views(), settings)?;
        let (mut shares, count) = (vec![0.0; self.prototypes.count()], codes.len() / self.prototypes.count());
        for code in codes.chunks_exact(shares.len()) {
            let most = code.iter().enumerate().fold(0, |best, (k, p)| if *p > code[best] { k } else { best });
            shares[most] += 1.0 / count as f64;
        }
        self.perplexity = Some(perplexity(&shares));
        Ok(swav(scores, queue.as_ref(), self.views(), settings)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn after_step(&mut self, _encoder: &E, _step: u64, _total: u64) -> Result<()> {
        self.prototypes.normalise()?;
        let width = self.projector.outputs().size();
        let new = self.fresh[0].len() / width;
        for (queue, fresh) in self.queues.iter_mut().zip(&mut self.fresh) {
            queue.push(&std::mem::take(fresh))?;
        }
        // A full queue is full: the count need not grow beyond what a float counts exactly.
        let stored = (self.rows_stored() + new).min(self.config.queue);
        self.stored.write(&[stored as f32])
    }

    fn statistics(&self) -> Result<Statistics> {
        let prototypes = Some(self.prototypes.count());
        Ok(Statistics { prototype_perplexity: self.perplexity, prototypes, ..Default::default() })
    }

    fn missing(&self) -> Vec<Missing> {
        match self.config.epsilon < self.config.temperature {
            true => Vec::new(),
            false => {
                let what = "The codes are no sharper than the predictions, so nothing keeps them from becoming uniform.";
                vec![Missing::new(what, "--set epsilon=0.05")]
            }
        }
    }

    fn about(&self, _images: usize) -> Trait {
        Trait {
            name: "swav",
            temperature: Some(self.config.temperature),
            projector_dim: self.projector.outputs().size(),
            plateaus: vec![Plateau {
                name: "ln K".into(),
                value: (self.prototypes.count() as f64).ln(),
                means: "The codes, or the predictions, are uniform: every image is every prototype alike.".into(),
                try_this: "A smaller epsilon (--set epsilon=0.03), prototypes frozen longer (--set freeze_epochs=2), fewer prototypes."
                    .into(),
            }],
            accumulation: Some(
                "SwAV balances its codes over one micro-batch and the queue, so accumulating is not the same as a larger batch.",
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
    use crate::optim::{Optimizer, Rule};

    type Small = Swav<Net, 8, 6, Cpu>;

    const CONFIG: SwavConfig = SwavConfig {
        hidden: 24,
        temperature: 0.1,
        epsilon: 0.05,
        iterations: 3,
        queue: 40,
        queue_from_epoch: 1,
        freeze_epochs: 0,
        local_views: 1,
        seed: 0,
    };

    fn made(config: SwavConfig) -> Small {
        Small::new(&Cpu::default(), config).unwrap()
    }

    #[test]
    fn a_few_steps_on_one_batch_lower_the_loss() {
        let losses = testing::losses(&mut made(CONFIG), 12, 1e-2);
        assert!(losses[11] < losses[0], "{losses:?}");
    }

    #[test]
    fn prototypes_have_length_one_after_every_step_and_learn_unless_frozen() {
        let mut swav = made(SwavConfig { freeze_epochs: 0, ..CONFIG });
        let before = swav.objective().prototypes().weight().as_vec();
        testing::losses(&mut swav, 2, 1e-2);
        let after = swav.objective().prototypes().weight().as_vec();
        assert_ne!(before, after);
        after.chunks(8).for_each(|row| assert!((row.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5));
        let mut frozen = made(SwavConfig { freeze_epochs: 1, ..CONFIG });
        let (_, none) = testing::reached(&mut frozen);
        assert!(none.contains(&"objective.prototypes.weight".to_string()), "{none:?}");
        testing::losses(&mut frozen, 2, 1e-2);
        let moved = frozen.objective().prototypes().weight().as_vec();
        assert!(moved.iter().zip(&before).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn queues_take_their_own_crop_in_order_once_a_step_and_are_used_when_full() {
        let mut swav = made(CONFIG);
        let start: Vec<Vec<f32>> =
            swav.objective().queues().iter().map(|queue| queue.entries().as_vec()).collect();
        assert_ne!(start[0], start[1]);
        testing::loss(&mut swav, 0);
        assert_eq!(swav.objective().queues()[0].entries().as_vec(), start[0], "moved before the step's end");
        let mut optimizer = Optimizer::new(Rule::ADAMW, 0.0);
        // With the one above two micro-batches, 32 rows of 40.
        testing::step(&mut swav, &mut optimizer, 1e-3, 1, &[1]);
        assert_eq!(
            (swav.objective().rows_stored(), swav.objective().queues()[0].position()),
            (2 * IMAGES, 2 * IMAGES)
        );
        assert!(swav.objective().queue_scores().unwrap().is_none());
        for (queue, start) in swav.objective().queues().iter().zip(&start) {
            assert_eq!(queue.entries().as_vec()[2 * IMAGES * 8..], start[2 * IMAGES * 8..]);
        }
        testing::step(&mut swav, &mut optimizer, 1e-3, 2, &[0]);
        assert_eq!((swav.objective().rows_stored(), swav.objective().queues()[1].position()), (40, 8));
        assert_eq!(swav.objective().queue_scores().unwrap().unwrap().shape().0, 80);
        let (_, none) = testing::reached(&mut swav);
        assert!(none.iter().any(|name| name.contains("queues.1.entries")));
    }

    #[test]
    fn the_queue_waits_for_its_epoch_and_may_be_absent() {
        let mut late = made(SwavConfig { queue_from_epoch: 2, ..CONFIG });
        testing::losses(&mut late, 1, 1e-3);
        assert_eq!(late.objective().rows_stored(), 0);
        let mut none = made(SwavConfig { queue: 0, ..CONFIG });
        testing::losses(&mut none, 1, 1e-3);
        assert!(none.objective().queues().is_empty());
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let with = |config| Small::new(&Cpu::default(), config).unwrap_err().to_string();
        assert!(with(SwavConfig { epsilon: 0.0, ..CONFIG }).starts_with("epsilon is 0"));
        assert!(with(SwavConfig { temperature: -1.0, ..CONFIG }).starts_with("temperature is -1"));
        assert!(with(SwavConfig { iterations: 0, ..CONFIG }).starts_with("iterations is 0"));
    }
}
