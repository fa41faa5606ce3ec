//! Every objective on the same data, over several seeds, in one table.
//!
//! ```no_run
//! use selfsame::presets::compare::{compare, CompareSpec};
//! let spec = CompareSpec { data: "digits".into(), seeds: 3, ..CompareSpec::default() };
//! println!("{}", compare(&spec, &mut ())?.table().text());
//! # Ok::<(), selfsame::Error>(())
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::data::DataKind;
use super::run::{read_config, resume_beside, train_beside};
use super::{TrainSpec, METHODS};
use crate::error::{Error, Result};
use crate::files::{read_text, MOST_TEXT};
use crate::methods::ranges;
use crate::plot::{bars, BarRow, Figure, Table};
use crate::train::{
    load_state, read_metrics, reset_peak_memory, Baselines, EpochMetrics, Outcome, Progress, Report, Scores,
    Watch,
};

/// What to compare.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareSpec {
    /// Objectives; all of [`METHODS`] when empty, `supcon`, which sees the labels, among them.
    pub methods: Vec<String>,
    /// Data set, in one of the forms of [`DATA`](super::DATA) (`digits`).
    pub data: String,
    /// Encoder of all runs; the preset's when unset.
    pub encoder: Option<String>,
    /// Epochs of all runs; the preset's when unset.
    pub epochs: Option<usize>,
    /// Minutes of training a run, as in [`TrainSpec::minutes`]; the preset's epochs, or `epochs`, when unset.
    pub minutes: Option<f64>,
    /// Runs an objective, with seeds 0, 1, ... (3).
    pub seeds: u64,
    /// Folder that holds the runs; those that are finished there are not made again (`runs/compare`).
    pub out: PathBuf,
}

impl Default for CompareSpec {
    fn default() -> Self {
        CompareSpec {
            methods: Vec::new(),
            data: "digits".into(),
            encoder: None,
            epochs: None,
            minutes: None,
            seeds: 3,
            out: PathBuf::from("runs/compare"),
        }
    }
}

/// Mean and standard deviation over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation (divisor `n - 1`); `None` of a single run.
    pub sd: Option<f64>,
}

/// A row of the table. Accuracies lie in 0..1 and are of the test part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Objective or baseline.
    pub name: String,
    /// `method` or `baseline`.
    pub kind: &'static str,
    /// How many runs it is over.
    pub runs: usize,
    /// kNN with 20 neighbours.
    pub knn: Option<Spread>,
    /// Linear probe by share of the labels: `1%`, `10%`, `100%`.
    pub linear: BTreeMap<String, Spread>,
    /// RankMe of the test features.
    pub rankme: Option<Spread>,
    /// Effective rank of their covariance.
    pub effective_rank: Option<Spread>,
    /// LiDAR of surrogate classes of the training part, at the last epoch.
    pub lidar: Option<Spread>,
    /// Passes over the training part.
    pub epochs: Option<Spread>,
    /// Seconds of training, probes and baselines not counted.
    pub seconds: Option<Spread>,
    /// Largest resident set while training and judging, bytes.
    pub memory: Option<Spread>,
    /// Alarms the doctor raised, over all runs.
    pub alarms: usize,
}

/// A run that could not be made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// Objective.
    pub method: String,
    /// Seed.
    pub seed: u64,
    /// What went wrong.
    pub error: String,
}

/// All runs in one table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MethodTable {
    /// Data set.
    pub data: String,
    /// Runs an objective.
    pub seeds: u64,
    /// Objectives, best first by the linear probe with 1 % of the labels, then the baselines.
    pub rows: Vec<Row>,
    /// Runs that failed; the others stand.
    pub failures: Vec<Failure>,
    /// Whether a stop was asked for before all runs were made.
    pub interrupted: bool,
}

/// Trains every objective with every seed, one run after the other, skipping those that are finished in the folder, and
/// going on with those that were interrupted. A run that fails is listed and does not end the others; asked to stop, it
/// gives what there is.
///
/// Runs with one encoder, learning rate and length share their baselines; the table shows those of the first objective.
///
/// # Errors
/// Unknown names, no seeds; runs in the folder that were made with other settings, before anything is trained; the first
/// run's error where every run failed.
pub fn compare(spec: &CompareSpec, watch: &mut dyn Watch) -> Result<MethodTable> {
    let methods = methods(spec)?;
    if spec.seeds == 0 {
        return Err(Error::setting("seeds", 0, "at least 1", "3 give a standard deviation."));
    }
    ranges::count("seeds", "seeds", spec.seeds as usize, "3 give a standard deviation.")?;
    let kind = DataKind::of(&spec.data)?.0;
    one_kind_of_run(spec, &methods, kind)?;
    let (mut found, mut failures, mut interrupted) = (Vec::new(), Vec::new(), false);
    let mut first_error = None;
    'all: for seed in 0..spec.seeds {
        let mut baselines: BTreeMap<String, Baselines> = BTreeMap::new();
        for method in &methods {
            let run = run_spec(spec, method, kind, seed);
            let made = alike(&run).and_then(|key| Ok((one(&run, baselines.get(&key).cloned(), watch)?, key)));
            match made {
                Ok((run, key)) => {
                    baselines.entry(key).or_insert_with(|| run.report.baselines.clone());
                    found.push(run);
                }
                Err(Error::Interrupted) => {
                    interrupted = true;
                    break 'all;
                }
                Err(error) => {
                    failures.push(Failure { method: method.clone(), seed, error: error.to_string() });
                    first_error.get_or_insert(error);
                }
            }
        }
    }
    if let (true, Some(error)) = (found.is_empty(), first_error) {
        return Err(error);
    }
    Ok(MethodTable {
        data: spec.data.clone(),
        seeds: spec.seeds,
        rows: rows(&methods, &found),
        failures,
        interrupted,
    })
}

/// The objectives asked for, each once.
fn methods(spec: &CompareSpec) -> Result<Vec<String>> {
    if spec.methods.is_empty() || spec.methods == ["all"] {
        return Ok(METHODS.iter().map(ToString::to_string).collect());
    }
    let mut methods: Vec<String> = Vec::new();
    for name in &spec.methods {
        if !METHODS.contains(&name.as_str()) {
            return Err(Error::unknown("method", name, METHODS));
        }
        if !methods.contains(name) {
            methods.push(name.clone());
        }
    }
    Ok(methods)
}

fn run_spec(spec: &CompareSpec, method: &str, kind: DataKind, seed: u64) -> TrainSpec {
    TrainSpec {
        method: method.into(),
        data: spec.data.clone(),
        encoder: spec.encoder.clone(),
        epochs: spec.epochs,
        minutes: spec.minutes,
        seed: Some(seed),
        out: Some(spec.out.clone()),
        name: Some(format!("{method}-{}-seed{seed}", kind.name())),
        ..Default::default()
    }
}

/// Checks that the runs which are there and those still to be made are of one kind, so that one table is fair to them: the
/// former must have what was asked for and, where any run is missing, what it will be made with.
fn one_kind_of_run(spec: &CompareSpec, methods: &[String], kind: DataKind) -> Result<()> {
    let runs: Vec<TrainSpec> = (0..spec.seeds)
        .flat_map(|seed| methods.iter().map(move |method| run_spec(spec, method, kind, seed)))
        .collect();
    let all_made = runs.iter().all(|run| folder_of(run).join("report.json").exists());
    for run in &runs {
        // A configuration that cannot be read is that run's failure, told with the others.
        let folder = folder_of(run);
        let Ok(own) = read_config(&folder) else { continue };
        let made_with = if all_made { asked(run) } else { run.resolve()? };
        asked(run).agrees_with(&own, &folder).and_then(|()| made_with.agrees_with(&own, &folder)).map_err(
            |error| match error {
                Error::Setting { name, value, expected, .. } => {
                    let remedy = "One table is of runs made alike: say what those were made with, or give --out another \
                                  folder.";
                    Error::setting(name, value, expected, remedy)
                }
                other => other,
            },
        )?;
    }
    Ok(())
}

/// The folder of a run.
fn folder_of(run: &TrainSpec) -> PathBuf {
    run.out.clone().unwrap_or_default().join(run.name.clone().unwrap_or_default())
}

/// What baselines depend on, in words: runs of which it is the same share them.
fn alike(spec: &TrainSpec) -> Result<String> {
    let s = spec.resolve()?;
    Ok(format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        s.encoder, s.epochs, s.batch_size, s.optimizer, s.lr, s.warmup_epochs
    ))
}

/// A run that is finished.
struct Run {
    report: Report,
    last: Option<EpochMetrics>,
    seconds: f64,
}

/// Reads a finished run, or makes it.
fn one(spec: &TrainSpec, known: Option<Baselines>, watch: &mut dyn Watch) -> Result<Run> {
    let folder = folder_of(spec);
    if folder.join("report.json").exists() {
        let own = read_config(&folder)?;
        asked(spec).agrees_with(&own, &folder)?;
        return read(&folder);
    }
    reset_peak_memory();
    let outcome = match folder.join("config.json").exists() {
        true => resume_beside(&folder, &asked(spec), known, watch)?,
        false => train_beside(spec, known, watch)?,
    };
    match outcome {
        Outcome::Done { folder, .. } => read(&folder),
        Outcome::Interrupted { .. } => Err(Error::Interrupted),
    }
}

/// What a run in the folder must agree with: everything but where it is kept.
fn asked(spec: &TrainSpec) -> TrainSpec {
    TrainSpec { out: None, name: None, ..spec.clone() }
}

fn read(folder: &Path) -> Result<Run> {
    let path = folder.join("report.json");
    let text = read_text(&path, MOST_TEXT)?;
    let report: Report = serde_json::from_str(&text).map_err(|e| {
        Error::run(&path, format!("it does not parse: {e}"), "Remove the folder; the run will be made again.")
    })?;
    let last = read_metrics(&folder.join("metrics.jsonl"))?.pop();
    let seconds = load_state::<Progress>(folder)?.train_seconds;
    Ok(Run { report, last, seconds })
}

fn rows(methods: &[String], found: &[Run]) -> Vec<Row> {
    let mut rows: Vec<Row> = methods
        .iter()
        .filter_map(|method| {
            let runs: Vec<&Run> = found.iter().filter(|run| run.report.method == *method).collect();
            (!runs.is_empty()).then(|| of_method(method, &runs))
        })
        .collect();
    let few = |row: &Row| row.linear.get("1%").map_or(f64::NEG_INFINITY, |s| s.mean);
    rows.sort_by(|a, b| few(b).total_cmp(&few(a)));
    // Baselines are the same for all runs of a seed; one run of each seed has them.
    let mut seeds: BTreeMap<u64, &Baselines> = BTreeMap::new();
    for run in found {
        seeds.entry(run.report.seed).or_insert(&run.report.baselines);
    }
    type Of = fn(&Baselines) -> &Scores;
    let baselines: [(&str, Of); 4] = [
        ("supervised", |b| &b.supervised),
        ("random init", |b| &b.random_init),
        ("PCA", |b| &b.pca),
        ("raw pixels", |b| &b.pixels),
    ];
    for (name, of) in baselines {
        let scores: Vec<&Scores> = seeds.values().map(|b| of(b)).collect();
        if !scores.is_empty() {
            rows.push(row(name, "baseline", &scores));
        }
    }
    rows
}

fn row(name: &str, kind: &'static str, scores: &[&Scores]) -> Row {
    let mut linear = BTreeMap::new();
    for share in ["1%", "10%", "100%"] {
        let values: Vec<f64> = scores.iter().filter_map(|s| s.linear.by_labels.get(share).copied()).collect();
        if let Some(spread) = spread(&values) {
            linear.insert(share.to_string(), spread);
        }
    }
    Row {
        name: name.into(),
        kind,
        runs: scores.len(),
        knn: spread(&scores.iter().map(|s| s.knn.k20).collect::<Vec<_>>()),
        linear,
        rankme: None,
        effective_rank: None,
        lidar: None,
        epochs: None,
        seconds: None,
        memory: None,
        alarms: 0,
    }
}

fn of_method(name: &str, runs: &[&Run]) -> Row {
    let scores: Vec<&Scores> = runs.iter().map(|run| &run.report.scores).collect();
    let over =
        |of: &dyn Fn(&Run) -> Option<f64>| spread(&runs.iter().filter_map(|run| of(run)).collect::<Vec<_>>());
    Row {
        rankme: over(&|run| Some(run.report.diagnostics.rankme)),
        effective_rank: over(&|run| Some(run.report.diagnostics.effective_rank)),
        lidar: over(&|run| run.last.as_ref()?.encoder.as_ref().map(|g| g.lidar)),
        epochs: over(&|run| Some(run.report.epochs as f64)),
        seconds: over(&|run| Some(run.seconds)),
        memory: over(&|run| Some(run.report.peak_memory_bytes as f64)),
        alarms: runs.iter().map(|run| run.report.alarms.len()).sum(),
        ..row(name, "method", &scores)
    }
}

/// Of the finite values; `None` without any.
fn spread(values: &[f64]) -> Option<Spread> {
    let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let n = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Some(Spread { mean, sd: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()) })
}

impl MethodTable {
    /// The rows as a table: accuracies in per cent, `mean ±sd` where there are several runs.
    pub fn table(&self) -> Table {
        let mut table = Table::new([
            "test accuracy, %",
            "kNN 20",
            "1% labels",
            "10% labels",
            "all labels",
            "RankMe",
            "eff. rank",
            "LiDAR",
            "epochs",
            "train s",
            "MB",
            "alarms",
        ]);
        for row in &self.rows {
            let share = |name: &str| cell(row.linear.get(name).copied(), 100.0, 1);
            table.row([
                row.name.clone(),
                cell(row.knn, 100.0, 1),
                share("1%"),
                share("10%"),
                share("100%"),
                cell(row.rankme, 1.0, 1),
                cell(row.effective_rank, 1.0, 1),
                cell(row.lidar, 1.0, 1),
                cell(row.epochs, 1.0, 0),
                cell(row.seconds, 1.0, 1),
                cell(row.memory, 1e-6, 0),
                if row.kind == "method" { row.alarms.to_string() } else { "-".into() },
            ]);
        }
        table
    }

    /// Bars of the means: kNN, and the linear probe with 1, 10 and 100 % of the labels.
    ///
    /// # Errors
    /// When the figure cannot be drawn.
    pub fn figure(&self) -> Result<Figure> {
        let rows: Vec<BarRow> = self
            .rows
            .iter()
            .map(|row| {
                let share = |name: &str| row.linear.get(name).map_or(f64::NAN, |s| s.mean);
                let knn = row.knn.map_or(f64::NAN, |s| s.mean);
                BarRow { name: row.name.clone(), values: vec![knn, share("1%"), share("10%"), share("100%")] }
            })
            .collect();
        let title = format!("Test accuracy on {}, mean of {} seeds", self.data, self.seeds);
        bars(&title, "accuracy (%)", &["kNN 20", "1 % labels", "10 % labels", "all labels"], &rows)
    }
}

fn cell(spread: Option<Spread>, factor: f64, digits: usize) -> String {
    let Some(Spread { mean, sd }) = spread else { return "-".into() };
    let mean = format!("{:.digits$}", factor * mean);
    match sd {
        Some(sd) => format!("{mean} ±{:.digits$}", factor * sd),
        None => mean,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn means_and_deviations_are_over_what_is_finite() {
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[2.0]), Some(Spread { mean: 2.0, sd: None }));
        assert_eq!(spread(&[1.0, f64::NAN, 3.0]), Some(Spread { mean: 2.0, sd: Some(2f64.sqrt()) }));
        assert_eq!(cell(spread(&[0.5, 0.7]), 100.0, 1), "60.0 ±14.1");
    }

    #[test]
    fn a_comparison_is_made_once_and_then_read() {
        let folder = tempfile::tempdir().unwrap();
        let spec = CompareSpec {
            methods: vec!["simclr".into(), "simclr".into(), "vicreg".into()],
            encoder: Some("mlp".into()),
            epochs: Some(1),
            seeds: 1,
            out: folder.path().join("all"),
            ..CompareSpec::default()
        };
        let first = compare(&spec, &mut ()).unwrap();
        let names: Vec<&str> = first.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names.len(), 6, "{names:?}");
        assert_eq!(names[2..], ["supervised", "random init", "PCA", "raw pixels"]);
        assert!(first.failures.is_empty() && !first.interrupted);
        for row in &first.rows[..2] {
            assert!(
                row.knn.unwrap().mean > 0.3 && row.linear.len() == 3 && row.seconds.unwrap().mean > 0.0,
                "{row:?}"
            );
            assert!(row.lidar.is_some() && row.memory.unwrap().mean > 1e6, "{row:?}");
        }
        // The runs are read, not made again: the times are the same.
        assert_eq!(compare(&spec, &mut ()).unwrap(), first);
        // A damaged run is listed, the other stands.
        std::fs::write(spec.out.join("vicreg-digits-seed0/report.json"), "{").unwrap();
        let damaged = compare(&spec, &mut ()).unwrap();
        assert_eq!(damaged.failures.len(), 1, "{:?}", damaged.failures);
        assert_eq!(damaged.failures[0].method, "vicreg");
        assert!(damaged.rows.iter().any(|row| row.name == "simclr"));
        let other = CompareSpec { epochs: Some(2), methods: vec!["simclr".into()], ..spec.clone() };
        let message = compare(&other, &mut ()).unwrap_err().to_string();
        assert!(message.starts_with("epochs is 2. Expected 1") && message.contains("--out"), "{message}");
        // Nor is a seed trained that is missing beside runs of other settings, said or not.
        let more = CompareSpec { seeds: 2, ..other };
        assert!(compare(&more, &mut ()).unwrap_err().to_string().starts_with("epochs is 2."));
        let unsaid = CompareSpec { epochs: None, ..more };
        assert!(compare(&unsaid, &mut ()).unwrap_err().to_string().starts_with("epochs is 30. Expected 1"));
        assert!(!spec.out.join("simclr-digits-seed1").exists());
        let endless = CompareSpec { seeds: u64::MAX, ..spec.clone() };
        let message = compare(&endless, &mut ()).unwrap_err().to_string();
        assert!(
            message.starts_with("seeds is 18446744073709551615. Expected a whole number from 1 to 1000."),
            "{message}"
        );
        let unknown = CompareSpec { methods: vec!["simclear".into()], ..spec };
        assert!(compare(&unknown, &mut ()).unwrap_err().to_string().contains("did you mean 'simclr'?"));
    }
}
