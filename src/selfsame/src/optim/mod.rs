//! Optimisers over all parameters of a module, with groups that are not decayed, learning-rate schedules,
//! and moving averages of parameters.
mod ema;
#[cfg(test)]
mod golden;
mod optimizer;
mod rule;
mod schedule;

pub use ema::{ema, Buffers};
pub use optimizer::Optimizer;
pub use rule::Rule;
pub use schedule::{rising_momentum, Cosine, CosineConvention, Schedule};
