//! Representations that cost no training: raw pixels and their principal components.

use super::{Embeddings, Parts};
use crate::augment::Normalise;
use crate::data::{for_each_plain_batch, Part};
use crate::diagnose::Pca;
use crate::error::{Error, Result};
use crate::interrupt::interrupted;
use crate::shape::ImageShape;

/// Training images the principal components are found on; more change them little and cost time.
const PCA_IMAGES: usize = 10_000;
/// Images read at once.
const BATCH: usize = 1024;

/// Raw pixels in 0..1 as features.
///
/// # Errors
/// An image that cannot be read; [`Error::Interrupted`] when a stop was asked for.
pub fn pixels<P: ImageShape>(part: &Part<P>) -> Result<Embeddings> {
    let size = part.shape().size();
    let mut values = Vec::with_capacity(part.len() * size.len());
    for_each_plain_batch(part, BATCH, &Normalise::identity(size.channels), |_, pixels| {
        if interrupted() {
            return Err(Error::Interrupted);
        }
        values.extend(pixels);
        Ok(())
    })?;
    Embeddings::new(values, size.len(), part.labels(), part.classes())
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
