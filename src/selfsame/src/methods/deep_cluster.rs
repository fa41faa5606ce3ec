//! DeepCluster, version 1: cluster the features, then learn to tell the clusters (Caron et al. 2018, arXiv
//! 1807.05520).

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::assignments::Assignments;
use super::learner::{weights_of, Part};
use super::{checks, Configured, Learner, Loss, MicroBatch, Objective, Trait};
use crate::diagnose::{usage_perplexity, Pca, Plateau, Statistics};
use crate::error::{device, Error, Result};
use crate::eval::Embeddings;
use crate::losses::KMeans;
use crate::nn::{Encoder, Linear};
use crate::ops::{cross_entropy_with, CrossEntropySettings, Engine};
use crate::random::{default_seed, stream, Purpose};
use crate::tape::{copy_parameters, parameters, AnyTensor};

/// Settings of [`DeepCluster`].
///
/// Caron et al. 2018, arXiv 1807.05520.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeepClusterConfig {
    /// Principal components the features are reduced to, and made white, before they are clustered (256); no more
    /// than there are features.
    pub components: usize,
    /// Rounds of k-means (20, faiss's).
    pub rounds: usize,
    /// Epochs between two clusterings, each of which starts the classifier anew (1; `--reassign` of the authors' script).
    /// More where an epoch has too few steps for the classifier to learn its clusters.
    pub reassign: usize,
    /// Room for the clusters of this many training images in the checkpoint (100000).
    pub images: usize,
    /// Seed of the initial weights, the first centroids and the classifiers ([`default_seed`], 0).
    pub seed: u64,
}

impl Default for DeepClusterConfig {
    fn default() -> Self {
        DeepClusterConfig { components: 256, rounds: 20, reassign: 1, images: 100_000, seed: default_seed() }
    }
}

impl DeepClusterConfig {
    /// For data sets of some thousand small images: 32 components.
    pub fn small() -> DeepClusterConfig {
        DeepClusterConfig { components: 32, ..DeepClusterConfig::default() }
    }
}

/// DeepCluster over encoder `E` with `CLUSTERS` clusters (10000 for ImageNet, ten times its classes).
///
/// Caron et al. 2018, arXiv 1807.05520.
///
/// Before every epoch, or every few, the features of all training images are reduced to their principal components, made white,
/// normalised and clustered; the classifier starts anew, because clusters come out in another order each time. One
/// augmented view of each image is then classified. The paper draws images evenly from clusters; here every image
/// comes once an epoch and weighs one over the size of its cluster, which is the same in the mean.
///
/// ```
/// use selfsame::prelude::*;
/// type Encoder = ConvNet<Image<1, 8, 8>, 64, 3, Cpu>;
/// let deep_cluster = DeepCluster::<Encoder, 50, Cpu>::new(&Cpu::default(), DeepClusterConfig::small())?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub type DeepCluster<E, const CLUSTERS: usize, D = AutoDevice> =
    Learner<E, DeepClusterObjective<E, Const<CLUSTERS>, D>, D>;

/// What [`DeepCluster`] puts over its encoder: the classifier and the images' clusters. Their number `K` may be a
/// run-time `usize`.
#[derive(Debug)]
pub struct DeepClusterObjective<E: Encoder<D>, K: Dim, D: Engine> {
    classifier: Linear<E::Features, K, D>,
    assignments: Assignments<D>,
    /// One over each cluster's size; 0 for one that is empty.
    weights: Tensor<(K,), f32, D>,
    /// One number: the perplexity of the clusters' sizes.
    spread: Tensor<(usize,), f32, D>,
    config: DeepClusterConfig,
}

parameters!(
    [E: Encoder<D>, K: Dim, D: Engine] DeepClusterObjective<E, K, D>, D,
    tensors { weights: Buffer, spread: Buffer }, modules { classifier, assignments },
    plain { config }
);

impl<E: Encoder<D>, K: Dim + Default, D: Engine> Configured<E, D> for DeepClusterObjective<E, K, D> {
    type Config = DeepClusterConfig;
    type Dims = K;

    fn over(encoder: &E, dev: &D, config: &DeepClusterConfig, clusters: K) -> Result<Self> {
        checks::at_least_one("clusters", clusters.size(), "Ten times the classes one hopes for.")?;
        checks::at_least_one("components", config.components, "256 are the paper's.")?;
        checks::at_least_one("rounds", config.rounds, "20 are usual.")?;
        checks::at_least_one("reassign", config.reassign, "1 is the paper's: every epoch.")?;
        let rng = &mut weights_of(config.seed, Part::Prototypes);
        Ok(DeepClusterObjective {
            classifier: Linear::new(dev, encoder.features(), clusters, rng)?,
            assignments: Assignments::new(dev, config.images)?,
            weights: dev.try_tensor_from_vec(vec![0.0; clusters.size()], (clusters,)).map_err(device)?,
            spread: dev.try_tensor_from_vec(vec![1.0], (1,)).map_err(device)?,
            config: *config,
        })
    }

    fn seed(config: &DeepClusterConfig) -> u64 {
        config.seed
    }
}

impl<E: Encoder<D>, K: Dim, D: Engine> DeepClusterObjective<E, K, D> {
    /// The cluster of each of the training images in `indices`.
    pub fn clusters(&self, indices: &[u32]) -> Vec<Option<u32>> {
        self.assignments.of(indices)
    }
}

impl<E: Encoder<D>, K: Dim, D: Engine> Objective<E, D> for DeepClusterObjective<E, K, D> {
    fn views(&self) -> usize {
        1
    }

    fn fits(&self, _images: usize, training: usize) -> Result<()> {
        checks::clusters("clusters", self.weights.shape().0.size(), training)?;
        checks::room(self.config.images, training)
    }

    fn before_epoch(&mut self, epoch: u64, embed: &dyn Fn() -> Result<Embeddings>) -> Result<()> {
        if !(epoch.max(1) - 1).is_multiple_of(self.config.reassign as u64) {
            return Ok(());
        }
        let found = embed()?;
        let (points, width) = whitened(&found, self.config.components.min(found.width()))?;
        let count = self.weights.shape().0.size();
        let rng = &mut stream(&[self.config.seed, Purpose::Objective as u64, epoch]);
        let clusters = KMeans::Euclidean.run(&points, width, count, self.config.rounds, rng)?;
        self.assignments.write(&clusters.assignments)?;
        let weight = |n: usize| if n == 0 { 0.0 } else { 1.0 / n as f32 };
        let weights: Vec<f32> = clusters.sizes().into_iter().map(weight).collect();
        self.weights.write(&weights)?;
        self.spread.write(&[usage_perplexity(&clusters.assignments, count)? as f32])?;
        let dims = (self.classifier.inputs(), self.classifier.outputs());
        let rng = &mut stream(&[self.config.seed, Purpose::Init as u64, Part::Prototypes as u64, epoch]);
        let anew = Linear::new(self.weights.device(), dims.0, dims.1, rng)?;
        copy_parameters(&anew, &mut self.classifier)
    }

    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, D, OwnedTape<f32, D>>,
        batch: &MicroBatch<'_, E::Input, D>,
    ) -> Result<Loss<D>> {
        let clusters = self.assignments.of(batch.indices());
        if clusters.iter().all(Option::is_none) {
            let remedy = "before_epoch makes them; the training loop calls it.";
            return Err(Error::setting("clusters", "missing", "a cluster for every training image", remedy));
        }
        let labels: Vec<u32> = clusters.iter().map(|c| c.unwrap_or(u32::MAX)).collect();
        let weights: Vec<f64> = self.weights.as_vec().into_iter().map(f64::from).collect();
        let settings =
            CrossEntropySettings { ignore: Some(u32::MAX), weights: Some(&weights), ..Default::default() };
        Ok(cross_entropy_with(self.classifier.forward(features)?, &labels, settings)?.into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, D>) -> Result<Vec<f32>> {
        // The probe has no pairs of views where there is one view; dfdx cannot read a tensor of no rows.
        Ok(if features.shape().0 == 0 { Vec::new() } else { features.as_vec() })
    }

    fn statistics(&self) -> Result<Statistics> {
        let spread = self.spread.as_vec().first().map(|v| f64::from(*v));
        let prototypes = Some(self.weights.shape().0.size());
        Ok(Statistics { prototype_perplexity: spread, prototypes, ..Default::default() })
    }

    fn about(&self, _images: usize) -> Trait {
        Trait {
            name: "deepcluster",
            projector_dim: self.classifier.inputs().size(),
            plateaus: vec![chance(
                self.weights.shape().0.size(),
                "Clusters that stay longer (--set reassign=10), fewer of them (--set clusters=20) or a higher learning rate \
                 (--lr 5e-3).",
            )],
            moving_targets: true,
            ..Default::default()
        }
    }
}

/// The leading components of features, each of variance 1, and then every row of length 1; and how many there are.
/// Components without variance are left out.
fn whitened(features: &Embeddings, components: usize) -> Result<(Vec<f64>, usize)> {
    const NOTHING: f64 = 1e-10;
    let pca = Pca::fit(features.values(), features.len(), features.width(), components)?;
    let rows = pca.transform(features.values(), features.len())?;
    let variances = pca.explained_variance();
    let largest = variances.iter().fold(0.0, |m: f64, v| m.max(*v));
    let kept = variances.iter().take_while(|v| **v > NOTHING * largest).count();
    if kept == 0 {
        let remedy = "The encoder has collapsed: lower the learning rate (--lr 1e-3).";
        return Err(Error::setting("features", "the same for every image", "features that vary", remedy));
    }
    let mut points = Vec::with_capacity(features.len() * kept);
    for row in rows.chunks_exact(components) {
        let white: Vec<f64> =
            row.iter().zip(&variances[..kept]).map(|(v, s)| f64::from(*v) / s.sqrt()).collect();
        let norm = white.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        points.extend(white.iter().map(|v| v / norm));
    }
    Ok((points, kept))
}

/// The loss of guessing.
pub(super) fn chance(clusters: usize, try_this: &str) -> Plateau {
    Plateau {
        name: "ln K".into(),
        value: (clusters as f64).ln(),
        means: "Clusters cannot be told from the images: every epoch ends before the new ones are learnt."
            .into(),
        try_this: try_this.into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::testing::{self, Net, IMAGES};
    use crate::methods::Method;

    type Small = DeepCluster<Net, 4, Cpu>;

    fn made() -> Small {
        let config = DeepClusterConfig { components: 6, images: 20, ..DeepClusterConfig::default() };
        Small::new(&Cpu::default(), config).unwrap()
    }

    /// Features in four clouds of unlike size: image i is in cloud 0 where i is even, else in cloud i mod 4 of the
    /// others.
    fn clouds(_: &Net) -> Result<Embeddings> {
        let cloud = |i: usize| if i.is_multiple_of(2) { 0 } else { 1 + (i / 2) % 3 };
        let value = |i: usize, j: usize| {
            10.0 * f32::from(u8::from(j == cloud(i))) + 0.1 * ((i * 32 + j) as f32 * 0.7).sin()
        };
        let values = (0..IMAGES).flat_map(|i| (0..32).map(move |j| value(i, j))).collect();
        Embeddings::new(values, 32, vec![0; IMAGES], 1)
    }

    #[test]
    fn images_are_clustered_before_the_epoch_and_weigh_one_over_their_cluster() {
        let mut method = made();
        testing::with_batch(method.encoder().input(), 1, 0, |batch| {
            assert!(method.loss(batch).unwrap_err().to_string().contains("before_epoch"));
        });
        method.before_epoch(1, &clouds).unwrap();
        let clusters = method.objective().clusters(&(0..IMAGES as u32).collect::<Vec<_>>());
        assert!(clusters.iter().all(Option::is_some));
        let weights = testing::values(&method, "objective.weights");
        let used: f32 = clusters.iter().map(|c| weights[c.unwrap() as usize]).sum();
        let filled = weights.iter().filter(|w| **w > 0.0).count();
        assert!(filled >= 2 && (used - filled as f32).abs() < 1e-5, "each cluster weighs 1 in all");
        assert!(testing::losses(&mut method, 10, 1e-2)[9] < (4f64).ln());
    }

    #[test]
    fn the_classifier_starts_anew_each_epoch_and_the_same_for_the_same_seed() {
        let (mut one, mut other) = (made(), made());
        let classifier = |m: &Small| testing::values(m, "objective.classifier.");
        for epoch in 1..=2 {
            let before = classifier(&one);
            one.before_epoch(epoch, &clouds).unwrap();
            assert_ne!(classifier(&one), before);
            other.before_epoch(epoch, &clouds).unwrap();
            assert_eq!(classifier(&one), classifier(&other));
        }
        assert!(one.statistics().unwrap().prototype_perplexity.unwrap() > 1.5);
    }

    #[test]
    fn clusters_stay_between_two_assignments() {
        let config =
            DeepClusterConfig { components: 6, images: 20, reassign: 3, ..DeepClusterConfig::default() };
        let mut method = Small::new(&Cpu::default(), config).unwrap();
        let mut after = |epoch| {
            method.before_epoch(epoch, &clouds).unwrap();
            testing::values(&method, "objective.classifier.")
        };
        let first = after(1);
        assert_eq!((after(2), after(3)), (first.clone(), first.clone()));
        assert_ne!(after(4), first);
    }

    #[test]
    fn no_features_have_no_projection() {
        let none = Cpu::default().zeros_like(&(0, Const));
        assert!(made().project(none).unwrap().is_empty());
    }

    #[test]
    fn too_many_images_and_too_few_are_refused() {
        let config = DeepClusterConfig { components: 6, images: 10, ..DeepClusterConfig::default() };
        let e = Small::new(&Cpu::default(), config).unwrap().before_epoch(1, &clouds).unwrap_err();
        assert!(e.to_string().starts_with("images is 10"), "{e}");
        let config = DeepClusterConfig { components: 6, images: 20, ..DeepClusterConfig::default() };
        let mut many = DeepCluster::<Net, 40, Cpu>::new(&Cpu::default(), config).unwrap();
        assert!(many.before_epoch(1, &clouds).unwrap_err().to_string().contains("1 to 16 clusters"));
    }
}
