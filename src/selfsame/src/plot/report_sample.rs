//! A report as a healthy run leaves it, for the tests of this folder.

use super::{EpochRow, History};
use crate::diagnose::Geometry;
use crate::train::{Baselines, KnnScores, LinearScores, Report, Scores};

fn scores(k20: f64, one: f64, ten: f64, all: f64) -> Scores {
    let by_labels = [("1%", one), ("10%", ten), ("100%", all)].map(|(k, v)| (k.to_string(), v));
    Scores {
        knn: KnnScores { k20, k200: k20 - 0.04 },
        linear: LinearScores { accuracy: all, by_labels: by_labels.into() },
    }
}

pub(crate) fn report() -> Report {
    Report {
        run: "simclr-digits-7".into(),
        method: "simclr".into(),
        data: "digits".into(),
        encoder: "convnet".into(),
        seed: 7,
        epochs: 30,
        loss: history().epochs.iter().map(|e| e.loss).collect(),
        scores: scores(0.97, 0.757, 0.93, 0.978),
        baselines: Baselines {
            unjudged: Vec::new(),
            random_init: scores(0.93, 0.589, 0.87, 0.955),
            pixels: scores(0.95, 0.634, 0.88, 0.953),
            pca: scores(0.95, 0.631, 0.875, 0.948),
            supervised: scores(0.985, 0.97, 0.98, 0.985),
        },
        diagnostics: Geometry {
            std: 0.061,
            mean_cosine: 0.31,
            rankme: 24.2,
            effective_rank: 11.5,
            alignment: 0.21,
            uniformity: -2.6,
            ..Default::default()
        },
        alarms: Vec::new(),
        unjudged: Vec::new(),
        images_per_second: 5210.0,
        peak_memory_bytes: 214_000_000,
        seconds: 48.3,
    }
}

pub(crate) fn history() -> History {
    let epochs = (1..=30)
        .map(|epoch| {
            let e = epoch as f64;
            let probed = |v: f64| (epoch % 2 == 0).then_some(v);
            EpochRow {
                epoch,
                loss: 4.3 + 1.9 * (-e / 6.0).exp(),
                knn: probed(0.97 - 0.08 * (-e / 5.0).exp()),
                std: probed(0.061 - 0.03 * (-e / 4.0).exp()),
                rankme: probed(24.2 - 12.0 * (-e / 7.0).exp()),
            }
        })
        .collect();
    History { epochs }
}
