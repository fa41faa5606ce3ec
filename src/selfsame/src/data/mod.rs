//! Typed data sets, their splits, and how images stream into batches.
mod dataset;

pub use dataset::{Dataset, InMemory, Part, Source, Split};
