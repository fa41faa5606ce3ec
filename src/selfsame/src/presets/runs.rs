//! The runs of a folder, side by side.

use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;

use super::run::read_config;
use super::TrainSpec;
use crate::error::{Error, Result};
use crate::files::{read_text, MOST_TEXT};
use crate::train::{is_training, read_metrics, EpochMetrics, Report};

/// One run of [`runs`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunLine {
    /// The folder's name.
    pub name: String,
    /// What it was made with.
    pub config: TrainSpec,
    /// Complete epochs.
    pub epochs_done: usize,
    /// What it found out, when it is finished.
    pub report: Option<Report>,
    /// When it was last written to.
    pub changed: Option<SystemTime>,
    /// One row an epoch.
    pub metrics: Vec<EpochMetrics>,
    /// What its files say of it.
    pub state: RunState,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunState {
    /// A process is training in it.
    Running,
    /// Trained and judged.
    Done,
    /// Stopped before its end; it can be resumed.
    Stopped,
}

impl RunState {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Done => "done",
            RunState::Stopped => "stopped",
        }
    }
}

/// The runs of a folder, those last written to first.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// The runs.
    pub runs: Vec<RunLine>,
}

impl Runs {
    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.runs.iter().map(|run| run.name.clone()).collect()
    }
}

/// The run folders in `folder`, none where there is no such folder. Folders that are no runs are passed over, and so are
/// runs whose files cannot be read.
///
/// # Errors
/// [`Error::Io`] when the folder cannot be read.
pub fn runs(folder: impl AsRef<Path>) -> Result<Runs> {
    let folder = folder.as_ref();
    if !folder.exists() {
        return Ok(Runs::default());
    }
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut runs: Vec<RunLine> = entries.flatten().filter_map(|entry| line(&entry.path()).ok()).collect();
    runs.sort_by(|a, b| b.changed.cmp(&a.changed).then_with(|| a.name.cmp(&b.name)));
    Ok(Runs { runs })
}

fn line(folder: &Path) -> Result<RunLine> {
    let config = read_config(folder)?;
    let metrics = folder.join("metrics.jsonl");
    let changed = |path: &Path| path.metadata().and_then(|m| m.modified()).ok();
    let rows = if metrics.exists() { read_metrics(&metrics)? } else { Vec::new() };
    let report = folder.join("report.json");
    let found = read_report(folder)?;
    let state = match () {
        () if is_training(folder) => RunState::Running,
        () if found.is_some() => RunState::Done,
        () => RunState::Stopped,
    };
    Ok(RunLine {
        name: folder.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        config,
        epochs_done: rows.last().map_or(0, |row| row.epoch),
        report: found,
        metrics: rows,
        state,
        changed: changed(&report).or_else(|| changed(&metrics)).or_else(|| changed(folder)),
    })
}

/// What a finished run found out; `None` where it is not finished.
pub(super) fn read_report(folder: &Path) -> Result<Option<Report>> {
    let path = folder.join("report.json");
    if !path.exists() {
        return Ok(None);
    }
    let text = read_text(&path, MOST_TEXT)?;
    serde_json::from_str(&text).map(Some).map_err(|e| {
        let remedy = "Remove the file and resume the run: it is judged anew.";
        Error::run(&path, format!("it is not the report that was written: {e}"), remedy)
    })
}
