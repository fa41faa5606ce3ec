//! A trained encoder and its baselines under one protocol.

use dfdx::prelude::*;

use crate::augment::Views;
use crate::data::{Dataset, Part};
use crate::error::{Error, Result};
use crate::eval::{drawn, judge, pca_features, pixels, train_supervised, Frozen, Parts, DRAWS, FRACTIONS};
use crate::nn::Encoder;
use crate::ops::Engine;
use crate::random::{stream, Purpose};
use crate::shape::ImageShape;
use crate::train::{evaluation_normalise, Baselines, Scores, TrainConfig, Watch};

/// Optimiser steps a supervised encoder gets at least, and its batch size at most, when it has few labels.
const FEW_LABELS: (u64, usize) = (150, 64);

/// Test images whose geometry can be measured, at least.
pub(super) const MEASURABLE: usize = 2;

/// Features of the three parts.
pub(crate) fn embed<E: Encoder<D>, D: Engine>(
    dev: &D,
    encoder: &E,
    data: &Dataset<E::Input>,
    views: &Views,
) -> Result<Parts> {
    let channels = data.shape().size().channels;
    let frozen = Frozen::new(encoder, dev, evaluation_normalise(views, channels));
    Ok(Parts {
        train: frozen.embed(&data.train())?,
        validation: frozen.embed(&data.validation())?,
        test: frozen.embed(&data.test())?,
    })
}

/// What everything is compared with.
pub(crate) fn baselines<E: Encoder<D>, D: Engine>(
    dev: &D,
    recipe: &E::Recipe,
    data: &Dataset<E::Input>,
    views: &Views,
    config: &TrainConfig,
    watch: &mut dyn Watch,
) -> Result<Baselines> {
    let seed = config.seed;
    watch.stage("baseline: random-init encoder");
    let untrained = E::build(recipe, dev, &mut stream(&[seed, Purpose::Init as u64, 0]))?;
    let random_init = judge(&embed(dev, &untrained, data, views)?, seed)?;

    watch.stage("baseline: raw pixels");
    let raw = Parts {
        train: pixels(&data.train())?,
        validation: pixels(&data.validation())?,
        test: pixels(&data.test())?,
    };
    let of_pixels = judge(&raw, seed)?;

    watch.stage("baseline: PCA of the pixels");
    let pca = judge(&pca_features(&raw, untrained.features().size())?, seed)?;
    drop(raw);

    watch.stage("baseline: supervised with all labels");
    let mut unjudged = Vec::new();
    let one_class = data.classes().len() < 2;
    let made = match one_class {
        true => Ok(Scores::none(&FRACTIONS.map(|(_, name)| name))),
        false => supervised::<E, D>(dev, recipe, data, views, config, watch),
    };
    let supervised = match made {
        Ok(scores) => scores,
        // The run itself is whole; it is only its baseline that there is none of.
        Err(error @ Error::Diverged { .. }) => {
            unjudged.push(format!("There is no supervised baseline: {error}"));
            Scores::none(&FRACTIONS.map(|(_, name)| name))
        }
        Err(error) => return Err(error),
    };
    Ok(Baselines { random_init, pixels: of_pixels, pca, supervised, unjudged })
}

/// Refuses data that no run could be judged on.
///
/// # Errors
/// [`Error::Setting`] for a test part of fewer than two images.
pub(super) fn judgeable<P: ImageShape>(name: &str, data: &Dataset<P>) -> Result<()> {
    let test = data.test().len();
    if test >= MEASURABLE {
        return Ok(());
    }
    let expected =
        format!("data with at least {MEASURABLE} test images, on which a run is judged; there are {test}");
    let remedy = "Every class gives a fifth of its images to the test part: add images, or a folder `test` beside `train`.";
    Err(Error::setting("data", name, expected, remedy))
}

/// What cannot be judged on `data`, in sentences.
pub(super) fn unjudged<P: ImageShape>(data: &Dataset<P>) -> Vec<String> {
    let (train, test) = (data.train(), data.test());
    let mut said = Vec::new();
    if test.len() < MEASURABLE {
        let (images, verb) = if test.len() == 1 { ("image", "is") } else { ("images", "are") };
        said.push(format!(
            "There {verb} {} test {images}: test features have no geometry, and scores say nothing.",
            test.len()
        ));
    }
    if data.classes().len() < 2 {
        said.push("There is one class, so no probe can be scored: there is nothing to tell apart.".into());
        return said;
    }
    let labels = train.labels();
    let missing = (0..data.classes().len()).filter(|class| !labels.contains(&(*class as u32))).count();
    if missing > 0 {
        said.push(format!(
            "{missing} of the {} classes have no training image, so no probe can name them: their test images count as wrong.",
            data.classes().len()
        ));
    }
    if data.validation().is_empty() {
        said.push("There is no validation image, so linear probes are not tuned.".into());
    }
    said
}

/// The encoder trained with labels. With all of them it is judged as every representation is; with a share of them a
/// new encoder is trained on those alone and its own classifier is scored, averaged over the same draws of labels.
fn supervised<E: Encoder<D>, D: Engine>(
    dev: &D,
    recipe: &E::Recipe,
    data: &Dataset<E::Input>,
    views: &Views,
    config: &TrainConfig,
    watch: &mut dyn Watch,
) -> Result<Scores> {
    let train = data.train();
    let model = train_supervised::<E, D>(recipe, dev, &train, views, config, 0)?;
    let mut scores = judge(&embed(dev, model.encoder(), data, views)?, config.seed)?;
    for (fraction, name) in FRACTIONS.into_iter().filter(|(f, _)| *f < 1.0) {
        watch.stage(&format!("baseline: supervised with {name} of the labels"));
        let mut sum = 0.0;
        for draw in 0..DRAWS {
            let subset = train.subset(&drawn(&train.labels(), train.classes(), fraction, config.seed, draw)?);
            // A batch of one image has no statistics.
            sum += match subset.len() {
                0..2 => f64::NAN,
                _ => few_labels::<E, D>(dev, recipe, &subset, &data.test(), views, config)?,
            };
        }
        scores.linear.by_labels.insert(name.into(), sum / DRAWS as f64);
    }
    Ok(scores)
}

/// Test accuracy of an encoder and classifier trained on `labelled` alone.
fn few_labels<E: Encoder<D>, D: Engine>(
    dev: &D,
    recipe: &E::Recipe,
    labelled: &Part<E::Input>,
    test: &Part<E::Input>,
    views: &Views,
    config: &TrainConfig,
) -> Result<f64> {
    let (steps, batch) = FEW_LABELS;
    let few = TrainConfig { epochs: 1, warmup_epochs: 0.0, batch_size: batch, ..config.clone() };
    let model = train_supervised::<E, D>(recipe, dev, labelled, views, &few, steps)?;
    let channels = test.shape().size().channels;
    let frozen = Frozen::new(model.encoder(), dev, evaluation_normalise(views, channels));
    let features = frozen.embed(test)?;
    Ok(features.accuracy(&model.classify(dev, &features)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::{Path, PathBuf};

    use image::{Rgb, RgbImage};

    use super::*;
    use crate::plot::verdict;
    use crate::presets::run::train_beside;
    use crate::presets::{resume, train, DataKind, TrainSpec};
    use crate::train::{Outcome, Report};

    /// `count` pictures that differ, in a folder of the class's name.
    fn pictures(class: PathBuf, count: u32) {
        std::fs::create_dir_all(&class).unwrap();
        for i in 0..count {
            let seed = class.to_string_lossy().len() as u32 * 31 + i * 7;
            let value = |x: u32, y: u32, c: u32| {
                ((x * (seed + 3) + y * 11 * (seed % 5 + 1) + c * 40) * 37 % 256) as u8
            };
            let picture =
                RgbImage::from_fn(8, 8, |x, y| Rgb([value(x, y, 0), value(x, y, 1), value(x, y, 2)]));
            picture.save(class.join(format!("{i}.png"))).unwrap();
        }
    }

    fn spec(folder: &Path) -> TrainSpec {
        TrainSpec {
            method: "simclr".into(),
            data: format!("folder:{}", folder.join("data").display()),
            encoder: Some("mlp".into()),
            epochs: Some(1),
            batch_size: Some(8),
            out: Some(folder.join("runs")),
            name: Some("run".into()),
            ..TrainSpec::default()
        }
    }

    fn report(outcome: Outcome) -> Report {
        match outcome {
            Outcome::Done { report, .. } => *report,
            other => panic!("{other:?}"),
        }
    }

    fn read(folder: &Path) -> Report {
        serde_json::from_str(&std::fs::read_to_string(folder.join("runs/run/report.json")).unwrap()).unwrap()
    }

    #[test]
    fn pictures_of_one_class_train_and_the_report_says_that_no_probe_was_scored() {
        let folder = tempfile::tempdir().unwrap();
        pictures(folder.path().join("data/only"), 60);
        let report = report(train(&spec(folder.path()), &mut ()).unwrap());
        assert!(report.scores.knn.k20.is_nan() && report.baselines.pca.linear.accuracy.is_nan());
        assert!(report.diagnostics.rankme > 1.0);
        assert!(report.unjudged[0].contains("one class"), "{:?}", report.unjudged);
        assert!(verdict(&report).starts_with("Not judged: There is one class"), "{}", verdict(&report));
        assert_eq!(read(folder.path()).unjudged, report.unjudged);
        let page = std::fs::read_to_string(folder.path().join("runs/run/report.html")).unwrap();
        assert!(page.contains("There is one class"));
    }

    #[test]
    fn classes_without_training_images_are_named_and_the_others_judged() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["a", "bb"] {
            pictures(folder.path().join("data").join(class), 20);
        }
        let mut data =
            crate::presets::data::open(DataKind::Folder, &folder.path().join("data").to_string_lossy())
                .unwrap();
        assert!(unjudged(&data).is_empty() && judgeable("x", &data).is_ok());
        data = data.with_shorter_training(1);
        assert!(
            unjudged(&data)[0].starts_with("1 of the 2 classes have no training image"),
            "{:?}",
            unjudged(&data)
        );
    }

    #[test]
    fn data_without_test_images_are_refused_before_there_is_a_folder() {
        // A fifth of one or two pictures is none; of three it is one.
        for (classes, each) in [(20, 1), (4, 2), (1, 3)] {
            let folder = tempfile::tempdir().unwrap();
            (0..classes).for_each(|i| pictures(folder.path().join(format!("data/class{i}")), each));
            let e = train(&TrainSpec { batch_size: Some(2), ..spec(folder.path()) }, &mut ())
                .unwrap_err()
                .to_string();
            assert!(e.contains("at least 2 test images, on which a run is judged; there are "), "{e}");
            assert!(!folder.path().join("runs").exists());
        }
    }

    #[test]
    fn a_run_that_trained_to_the_end_is_resumed_to_a_report_whatever_became_of_its_test_part() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["a", "bb"] {
            pictures(folder.path().join("data/train").join(class), 10);
            pictures(folder.path().join("data/test").join(class), 1);
        }
        let known = Some(Baselines::default());
        report(train_beside(&spec(folder.path()), known, &mut ()).unwrap());
        let run = folder.path().join("runs/run");
        std::fs::remove_file(run.join("report.json")).unwrap();
        std::fs::remove_dir_all(folder.path().join("data/test/bb")).unwrap();
        let report = report(resume(&run, &TrainSpec::default(), &mut ()).unwrap());
        assert_eq!(report.epochs, 1);
        assert_eq!(
            report.unjudged[0],
            "There is 1 test image: test features have no geometry, and scores say nothing."
        );
        assert!(report.diagnostics.rankme.is_nan());
        assert_eq!(read(folder.path()).unjudged, report.unjudged);
    }

    #[test]
    fn a_supervised_baseline_that_diverges_is_none_and_the_others_stand() {
        let data = crate::presets::data::open(DataKind::Digits, "").unwrap().with_shorter_training(64);
        let normalise = crate::presets::data::normalise(&data).unwrap();
        let views = DataKind::Digits.views(2, 0, &normalise);
        let recipe = DataKind::Digits.encoder("mlp").unwrap();
        let config =
            TrainConfig { epochs: 2, batch_size: 32, lr: 1e30, warmup_epochs: 0.0, ..TrainConfig::default() };
        let dev = Cpu::default();
        let found =
            baselines::<crate::nn::AnyEncoder<Cpu>, Cpu>(&dev, &recipe, &data, &views, &config, &mut ())
                .unwrap();
        assert!(found.supervised.knn.k20.is_nan() && found.pixels.knn.k20 > 0.3);
        assert!(found.unjudged[0].starts_with("There is no supervised baseline: "), "{:?}", found.unjudged);
    }
}
