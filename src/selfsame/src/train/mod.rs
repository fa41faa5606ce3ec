//! The training loop, its run folder and what it reports.
mod report;
mod watch;

pub use report::{Baselines, KnnScores, LinearScores, Report, Scores};
pub use watch::{EpochLine, Outcome, Plan, StepLine, Watch};
