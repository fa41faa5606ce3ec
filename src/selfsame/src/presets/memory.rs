//! What a run needs of memory, before anything of it is made.
//!
//! An estimate from widths and counts: it is there to refuse what cannot work, in words, and not to plan to the byte. It counts
//! what grows with settings and leaves out what every run has.

use super::data::DataKind;
use super::settings::taken;
use super::{objectives, TrainSpec};
use crate::error::{Error, Result};
use crate::train::available_memory_bytes;

/// Numbers kept for every weight: itself, its gradient on the tape and in a flat list, two of the optimiser, a slow copy.
const COPIES: f64 = 6.0;
/// Numbers kept for every unit of a layer and row of a batch: before and after the norm and the activation, and a gradient.
const UNITS: f64 = 4.0;
/// Batches of views that exist at a time: two in the loader, one in the step.
const BATCHES: f64 = 3.0;

/// A part of what is needed, and the setting that makes it smaller.
type Part = (f64, &'static str);

/// Refuses a resolved `spec` that needs more memory than there is. `features` and `parameters` are the encoder's.
///
/// # Errors
/// [`Error::Setting`] for the setting that asks for most.
pub(super) fn check(spec: &TrainSpec, kind: DataKind, features: usize, parameters: usize) -> Result<()> {
    let there = available_memory_bytes().map_or(isize::MAX as f64, |bytes| bytes as f64);
    within(spec, kind, features, parameters, there)
}

/// The same with `there` bytes of memory.
fn within(spec: &TrainSpec, kind: DataKind, features: usize, parameters: usize, there: f64) -> Result<()> {
    let parts = needs(spec, kind, features as f64, parameters as f64)?;
    let all: f64 = parts.iter().map(|(bytes, _)| bytes).sum();
    let Some((_, largest)) = parts.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).filter(|_| all > there)
    else {
        return Ok(());
    };
    let value = match largest {
        "batch-size" => spec.batch_size.unwrap_or_default().to_string(),
        "projector-dim" => spec.projector_dim.unwrap_or_default().to_string(),
        own => {
            let mut found = spec.settings.iter().filter(|(name, _)| name.rsplit('.').next() == Some(own));
            found.next_back().map_or_else(|| "its preset".to_string(), |(_, value)| value.to_string())
        }
    };
    let expected = format!("settings whose run fits into memory: about {} are free", gigabytes(there));
    let remedy = format!("These need about {}. Lower {largest} first.", gigabytes(all));
    Err(Error::setting(largest, value, expected, remedy))
}

/// `17.2 GB`
fn gigabytes(bytes: f64) -> String {
    format!("{:.1} GB", bytes / 1e9)
}

/// Bytes, part by part.
fn needs(spec: &TrainSpec, kind: DataKind, features: f64, parameters: f64) -> Result<Vec<Part>> {
    let batch = spec.batch_size.unwrap_or(0) as f64;
    let micro = batch / spec.accumulate.unwrap_or(1).max(1) as f64;
    let mut parts = Vec::new();
    let mut views: f64 = 2.0;
    for (method, settings) in objectives::parts(spec, kind)? {
        let count = |name: &str| taken(name, &mut settings.clone()).map_or(0.0, |n| n as f64);
        let own = count("views").max(2.0 + count("local_views"));
        views = views.max(own);
        let rows = own * micro;
        let width = spec.projector_dim.unwrap_or(0) as f64;
        let hidden = count("hidden");
        // How many hidden layers of one width there are; the others' heads have one.
        let square = match method.as_str() {
            "simclr" | "moco-v1" | "moco-v2" | "supcon" | "dcl" | "dclw" | "byol" | "swav" | "w-mse"
            | "deepcluster-v2" => 0.0,
            _ => 1.0,
        };
        let mut layers = hidden * (features + square * hidden + width);
        layers += count("predictor_hidden") * 2.0 * width + count("bottleneck") * 2.0 * width;
        let units = (1.0 + square) * hidden + count("predictor_hidden") + count("bottleneck");
        parts.push((4.0 * (COPIES * layers + UNITS * rows * units), "hidden"));
        parts.push((4.0 * (COPIES * features * width + UNITS * rows * width), "projector-dim"));
        // Losses on covariances have a few of them.
        if ["barlow", "vicreg", "w-mse", "lejepa"].contains(&method.as_str()) {
            parts.push((4.0 * 3.0 * width * width, "projector-dim"));
        }
        let heads = count("heads").max(1.0);
        parts.push((4.0 * heads * count("prototypes") * (COPIES * width + UNITS * rows), "prototypes"));
        parts.push((4.0 * count("clusters") * (COPIES * features + UNITS * rows), "clusters"));
        let queues = if method == "swav" { 2.0 } else { 1.0 };
        // Its rows are copied when it moves, and compared with a batch.
        parts.push((4.0 * queues * count("queue") * (2.0 * width + micro), "queue"));
        parts.push((4.0 * rows * count("directions") * 3.0, "directions"));
        parts.push((4.0 * count("images").min((1 << 24) as f64) * 2.0 * heads, "images"));
    }
    parts.push((4.0 * COPIES * parameters, "batch-size"));
    // Pixels, and at least one feature map as large as the image for each of 16 channels.
    let input = kind.size();
    let pixels = input.len() as f64;
    let maps = UNITS * 16.0 * (input.height * input.width) as f64;
    parts.push((4.0 * views * (BATCHES * batch * pixels + micro * maps), "batch-size"));
    Ok(parts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refused(method: &str, name: &str, value: u64) -> String {
        let mut spec = TrainSpec { method: method.into(), data: "digits".into(), ..Default::default() };
        match name {
            "batch-size" => spec.batch_size = Some(value as usize),
            "projector-dim" => spec.projector_dim = Some(value as usize),
            _ => drop(spec.settings.insert(name.into(), value.into())),
        }
        let spec = spec.resolve().unwrap();
        within(&spec, DataKind::Digits, 128, 100_000, 16e9).unwrap_err().to_string()
    }

    #[test]
    fn what_needs_more_than_there_is_names_the_setting_to_lower() {
        for (method, name) in [("vicreg", "hidden"), ("vicreg", "projector-dim")] {
            let message = refused(method, name, 1 << 16);
            assert!(
                message.starts_with(&format!("{name} is 65536. Expected settings whose run fits")),
                "{message}"
            );
            assert!(message.contains(&format!("Lower {name} first.")), "{message}");
        }
        assert!(refused("moco-v2", "queue", 1 << 24).starts_with("queue is 16777216."));
        assert!(refused("simclr", "batch-size", 1 << 24).starts_with("batch-size is 16777216."));
    }

    #[test]
    fn presets_need_little() {
        for method in crate::presets::METHODS {
            for data in ["digits", "cifar100:x"] {
                let spec = TrainSpec { method: method.to_string(), data: data.into(), ..Default::default() };
                let spec = spec.resolve().unwrap();
                let kind = DataKind::of(data).unwrap().0;
                let parts = needs(&spec, kind, 256.0, 1e6).unwrap();
                let all: f64 = parts.iter().map(|(bytes, _)| bytes).sum();
                assert!(all > 1e6 && all < 1.5e9, "{method} on {data}: {all}");
            }
        }
    }
}
