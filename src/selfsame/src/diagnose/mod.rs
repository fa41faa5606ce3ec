//! What an embedding's geometry says, and alarms about it.
//!
//! A set of embeddings comes in as [`Rows`], a row-major `(n, d)` matrix in f64. Small functions measure it, one
//! question a file:
//!
//! | question | functions |
//! | --- | --- |
//! | do embeddings differ at all? | [`std_of_normalized`], [`column_std`], [`mean_cosine`], [`uniformity`] |
//! | along how many directions? | [`singular_values`], [`covariance_eigenvalues`], [`rankme`], [`effective_rank`], [`stable_rank`], [`nesum`], [`participation_ratio`], [`condition_number`], [`alpha_req`], [`explained_variance_auc`] |
//! | do they differ by sample rather than by view? | [`alignment`], [`lidar`] on [`SurrogateClasses`] |
//! | is there something to learn in them? | [`clid`] |
//! | are two representations alike? | [`linear_cka`] |
//! | are codes, prototypes, outputs in use? | [`usage_perplexity`], [`soft_usage_perplexity`] |
//! | does a teacher say something? | [`target_entropy`], [`target_kl`], [`centre_norm`] |
//! | does a predictor follow its input? | [`eigenspace_alignment`] |
//!
//! [`Geometry`] asks the questions of every report at once, [`Doctor`] listens to a run and says when something is wrong
//! and what to change, [`Pca`] gives the plane that figures are drawn in and the baseline of the same name.
//!
//! NaN is the answer to a question that has none: the spread of one row, the rank of a zero matrix, anything about
//! rows that hold a NaN or an infinity. Nothing here panics on such input. Single rows of zeros stay zero when rows
//! are normalised, as in `torch.nn.functional.normalize`.
//!
//! The book has a [chapter on collapse](../../../book/06-collapse.html) and a page on [every alarm](../../../book/diagnostics.html).
mod alarm;
mod alignment;
mod alpha_req;
mod cka;
mod clid;
mod condition_number;
mod context;
mod cosine;
mod doctor;
mod explained_variance;
mod geometry;
mod lidar;
mod nesum;
mod participation_ratio;
mod pca;
mod predictor;
mod rank;
mod remedy;
mod rows;
mod spectrum;
mod spread;
mod stable_rank;
mod statistics;
mod surrogate;
mod targets;
pub mod thresholds;
mod uniformity;
mod usage;

#[cfg(test)]
mod golden;

pub use alarm::Alarm;
pub use alignment::alignment;
pub use alpha_req::{alpha_req, AlphaFit};
pub use cka::linear_cka;
pub use clid::{clid, Clid};
pub use condition_number::condition_number;
pub use context::{Context, Missing, Plateau};
pub use cosine::mean_cosine;
pub use doctor::{Doctor, Probe};
pub use explained_variance::{cumulative_explained_variance, explained_variance_auc};
pub use geometry::Geometry;
pub use lidar::{lidar, Lidar, LidarScore, LIDAR_DELTA};
pub use nesum::nesum;
pub use participation_ratio::participation_ratio;
pub use pca::Pca;
pub use predictor::eigenspace_alignment;
pub use rank::{effective_rank, rankme, RankMe};
pub use rows::Rows;
pub use spectrum::{covariance_eigenvalues, singular_values};
pub use spread::{column_std, std_of_normalized};
pub use stable_rank::stable_rank;
pub use statistics::Statistics;
pub use surrogate::SurrogateClasses;
pub use targets::{centre_norm, target_entropy, target_kl, Targets};
pub use uniformity::uniformity;
pub use usage::{perplexity, soft_usage_perplexity, usage, usage_perplexity};
