//! An entry after its run, for people and for programs.

use serde::Serialize;

use super::course::{Course, EPOCHS};
use crate::train::EpochMetrics;

/// One entry after its run, beside its healthy twin.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// The entry's name.
    pub name: String,
    /// Its objective.
    pub method: String,
    /// What was changed.
    pub change: String,
    /// The first alarm's kind, or the first that names it; `null` where the doctor was silent.
    pub verdict: Option<String>,
    /// Whether the doctor named it.
    pub named_correctly: bool,
    /// The epoch in which it did.
    pub epoch: Option<usize>,
    /// How many alarms the healthy twin raised.
    pub healthy_twin_alarms: usize,
    /// What both runs have that the preset has not.
    #[serde(skip)]
    pub shared: String,
    /// The spoilt run.
    #[serde(skip)]
    pub spoilt: Course,
    /// The same run without the mistake.
    #[serde(skip)]
    pub healthy: Course,
    #[serde(skip)]
    pub(super) shows: &'static str,
}

impl Shown {
    /// Both runs side by side, epoch by epoch, and what the doctor said.
    pub fn text(&self) -> String {
        let mut table = crate::plot::Table::new([
            "epoch",
            "loss",
            "std",
            "rank",
            "kNN %",
            "|",
            "healthy loss",
            "std",
            "rank",
            "kNN %",
        ]);
        let rows = self.spoilt.history.len().max(self.healthy.history.len().min(EPOCHS / 2 + 1));
        let cells = |row: Option<&EpochMetrics>| {
            let projector = row.and_then(|r| r.projector.as_ref());
            let cell = |v: Option<f64>, digits: usize| v.map_or("-".into(), |v| format!("{v:.digits$}"));
            [
                cell(row.and_then(|r| r.loss), 3),
                cell(projector.map(|g| g.std), 3),
                cell(projector.map(|g| g.rankme), 1),
                cell(row.and_then(|r| r.knn).map(|v| 100.0 * v), 1),
            ]
        };
        for epoch in 0..rows {
            let (ours, twin) =
                (cells(self.spoilt.history.get(epoch)), cells(self.healthy.history.get(epoch)));
            let row = std::iter::once(epoch.to_string()).chain(ours).chain(["|".to_string()]).chain(twin);
            table.row(row);
        }
        let both = match self.shared.is_empty() {
            true => String::new(),
            false => format!("Both runs: {}.\n", self.shared),
        };
        let mut text = format!(
            "{}: {} ({})\n{}\n{both}\n{}\n",
            self.name,
            self.method,
            self.change,
            self.shows,
            table.text()
        );
        if let Some(why) = &self.spoilt.diverged {
            text += &format!("\n{why}\n");
        }
        for alarm in &self.spoilt.alarms {
            text += &format!(
                "\n{} (epoch {}): {}\n  {}\n  Try: {}\n  See {}\n",
                alarm.kind,
                alarm.epoch,
                alarm.seen,
                alarm.means,
                alarm.try_this,
                alarm.link()
            );
        }
        let named = match (self.named_correctly, self.epoch) {
            (true, Some(epoch)) => format!("named in epoch {epoch}"),
            _ => "NOT NAMED".into(),
        };
        text + &format!("\n{named}; the healthy twin raised {} alarms\n", self.healthy_twin_alarms)
    }
}
