//! What an objective says about its inner state.

use serde::{Deserialize, Serialize};

/// Numbers on teachers, prototypes and predictors, each where an objective has one; measured on the latest micro-batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statistics {
    /// Entropy of the teacher's targets in nats, mean over rows: `ln K` when uniform, 0 when one-hot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher_entropy: Option<f64>,
    /// The largest that entropy can be, `ln K`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher_entropy_max: Option<f64>,
    /// Kullback-Leibler divergence from teacher to student in nats, mean over rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher_student_kl: Option<f64>,
    /// Euclidean norm of the teacher's centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub centre_norm: Option<f64>,
    /// Perplexity of how often prototypes are used: their number when used alike, 1 when only one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prototype_perplexity: Option<f64>,
    /// How many prototypes there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prototypes: Option<usize>,
    /// How far the predictor's eigenspace agrees with that of the embeddings it takes, 0..1
    /// (Tian, Chen and Ganguli 2021, arXiv 2102.06810).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predictor_alignment: Option<f64>,
    /// Momentum of the teacher at the latest step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
}

impl Statistics {
    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        *self == Statistics::default()
    }
}
