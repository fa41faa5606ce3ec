//! What a run measures each epoch: the lines of `metrics.jsonl`.
//!
//! No timings in here, so that two runs with one seed leave the same bytes.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::diagnose::{Geometry, Statistics};
use crate::error::{Error, Result};
use crate::files::{open_own, read_text, MOST_TEXT};

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochMetrics {
    /// Epoch, from 1; 0 is the encoder before training.
    pub epoch: usize,
    /// Optimiser steps so far; 0 where a file does not say.
    #[serde(default)]
    pub step: u64,
    /// Mean loss over the epoch's steps; `null` for epoch 0.
    pub loss: Option<f64>,
    /// Terms of the loss by name, mean over the epoch's steps, where it has several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub terms: BTreeMap<String, f64>,
    /// Learning rate of the epoch's last step.
    pub lr: Option<f64>,
    /// Global gradient norm, mean over the epoch's steps, before clipping.
    pub grad_norm: Option<f64>,
    /// kNN accuracy (k = 20) on the validation part, when probed.
    pub knn: Option<f64>,
    /// Accuracy on the validation part of a linear probe with all labels of the sample, when probed.
    pub linear: Option<f64>,
    /// Standard deviation of the L2-normalised features, mean over columns, when probed.
    pub std: Option<f64>,
    /// RankMe of the features, when probed.
    pub rankme: Option<f64>,
    /// Geometry of the features, when probed.
    pub encoder: Option<Geometry>,
    /// Geometry of what the loss compares, when probed.
    pub projector: Option<Geometry>,
    /// What the objective says about its inner state, where it has one, when probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
}

impl EpochMetrics {
    /// The line as it stands in the file.
    ///
    /// # Errors
    /// Never for finite or missing numbers.
    pub fn line(&self) -> Result<String> {
        serde_json::to_string(self)
            .map(|s| s + "\n")
            .map_err(|e| Error::run("metrics.jsonl", e.to_string(), ""))
    }
}

/// Appends a line to `metrics.jsonl` and syncs it; a line that does not fit on the disk is taken back.
pub(crate) fn append(path: &Path, row: &EpochMetrics) -> Result<()> {
    let line = row.line()?;
    let mut file = open_own(path, OpenOptions::new().create(true).append(true))?;
    let before = file.metadata().map_err(Error::io("read", path))?.len();
    file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(|e| {
        let _ = file.set_len(before);
        Error::io("write", path)(e)
    })
}

/// Reads `metrics.jsonl`. A last line without its newline is one that is being written, or was when the power went: it is
/// left out.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::Input`] with the line that is damaged.
pub fn read_metrics(path: &Path) -> Result<Vec<EpochMetrics>> {
    let text = read_text(path, MOST_TEXT)?;
    let parse = |(i, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|e| {
            let at = crate::error::Place::Line(i as u64 + 1);
            Error::input(
                path,
                at,
                e.to_string(),
                "one JSON object a line",
                "Resume the run: it writes the file anew.",
            )
        })
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().enumerate().map(parse).collect()
}
