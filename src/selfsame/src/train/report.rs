//! What a run found out: the object behind `--json`, `report.json` and `report.html`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::diagnose::{Alarm, Geometry};
use crate::front::nan_from_null;

/// The result of one training run. All accuracies lie in 0..1 and are of the test part.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// Name of the run folder.
    pub run: String,
    /// Objective, `simclr`.
    pub method: String,
    /// Data set as the command names it.
    pub data: String,
    /// Encoder preset.
    pub encoder: String,
    /// Seed of everything random in the run.
    pub seed: u64,
    /// Epochs trained (fewer than asked for when the run was interrupted or stopped).
    pub epochs: usize,
    /// Mean training loss of each epoch.
    pub loss: Vec<f64>,
    /// The trained encoder under both probes.
    #[serde(flatten)]
    pub scores: Scores,
    /// The same probes on what costs nothing, or uses all labels.
    pub baselines: Baselines,
    /// Geometry of the final test embeddings (encoder output).
    pub diagnostics: Geometry,
    /// What the doctor said, in order.
    pub alarms: Vec<Alarm>,
    /// What could not be judged and why, in sentences; the baselines have their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unjudged: Vec<String>,
    /// Training throughput: images (not views) per second of the training loop alone.
    pub images_per_second: f64,
    /// Largest resident set of the process.
    pub peak_memory_bytes: u64,
    /// Wall time of the whole run, baselines included.
    pub seconds: f64,
}

/// kNN and linear-probe accuracy of one representation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scores {
    /// kNN accuracy; NaN, `null` in JSON, where there was nothing to score.
    pub knn: KnnScores,
    /// Linear-probe accuracy.
    pub linear: LinearScores,
}

/// kNN accuracy on the test part (cosine, T = 0.07), neighbours from the training part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KnnScores {
    /// With 20 neighbours.
    #[serde(deserialize_with = "nan_from_null")]
    pub k20: f64,
    /// With 200 neighbours.
    #[serde(deserialize_with = "nan_from_null")]
    pub k200: f64,
}

/// Linear-probe accuracy on the test part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinearScores {
    /// With all training labels.
    #[serde(deserialize_with = "nan_from_null")]
    pub accuracy: f64,
    /// By share of the training labels (`1%`, `10%`, `100%`); below 100 % the mean over five draws.
    #[serde(deserialize_with = "nans_from_null")]
    pub by_labels: BTreeMap<String, f64>,
}

/// The representations every run is held against, under the same probes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Baselines {
    /// The same encoder with its initial weights.
    pub random_init: Scores,
    /// Raw pixels.
    pub pixels: Scores,
    /// Principal components of the pixels, as many as the encoder has features (or pixels, if fewer).
    pub pca: Scores,
    /// The same encoder trained with all training labels for the same number of epochs; below 100 % of the labels, trained
    /// on those labels alone and scored by its own classifier.
    pub supervised: Scores,
    /// What of these could not be judged and why, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unjudged: Vec<String>,
}

impl Scores {
    /// Nothing scored: NaN for every probe of `shares` of the labels.
    pub(crate) fn none(shares: &[&str]) -> Scores {
        let by_labels = shares.iter().map(|share| (share.to_string(), f64::NAN)).collect();
        Scores {
            knn: KnnScores { k20: f64::NAN, k200: f64::NAN },
            linear: LinearScores { accuracy: f64::NAN, by_labels },
        }
    }
}

impl Report {
    /// What could not be judged and why: of the run, then of its baselines.
    pub fn all_unjudged(&self) -> impl Iterator<Item = &str> {
        self.unjudged.iter().chain(&self.baselines.unjudged).map(String::as_str)
    }
}

/// Numbers by name, `null` being none.
fn nans_from_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let numbers = BTreeMap::<String, Option<f64>>::deserialize(deserializer)?;
    Ok(numbers.into_iter().map(|(name, number)| (name, number.unwrap_or(f64::NAN))).collect())
}
