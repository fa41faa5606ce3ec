//! What to train on what, by name.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::data::DataKind;
use super::objectives;
use super::settings::same_name;
use crate::error::{Error, Result};
use crate::methods::ranges;
use crate::optim::Rule;
use crate::random::default_seed;
use crate::train::{positive, TrainConfig};

/// Names of the objectives `train` knows.
pub const METHODS: &[&str] = &[
    "simclr",
    "moco-v1",
    "moco-v2",
    "moco-v3",
    "nnclr",
    "supcon",
    "dcl",
    "dclw",
    "byol",
    "simsiam",
    "barlow",
    "vicreg",
    "w-mse",
    "lejepa",
    "dino",
    "ibot",
    "swav",
    "deepcluster",
    "deepcluster-v2",
    "hybrid",
];
/// Names of the encoder presets.
pub const ENCODERS: &[&str] = &["convnet", "vit", "mlp", "resnet9", "resnet18"];
/// Names of the optimisers.
pub const OPTIMIZERS: &[&str] = &["adamw", "sgd", "lars"];
/// Names of the devices.
pub const DEVICES: &[&str] = &["cpu", "cuda"];
/// Data sets in the forms `train` takes them.
pub const DATA: &[&str] = &["digits", "shapes", "mnist:DIR", "cifar10:DIR", "cifar100:DIR", "folder:DIR"];

/// What to train on what. Unset fields take the preset's value for the data set; `config.json` in the run folder holds
/// the resolved ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainSpec {
    /// Objective, one of [`METHODS`].
    pub method: String,
    /// Data set, one of the forms in [`DATA`].
    pub data: String,
    /// Encoder preset, one of [`ENCODERS`].
    pub encoder: Option<String>,
    /// Passes over the training part.
    pub epochs: Option<usize>,
    /// Minutes of training, probes not counted: where `epochs` is unset, as many passes as fit on this machine, and at
    /// least one. `config.json` holds both.
    pub minutes: Option<f64>,
    /// Images an optimiser step (views are twice as many).
    pub batch_size: Option<usize>,
    /// Micro-batches an optimiser step is split into.
    pub accumulate: Option<usize>,
    /// Seed of everything random.
    pub seed: Option<u64>,
    /// Peak learning rate.
    pub lr: Option<f64>,
    /// Weight decay (weights only; biases and norms have none).
    pub weight_decay: Option<f64>,
    /// Epochs of linear warm-up before the cosine.
    pub warmup_epochs: Option<f64>,
    /// `adamw`, `sgd` or `lars`.
    pub optimizer: Option<String>,
    /// Largest global gradient norm; larger gradients are scaled down. Off when unset.
    pub clip_norm: Option<f64>,
    /// Temperature of the loss, for objectives that have one.
    pub temperature: Option<f64>,
    /// Width of the projector's output.
    pub projector_dim: Option<usize>,
    /// The objective's own settings by name: the fields of its configuration (`momentum`, `queue`, ...).
    pub settings: Map<String, Value>,
    /// Online kNN and diagnostics every so many epochs.
    pub probe_every: Option<usize>,
    /// `cpu` or `cuda`.
    pub device: Option<String>,
    /// Which vector instructions the run was begun with ([`simd_kind`](crate::ops::simd_kind)), written down when it begins;
    /// what is given is not heeded. Runs of one kind have the same bytes.
    pub simd: Option<String>,
    /// Folder that holds run folders (`runs`).
    pub out: Option<PathBuf>,
    /// Name of the run folder, which must be free; made from method, data and seed when unset, with a number behind it
    /// where that is taken.
    pub name: Option<String>,
}

impl TrainSpec {
    /// Fills every field that is unset: with the preset for the data set, then for the encoder. Epochs stay unset where
    /// `minutes` says how long; [`train`](super::train()) finds them.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a method, data set, encoder or optimiser that does not exist; [`Error::Setting`] for
    /// numbers no objective takes. Ranges that depend on the data are checked when they are open.
    pub fn resolve(&self) -> Result<TrainSpec> {
        let Some(method) = METHODS.iter().find(|method| **method == self.method) else {
            return Err(Error::unknown("method", &self.method, METHODS));
        };
        let kind = DataKind::of(&self.data)?.0;
        let (preset, defaults) = (objectives::preset(method, kind), objectives::defaults(method, kind)?);
        let temperature = self.temperature_of(&defaults)?;
        let encoder = self.encoder.clone().unwrap_or_else(|| objectives::encoder(method).into());
        if !ENCODERS.contains(&encoder.as_str()) {
            return Err(Error::unknown("encoder", encoder, ENCODERS));
        }
        let optimizer = self.optimizer.clone().unwrap_or_else(|| "adamw".into());
        let (lr, decay) = match rule(&optimizer)? {
            Rule::AdamW { .. } => (preset.lr, 0.05),
            Rule::Sgd { .. } => (0.06, 5e-4),
            Rule::Lars { .. } => (0.3, 1e-4),
        };
        let device = self.device.clone().unwrap_or_else(|| "cpu".into());
        if !DEVICES.contains(&device.as_str()) {
            return Err(Error::unknown("device", device, DEVICES));
        }
        let seed = self.seed.unwrap_or_else(default_seed);
        let spec = TrainSpec {
            method: self.method.clone(),
            data: self.data.clone(),
            encoder: Some(encoder),
            epochs: self.epochs.or(Some(preset.epochs).filter(|_| self.minutes.is_none())),
            minutes: self.minutes,
            batch_size: self.batch_size.or(Some(preset.batch_size)),
            accumulate: self.accumulate.or(Some(1)),
            seed: Some(seed),
            lr: self.lr.or(Some(lr)),
            weight_decay: self.weight_decay.or(Some(decay)),
            warmup_epochs: self.warmup_epochs.or(Some(preset.warmup_epochs)),
            optimizer: Some(optimizer),
            clip_norm: self.clip_norm,
            temperature,
            projector_dim: self.projector_dim.or(Some(preset.projector_dim)),
            settings: objectives::settings(method, kind, &self.settings)?,
            probe_every: self.probe_every.or(Some(1)),
            device: Some(device),
            simd: self.simd.clone(),
            out: self.out.clone().or_else(|| Some("runs".into())),
            name: self.name.clone().or_else(|| Some(format!("{}-{}-seed{seed}", self.method, kind.name()))),
        };
        // Whatever needs no data is checked before any are read.
        if let Some(minutes) = spec.minutes {
            let remedy = "10 is a good start; 0.5 is half a minute.";
            positive("minutes", minutes, remedy)?;
            ranges::number("minutes", "minutes", minutes, remedy)?;
        }
        let width = spec.projector_dim.unwrap_or(preset.projector_dim);
        ranges::count("projector-dim", "projector_dim", width, "64 and 128 are common.")?;
        spec.train_config()?.validate(usize::MAX)?;
        Ok(spec)
    }

    /// The temperature, which an objective without one must not be given.
    fn temperature_of(&self, defaults: &Map<String, Value>) -> Result<Option<f64>> {
        match (defaults.get("temperature"), self.temperature) {
            (Some(_), Some(given)) if !(given > 0.0 && given.is_finite()) => {
                let remedy = "Common values are 0.1 to 0.5.";
                Err(Error::setting("temperature", given, "a positive number", remedy))
            }
            (Some(preset), given) => {
                let given = given.or(preset.as_f64());
                let remedy = "Common values are 0.1 to 0.5.";
                given.map_or(Ok(()), |value| ranges::number("temperature", "temperature", value, remedy))?;
                Ok(given)
            }
            (None, None) => Ok(None),
            (None, Some(given)) => {
                let expected = format!("unset, because {} has no temperature", self.method);
                Err(Error::setting("temperature", given, expected, "Leave it out."))
            }
        }
    }

    /// The loop's settings; unset fields take [`TrainConfig`]'s defaults.
    ///
    /// # Errors
    /// [`Error::Unknown`] for the optimiser.
    pub fn train_config(&self) -> Result<TrainConfig> {
        let d = TrainConfig::default();
        Ok(TrainConfig {
            epochs: self.epochs.unwrap_or(d.epochs),
            batch_size: self.batch_size.unwrap_or(d.batch_size),
            accumulate: self.accumulate.unwrap_or(d.accumulate),
            seed: self.seed.unwrap_or(d.seed),
            rule: self.optimizer.as_deref().map_or(Ok(d.rule), rule)?,
            lr: self.lr.unwrap_or(d.lr),
            weight_decay: self.weight_decay.unwrap_or(d.weight_decay),
            warmup_epochs: self.warmup_epochs.unwrap_or(d.warmup_epochs),
            clip_norm: self.clip_norm,
            probe_every: self.probe_every.unwrap_or(d.probe_every),
        })
    }

    /// Every field but those that say where the run is kept and on what it was computed: what makes the run the run it is.
    pub(crate) fn settings(&self) -> Map<String, Value> {
        let mut fields = match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        fields.retain(|key, _| !["out", "name", "simd"].contains(&key.as_str()));
        fields
    }

    /// Checks that what `self` sets, the run in `folder`, made with `own`, has too.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first that differs, its value and the run's.
    pub(crate) fn agrees_with(&self, own: &TrainSpec, folder: &Path) -> Result<()> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
        let flat = |spec: &TrainSpec| {
            let mut all = spec.settings();
            if let Some(Value::Object(settings)) = all.remove("settings") {
                all.extend(settings);
            }
            all
        };
        let own = flat(own);
        for (key, mine) in flat(self) {
            let unset = mine.is_null() || mine.as_str() == Some("");
            let theirs = own.iter().find(|(name, _)| same_name(name, &key)).map(|(_, value)| value.clone());
            let theirs = theirs.unwrap_or_default();
            if unset || mine == theirs {
                continue;
            }
            let had = if theirs.is_null() { "unset".into() } else { text(&theirs) };
            return Err(Error::setting(
                key.replace('_', "-"),
                text(&mine),
                format!("{had}, with which {} was begun", folder.display()),
                "Leave it out to go on with that run, or start a new run without --resume.",
            ));
        }
        Ok(())
    }
}

fn rule(name: &str) -> Result<Rule> {
    match name {
        "adamw" => Ok(Rule::ADAMW),
        "sgd" => Ok(Rule::SGD),
        "lars" => Ok(Rule::LARS),
        _ => Err(Error::unknown("optimizer", name, OPTIMIZERS)),
    }
}
