//! The geometry of an embedding in six numbers.

use serde::{Deserialize, Serialize};

/// Six numbers that say whether an embedding has collapsed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Geometry {
    /// Standard deviation of the L2-normalised embeddings per column, mean over columns; `1/sqrt(d)` healthy, 0 collapsed.
    pub std: f64,
    /// Mean cosine between different samples; 1 collapsed.
    pub mean_cosine: f64,
    /// RankMe.
    pub rankme: f64,
    /// Effective rank of the covariance.
    pub effective_rank: f64,
    /// Mean squared distance between two views of one sample, L2-normalised; 0 when they agree.
    pub alignment: f64,
    /// Log of the mean Gaussian potential between samples; more negative is more uniform, 0 collapsed.
    pub uniformity: f64,
}
