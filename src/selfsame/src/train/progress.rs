//! What a run has done so far: everything of it that is not weights.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::metrics::EpochMetrics;
use super::TrainConfig;
use crate::diagnose::{Alarm, Doctor};

/// How far a call of [`Trainer::fit`](super::Trainer::fit) came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Complete epochs.
    pub epochs_done: usize,
    /// Optimiser steps.
    pub steps_done: u64,
    /// One entry an epoch, epoch 0 (before training) first.
    pub history: Vec<EpochMetrics>,
    /// What the doctor said.
    pub alarms: Vec<Alarm>,
    /// Images trained on, each counted once however many views it had.
    pub images: u64,
    /// Seconds spent in training steps, batches included.
    pub train_seconds: f64,
    /// What the run was made with; it must be the same when it goes on.
    pub(super) settings: serde_json::Value,
    /// Steps of the epoch under way, and sums over them.
    pub(super) partial: Partial,
    pub(super) doctor: Doctor,
}

/// The epoch under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Partial {
    pub(super) steps: u64,
    pub(super) loss: f64,
    #[serde(default)]
    pub(super) terms: BTreeMap<String, f64>,
    pub(super) grad_norm: f64,
}

impl Progress {
    /// Mean loss of each epoch.
    pub fn losses(&self) -> Vec<f64> {
        self.history.iter().filter_map(|row| row.loss).collect()
    }

    /// Whether all epochs of `config` are done.
    pub fn is_done(&self, config: &TrainConfig) -> bool {
        self.epochs_done >= config.epochs
    }

    /// Images per second of the training loop.
    pub fn images_per_second(&self) -> f64 {
        self.images as f64 / self.train_seconds.max(1e-9)
    }
}

/// `lr is 0.1, was 0.2; ...` for every key whose value is another; empty for equal objects.
pub(super) fn differences(now: &serde_json::Value, then: &serde_json::Value) -> String {
    let keys = |of: &serde_json::Value| -> BTreeSet<String> {
        of.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default()
    };
    let value = |of: &serde_json::Value, key: &str| of.get(key).cloned().unwrap_or_default();
    keys(now)
        .union(&keys(then))
        .map(|key| (key, value(now, key), value(then, key)))
        .filter(|(_, now, then)| now != then)
        .map(|(key, now, then)| format!("{} is {now}, was {then}", key.replace('_', "-")))
        .collect::<Vec<_>>()
        .join("; ")
}
