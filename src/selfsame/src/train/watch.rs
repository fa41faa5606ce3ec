//! What a face (terminal, notebook, script) hears from a run while it goes on.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{EpochMetrics, Report, Snapshot};
use crate::diagnose::Alarm;
use crate::front::nan_from_null;

/// What a run is about to do; sent once before its first step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Run folder, where there is one.
    pub folder: Option<PathBuf>,
    /// Objective, data, encoder, as the command spells them.
    pub method: String,
    /// Data set.
    pub data: String,
    /// Encoder preset.
    pub encoder: String,
    /// Trainable numbers in the encoder.
    pub encoder_parameters: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// Epochs that were done before this process (0 unless resumed).
    pub epochs_done: usize,
    /// Optimiser steps an epoch.
    pub steps_per_epoch: u64,
    /// Images an optimiser step.
    pub batch: usize,
    /// Images in the training part.
    pub train_images: usize,
}

/// After every optimiser step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepLine {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Optimiser step over the whole run, from 1.
    pub step: u64,
    /// Loss of this step.
    #[serde(deserialize_with = "nan_from_null")]
    pub loss: f64,
    /// Learning rate of this step.
    #[serde(deserialize_with = "nan_from_null")]
    pub lr: f64,
    /// Images seen in this step.
    pub images: usize,
}

/// After every epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochLine {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Mean loss.
    #[serde(deserialize_with = "nan_from_null")]
    pub loss: f64,
    /// Online kNN accuracy (k = 20) on the validation part, when probed this epoch.
    pub knn: Option<f64>,
    /// Online linear-probe accuracy on the validation part, when probed.
    pub linear: Option<f64>,
    /// Standard deviation of the L2-normalised embeddings, mean over columns, when probed.
    pub std: Option<f64>,
    /// RankMe of the embeddings, when probed.
    pub rankme: Option<f64>,
    /// Images per second over the epoch's training steps.
    #[serde(deserialize_with = "nan_from_null")]
    pub images_per_second: f64,
}

/// How a training ended when it did not fail.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Ending {
    /// Run folder, where there is one.
    pub folder: Option<PathBuf>,
    /// Complete epochs.
    pub epochs_done: usize,
    /// Optimiser steps that are done.
    pub steps_done: u64,
    /// Whether it ended before its last epoch because a stop was asked for.
    pub stopped: bool,
    /// What came of it in one line, where it was judged.
    pub verdict: Option<String>,
}

/// A listener. Every method has an empty default, so a face implements what it draws.
pub trait Watch {
    /// The run is about to start (or go on).
    fn started(&mut self, _plan: &Plan) {}
    /// An optimiser step is done.
    fn stepped(&mut self, _step: &StepLine) {}
    /// An epoch is done and measured: its whole row of `metrics.jsonl`, and the model as it is now. Called before
    /// [`Watch::epoch_done`], and in the process that trains alone.
    fn measured(&mut self, _row: &EpochMetrics, _model: &Snapshot<'_>) {}
    /// An epoch is done.
    fn epoch_done(&mut self, _line: &EpochLine) {}
    /// The doctor has something to say.
    fn alarm(&mut self, _alarm: &Alarm) {}
    /// A longer piece of work outside the training loop begins, in words: `baseline: supervised`.
    fn stage(&mut self, _what: &str) {}
    /// Whether enough has been seen: asked after every epoch, and the run ends there when it is true.
    fn enough(&mut self) -> bool {
        false
    }
    /// The run has ended, judged or stopped. Not called when it fails.
    fn ended(&mut self, _ending: &Ending) {}
}

/// Hears nothing.
impl Watch for () {}

/// How a run ended when it did not fail.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// All epochs done and judged; `report.json` and `report.html` stand in the folder.
    Done {
        /// The run folder.
        folder: PathBuf,
        /// What was found.
        report: Box<Report>,
    },
    /// Stopped by request after a finished step, with a checkpoint saved.
    Interrupted {
        /// The run folder; `--resume` takes it.
        folder: PathBuf,
        /// Epochs that are complete.
        epochs_done: usize,
        /// Optimiser steps that are done.
        steps_done: u64,
    },
}
