//! What an embedding's geometry says, and alarms about it.
//!
//! A set of embeddings comes in as [`Rows`], a row-major `(n, d)` matrix in f64. Small functions measure it, one
//! question a file: [`std_of_normalized`] and [`column_std`], [`mean_cosine`], [`singular_values`] and
//! [`covariance_eigenvalues`], [`rankme`] and [`effective_rank`], [`alignment`], [`uniformity`]. [`Geometry`] asks the
//! six questions of every report at once, [`Doctor`] listens to a run and says when something is wrong and what to
//! change, [`Pca`] gives the plane that figures are drawn in and the baseline of the same name.
//!
//! NaN is the answer to a question that has none: the spread of one row, the rank of a zero matrix, anything about
//! rows that hold a NaN or an infinity. Nothing here panics on such input. Single rows of zeros stay zero when rows
//! are normalised, as in `torch.nn.functional.normalize`.
mod alarm;
mod alignment;
mod context;
mod cosine;
mod doctor;
mod geometry;
mod pca;
mod rank;
mod remedy;
mod rows;
mod spectrum;
mod spread;
mod statistics;
pub mod thresholds;
mod uniformity;

#[cfg(test)]
mod golden;

pub use alarm::Alarm;
pub use alignment::alignment;
pub use context::{Context, Plateau};
pub use cosine::mean_cosine;
pub use doctor::{Doctor, Probe};
pub use geometry::Geometry;
pub use pca::Pca;
pub use rank::{effective_rank, rankme, RankMe};
pub use rows::Rows;
pub use spectrum::{covariance_eigenvalues, singular_values};
pub use spread::{column_std, std_of_normalized};
pub use statistics::Statistics;
pub use uniformity::uniformity;

#[cfg(test)]
mod doctor_tests;
