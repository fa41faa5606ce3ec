//! Representations that cost no training: raw pixels and their principal components.

use super::frozen::read_batch;
use super::protocol::Parts;
use crate::augment::Normalise;
use crate::data::Part;
use crate::diagnose::Pca;
use crate::error::Result;
use crate::shape::Picture;

use super::Embeddings;

/// Training images the principal components are found on; more change them little and cost time.
const PCA_IMAGES: usize = 10_000;

/// Raw pixels in 0..1 as features.
///
/// # Errors
/// An image that cannot be read.
pub fn pixels<P: Picture>(part: &Part<P>) -> Result<Embeddings> {
    let values = read_batch(part, 0, part.len(), &Normalise::identity(P::CHANNELS))?;
    Embeddings::new(values, P::LEN, part.labels(), part.classes())
}

/// The first `components` principal components (at most as many as there are features) of each part, found on up to
/// 10,000 samples of the training part.
///
/// # Errors
/// An empty training part.
pub fn pca_features(of: &Parts, components: usize) -> Result<Parts> {
    let every = of.train.len().div_ceil(PCA_IMAGES).max(1);
    let sample = of.train.subset(&(0..of.train.len()).step_by(every).collect::<Vec<_>>());
    let width = components.min(sample.width()).min(sample.len());
    let pca = Pca::fit(sample.values(), sample.len(), sample.width(), width)?;
    let project = |e: &Embeddings| e.with_values(pca.transform(e.values(), e.len())?, width);
    Ok(Parts { train: project(&of.train)?, validation: project(&of.validation)?, test: project(&of.test)? })
}
