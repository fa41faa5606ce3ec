//! Reading what a run left behind: `report.json` when it finished, `metrics.jsonl` as far as it came.

use std::fs;
use std::path::{Path, PathBuf};

use selfsame::error::Place;
use selfsame::files::{read_text, MOST_TEXT};
use selfsame::train::{read_metrics, EpochMetrics, Report};
use selfsame::Error;
use serde::de::DeserializeOwned;
use serde::Deserialize;

/// What is known about a run.
#[derive(Debug)]
pub struct RunFolder {
    /// The folder's last name.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// Method, data, encoder and epochs that were asked for.
    pub config: Config,
    /// The result; `None` while the run goes on or was interrupted.
    pub report: Option<Report>,
    /// One row an epoch.
    pub metrics: Vec<EpochMetrics>,
}

/// The part of `config.json` that tables show.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Objective.
    pub method: String,
    /// Data set.
    pub data: String,
    /// Encoder.
    pub encoder: Option<String>,
    /// Epochs asked for.
    pub epochs: Option<usize>,
}

impl RunFolder {
    /// Reads the run in `path`.
    ///
    /// # Errors
    /// [`Error::Run`] where there is no run, [`Error::Input`] with the line where a file is damaged.
    pub fn open(path: &Path) -> Result<RunFolder, Error> {
        if !path.is_dir() {
            return Err(Error::run(
                path,
                "there is no such folder",
                "Name a folder that 'selfsame train' made.",
            ));
        }
        let Some(config) = read_json::<Config>(&path.join("config.json"))? else {
            return Err(Error::run(
                path,
                "it has no config.json",
                "Name a folder that 'selfsame train' made.",
            ));
        };
        let name =
            fs::canonicalize(path).ok().and_then(|p| Some(p.file_name()?.to_string_lossy().into_owned()));
        Ok(RunFolder {
            name: name.unwrap_or_else(|| path.display().to_string()),
            path: path.to_path_buf(),
            config,
            report: read_json(&path.join("report.json"))?,
            metrics: metrics(&path.join("metrics.jsonl"))?,
        })
    }
}

/// The text of a file, or `None` where there is no such file.
fn read(file: &Path) -> Result<Option<String>, Error> {
    match read_text(file, MOST_TEXT) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.is_not_found() => Ok(None),
        Err(e) => Err(e),
    }
}

fn read_json<T: DeserializeOwned>(file: &Path) -> Result<Option<T>, Error> {
    let Some(text) = read(file)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|e| {
        Error::input(
            file,
            Place::Line(e.line() as u64),
            e.to_string(),
            "the JSON that 'selfsame train' writes",
            "The file was damaged or edited; train again, or put back a copy.",
        )
    })
}

/// None where nothing has been measured yet.
fn metrics(file: &Path) -> Result<Vec<EpochMetrics>, Error> {
    if file.exists() {
        read_metrics(file)
    } else {
        Ok(Vec::new())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_being_written_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("metrics.jsonl");
        fs::write(
            &file,
            "{\"epoch\":1,\"loss\":5.0,\"knn\":0.5,\"new\":1}\n{\"epoch\":2,\"loss\":null}\n{\"epo",
        )
        .unwrap();
        let metrics = metrics(&file).unwrap();
        assert_eq!(
            metrics.iter().map(|m| (m.epoch, m.loss, m.knn)).collect::<Vec<_>>(),
            [(1, Some(5.0), Some(0.5)), (2, None, None)]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_file_of_a_run() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), "{}").unwrap();
        for name in ["report.json", "metrics.jsonl"] {
            let pipe = folder.path().join(name);
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            let said = RunFolder::open(folder.path()).unwrap_err().to_string();
            assert!(said.contains(&format!("{name}: it is a pipe")), "{said}");
            fs::remove_file(&pipe).unwrap();
        }
        assert!(RunFolder::open(folder.path()).is_ok());
    }

    #[test]
    fn a_damaged_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("metrics.jsonl");
        fs::write(&file, "{\"epoch\":1,\"loss\":5.0}\n{\"epoch\":,}\n{\"epoch\":3,\"loss\":4.0}\n").unwrap();
        assert!(metrics(&file).unwrap_err().to_string().contains("metrics.jsonl, line 2:"));
    }
}
