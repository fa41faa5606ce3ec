//! What the doctor knows about a run before it begins.

use serde::{Deserialize, Serialize};

use super::remedy::number;
use super::thresholds::{LOWEST_TEMPERATURE, LR_PER_256, REACHABLE_FALL};

/// A value of the loss that names a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    /// Its name, `ln(2N-1)`.
    pub name: String,
    /// The loss there.
    pub value: f64,
    /// What a loss there means, as a sentence.
    pub means: String,
    /// What to change, as a sentence with a command-line flag.
    pub try_this: String,
}

/// A safeguard of an objective that is switched off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// What is off and what it is there for, as a sentence.
    pub what: String,
    /// What switches it on, as a command-line flag: `--set stop_gradient=true`.
    pub flag: String,
}

impl Missing {
    /// `what` is off; `flag` switches it on.
    pub fn new(what: impl Into<String>, flag: impl Into<String>) -> Missing {
        Missing { what: what.into(), flag: flag.into() }
    }
}

/// The configuration an alarm explains itself with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Objective, `simclr`.
    pub method: String,
    /// `adamw`, `sgd` or `lars`.
    pub optimizer: String,
    /// Images an optimiser step.
    pub batch: usize,
    /// Micro-batches a step is split into; a contrastive loss sees `batch / accumulate` images at a time.
    pub accumulate: usize,
    /// Temperature of the contrastive loss, where there is one.
    pub temperature: Option<f64>,
    /// Peak learning rate.
    pub lr: f64,
    /// Width of the encoder's features.
    pub encoder_dim: usize,
    /// Width of the projector's output.
    pub projector_dim: usize,
    /// Values of the loss that name a failure; of a contrastive loss the chance value first.
    pub plateaus: Vec<Plateau>,
    /// Whether what is to be predicted changes while training goes on, so that the loss may rise while all is well: it is not
    /// held against its start. With a teacher's distribution it is held against what a student costs that says nothing.
    #[serde(default)]
    pub moving_targets: bool,
    /// Whether what the projector's output is for is told the classes, and so may put each of them in one point.
    #[serde(default)]
    pub sees_labels: bool,
    /// Safeguards of the objective that are off; the first is the first suspect.
    #[serde(default)]
    pub missing: Vec<Missing>,
}

impl Context {
    /// What the contrastive loss costs when every candidate looks the same.
    pub(super) fn chance(&self) -> Option<f64> {
        self.temperature.and(self.plateaus.first()).map(|p| p.value)
    }

    /// The lowest the contrastive loss can get with positives at cosine 1 and negatives at 0, when the temperature
    /// keeps that within a hair of chance.
    pub(super) fn temperature_too_high(&self) -> Option<f64> {
        let (temperature, chance) = (self.temperature?, self.chance()?);
        let lowest = ((chance.exp() - 1.0) * (-1.0 / temperature).exp()).ln_1p();
        (temperature > 0.0 && chance - lowest < REACHABLE_FALL).then_some(lowest)
    }

    pub(super) fn temperature_too_low(&self) -> Option<f64> {
        self.temperature.filter(|&t| t < LOWEST_TEMPERATURE)
    }

    /// The highest learning rate that is not absurd for this optimiser.
    pub(super) fn highest_lr(&self) -> f64 {
        match self.optimizer.as_str() {
            "adamw" | "adam" => 1.0 / (self.encoder_dim.max(1) as f64).sqrt(),
            _ => LR_PER_256 * (self.batch as f64 / 256.0).max(1.0),
        }
    }

    pub(super) fn lr_too_high(&self) -> bool {
        self.lr > self.highest_lr()
    }

    /// A learning rate that works for this optimiser, as the command-line flag.
    pub(super) fn lr_flag(&self) -> &'static str {
        match self.optimizer.as_str() {
            "adamw" | "adam" => "--lr 1e-3",
            "lars" => "--lr 0.3",
            _ => "--lr 0.06",
        }
    }

    /// The run's own learning rate times `factor`, as the command-line flag.
    pub(super) fn lr_times(&self, factor: f64) -> String {
        format!("--lr {}", number(self.lr * factor))
    }

    /// A projector width to try, as the command-line flag.
    pub(super) fn projector_flag(&self) -> String {
        format!("--projector-dim {}", if self.projector_dim >= 64 { 2 * self.projector_dim } else { 64 })
    }

    /// Images a contrastive loss compares at a time.
    pub(super) fn compared(&self) -> usize {
        self.batch / self.accumulate.max(1)
    }
}
