//! Ready combinations of data, encoder and objective by name: what commands and cells call.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::train::{Outcome, Scores, Watch};

/// Names of the objectives `train` knows.
pub const METHODS: &[&str] = &["simclr"];
/// Names of the encoder presets.
pub const ENCODERS: &[&str] = &["convnet", "vit", "mlp"];
/// Data sets in the forms `train` takes them.
pub const DATA: &[&str] = &["digits", "shapes", "mnist:DIR", "cifar10:DIR", "cifar100:DIR", "folder:DIR"];

/// What to train on what. Unset fields take the preset's value for the data set; `config.json` in the run folder holds
/// the resolved ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainSpec {
    /// Objective, one of [`METHODS`].
    pub method: String,
    /// Data set, one of the forms in [`DATA`].
    pub data: String,
    /// Encoder preset, one of [`ENCODERS`].
    pub encoder: Option<String>,
    /// Passes over the training part.
    pub epochs: Option<usize>,
    /// Images an optimiser step (views are twice as many).
    pub batch_size: Option<usize>,
    /// Micro-batches an optimiser step is split into.
    pub accumulate: Option<usize>,
    /// Seed of everything random.
    pub seed: Option<u64>,
    /// Peak learning rate.
    pub lr: Option<f64>,
    /// Weight decay (weights only; biases and norms have none).
    pub weight_decay: Option<f64>,
    /// Epochs of linear warm-up before the cosine.
    pub warmup_epochs: Option<f64>,
    /// `adamw`, `sgd` or `lars`.
    pub optimizer: Option<String>,
    /// Largest global gradient norm; larger gradients are scaled down. Off when unset.
    pub clip_norm: Option<f64>,
    /// Temperature of the contrastive loss.
    pub temperature: Option<f64>,
    /// Width of the projector's output.
    pub projector_dim: Option<usize>,
    /// Online kNN and diagnostics every so many epochs.
    pub probe_every: Option<usize>,
    /// `cpu` or `cuda`.
    pub device: Option<String>,
    /// Folder that holds run folders (`runs`).
    pub out: Option<PathBuf>,
    /// Name of the run folder; made from method, data and seed when unset.
    pub name: Option<String>,
}

/// Trains, judges against the baselines, and leaves a run folder.
///
/// # Errors
/// Unknown names (with a suggestion), settings out of range, data that cannot be read, a folder that cannot be
/// written, a run that diverged.
pub fn train(_spec: &TrainSpec, _watch: &mut dyn Watch) -> Result<Outcome> {
    Err(Error::Interrupted)
}

/// Goes on with the run in `folder` where its last checkpoint left it.
///
/// `spec` holds what the command line says again; whatever it sets must equal the run's own configuration.
///
/// # Errors
/// No checkpoint, a damaged one, or a setting that differs from the run's; and all of [`train`]'s.
pub fn resume(_folder: &Path, _spec: &TrainSpec, _watch: &mut dyn Watch) -> Result<Outcome> {
    Err(Error::Interrupted)
}

/// Scores the encoder of a finished or interrupted run on `data` (the run's own when `None`).
///
/// # Errors
/// No usable checkpoint; data of another shape than the encoder takes.
pub fn evaluate(_folder: &Path, _data: Option<&str>, _watch: &mut dyn Watch) -> Result<Scores> {
    Err(Error::Interrupted)
}
