//! The training loop, its run folder and what it reports.
mod atomic;
mod checkpoint;
mod config;
mod metrics;
mod probe;
mod report;
mod trainer;
mod watch;

pub(crate) use atomic::write_atomic;
pub(crate) use checkpoint::{load as load_checkpoint, load_state as load_checkpoint_state};
pub use config::TrainConfig;
pub use metrics::{read_metrics, EpochMetrics};
pub(crate) use trainer::evaluation_normalise;
pub use trainer::{Progress, Trainer};

pub use report::{Baselines, KnnScores, LinearScores, Report, Scores};
pub use watch::{EpochLine, Outcome, Plan, StepLine, Watch};
