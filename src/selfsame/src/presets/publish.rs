//! What a finished run leaves for people: `report.html` with its figures.

use std::path::Path;

use super::judge::MEASURABLE;
use super::TrainSpec;
use crate::augment::Views;
use crate::data::Dataset;
use crate::diagnose::{singular_values, Rows};
use crate::error::Result;
use crate::eval::{Embeddings, Frozen, Parts};
use crate::files::{make_folder, write_atomic};
use crate::nn::{AnyEncoder, Encoder, Recipe};
use crate::ops::Engine;
use crate::plot::{report_html, spectrum, Extras, Figure, History};
use crate::random::{stream, Purpose};
use crate::shape::{AnyImage, ImageShape};
use crate::text::shell_word;
use crate::train::{evaluation_normalise, Progress, Report};

/// Test images whose neighbours are shown.
const ROWS: usize = 6;

/// Draws the figures of a run, keeps each under `figures/` and writes `report.html`.
#[allow(clippy::too_many_arguments)] // everything a run ends with, from the one place that has it
pub(super) fn publish<D: Engine>(
    dev: &D,
    recipe: &Recipe,
    folder: &Path,
    spec: &TrainSpec,
    data: &Dataset<AnyImage>,
    views: &Views,
    parts: &Parts,
    progress: &Progress,
    report: &Report,
) -> Result<()> {
    let figures = folder.join("figures");
    make_folder(&figures)?;
    let untrained = AnyEncoder::build(recipe, dev, &mut stream(&[report.seed, Purpose::Init as u64, 0]))?;
    let channels = data.shape().size().channels;
    let before = Frozen::new(&untrained, dev, evaluation_normalise(views, channels)).embed(&data.test())?;
    // There are no figures of test features where there are too few of them.
    let shown = parts.test.len() >= MEASURABLE;
    let of_test = |figure: &dyn Fn() -> Result<Figure>| shown.then(figure).transpose();
    let map = || -> Result<Figure> {
        Ok(parts.test.scatter_of("Test features in the plane (PCA)", data.classes())?.figure().clone())
    };
    let extras = Extras {
        spectrum: of_test(&|| spectra(&[("trained", &parts.test), ("random init", &before)]))?,
        scatter: of_test(&map)?,
        views: Some(views.pictures(&data.train(), report.seed)?.figure()?),
        neighbours: of_test(&|| data.neighbors(&parts.train, &parts.test, ROWS)?.figure())?,
        settings: settings(spec),
        reproduce: format!(
            "selfsame train --config {} --name {}",
            shell_word(folder.join("config.json")),
            shell_word(format!("{}-again", report.run))
        ),
        resume: format!("selfsame train --resume {}", shell_word(folder)),
    };
    let named = [
        ("spectrum", &extras.spectrum),
        ("map", &extras.scatter),
        ("views", &extras.views),
        ("neighbours", &extras.neighbours),
    ];
    for (name, figure) in named {
        if let Some(figure) = figure {
            figure.save(figures.join(format!("{name}.svg")))?;
        }
    }
    let history = History::from(progress.history.as_slice());
    write_atomic(folder.join("report.html"), report_html(report, &history, &extras)?.as_bytes())
}

fn spectra(of: &[(&str, &Embeddings)]) -> Result<Figure> {
    let values = of
        .iter()
        .map(|(name, e)| {
            Ok((*name, singular_values(&Rows::from_f32(e.values(), e.len(), e.width())?.centred())))
        })
        .collect::<Result<Vec<_>>>()?;
    let series: Vec<(&str, &[f64])> = values.iter().map(|(name, v)| (*name, v.as_slice())).collect();
    spectrum("Singular values of the test features", &series)
}

pub(super) fn settings(spec: &TrainSpec) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(spec) else { return Vec::new() };
    let text = |v: serde_json::Value| match v {
        serde_json::Value::String(s) => s,
        serde_json::Value::Null => "off".into(),
        other => other.to_string(),
    };
    // What it was computed on is known once it has begun.
    let known = fields.into_iter().filter(|(name, value)| name != "simd" || !value.is_null());
    known.map(|(name, value)| (name.replace('_', "-"), text(value))).collect()
}
