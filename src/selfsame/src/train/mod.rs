//! The training loop, its run folder and what it reports.
//!
//! A run from its first line to its last: [A first run](../../../book/00-first-run.html), a chapter of the book.
mod checkpoint;
mod config;
mod learns;
mod lock;
mod loop_op;
mod memory;
mod metrics;
mod probe;
mod progress;
mod report;
mod snapshot;
mod step;
mod trainer;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod trainer_tests;
mod watch;
pub mod weights;

pub use crate::files::write_atomic;
pub(crate) use checkpoint::{exists as checkpoint_exists, load as load_checkpoint, load_state};
pub(crate) use config::positive;
pub use config::TrainConfig;
pub use lock::is_training;
pub(crate) use lock::RunLock;
pub use loop_op::LoopOp;
pub(crate) use memory::reset_peak_memory;
pub use memory::{available_memory_bytes, peak_memory_bytes};
pub use metrics::{read_metrics, EpochMetrics};
pub(crate) use probe::geometry;
pub use progress::Progress;
pub(crate) use trainer::evaluation_normalise;
pub use trainer::Trainer;

pub use report::{Baselines, KnnScores, LinearScores, Report, Scores};
pub use snapshot::Snapshot;
pub use watch::{Ending, EpochLine, Outcome, Plan, StepLine, Watch};
