//! What happened epoch by epoch.

use serde::{Deserialize, Serialize};

use crate::train::{EpochLine, EpochMetrics};

/// One epoch of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Mean training loss.
    pub loss: f64,
    /// Online kNN accuracy, 0..1, when probed.
    pub knn: Option<f64>,
    /// Standard deviation of the L2-normalised embeddings, mean over columns, when probed.
    pub std: Option<f64>,
    /// RankMe of the embeddings, when probed.
    pub rankme: Option<f64>,
}

impl From<&EpochLine> for EpochRow {
    fn from(line: &EpochLine) -> EpochRow {
        EpochRow { epoch: line.epoch, loss: line.loss, knn: line.knn, std: line.std, rankme: line.rankme }
    }
}

/// Epoch 0, before training, has no loss and is left out.
impl From<&[EpochMetrics]> for History {
    fn from(rows: &[EpochMetrics]) -> History {
        let row = |r: &EpochMetrics| {
            Some(EpochRow { epoch: r.epoch, loss: r.loss?, knn: r.knn, std: r.std, rankme: r.rankme })
        };
        History { epochs: rows.iter().filter_map(row).collect() }
    }
}

/// The epochs of a run in order: what its curves are drawn from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// One row an epoch.
    pub epochs: Vec<EpochRow>,
}

impl History {
    /// `(epoch, loss)` of every epoch.
    pub fn loss(&self) -> Vec<(f64, f64)> {
        self.epochs.iter().map(|row| (row.epoch as f64, row.loss)).collect()
    }

    /// `(epoch, value)` of the epochs that have one.
    pub fn probed(&self, value: impl Fn(&EpochRow) -> Option<f64>) -> Vec<(f64, f64)> {
        self.epochs.iter().filter_map(|row| Some((row.epoch as f64, value(row)?))).collect()
    }
}
