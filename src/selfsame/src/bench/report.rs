//! What a measurement found.

use std::collections::BTreeMap;

use serde::Serialize;

/// The times of one workload and what they are held against.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Its name.
    pub workload: &'static str,
    /// What `median` and `best` count: something a second, or seconds.
    pub unit: &'static str,
    /// Where it ran.
    pub device: &'static str,
    /// Threads that computed.
    pub threads: usize,
    /// Steps that were timed.
    pub steps: usize,
    /// Of the median step, in `unit`.
    pub median: f64,
    /// Of the fastest step, in `unit`.
    pub best: f64,
    /// The median step in milliseconds.
    pub step_ms: f64,
    /// Floating-point operations its matrix products need, where its shapes say.
    pub flop_per_step: Option<f64>,
    /// Those of the median step, a second.
    pub flop_per_second: Option<f64>,
    /// What square matrix products reach on the same threads; see [`sgemm_peak`](super::sgemm_peak).
    pub sgemm_peak_flop_per_second: f64,
    /// The one over the other, in 0..1.
    pub share_of_peak: Option<f64>,
    /// Largest resident set of the process; `None` where the system does not say.
    pub peak_memory_bytes: Option<u64>,
    /// What the workload found besides its time: the probe's `train_accuracy`.
    #[serde(flatten)]
    pub found: BTreeMap<&'static str, f64>,
    /// Where the time went, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ops: Option<Vec<OpShare>>,
}

/// One operation's part of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpShare {
    /// The operation.
    pub name: &'static str,
    /// Calls a step.
    pub calls: f64,
    /// Milliseconds of its forward passes, a step.
    pub forward_ms: f64,
    /// Milliseconds of its backward passes, a step.
    pub backward_ms: f64,
    /// Its share of the whole time, in 0..1.
    pub share: f64,
}
