//! Optimisers over all parameters of a module, with groups that are not decayed, and learning-rate schedules.
#[cfg(test)]
mod golden;
mod optimizer;
mod rule;
mod schedule;

pub use optimizer::Optimizer;
pub use rule::Rule;
pub use schedule::{Cosine, CosineConvention};
