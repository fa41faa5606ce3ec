//! # Labels, and how to do without
//!
//! What labels cost, how a task makes its own, and how far a few labels go on features that were learned without any.

use selfsame::prelude::*;
use selfsame::{
    data::{label_subset, InMemory, Split},
    eval::{pixels, Embeddings, Parts},
    plot,
    train::TrainConfig,
};
use selfsame_tutorials::{claim, save, section_within};

//= use selfsame::{data::{label_subset, InMemory, Split}, eval::{pixels, Embeddings, Parts}, plot, train::TrainConfig};

fn main() -> Result<(), selfsame::Error> {
    //| ## Labels that cost nothing
    //|
    //| Turn every digit by 0, 90, 180 and 270 degrees. The turn is a label, and nobody had to write it down.
    // ANCHOR: turned
    type Picture = Image<1, 8, 8>;
    let digits = Digits::load()?;

    fn turned(part: &Embeddings) -> Result<Embeddings, selfsame::Error> {
        let (mut values, mut turns) = (Vec::new(), Vec::new());
        for i in 0..part.len() {
            let mut image = part.row(i).to_vec();
            for turn in 0..4 {
                values.extend(&image);
                turns.push(turn);
                image = (0..64).map(|at| image[(7 - at % 8) * 8 + at / 8]).collect();
            }
        }
        Embeddings::new(values, 64, turns, 4)
    }
    let (train, test) = (pixels(&digits.train())?, pixels(&digits.test())?);
    // ANCHOR_END: turned

    section_within("turns", 3);
    // ANCHOR: turns
    let (turned_train, turned_test) = (turned(&train)?, turned(&test)?);
    let probe = LinearProbe::fit_at(&turned_train, 0.01)?;
    let accuracy = turned_test.accuracy(&probe.predict(&turned_test));
    println!("{} labelled images from {}", turned_train.len(), train.len());
    println!("which way up? {:.1} % right; guessing is 25 %", 100.0 * accuracy);
    // ANCHOR_END: turns
    claim("the task can be learned: 80 % or more", accuracy > 0.8);
    claim(
        "four labelled images came from every image",
        turned_train.len() == 4 * train.len(),
    );

    //| ## What labels buy
    //|
    //| Raw pixels with 1, 3, 10, 30 and 100 labels of every digit, mean over five draws.
    // ANCHOR: efficiency
    const PER_CLASS: [usize; 5] = [1, 3, 10, 30, 100];
    fn efficiency(parts: &Parts) -> Result<Vec<f64>, selfsame::Error> {
        let mut curve = Vec::new();
        for labels in PER_CLASS {
            let mut sum = 0.0;
            for draw in 0..5 {
                let which = Labels::PerClass(labels);
                let chosen = label_subset(parts.train.labels(), 10, which, draw)?;
                let labelled = parts.train.subset(&chosen);
                let fit = LinearProbe::fit(&labelled, &parts.validation, &parts.train)?;
                sum += parts.test.accuracy(&fit.probe.predict(&parts.test));
            }
            curve.push(sum / 5.0);
        }
        Ok(curve)
    }
    let raw = Parts { train, validation: pixels(&digits.validation())?, test };
    let of_pixels = efficiency(&raw)?;
    // ANCHOR_END: efficiency

    //| ## The same on features that were learned without labels
    // ANCHOR: learned
    type Encoder = ConvNet<Picture, 64, 3, Cpu>;
    /// Trains on the images of `unlabelled`; gives the features of `digits`.
    fn learned(
        unlabelled: &Dataset<Picture>,
        digits: &Dataset<Picture>,
        epochs: usize,
    ) -> Result<Parts, selfsame::Error> {
        let (dev, normalise) = (Cpu::default(), Normalise::of(&digits.train(), 1000)?);
        let config = SimClrConfig { temperature: 0.1, ..SimClrConfig::default() };
        let mut simclr = SimClr::<Encoder, 64, Cpu>::new(&dev, config)?;
        if epochs > 0 {
            let views = views::glyphs(Size::of::<Picture>()).normalise(&normalise);
            let config = TrainConfig {
                epochs,
                batch_size: 64,
                lr: 1e-2,
                warmup_epochs: 2.0,
                probe_every: epochs,
                ..TrainConfig::default()
            };
            Trainer::new(&dev).config(config).fit(&mut simclr, unlabelled, &views)?;
        }
        let encoder = simclr.into_encoder();
        let frozen = Frozen::new(&encoder, &dev, normalise);
        Ok(Parts {
            train: frozen.embed(&digits.train())?,
            validation: frozen.embed(&digits.validation())?,
            test: frozen.embed(&digits.test())?,
        })
    }
    let of_features = efficiency(&learned(&digits, &digits, 20)?)?;
    let of_random = efficiency(&learned(&digits, &digits, 0)?)?;
    // ANCHOR_END: learned

    section_within("curve", 6);
    // ANCHOR: curve
    println!("labels per class      1     3    10    30   100");
    for (name, curve) in [
        ("learned", &of_features),
        ("random encoder", &of_random),
        ("raw pixels", &of_pixels),
    ] {
        let cells: Vec<String> =
            curve.iter().map(|accuracy| format!("{:5.1}", 100.0 * accuracy)).collect();
        println!("{name:16} {} %", cells.join(" "));
    }
    // ANCHOR_END: curve
    claim(
        "one label a class: learned features beat pixels by 3 points or more",
        of_features[0] > of_pixels[0] + 0.03,
    );
    claim("with 100 labels a class less than 5 points are left between them", {
        (of_features[4] - of_pixels[4]).abs() < 0.05
    });
    // ANCHOR: figure
    fn curve(name: &str, values: &[f64]) -> plot::Series {
        let points = PER_CLASS
            .iter()
            .zip(values)
            .map(|(n, v)| ((*n as f64).log10(), *v))
            .collect();
        plot::Series::new(name, points)
    }
    let figure = plot::curves(
        "What labels buy",
        "labels of every class (decimal logarithm)",
        "test accuracy of a linear probe",
        &[
            curve("learned", &of_features),
            curve("raw pixels", &of_pixels),
            curve("random encoder", &of_random).dashed(),
        ],
    )?;
    // ANCHOR_END: figure
    save("01_labels", &figure)?;
    //= figure

    //| ## Scale: images without labels
    //|
    //| The labels stay as they are, one of every class. What grows is the number of images that nobody labelled.
    section_within("scale", 15);
    // ANCHOR: scale
    fn fewer(
        digits: &Dataset<Picture>,
        keep: usize,
    ) -> Result<Dataset<Picture>, selfsame::Error> {
        let parts = [
            digits.train().subset(&(0..keep).collect::<Vec<_>>()),
            digits.validation(),
            digits.test(),
        ];
        let (mut bytes, mut labels, mut ranges) = (Vec::new(), Vec::new(), Vec::new());
        for part in &parts {
            let first = labels.len() as u32;
            for i in 0..part.len() {
                let mut image = vec![0; 64];
                part.read(i, &mut image)?;
                bytes.extend(image);
            }
            labels.extend(part.labels());
            ranges.push((first..labels.len() as u32).collect::<Vec<u32>>());
        }
        let [train, validation, test] =
            <[Vec<u32>; 3]>::try_from(ranges).unwrap_or_default();
        let source = InMemory::new(Size::of::<Picture>(), bytes)?;
        Dataset::new(
            "digits",
            digits.classes().to_vec(),
            labels,
            source,
            Split { train, validation, test },
        )
    }
    let mut by_images = Vec::new();
    for images in [64, 256, 1024] {
        // The same number of optimiser steps, so that only the images differ.
        let epochs = 20 * 1024 / images;
        let parts = learned(&fewer(&digits, images)?, &digits, epochs)?;
        let accuracy = efficiency(&parts)?[0];
        println!(
            "{images:4} images without labels: {:.1} % with one label a class",
            100.0 * accuracy
        );
        by_images.push(accuracy);
    }
    // ANCHOR_END: scale
    claim("each beats the random encoder by 10 points or more", {
        by_images.iter().all(|accuracy| *accuracy > of_random[0] + 0.1)
    });
    Ok(())
}
