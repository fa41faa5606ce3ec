//! DeepCluster, version 2: centroids as prototypes, several clusterings, crops (Caron et al. 2020, arXiv 2006.09882,
//! appendix).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::assignments::Assignments;
use super::deep_cluster::chance;
use super::learner::{weights_of, Part};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::{usage_perplexity, Statistics};
use crate::error::{device, Result};
use crate::eval::Embeddings;
use crate::losses::{deep_cluster, KMeans};
use crate::nn::{Encoder, Head, HeadPlan, Mode};
use crate::ops::{l2_normalize, Engine};
use crate::random::{default_seed, stream, Purpose};
use crate::tape::{parameters, stop_gradient, AnyTensor};

/// Embeddings projected at a time.
const CHUNK: usize = 512;

/// Settings of [`DeepClusterV2`].
///
/// Caron et al. 2020, arXiv 2006.09882, appendix.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeepClusterV2Config {
    /// Width of the projector's hidden layer (2048).
    pub hidden: usize,
    /// Divides the cosines (0.1).
    pub temperature: f64,
    /// Clusterings that are predicted side by side (3).
    pub heads: usize,
    /// Rounds of spherical k-means (10).
    pub rounds: usize,
    /// Local crops an image, beside two global ones (6).
    pub local_views: usize,
    /// Room for the clusters of this many training images in the checkpoint (100000).
    pub images: usize,
    /// Seed of the initial weights and the first centroids ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for DeepClusterV2Config {
    fn default() -> Self {
        DeepClusterV2Config {
            hidden: 2048,
            temperature: 0.1,
            heads: 3,
            rounds: 10,
            local_views: 6,
            images: 100_000,
            seed: default_seed(),
        }
    }
}

impl DeepClusterV2Config {
    /// For data sets of some thousand small images: a narrow projector and two local crops.
    pub fn small() -> DeepClusterV2Config {
        DeepClusterV2Config { hidden: 256, local_views: 2, ..DeepClusterV2Config::default() }
    }
}

/// DeepCluster v2 over encoder `E` with embeddings of compile-time width `DIM` (128 in the paper) and `PROTOTYPES`
/// clusters a head (3000).
///
/// Caron et al. 2020, arXiv 2006.09882, appendix.
///
/// Before every epoch the embeddings of all training images, without augmentation and in evaluation mode, are
/// clustered on the sphere, once for each head from other centroids; the centroids are the prototypes, and stay
/// until the next epoch. Every crop of an image is then to score its image's cluster highest. The authors cluster
/// embeddings remembered from the last epoch's crops instead, which saves a pass through the encoder.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let method = DeepClusterV2::<Encoder, 32, 60, Cpu>::new(&Cpu::default(), DeepClusterV2Config::small())?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type DeepClusterV2<E, const DIM: usize, const PROTOTYPES: usize, D = AutoDevice> =
    Learner<E, DeepClusterV2Objective<E, Const<DIM>, Const<PROTOTYPES>, D>, D>;

/// What [`DeepClusterV2`] puts over its encoder: the projector, and centroids and clusters for each head. Its width
/// `Z` and number of prototypes `K` may be run-time `usize`.
#[derive(Debug)]
pub struct DeepClusterV2Objective<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> {
    projector: Head<E::Features, Z, D>,
    heads: Vec<Clustering<Z, K, D>>,
    /// One number: the perplexity of the first head's clusters' sizes.
    spread: Tensor<(usize,), f32, D>,
    config: DeepClusterV2Config,
}

parameters!(
    [E: Encoder<D>, Z: Dim, K: Dim, D: Engine] DeepClusterV2Objective<E, Z, K, D>, D,
    tensors { spread: Buffer }, modules { projector, heads },
    plain { config }
);

/// One clustering of the training images.
#[derive(Debug)]
struct Clustering<Z: Dim, K: Dim, D: Engine> {
    centroids: Tensor<(K, Z), f32, D>,
    assignments: Assignments<D>,
}

parameters!(
    [Z: Dim, K: Dim, D: Engine] Clustering<Z, K, D>, D, tensors { centroids: Buffer }, modules { assignments }
);

impl<E: Encoder<D>, Z: Dim + Default, K: Dim + Default, D: Engine> Configured<E, D>
    for DeepClusterV2Objective<E, Z, K, D>
{
    type Config = DeepClusterV2Config;
    type Dims = (Z, K);

    fn over(encoder: &E, dev: &D, config: &DeepClusterV2Config, (width, prototypes): (Z, K)) -> Result<Self> {
        checks::width(width)?;
        checks::at_least_one("prototypes", prototypes.size(), "Some times the classes one hopes for.")?;
        checks::within("local-views", config.local_views, "6 are the paper's.")?;
        checks::at_least_one("hidden", config.hidden, "2048 is the paper's.")?;
        checks::at_least_one("heads", config.heads, "3 are the paper's.")?;
        checks::at_least_one("rounds", config.rounds, "10 are the paper's.")?;
        checks::positive("temperature", config.temperature, "0.1 is the paper's.")?;
        let plan = HeadPlan { hidden: &[config.hidden], norm: true, last_norm: false };
        let rng = &mut weights_of(config.seed, Part::Projector);
        let clustering = |_| {
            let zeros = vec![0.0; prototypes.size() * width.size()];
            let centroids = dev.try_tensor_from_vec(zeros, (prototypes, width)).map_err(device)?;
            Ok(Clustering { centroids, assignments: Assignments::new(dev, config.images)? })
        };
        Ok(DeepClusterV2Objective {
            projector: Head::new(dev, encoder.features(), width, plan, rng)?,
            heads: (0..config.heads).map(clustering).collect::<Result<_>>()?,
            spread: dev.try_tensor_from_vec(vec![1.0], (1,)).map_err(device)?,
            config: *config,
        })
    }

    fn seed(config: &DeepClusterV2Config) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> DeepClusterV2Objective<E, Z, K, D> {
    /// The prototypes of head `head`, the centroids the epoch began with; `None` where there is no such head.
    pub fn centroids(&self, head: usize) -> Option<&Tensor<(K, Z), f32, D>> {
        self.heads.get(head).map(|head| &head.centroids)
    }

    /// The cluster of each of the training images in `indices` for head `head`; empty where there is no such head.
    pub fn clusters(&self, head: usize, indices: &[u32]) -> Vec<Option<u32>> {
        self.heads.get(head).map_or_else(Vec::new, |head| head.assignments.of(indices))
    }

    /// Features as unit embeddings in evaluation mode.
    fn embedded(&self, features: &Embeddings) -> Result<Vec<f64>> {
        let mut all = Vec::new();
        for rows in features.values().chunks(CHUNK * features.width()) {
            let shape = (rows.len() / features.width(), self.projector.inputs());
            let x = self.spread.device().try_tensor_from_vec(rows.to_vec(), shape).map_err(device)?;
            let z = l2_normalize(self.projector.forward(x, Mode::Eval)?)?;
            all.extend(z.as_vec().into_iter().map(f64::from));
        }
        Ok(all)
    }
}

impl<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> Objective<E, D> for DeepClusterV2Objective<E, Z, K, D> {
    fn fits(&self, _images: usize, training: usize) -> Result<()> {
        for head in &self.heads {
            checks::clusters("prototypes", head.centroids.shape().0.size(), training)?;
        }
        checks::room(self.config.images, training)
    }

    fn views(&self) -> usize {
        2 + self.config.local_views
    }

    fn local_views(&self) -> usize {
        self.config.local_views
    }

    fn before_epoch(&mut self, epoch: u64, embed: &dyn Fn() -> Result<Embeddings>) -> Result<()> {
        let points = self.embedded(&embed()?)?;
        let width = self.projector.outputs().size();
        for (number, head) in self.heads.iter_mut().enumerate() {
            let count = head.centroids.shape().0.size();
            let rng = &mut stream(&[self.config.seed, Purpose::Objective as u64, epoch, number as u64]);
            let found = KMeans::Spherical.run(&points, width, count, self.config.rounds, rng)?;
            let centroids: Vec<f32> = found.centroids.iter().map(|c| *c as f32).collect();
            head.centroids.write(&centroids)?;
            head.assignments.write(&found.assignments)?;
            if number == 0 {
                self.spread.write(&[usage_perplexity(&found.assignments, count)? as f32])?;
            }
        }
        Ok(())
    }

    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let z = self.projector.forward(features, Mode::Train)?;
        let fixed =
            self.heads.iter().map(|head| stop_gradient(&head.centroids)).collect::<Result<Vec<_>>>()?;
        // Every crop has its image's cluster.
        let of_views = |head: &Clustering<Z, K, D>| head.assignments.of(batch.indices()).repeat(self.views());
        let assignments: Vec<Vec<Option<u32>>> = self.heads.iter().map(of_views).collect();
        let assignments: Vec<&[Option<u32>]> = assignments.iter().map(Vec::as_slice).collect();
        let prototypes: Vec<_> = fixed.iter().collect();
        Ok(deep_cluster(z, &prototypes, &assignments, self.config.temperature)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn statistics(&self) -> Result<Statistics> {
        let spread = self.spread.as_vec().first().map(|v| f64::from(*v));
        let prototypes = self.heads.first().map(|head| head.centroids.shape().0.size());
        Ok(Statistics { prototype_perplexity: spread, prototypes, ..Default::default() })
    }

    fn about(&self, _images: usize) -> Trait {
        Trait {
            name: "deepcluster-v2",
            temperature: Some(self.config.temperature),
            projector_dim: self.projector.outputs().size(),
            plateaus: vec![chance(
                self.heads.first().map_or(1, |head| head.centroids.shape().0.size()),
                "Fewer prototypes (--set prototypes=50), more epochs or a higher learning rate (--lr 5e-3).",
            )],
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
    use crate::methods::Method;

    type Small = DeepClusterV2<Net, 8, 4, Cpu>;

    fn made() -> Small {
        let config = DeepClusterV2Config {
            hidden: 24,
            heads: 2,
            local_views: 1,
            images: 20,
            ..DeepClusterV2Config::default()
        };
        Small::new(&Cpu::default(), config).unwrap()
    }

    fn features(encoder: &Net) -> Result<Embeddings> {
        let views = testing::views(1, 0);
        let x = Cpu::default().tensor_from_vec(views[0].clone(), (IMAGES, Const, Const, Const));
        let features = Encoder::<Cpu>::forward(encoder, x, Mode::Eval)?;
        Embeddings::new(features.as_vec(), 32, vec![0; IMAGES], 1)
    }

    #[test]
    fn centroids_are_of_unit_length_and_heads_differ() {
        let mut method = made();
        method.before_epoch(1, &features).unwrap();
        let [first, second] = [0, 1].map(|head| method.objective().centroids(head).unwrap().as_vec());
        for row in first.chunks(8).chain(second.chunks(8)) {
            assert!((row.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
        }
        assert_ne!(first, second);
        let all: Vec<u32> = (0..IMAGES as u32).collect();
        let clusters = method.objective().clusters(0, &all);
        // Each image belongs to the nearest centroid.
        let points = method.objective().embedded(&features(method.encoder()).unwrap()).unwrap();
        for (point, cluster) in points.chunks(8).zip(clusters) {
            let score =
                |k: usize| point.iter().zip(&first[k * 8..]).map(|(p, c)| p * f64::from(*c)).sum::<f64>();
            let own = score(cluster.unwrap() as usize);
            assert!((0..4).all(|k| score(k) <= own + 1e-6));
        }
    }

    #[test]
    fn the_loss_falls_and_no_gradient_reaches_centroids() {
        let mut method = made();
        method.before_epoch(1, &features).unwrap();
        let (some, none) = testing::reached(&mut method);
        assert!(
            none.iter().all(|n| n.contains("heads.") || n.contains("running_") || n.contains("spread")),
            "{none:?}"
        );
        assert!(some.iter().any(|name| name.starts_with("encoder.")));
        let before = testing::values(&method, "objective.heads.");
        let losses = testing::losses(&mut method, 12, 1e-2);
        assert!(losses[11] < losses[0] - 0.05, "{losses:?}");
        assert_eq!(
            testing::values(&method, "objective.heads."),
            before,
            "centroids stay until the next epoch"
        );
        method.before_epoch(2, &features).unwrap();
        assert_ne!(testing::values(&method, "objective.heads."), before);
    }

    #[test]
    fn the_same_seed_gives_the_same_clusters() {
        let (mut one, mut other) = (made(), made());
        one.before_epoch(3, &features).unwrap();
        other.before_epoch(3, &features).unwrap();
        assert_eq!(testing::values(&one, "objective.heads."), testing::values(&other, "objective.heads."));
    }
}
