//! Every kind of figure once, with plausible data. Set `SELFSAME_GALLERY` to a folder to keep the pictures and look at
//! them.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use rand::Rng;
use rand_distr::StandardNormal;

use super::*;
use crate::random::stream;

/// Where the pictures go; the second value removes them again.
pub(super) fn folder() -> (PathBuf, Option<tempfile::TempDir>) {
    match std::env::var_os("SELFSAME_GALLERY") {
        Some(folder) => (folder.into(), None),
        None => {
            let folder = tempfile::tempdir().unwrap();
            (folder.path().to_path_buf(), Some(folder))
        }
    }
}

pub(super) fn epochs(n: usize, value: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    (1..=n).map(|e| (e as f64, value(e as f64))).collect()
}

pub(super) fn scatter_of_ten() -> Figure {
    let mut random = stream(&[5]);
    let (mut points, mut classes) = (Vec::new(), Vec::new());
    for i in 0..600 {
        let class = i % 10;
        let angle = class as f64 * 0.63;
        let mut noise = || random.sample::<f64, _>(StandardNormal) * 0.35;
        points.push((2.0 * angle.cos() + noise(), 2.0 * angle.sin() + noise()));
        classes.push(class);
    }
    let names: Vec<String> = (0..10).map(|i| i.to_string()).collect();
    scatter(
        "Embeddings, first two principal components",
        "PC 1 (31 %)",
        "PC 2 (18 %)",
        &points,
        &classes,
        &names,
    )
    .unwrap()
}

pub(super) fn spectrum_of_three() -> Figure {
    let decay = |rate: f64| (0..64).map(|i| 30.0 * (-rate * f64::from(i)).exp()).collect::<Vec<f64>>();
    let mut cliff = decay(0.05);
    cliff[20..].fill(0.0);
    spectrum(
        "Singular spectrum of the test embeddings",
        &[("simclr", &decay(0.08)), ("random-init", &decay(0.2)), ("collapsed", &cliff)],
    )
    .unwrap()
}

/// A disc of 8x8 pixels that moves with `i`.
pub(super) fn disc(i: usize, channels: usize, size: usize) -> Vec<u8> {
    let centre = size as f64 / 2.0 + (i as f64).sin();
    let mut pixels = Vec::new();
    for c in 0..channels {
        for y in 0..size {
            for x in 0..size {
                let r = ((x as f64 - centre).powi(2) + (y as f64 - centre).powi(2)).sqrt() / size as f64;
                pixels.push((255.0 * (1.0 - 2.0 * r).clamp(0.0, 1.0) * (1.0 - 0.3 * c as f64)) as u8);
            }
        }
    }
    pixels
}

pub(super) fn grid(neighbours: bool) -> Figure {
    let rows: Vec<GridRow> = (0..4)
        .map(|r| GridRow {
            label: if neighbours { format!("query {r}") } else { String::new() },
            tiles: (0..7)
                .map(|i| Tile {
                    channels: if r < 2 { 1 } else { 3 },
                    height: if r < 2 { 8 } else { 28 },
                    width: if r < 2 { 8 } else { 28 },
                    pixels: if r < 2 { disc(r * 7 + i, 1, 8) } else { disc(r * 7 + i, 3, 28) },
                    caption: if neighbours {
                        format!("{}", (r + i) % 10)
                    } else {
                        ["original", "view 1", "view 2"][i % 3].into()
                    },
                    same: (neighbours && i > 0).then_some(i % 3 != 2),
                })
                .collect(),
        })
        .collect();
    image_grid(if neighbours { "Nearest neighbours in the test part" } else { "Views" }, &rows).unwrap()
}

#[test]
fn every_figure_becomes_svg_and_png_in_both_themes() {
    let (folder, _keep) = folder();
    let probe = [
        Series::new("simclr", epochs(30, |e| 96.0 - 12.0 * (-e / 6.0).exp())),
        Series::new("random-init", vec![(1.0, 93.1), (30.0, 93.1)]).dashed(),
        Series::new("raw pixels", vec![(1.0, 96.9), (30.0, 96.9)]).dashed(),
    ];
    let loss = [Series::new("loss", epochs(30, |e| 4.2 + 2.0 * (-e / 5.0).exp()))];
    let row = |name: &str, values: [f64; 3]| BarRow { name: name.into(), values: values.to_vec() };
    let rows = [
        row("simclr", [0.757, 0.93, 0.981]),
        row("random-init", [0.589, 0.85, 0.95]),
        row("pixels", [0.634, 0.88, 0.955]),
        row("PCA", [0.63, 0.871, 0.94]),
        row("supervised", [f64::NAN, f64::NAN, 0.985]),
    ];
    let figures = [
        ("loss", curves("Training loss", "epoch", "loss (nats)", &loss).unwrap()),
        ("probe", curves("Online kNN, validation part", "epoch", "accuracy (%)", &probe).unwrap()),
        ("spectrum", spectrum_of_three()),
        ("scatter", scatter_of_ten()),
        (
            "bars",
            bars("Linear probe by share of labels", "accuracy (%)", &["1 % labels", "10 %", "100 %"], &rows)
                .unwrap(),
        ),
        ("views", grid(false)),
        ("neighbours", grid(true)),
    ];
    for (name, light) in figures {
        let dark = light.with_theme(Theme::Dark).unwrap();
        assert_ne!(light.svg(), dark.svg());
        for (theme, figure) in [("light", &light), ("dark", &dark)] {
            for extension in ["svg", "png"] {
                let path = folder.join(format!("{name}-{theme}.{extension}"));
                figure.save(&path).unwrap();
                assert!(std::fs::metadata(path).unwrap().len() > 1000);
            }
            let png = image::load_from_memory(&figure.png().unwrap()).unwrap().to_rgb8();
            let background = *png.get_pixel(0, 0);
            let ink = png.pixels().filter(|p| **p != background).count();
            assert!(ink > 1000, "{name} {theme}: {ink} pixels drawn");
        }
    }
}

#[test]
fn a_figure_is_saved_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let figure = curves("t", "x", "y", &[]).unwrap();
    let error = figure.save(folder.path().join("figure.gif")).unwrap_err().to_string();
    assert!(error.contains("ends in .svg or .png"), "{error}");
    assert!(figure
        .save(folder.path().join("missing/figure.svg"))
        .unwrap_err()
        .to_string()
        .contains("cannot write"));
    std::fs::create_dir(folder.path().join("taken.png")).unwrap();
    assert!(figure.save(folder.path().join("taken.png")).is_err());
    figure.save(folder.path().join("Figure.SVG")).unwrap();
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["Figure.SVG", "taken.png"]);
}
