//! Timed pieces of work, the same as those of a program on another framework, so that the two can be compared.
//!
//! Each [`Workload`] is fixed down to its shapes, its loss and its optimiser, and says what it counts. [`run`] times it and
//! sets its arithmetic beside the largest matrix product rate of the same threads in the same process; [`export`] writes
//! one step's weights, inputs, loss and gradients, so that another program can check that it is the same step.
//! `benches/` beside the sources holds that other program and the one that compares.

mod augmentation;
mod contrast;
mod export;
mod flops;
mod language;
mod masked;
mod measure;
mod model;
mod neighbours;
mod peak;
mod pipeline;
mod probe;
mod redundancy;
mod report;
mod workload;

pub use export::export;
pub use measure::{run, Settings, WARM_UP};
pub use peak::sgemm_peak;
pub use report::{OpShare, Report};
pub use workload::Workload;
