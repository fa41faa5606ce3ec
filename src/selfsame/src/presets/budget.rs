//! How many epochs a training time is.

use super::data::DataKind;
use super::run::{dispatch, prepare, Job, Prepared};
use super::TrainSpec;
use crate::error::{Error, Result};
use crate::ops::Engine;
use crate::train::{EpochLine, StepLine, TrainConfig, Trainer, Watch};

/// Steps of a measured pass; a pass before them warms up.
const STEPS: usize = 4;
/// Images of a measured pass, at least, so that there are enough of them to cluster.
const IMAGES: usize = 2048;
/// Seconds to measure before the rate is believed.
const SECONDS: f64 = 2.0;
/// Passes at most, however fast they are.
const PASSES: usize = 50;

/// `spec`, resolved, with the epochs that its `minutes` of training are on this machine: as many as fit, and at least one.
/// Unchanged where it has no `minutes`, or has its epochs already.
///
/// A second model with the same settings is trained on a piece of the data for some seconds, and dropped: the run itself is
/// the one that the same number of epochs would have made.
///
/// # Errors
/// Whatever the training says at its first steps.
pub(super) fn with_epochs(spec: TrainSpec, watch: &mut dyn Watch) -> Result<TrainSpec> {
    let (Some(minutes), None) = (spec.minutes, spec.epochs) else { return Ok(spec) };
    watch.stage("measuring how long an epoch takes");
    let epoch = dispatch(&spec, &spec.data, Measure)?;
    let epochs = ((60.0 * minutes / epoch) as usize).max(1);
    let passes = if epochs == 1 { "one is trained".into() } else { format!("{epochs} are trained") };
    watch.stage(&format!("an epoch takes {epoch:.1} s; in {minutes} minutes of training, {passes}"));
    Ok(TrainSpec { epochs: Some(epochs), ..spec })
}

/// Seconds that an epoch of training takes, probes not counted.
struct Measure;

impl Job for Measure {
    type Output = f64;

    fn run<D: Engine>(self, dev: &D, spec: &TrainSpec, kind: DataKind, dir: &str) -> Result<f64> {
        let Prepared { config, mut method, data, views, .. } = prepare(dev, spec, kind, dir)?;
        let config = TrainConfig { epochs: PASSES, probe_every: PASSES, ..config };
        let piece = data.with_shorter_training((STEPS * config.batch_size).max(IMAGES));
        let mut pace = Pace::default();
        let trainer = Trainer::new(dev).config(config.clone());
        let steps = trainer.steps_per_epoch(data.train().len());
        trainer.watch_within(&mut pace).fit(&mut method, &piece, &views)?;
        if pace.seconds == 0.0 {
            return Err(Error::Interrupted);
        }
        Ok(steps as f64 * config.batch_size as f64 * pace.seconds / pace.images)
    }
}

/// Images and seconds of all passes but the first.
#[derive(Default)]
struct Pace {
    passes: usize,
    pass: f64,
    images: f64,
    seconds: f64,
}

impl Watch for Pace {
    fn stepped(&mut self, step: &StepLine) {
        self.pass += step.images as f64;
    }
    fn epoch_done(&mut self, line: &EpochLine) {
        let images = std::mem::take(&mut self.pass);
        if self.passes > 0 {
            self.images += images;
            self.seconds += images / line.images_per_second;
        }
        self.passes += 1;
    }
    fn enough(&mut self) -> bool {
        self.seconds >= SECONDS
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn spec(minutes: f64) -> TrainSpec {
        TrainSpec {
            method: "deepcluster".into(),
            data: "digits".into(),
            encoder: Some("mlp".into()),
            seed: Some(3),
            minutes: Some(minutes),
            ..TrainSpec::default()
        }
    }

    #[derive(Default)]
    struct Said(Vec<String>);
    impl Watch for Said {
        fn stage(&mut self, what: &str) {
            self.0.push(what.into());
        }
    }

    #[test]
    fn a_time_becomes_epochs_that_take_about_as_long() {
        let mut said = Said::default();
        let few = with_epochs(spec(1e-9).resolve().unwrap(), &mut said).unwrap();
        assert_eq!(few.epochs, Some(1));
        assert!(said.0[1].contains("one is trained"), "{:?}", said.0);
        // Of an hour of epochs as long as the measured one: as many as it says.
        let many = with_epochs(spec(60.0).resolve().unwrap(), &mut said).unwrap().epochs.unwrap();
        let words: Vec<&str> = said.0[3].split_whitespace().collect();
        let seconds: f64 = words[3].parse().unwrap();
        assert!(many > 100 && words.contains(&many.to_string().as_str()), "{:?}", said.0);
        assert!((3600.0 / many as f64 - seconds).abs() < 0.06, "{many} epochs of {seconds} s");
        // Epochs that are said are taken, and a measured run is told to go on with its own.
        let told = TrainSpec { epochs: Some(4), ..spec(60.0) }.resolve().unwrap();
        assert_eq!(with_epochs(told, &mut said).unwrap().epochs, Some(4));
    }

    #[test]
    fn no_time_is_refused() {
        for minutes in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let message = spec(minutes).resolve().unwrap_err().to_string();
            assert!(message.starts_with("minutes is ") && message.contains("a positive number"), "{message}");
        }
    }
}
