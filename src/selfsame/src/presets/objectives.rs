//! Objectives by name: their settings for a data set, and how they are put together.

use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::{Map, Value};

use super::data::{DataKind, Preset};
use super::settings::parsed;
use super::{TrainSpec, METHODS};
use crate::error::{Error, Result};
use crate::methods::{
    weights_of, AnyMethod, Configured, Learner, Objective, Part, SimClrConfig, SimClrObjective,
};
use crate::nn::{AnyEncoder, Encoder};
use crate::ops::Engine;

/// An objective over the encoder of the presets.
type Boxed<D> = Box<dyn Objective<AnyEncoder<D>, D>>;

/// What objective `method` is, in a line; empty for a name that is none of [`METHODS`].
pub fn about_method(method: &str) -> &'static str {
    match method {
        "simclr" => "two views of an image attract, all other images of the batch repel (Chen et al. 2020, arXiv 2002.05709)",
        _ => "",
    }
}

/// What a run of `method` on data of `kind` starts from.
pub(super) fn preset(_method: &str, kind: DataKind) -> Preset {
    kind.preset()
}

/// Every setting of `method` by name with its preset for data of `kind`; those that are fields of [`TrainSpec`], such as
/// the temperature, among them.
///
/// # Errors
/// [`Error::Unknown`] for an objective that does not exist.
pub(super) fn defaults(method: &str, kind: DataKind) -> Result<Map<String, Value>> {
    let temperature = match kind {
        DataKind::Digits => 0.1,
        DataKind::Mnist => 0.3,
        _ => 0.2,
    };
    match method {
        "simclr" => fields(SimClrConfig { temperature, seed: 0 }),
        _ => Err(Error::unknown("method", method, METHODS)),
    }
}

/// A configuration as a map.
fn fields<C: Serialize>(config: C) -> Result<Map<String, Value>> {
    match serde_json::to_value(config) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(Error::shape("settings of an objective", "an object", other)),
        Err(e) => Err(Error::shape("settings of an objective", "an object", e)),
    }
}

/// The method of a resolved `spec` with its initial weights.
///
/// # Errors
/// A setting out of its range; a device out of memory.
pub(super) fn build<D: Engine>(
    dev: &D,
    spec: &TrainSpec,
    kind: DataKind,
) -> Result<AnyMethod<AnyEncoder<D>, D>> {
    let seed = spec.seed.unwrap_or(0);
    let recipe = kind.encoder(spec.encoder.as_deref().unwrap_or("convnet"))?;
    let encoder = AnyEncoder::build(&recipe, dev, &mut weights_of(seed, Part::Encoder))?;
    let mut settings = spec.settings.clone();
    settings.insert("seed".into(), seed.into());
    if let Some(temperature) = spec.temperature {
        settings.insert("temperature".into(), temperature.into());
    }
    let width = spec.projector_dim.unwrap_or_else(|| encoder.features());
    let objective = objective(&spec.method, &encoder, dev, settings, width)?;
    Ok(Box::new(Learner::of(encoder, objective)))
}

/// The objective called `method` over `encoder`.
fn objective<D: Engine>(
    method: &str,
    encoder: &AnyEncoder<D>,
    dev: &D,
    settings: Map<String, Value>,
    width: usize,
) -> Result<Boxed<D>> {
    match method {
        "simclr" => over::<SimClrObjective<_, usize, D>, D>(encoder, dev, settings, width),
        _ => Err(Error::unknown("method", method, METHODS)),
    }
}

fn over<O, D: Engine>(
    encoder: &AnyEncoder<D>,
    dev: &D,
    settings: Map<String, Value>,
    dims: O::Dims,
) -> Result<Boxed<D>>
where
    O: Configured<AnyEncoder<D>, D, Config: DeserializeOwned> + 'static,
{
    Ok(Box::new(O::over(encoder, dev, &parsed(settings)?, dims)?))
}
