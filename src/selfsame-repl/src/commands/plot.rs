//! `selfsame plot`: what was measured epoch by epoch.

use std::path::{Path, PathBuf};

use selfsame::plot::{self, Figure, Series};
use selfsame::train::EpochMetrics;
use selfsame::Error;
use serde_json::{json, Value};

use super::drawn;
use crate::args::{Metric, Plot};
use crate::exit::Exit;
use crate::output;
use crate::run_folder::RunFolder;

/// Draws curves of one measurement for several runs, or the usual ones of each.
///
/// # Errors
/// A folder that is no run, a damaged file in one, nothing measured yet, a file that cannot be written.
pub fn run(arguments: Plot) -> Result<Exit, Error> {
    let runs = arguments.runs.iter().map(|path| RunFolder::open(path)).collect::<Result<Vec<_>, _>>()?;
    let wanted: Vec<Metric> = match arguments.metric {
        Some(metric) => vec![metric],
        None => vec![Metric::Loss, Metric::Knn, Metric::Rank],
    };
    let measured: Vec<Metric> = wanted.iter().copied().filter(|metric| is_measured(&runs, *metric)).collect();
    if measured.is_empty() {
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        let found = format!("nothing of {} has been measured", words(&wanted));
        return Err(Error::run(
            names.join(", "),
            found,
            "Wait for the end of the first epoch, or name another --metric.",
        ));
    }
    let figures = measured.iter().map(|metric| figure(&runs, *metric)).collect::<Result<Vec<_>, _>>()?;
    let save = arguments.save.as_deref();
    let files: Vec<Option<PathBuf>> = measured.iter().map(|metric| place(save, *metric, &measured)).collect();
    for (figure, file) in figures.iter().zip(&files) {
        drawn::save(figure, file.as_deref())?;
    }
    if arguments.json {
        output::json(&as_json(&runs, &measured))?;
    } else {
        for (i, figure) in figures.iter().enumerate() {
            if i > 0 {
                output::stdout("")?;
            }
            drawn::show(figure, None)?;
        }
    }
    files.iter().for_each(|file| drawn::told(file.as_deref()));
    Ok(Exit::Done)
}

/// The file for a curve: the one that was named for the first, one beside it for the others.
fn place(file: Option<&Path>, metric: Metric, all: &[Metric]) -> Option<PathBuf> {
    let first = all.first() == Some(&metric);
    file.map(|file| if first { file.to_path_buf() } else { drawn::beside(file, metric.name()) })
}

fn words(metrics: &[Metric]) -> String {
    metrics.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", ")
}

fn is_measured(runs: &[RunFolder], metric: Metric) -> bool {
    runs.iter().flat_map(|run| &run.metrics).any(|row| of(row, metric).is_some())
}

/// What `metric` is in a row, in the unit it is drawn in.
fn of(row: &EpochMetrics, metric: Metric) -> Option<f64> {
    match metric {
        Metric::Loss => row.loss,
        Metric::Knn => row.knn.map(|v| 100.0 * v),
        Metric::Linear => row.linear.map(|v| 100.0 * v),
        Metric::Rank => row.rankme,
        Metric::Std => row.std,
        Metric::Lr => row.lr,
        Metric::GradNorm => row.grad_norm,
    }
}

fn series(runs: &[RunFolder], metric: Metric) -> Vec<Series> {
    let points =
        |run: &RunFolder| run.metrics.iter().filter_map(|e| Some((e.epoch as f64, of(e, metric)?))).collect();
    runs.iter().map(|run| Series::new(&run.name, points(run))).collect()
}

fn figure(runs: &[RunFolder], metric: Metric) -> Result<Figure, Error> {
    let (title, unit) = match metric {
        Metric::Loss => ("Training loss", "loss (nats)"),
        Metric::Knn => ("Online kNN (k = 20), validation part", "accuracy (%)"),
        Metric::Linear => ("Online linear probe, validation part", "accuracy (%)"),
        Metric::Rank => ("RankMe of the embeddings", "dimensions"),
        Metric::Std => ("Spread of the embeddings", "std of L2-normalised columns"),
        Metric::Lr => ("Learning rate", "at the end of the epoch"),
        Metric::GradNorm => ("Gradient norm", "mean over the epoch's steps"),
    };
    plot::curves(title, "epoch", unit, &series(runs, metric))
}

/// `{"runs": {NAME: {METRIC: [[epoch, value], ..]}}}`
fn as_json(runs: &[RunFolder], metrics: &[Metric]) -> Value {
    let mut of_runs = serde_json::Map::new();
    for run in runs {
        let curves: serde_json::Map<String, Value> = metrics
            .iter()
            .map(|metric| {
                let points: Vec<_> =
                    run.metrics.iter().filter_map(|e| Some((e.epoch, of(e, *metric)?))).collect();
                (metric.name().to_string(), json!(points))
            })
            .collect();
        of_runs.insert(run.name.clone(), Value::Object(curves));
    }
    json!({ "runs": of_runs })
}
