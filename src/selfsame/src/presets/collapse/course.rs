//! One run of the gallery, spoilt or in good health.

use dfdx::prelude::Cpu;
use serde_json::Value;

use super::entries::Setting;
use crate::augment::{View, Views};
use crate::data::Dataset;
use crate::diagnose::Alarm;
use crate::error::{Error, Result};
use crate::methods::Method;
use crate::presets::data::{normalise, open, DataKind};
use crate::presets::objectives::build;
use crate::presets::TrainSpec;
use crate::shape::{AnyImage, ImageShape};
use crate::train::{EpochMetrics, Trainer, Watch};

/// Passes over the embedded digits a run has, collapsed or not.
pub(super) const EPOCHS: usize = 20;
/// The small network all runs train; collapses are the objectives' and need no large one.
const ENCODER: &str = "mlp";

/// What became of a run.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// A line an epoch, epoch 0 (before training) first.
    pub history: Vec<EpochMetrics>,
    /// What the doctor said.
    pub alarms: Vec<Alarm>,
    /// Why it ended early, where numbers were no longer finite.
    pub diverged: Option<String>,
}

/// Trains a preset and hears what the doctor says of it, without a run folder and without baselines; of a preset in good
/// health that should be nothing.
///
/// # Errors
/// As [`presets::train`](crate::presets::train()).
pub fn healthy(spec: &TrainSpec) -> Result<Course> {
    let spec = spec.resolve()?;
    let (kind, dir) = DataKind::of(&spec.data)?;
    let data = open(kind, dir)?;
    fit(&spec, kind, false, &[], &data)
}

/// Trains an entry's run until one of `kinds` has been raised, or to the end.
pub(super) fn course(
    method: &str,
    settings: &[(&str, Setting)],
    kinds: &'static [&'static str],
    seed: u64,
    data: &Dataset<AnyImage>,
) -> Result<Course> {
    let same_views = settings.iter().any(|(_, s)| *s == Setting::SameViews);
    fit(&spec(method, settings, seed)?, DataKind::Digits, same_views, kinds, data)
}

fn fit(
    spec: &TrainSpec,
    kind: DataKind,
    same_views: bool,
    kinds: &'static [&'static str],
    data: &Dataset<AnyImage>,
) -> Result<Course> {
    let dev = Cpu::seed_from_u64(spec.seed.unwrap_or(0));
    let mut built = build(&dev, spec, kind)?;
    let normalise = normalise(data)?;
    let views = match same_views {
        true => Views::new(vec![View::new(data.shape().size()); built.views()]).normalise(&normalise),
        false => kind.views(built.views(), built.local_views(), &normalise),
    };
    let mut listener = Listener { kinds, ..Default::default() };
    let fit =
        Trainer::new(&dev).config(spec.train_config()?).watch(&mut listener).fit(&mut built, data, &views);
    if crate::interrupted() {
        return Err(Error::Interrupted);
    }
    match fit {
        Ok(progress) => Ok(Course { history: progress.history, alarms: progress.alarms, diverged: None }),
        Err(e @ Error::Diverged { .. }) => {
            Ok(Course { history: Vec::new(), alarms: listener.alarms, diverged: Some(e.to_string()) })
        }
        Err(other) => Err(other),
    }
}

fn spec(method: &str, settings: &[(&str, Setting)], seed: u64) -> Result<TrainSpec> {
    let mut spec = TrainSpec {
        method: method.into(),
        data: "digits".into(),
        encoder: Some(ENCODER.into()),
        epochs: Some(EPOCHS),
        seed: Some(seed),
        ..Default::default()
    };
    for (name, setting) in settings {
        match *setting {
            Setting::Number(v) => drop(spec.settings.insert((*name).into(), v.into())),
            Setting::Off => drop(spec.settings.insert((*name).into(), Value::Bool(false))),
            Setting::Temperature(t) => spec.temperature = Some(t),
            Setting::Rate(lr) => spec.lr = Some(lr),
            Setting::Width(d) => spec.projector_dim = Some(d),
            Setting::Batch(n) => spec.batch_size = Some(n),
            Setting::SameViews => (),
        }
    }
    spec.resolve()
}

/// Listens until it has heard what it waits for.
#[derive(Default)]
struct Listener {
    kinds: &'static [&'static str],
    alarms: Vec<Alarm>,
}

impl Watch for Listener {
    fn alarm(&mut self, alarm: &Alarm) {
        self.alarms.push(alarm.clone());
    }
    fn enough(&mut self) -> bool {
        self.alarms.iter().any(|alarm| self.kinds.contains(&alarm.kind.as_str()))
    }
}
