//! What a finished run leaves for people: `report.html` with its figures.

use std::path::Path;

use super::TrainSpec;
use crate::augment::Views;
use crate::data::{Dataset, Part};
use crate::diagnose::{singular_values, Pca, Rows};
use crate::error::{Error, Result};
use crate::eval::{nearest_rows, Embeddings, Frozen, Parts};
use crate::nn::{AnyEncoder, Encoder, Recipe};
use crate::ops::Engine;
use crate::plot::{image_grid, report_html, scatter, spectrum, Extras, Figure, GridRow, History, Tile};
use crate::random::{stream, Purpose};
use crate::shape::{AnyImage, ImageShape, Size};
use crate::train::{evaluation_normalise, write_atomic, Progress, Report};

/// Points a scatter shows; more would only cover each other.
const POINTS: usize = 1500;
/// Images in the grids of views and of neighbours.
const ROWS: usize = 6;
/// Pairs of views, and neighbours, a row shows.
const COLUMNS: usize = 6;

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
    let untrained = AnyEncoder::build(recipe, dev, &mut stream(&[report.seed, Purpose::Init as u64, 0]))?;
    let channels = data.shape().size().channels;
    let before = Frozen::new(&untrained, dev, evaluation_normalise(views, channels)).embed(&data.test())?;
    let extras = Extras {
        spectrum: Some(spectra(&[("trained", &parts.test), ("random init", &before)])?),
        scatter: Some(map(&parts.test, data.classes())?),
        views: Some(view_grid(&data.train(), views, report.seed)?),
        neighbours: Some(neighbour_grid(data, parts)?),
        settings: settings(spec),
        reproduce: format!(
            "selfsame train --config {} --name {}-again",
            folder.join("config.json").display(),
            report.run
        ),
        resume: format!("selfsame train --resume {}", folder.display()),
    };
    let figures = folder.join("figures");
    std::fs::create_dir_all(&figures).map_err(Error::io("create", &figures))?;
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
    write_atomic(&folder.join("report.html"), report_html(report, &history, &extras)?.as_bytes())
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

/// Test features on their first two principal components.
fn map(test: &Embeddings, classes: &[String]) -> Result<Figure> {
    let every = test.len().div_ceil(POINTS).max(1);
    let shown = test.subset(&(0..test.len()).step_by(every).collect::<Vec<_>>());
    let pca = Pca::fit(test.values(), test.len(), test.width(), 2.min(test.width()))?;
    let plane = pca.transform(shown.values(), shown.len())?;
    let points: Vec<(f64, f64)> = plane
        .chunks_exact((plane.len() / shown.len().max(1)).max(1))
        .map(|p| (f64::from(p[0]), p.get(1).map_or(0.0, |y| f64::from(*y))))
        .collect();
    let labels: Vec<usize> = shown.labels().iter().map(|l| *l as usize).collect();
    let total = pca.total_variance().max(f64::MIN_POSITIVE);
    let axis = |i: usize| {
        let share = pca.explained_variance().get(i).map_or(0.0, |v| 100.0 * v / total);
        format!("component {} ({share:.0} % of the variance)", i + 1)
    };
    scatter("Test features in the plane (PCA)", &axis(0), &axis(1), &points, &labels, classes)
}

/// A few training images with pairs of views from successive epochs.
fn view_grid(train: &Part<AnyImage>, views: &Views, seed: u64) -> Result<Figure> {
    let size = train.shape().size();
    let rows = (0..ROWS.min(train.len())).map(|row| {
        let position = row * train.len() / ROWS.min(train.len()).max(1);
        let mut image = vec![0u8; size.len()];
        train.read(position, &mut image)?;
        let mut tiles = vec![tile(size, image.clone(), "image")];
        for column in 0..COLUMNS {
            let (epoch, view) = (1 + column as u64 / 2, column % views.count().max(1));
            let view_size = views.view_size(view);
            let mut pixels = vec![0f32; view_size.len()];
            let index = u64::from(train.index(position));
            views.render(&image, size, seed, epoch, index, view, &mut pixels)?;
            tiles.push(tile(view_size, to_bytes(&pixels, views, view_size), &format!("view {}", view + 1)));
        }
        Ok(GridRow { label: String::new(), tiles })
    });
    image_grid("Images and the views the objective compares", &rows.collect::<Result<Vec<_>>>()?)
}

/// A few test images with the training images whose features are most similar.
fn neighbour_grid(data: &Dataset<AnyImage>, parts: &Parts) -> Result<Figure> {
    let (train, test, size) = (data.train(), data.test(), data.shape().size());
    let picked: Vec<usize> =
        (0..ROWS.min(test.len())).map(|row| row * test.len() / ROWS.min(test.len())).collect();
    let found = nearest_rows(&parts.train, &parts.test.subset(&picked), COLUMNS)?;
    let read = |part: &Part<AnyImage>, i: usize, asked: Option<u32>| {
        let mut image = vec![0u8; size.len()];
        part.read(i, &mut image)?;
        let label = part.label(i);
        let name = data.classes().get(label as usize).map_or("", String::as_str);
        Ok::<_, Error>(Tile { same: asked.map(|asked| asked == label), ..tile(size, image, name) })
    };
    let rows = picked.iter().zip(found).map(|(&query, neighbours)| {
        let mut tiles = vec![read(&test, query, None)?];
        for neighbour in neighbours {
            tiles.push(read(&train, neighbour as usize, Some(test.label(query)))?);
        }
        Ok(GridRow { label: String::new(), tiles })
    });
    image_grid("Test images (left) and their nearest training images", &rows.collect::<Result<Vec<_>>>()?)
}

fn tile(size: Size, pixels: Vec<u8>, caption: &str) -> Tile {
    Tile {
        channels: size.channels,
        height: size.height,
        width: size.width,
        pixels,
        caption: caption.into(),
        same: None,
    }
}

/// A normalised view back as bytes.
fn to_bytes(pixels: &[f32], views: &Views, size: Size) -> Vec<u8> {
    let plane = size.height * size.width;
    let normalise = views.evaluation_normalise();
    let byte = |(i, v): (usize, &f32)| {
        let (mean, std) = normalise.map_or((0.0, 1.0), |n| (n.mean[i / plane], n.std[i / plane]));
        ((v * std + mean).clamp(0.0, 1.0) * 255.0).round() as u8
    };
    pixels.iter().enumerate().map(byte).collect()
}

fn settings(spec: &TrainSpec) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(spec) else { return Vec::new() };
    let text = |v: serde_json::Value| match v {
        serde_json::Value::String(s) => s,
        serde_json::Value::Null => "off".into(),
        other => other.to_string(),
    };
    fields.into_iter().map(|(name, value)| (name.replace('_', "-"), text(value))).collect()
}
