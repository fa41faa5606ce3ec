//! MoCo: find the other view among a queue of earlier images, looked at through a slow copy of oneself (He et al. 2020,
//! arXiv 1911.05722; Chen et al. 2020, arXiv 2003.04297).

use dfdx::prelude::*;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::learner::{weights_of, Part};
use super::momentum_branch::{Following, MomentumBranch};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::{Plateau, Statistics};
use crate::error::{device, Error, Result};
use crate::losses::moco;
use crate::nn::{Encoder, Head, HeadPlan, Images, Mode, Queue};
use crate::ops::Engine;
use crate::optim::Buffers;
use crate::random::default_seed;
use crate::shape::ImageShape;
use crate::tape::parameters;

/// Settings of [`MoCo`]. The defaults are those of version 2; [`MoCoConfig::v1`] has the first version's.
///
/// He et al. 2020, arXiv 1911.05722; Chen et al. 2020, arXiv 2003.04297.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MoCoConfig {
    /// Divides the cosines (0.2; version 1: 0.07).
    pub temperature: f64,
    /// Width of the projector's hidden layer (2048, the ResNet-50's features); 0 makes the projector linear, as in
    /// version 1. No batch norm.
    pub hidden: usize,
    /// Momentum of the key encoder, the same at every step (0.999; 0.99 in CIFAR-10 recipes).
    pub momentum: f64,
    /// Parts of a shuffled batch that the key encoder normalises each by itself (1, the whole batch together). The papers
    /// have one a GPU, 8, so that a query and its key do not share batch statistics by which to recognise each other.
    pub shuffle_groups: usize,
    /// What becomes of the key encoder's running batch-norm statistics: `kept`, `copied` or `averaged` (kept).
    pub buffers: Buffers,
    /// Seed of the initial weights and the initial queue ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for MoCoConfig {
    fn default() -> Self {
        MoCoConfig {
            temperature: 0.2,
            hidden: 2048,
            momentum: 0.999,
            shuffle_groups: 1,
            buffers: Buffers::Kept,
            seed: default_seed(),
        }
    }
}

impl MoCoConfig {
    /// Version 1: a linear projector and temperature 0.07.
    pub fn v1() -> MoCoConfig {
        MoCoConfig { temperature: 0.07, hidden: 0, ..MoCoConfig::default() }
    }
}

/// MoCo over encoder `E` with projections of compile-time width `DIM` (128 in the papers) and a queue of `QUEUE` keys
/// (65536; 4096 for CIFAR-10: a queue as long as the data set holds the query's own image as a negative).
///
/// He et al. 2020, arXiv 1911.05722; Chen et al. 2020, arXiv 2003.04297.
///
/// View 0 is the query, view 1 the key; the loss is not symmetric. The loss first rises, while the queue fills with keys
/// that are more alike than its random beginnings.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let moco = MoCo::<Encoder, 32, 512, Cpu>::new(&Cpu::default(), MoCoConfig { hidden: 64, ..Default::default() })?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type MoCo<E, const DIM: usize, const QUEUE: usize, D = AutoDevice> =
    Learner<E, MoCoObjective<E, Const<DIM>, Const<QUEUE>, D>, D>;

/// What [`MoCo`] puts over its encoder: projector, momentum copies of encoder and projector, and the queue of keys. Its
/// width `Z` and the queue's length `K` may be run-time `usize`.
#[derive(Debug)]
pub struct MoCoObjective<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    momentum: MomentumBranch<E, Z, D>,
    queue: Queue<K, Z, D>,
    /// Keys of the step under way.
    keys: Vec<f32>,
    temperature: f64,
    groups: usize,
    name: &'static str,
}

parameters!(
    [E: Encoder<D>, Z: Dim, K: Dim, D: Engine] MoCoObjective<E, Z, K, D>, D,
    tensors {}, modules { projector, momentum, queue },
    plain { keys, temperature, groups, name }
);

impl<E: Encoder<D>, Z: Dim + Default, K: Dim + Default, D: Engine> Configured<E, D>
    for MoCoObjective<E, Z, K, D>
{
    type Config = MoCoConfig;
    type Dims = (Z, K);

    fn over(encoder: &E, dev: &D, config: &MoCoConfig, (width, length): (Z, K)) -> Result<Self> {
        let MoCoConfig { temperature, hidden, momentum, shuffle_groups, buffers, seed } = *config;
        checks::width(width)?;
        checks::within("hidden", hidden, "2048 is usual, 0 makes the projector linear.")?;
        checks::positive("temperature", temperature, "0.07 and 0.2 are the papers'.")?;
        checks::at_least_one("shuffle-groups", shuffle_groups, "1 switches the shuffling off.")?;
        let hidden = if hidden == 0 { vec![] } else { vec![hidden] };
        let plan = HeadPlan { hidden: &hidden, norm: false, last_norm: false };
        let rng = &mut weights_of(seed, Part::Projector);
        let projector = Head::new(dev, encoder.features(), width, plan, rng)?;
        let following = Following { momentum, rising: false, buffers };
        Ok(MoCoObjective {
            momentum: MomentumBranch::new(dev, encoder, &projector, plan, following)?,
            queue: Queue::new(dev, length, width, &mut weights_of(seed, Part::Queue))?,
            projector,
            keys: Vec::new(),
            temperature,
            groups: shuffle_groups,
            name: if hidden.is_empty() { "moco-v1" } else { "moco-v2" },
        })
    }

    fn seed(config: &MoCoConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> MoCoObjective<E, Z, K, D> {
    /// The queue of keys.
    pub fn queue(&self) -> &Queue<K, Z, D> {
        &self.queue
    }

    /// Keys of the batch's second view, in its order.
    fn keys(&self, batch: &MicroBatch<'_, E::Input, D>) -> Result<Tensor<(usize, Z), f32, D>> {
        let x = batch.pixels(1..2)?;
        if self.groups == 1 {
            return self.momentum.project(x);
        }
        let (images, groups) = (batch.images(), self.groups);
        grouped(images, groups)?;
        let mut order: Vec<usize> = (0..images).collect();
        order.shuffle(&mut batch.random(0));
        let (pixels, one) = (x.as_vec(), batch.shape().size().len());
        let width = self.projector.outputs();
        let mut keys = vec![0.0; images * width.size()];
        for group in order.chunks_exact(images / groups) {
            let shuffled: Vec<f32> =
                group.iter().flat_map(|i| &pixels[i * one..(i + 1) * one]).copied().collect();
            let x: Images<E::Input, D> = batch
                .device()
                .try_tensor_from_vec(shuffled, batch.shape().images(group.len()))
                .map_err(device)?;
            let rows = self.momentum.project(x)?.as_vec();
            for (i, row) in group.iter().zip(rows.chunks_exact(width.size())) {
                keys[i * width.size()..(i + 1) * width.size()].copy_from_slice(row);
            }
        }
        batch.device().try_tensor_from_vec(keys, (images, width)).map_err(device)
    }
}

/// Checks that `images` can be shuffled in `groups` of two or more, all alike.
fn grouped(images: usize, groups: usize) -> Result<()> {
    if groups == 1 || (images.is_multiple_of(groups) && images / groups >= 2) {
        return Ok(());
    }
    let expected = format!("a divisor of the {images} images of a batch that leaves two or more");
    Err(Error::setting("shuffle-groups", groups, expected, "Take a power of two."))
}

impl<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> Objective<E, D> for MoCoObjective<E, Z, K, D> {
    fn fits(&self, images: usize, _training: usize) -> Result<()> {
        grouped(images, self.groups)
    }

    fn encoded(&self) -> usize {
        1
    }

    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let keys = self.keys(batch)?;
        let q = self.projector.forward(features, Mode::Train)?;
        self.keys.extend(keys.as_vec());
        Ok(moco(q, &keys, self.queue.entries(), self.temperature)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn after_step(&mut self, encoder: &E, step: u64, total: u64) -> Result<()> {
        self.queue.push(&std::mem::take(&mut self.keys))?;
        self.momentum.follow(encoder, &self.projector, step, total)
    }

    fn statistics(&self) -> Result<Statistics> {
        Ok(Statistics { momentum: Some(self.momentum.momentum()), ..Default::default() })
    }

    fn about(&self, _images: usize) -> Trait {
        let chance = Plateau {
            name: "ln(K+1)".into(),
            value: ((self.queue.length() + 1) as f64).ln(),
            means: "All similarities are equal: the loss cannot tell the key from the queue.".into(),
            try_this:
                "Lower the learning rate (--lr 1e-3) and check that the two views still show the same thing."
                    .into(),
        };
        Trait {
            name: self.name,
            temperature: Some(self.temperature),
            projector_dim: self.projector.outputs().size(),
            plateaus: vec![chance],
            accumulation: None,
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

    type Short = MoCo<Net, 8, 40, Cpu>;

    fn moco(config: MoCoConfig) -> Short {
        Short::new(&Cpu::default(), MoCoConfig { momentum: 0.9, ..config }).unwrap()
    }

    #[test]
    fn a_few_steps_on_one_batch_lower_the_loss_of_either_version() {
        for config in [MoCoConfig::v1(), MoCoConfig { hidden: 24, ..Default::default() }] {
            let losses = testing::losses(&mut moco(config), 8, 1e-2);
            // The first loss is against random directions, all others against the batch itself.
            assert!(losses[1] > losses[0] && losses[7] < 0.8 * losses[1], "{losses:?}");
        }
    }

    #[test]
    fn no_gradient_reaches_keys_or_queue() {
        let (some, none) = testing::reached(&mut moco(MoCoConfig { hidden: 24, ..Default::default() }));
        let fixed = ["momentum.", "queue.", "running_"];
        assert!(none.iter().all(|name| fixed.iter().any(|f| name.contains(f))), "{none:?}");
        assert!(some.iter().all(|name| !fixed.iter().any(|f| name.contains(f))), "{some:?}");
    }

    #[test]
    fn keys_enter_the_queue_after_the_step_in_order_and_wrap_around() {
        let mut moco = moco(MoCoConfig { hidden: 24, ..Default::default() });
        let start = moco.objective().queue().entries().as_vec();
        testing::loss(&mut moco, 0);
        assert_eq!(moco.objective().queue().entries().as_vec(), start, "moved before the step's end");
        let keys = |moco: &Short, which| {
            let shape = Encoder::<Cpu>::input(crate::methods::Method::encoder(moco));
            testing::with_batch(shape, 2, which, |batch| moco.objective().keys(batch).unwrap().as_vec())
        };
        let unit = |mut rows: Vec<f32>| {
            for row in rows.chunks_exact_mut(8) {
                let norm = row.iter().map(|v| v * v).sum::<f32>().sqrt();
                row.iter_mut().for_each(|v| *v /= norm);
            }
            rows
        };
        let close = |a: &[f32], b: &[f32]| {
            assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5), "{a:?} {b:?}");
        };
        let first = unit([keys(&moco, 0), keys(&moco, 0)].concat());
        let mut optimizer = Optimizer::new(Rule::ADAMW, 0.0);
        // One loss above and one micro-batch more: two batches of keys in one step.
        testing::step(&mut moco, &mut optimizer, 1e-3, 1, &[0]);
        let queue = moco.objective().queue();
        assert_eq!(queue.position(), 2 * IMAGES);
        close(&queue.entries().as_vec()[..2 * IMAGES * 8], &first);
        assert_eq!(queue.entries().as_vec()[2 * IMAGES * 8..], start[2 * IMAGES * 8..]);
        let next = unit(keys(&moco, 1));
        testing::step(&mut moco, &mut optimizer, 1e-3, 2, &[1]);
        let queue = moco.objective().queue();
        assert_eq!(queue.position(), 3 * IMAGES - 40);
        let rows = queue.entries().as_vec();
        close(&rows[2 * IMAGES * 8..], &next[..8 * 8]);
        close(&rows[..8 * 8], &next[8 * 8..]);
    }

    #[test]
    fn shuffled_groups_change_the_keys_statistics_and_keep_their_order() {
        let whole = moco(MoCoConfig { hidden: 24, ..Default::default() });
        let parted = moco(MoCoConfig { hidden: 24, shuffle_groups: 4, ..Default::default() });
        let shape = Encoder::<Cpu>::input(crate::methods::Method::encoder(&whole));
        let keys =
            |moco: &Short| testing::with_batch(shape, 2, 0, |batch| moco.objective().keys(batch).unwrap());
        let (a, b) = (keys(&whole).as_vec(), keys(&parted).as_vec());
        assert_ne!(a, b);
        assert_eq!(b, keys(&parted).as_vec());
        // Each key is still that of its own image: nearer to the key made with the whole batch than the others' are.
        let cosine = |x: &[f32], y: &[f32]| {
            let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(a, b)| a * b).sum::<f32>();
            dot(x, y) / (dot(x, x) * dot(y, y)).sqrt()
        };
        let mean = |shift: usize| -> f32 {
            let rows = b.chunks(8).enumerate();
            rows.map(|(i, row)| cosine(row, &a[(i + shift) % IMAGES * 8..][..8])).sum::<f32>() / IMAGES as f32
        };
        assert!(mean(0) > mean(1) && mean(0) > mean(7), "{} {} {}", mean(0), mean(1), mean(7));
        let uneven = MoCoConfig { hidden: 24, shuffle_groups: 3, ..Default::default() };
        let e = testing::with_batch(shape, 2, 0, |batch| moco(uneven).objective().keys(batch).unwrap_err());
        assert!(e.to_string().contains("a divisor of the 16 images"), "{e}");
    }
}
