//! Objectives with their state, one per file: configuration, loss, what happens after a step.
mod method;
mod simclr;

pub use method::{Method, Trait};
pub use simclr::{SimClr, SimClrConfig, SimClrOf};
