//! A run in one expression.

use std::path::PathBuf;

use serde_json::Value;

use super::{Run, TrainSpec};
use crate::error::Result;
use crate::front;
use crate::train::Watch;

/// A run to be: what to train on what, with every other setting its preset until it is set.
///
/// ```no_run
/// let run = selfsame::train("simclr", "digits").epochs(5).seed(7).run()?;
/// println!("{}", run.doctor());
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "it trains when `run` is called"]
pub struct Training {
    spec: TrainSpec,
}

/// A run of objective `method` on `data`, by the names commands use ([`METHODS`](super::METHODS), [`DATA`](super::DATA)).
pub fn training(method: impl Into<String>, data: impl Into<String>) -> Training {
    Training { spec: TrainSpec { method: method.into(), data: data.into(), ..TrainSpec::default() } }
}

impl Training {
    /// Encoder preset, one of [`ENCODERS`](super::ENCODERS).
    pub fn encoder(mut self, name: impl Into<String>) -> Training {
        self.spec.encoder = Some(name.into());
        self
    }
    /// Passes over the training part.
    pub fn epochs(mut self, epochs: usize) -> Training {
        self.spec.epochs = Some(epochs);
        self
    }
    /// Images an optimiser step.
    pub fn batch_size(mut self, images: usize) -> Training {
        self.spec.batch_size = Some(images);
        self
    }
    /// Peak learning rate.
    pub fn lr(mut self, lr: f64) -> Training {
        self.spec.lr = Some(lr);
        self
    }
    /// `adamw`, `sgd` or `lars`.
    pub fn optimizer(mut self, name: impl Into<String>) -> Training {
        self.spec.optimizer = Some(name.into());
        self
    }
    /// Temperature of the loss, for objectives that have one.
    pub fn temperature(mut self, temperature: f64) -> Training {
        self.spec.temperature = Some(temperature);
        self
    }
    /// Width of the projector's output.
    pub fn projector_dim(mut self, width: usize) -> Training {
        self.spec.projector_dim = Some(width);
        self
    }
    /// One of the objective's own settings.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Value>) -> Training {
        self.spec.settings.insert(name.into(), value.into());
        self
    }
    /// Seed of everything random.
    pub fn seed(mut self, seed: u64) -> Training {
        self.spec.seed = Some(seed);
        self
    }
    /// Folder that holds run folders (`runs`).
    pub fn out(mut self, folder: impl Into<PathBuf>) -> Training {
        self.spec.out = Some(folder.into());
        self
    }
    /// Name of the run folder, which must be free.
    pub fn name(mut self, name: impl Into<String>) -> Training {
        self.spec.name = Some(name.into());
        self
    }
    /// All settings, for those that have no method here.
    pub fn spec(&mut self) -> &mut TrainSpec {
        &mut self.spec
    }

    /// Trains, judges and opens the run, showing how it goes ([`front::watch`]). A run that was stopped by request comes
    /// back too: it is not done, and can be resumed.
    ///
    /// # Errors
    /// As [`presets::train`](super::train()).
    pub fn run(&self) -> Result<Run> {
        self.run_with(front::watch().as_mut())
    }

    /// [`Training::run`] that tells `watch` how it goes.
    ///
    /// # Errors
    /// As there.
    pub fn run_with(&self, watch: &mut dyn Watch) -> Result<Run> {
        Run::of(&super::train(&self.spec, watch)?)
    }
}
