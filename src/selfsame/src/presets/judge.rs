//! A trained encoder and its baselines under one protocol.

use dfdx::prelude::*;

use crate::augment::Views;
use crate::data::{Dataset, Part};
use crate::error::Result;
use crate::eval::{drawn, judge, pca_features, pixels, train_supervised, Frozen, Parts, DRAWS, FRACTIONS};
use crate::nn::Encoder;
use crate::ops::Engine;
use crate::random::{stream, Purpose};
use crate::shape::ImageShape;
use crate::train::{evaluation_normalise, Baselines, Scores, TrainConfig, Watch};

/// Optimiser steps a supervised encoder gets at least, and its batch size at most, when it has few labels.
const FEW_LABELS: (u64, usize) = (150, 64);

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
    let supervised = supervised::<E, D>(dev, recipe, data, views, config, watch)?;
    Ok(Baselines { random_init, pixels: of_pixels, pca, supervised })
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
            sum += few_labels::<E, D>(dev, recipe, &subset, &data.test(), views, config)?;
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
