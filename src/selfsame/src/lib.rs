//! Self-supervised learning you can watch working, on [dfdx], with shapes checked by the compiler.

pub mod error;
#[cfg(test)]
mod golden;
pub mod interrupt;
pub mod random;
pub mod shape;

pub mod augment;
pub mod data;
pub mod diagnose;
pub mod eval;
pub mod losses;
pub mod methods;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod plot;
pub mod prelude;
pub mod presets;
pub mod tape;
pub mod train;

pub use error::Error;
pub use interrupt::{clear_interrupt, interrupt, interrupted};
