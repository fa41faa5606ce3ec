//! How long, how large, how fast.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::methods::ranges;
use crate::optim::Rule;
use crate::random::default_seed;

/// Settings of the training loop, whatever the objective.
///
/// Read from a file, what is not there has its default; a key that is none of these is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training part (10).
    pub epochs: usize,
    /// Images an optimiser step (256).
    pub batch_size: usize,
    /// Micro-batches a step is split into (1). Their mean gradient is that of the whole batch where the loss is a mean
    /// over images; a contrastive loss sees only the negatives of its micro-batch, and the run says so.
    pub accumulate: usize,
    /// Seed of everything random ([`default_seed`], 0).
    pub seed: u64,
    /// Update rule (AdamW).
    pub rule: Rule,
    /// Peak learning rate (1e-3).
    pub lr: f64,
    /// Weight decay of weights; biases, norms and positions have none (0.05).
    pub weight_decay: f64,
    /// Epochs of linear warm-up before the cosine to 0 (1).
    pub warmup_epochs: f64,
    /// Largest global gradient norm; off when `None`.
    pub clip_norm: Option<f64>,
    /// Online kNN and diagnostics every so many epochs (1).
    pub probe_every: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            epochs: 10,
            batch_size: 256,
            accumulate: 1,
            seed: default_seed(),
            rule: Rule::ADAMW,
            lr: 1e-3,
            weight_decay: 0.05,
            warmup_epochs: 1.0,
            clip_norm: None,
            probe_every: 1,
        }
    }
}

impl TrainConfig {
    /// Checks every setting against its range and the number of training images.
    ///
    /// # Errors
    /// [`Error::Setting`], naming the flag.
    pub fn validate(&self, images: usize) -> Result<()> {
        let at_least_one = |name: &str, value: usize| match value {
            0 => Err(Error::setting(name, 0, "at least 1", "")),
            _ => ranges::count(name, name, value, ""),
        };
        at_least_one("epochs", self.epochs)?;
        at_least_one("accumulate", self.accumulate)?;
        at_least_one("probe-every", self.probe_every)?;
        if self.batch_size < 2 {
            let remedy = "Batch statistics and negatives need other images; 256 is a good start.";
            return Err(Error::setting("batch-size", self.batch_size, "at least 2 images", remedy));
        }
        if self.batch_size > images {
            let remedy = format!("Take --batch-size {} or less.", images.max(2));
            let expected = format!("at most the {images} training images");
            return Err(Error::setting("batch-size", self.batch_size, expected, remedy));
        }
        ranges::count("batch-size", "batch_size", self.batch_size, "256 is a good start.")?;
        if !self.batch_size.is_multiple_of(self.accumulate) || self.batch_size / self.accumulate < 2 {
            let expected =
                format!("a divisor of the batch size {} that leaves 2 images or more", self.batch_size);
            return Err(Error::setting("accumulate", self.accumulate, expected, "Take a power of two."));
        }
        let remedy = "1e-3 is usual for AdamW, 0.06 for SGD, 0.3 for LARS.";
        positive("lr", self.lr, remedy)?;
        ranges::number("lr", "lr", self.lr, remedy)?;
        let ranges = [("weight-decay", self.weight_decay), ("warmup-epochs", self.warmup_epochs)];
        for (name, value) in ranges {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::setting(name, value, "0 or a positive number", ""));
            }
            ranges::number(name, name, value, "")?;
        }
        if let Some(norm) = self.clip_norm {
            let remedy = "1 to 3 is usual; leave it out to switch clipping off.";
            positive("clip-norm", norm, remedy)?;
            ranges::number("clip-norm", "clip-norm", norm, remedy)?;
        }
        self.shrinks()?;
        Ok(())
    }
}

impl TrainConfig {
    /// Weight decay takes a share of every weight at a step, lr times the decay: all of it or more turns the weights around.
    /// LARS measures its steps by the weights, and may.
    fn shrinks(&self) -> Result<()> {
        let share = self.lr * self.weight_decay;
        if share < 1.0 || matches!(self.rule, Rule::Lars { .. }) {
            return Ok(());
        }
        let expected = format!(
            "less than {:.4}, one over the learning rate: from there on a step turns weights around",
            1.0 / self.lr
        );
        Err(Error::setting("weight-decay", self.weight_decay, expected, "0.05 is usual for AdamW."))
    }
}

/// Checks a setting that is a positive number.
pub(crate) fn positive(name: &str, value: f64, remedy: &str) -> Result<()> {
    match value > 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(Error::setting(name, value, "a positive number", remedy)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refused(config: TrainConfig) -> String {
        config.validate(1000).unwrap_err().to_string()
    }

    #[test]
    fn numbers_that_would_wrap_or_turn_weights_around_are_refused() {
        let d = || TrainConfig::default();
        assert!(refused(TrainConfig { epochs: 3689348814741910324, ..d() })
            .starts_with("epochs is 3689348814741910324. Expected a whole number from 1 to 1000000000."));
        assert!(refused(TrainConfig { probe_every: usize::MAX, ..d() }).starts_with("probe-every is"));
        assert!(refused(TrainConfig { batch_size: usize::MAX, ..d() })
            .contains("at most the 1000 training images"));
        assert!(refused(TrainConfig { lr: 1e-308, ..d() }).starts_with("lr is 1e-308."));
        assert!(refused(TrainConfig { weight_decay: 4294967296.0, ..d() })
            .starts_with("weight-decay is 4294967296."));
        let message = refused(TrainConfig { lr: 10.0, weight_decay: 0.5, ..d() });
        assert!(message.contains("less than 0.1000, one over the learning rate"), "{message}");
        assert!(TrainConfig { lr: 10.0, weight_decay: 0.5, rule: Rule::LARS, ..d() }.validate(1000).is_ok());
        assert!(d().validate(1000).is_ok());
    }

    #[test]
    fn a_mistyped_key_is_no_default() {
        let read = serde_json::from_str::<TrainConfig>;
        let said =
            read(r#"{"epochs": 3, "learning_rate": 0.1}"#).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(said.contains("unknown field `learning_rate`") && said.contains("`lr`"), "{said}");
        let few = read(r#"{"epochs": 3}"#).ok();
        assert_eq!(few, Some(TrainConfig { epochs: 3, ..TrainConfig::default() }));
        let written = serde_json::to_string(&TrainConfig::default()).ok();
        let again = written.and_then(|text| serde_json::from_str(&text).ok());
        assert_eq!(again, Some(TrainConfig::default()));
    }
}
