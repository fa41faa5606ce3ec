//! # Judging honestly
//!
//! kNN, linear probes, baselines, seeds; and how much a number gains when it is chosen by looking at the test.

use selfsame::prelude::*;
use selfsame::{
    data::label_subset,
    eval::{judge, pca_features, pixels, retrieval, train_supervised, Embeddings, Parts},
    plot,
    train::{Scores, TrainConfig},
};
use selfsame_tutorials::{claim, save, section_within};

//= use selfsame::{data::label_subset, eval::{judge, pca_features, pixels, retrieval, train_supervised, Embeddings, Parts}, plot, train::{Scores, TrainConfig}};

fn main() -> Result<(), selfsame::Error> {
    //| ## Four representations, one judge
    // ANCHOR: parts
    type Picture = Image<1, 8, 8>;
    type Encoder = ConvNet<Picture, 64, 3, Cpu>;
    let digits = Digits::load()?;

    fn features(
        encoder: &Encoder,
        digits: &Dataset<Picture>,
    ) -> Result<Parts, selfsame::Error> {
        let frozen =
            Frozen::new(encoder, &Cpu::default(), Normalise::of(&digits.train(), 1000)?);
        Ok(Parts {
            train: frozen.embed(&digits.train())?,
            validation: frozen.embed(&digits.validation())?,
            test: frozen.embed(&digits.test())?,
        })
    }

    fn config(seed: u64, epochs: usize) -> TrainConfig {
        TrainConfig {
            epochs,
            seed,
            batch_size: 64,
            lr: 1e-2,
            warmup_epochs: 2.0,
            probe_every: epochs,
            ..TrainConfig::default()
        }
    }

    fn simclr(
        digits: &Dataset<Picture>,
        seed: u64,
        epochs: usize,
    ) -> Result<Encoder, selfsame::Error> {
        let dev = Cpu::default();
        let settings = SimClrConfig { temperature: 0.1, seed, ..SimClrConfig::default() };
        let mut simclr = SimClr::<Encoder, 64, Cpu>::new(&dev, settings)?;
        if epochs > 0 {
            let views = views::glyphs(Size::of::<Picture>())
                .normalise(&Normalise::of(&digits.train(), 1000)?);
            Trainer::new(&dev).config(config(seed, epochs)).fit(
                &mut simclr,
                digits,
                &views,
            )?;
        }
        Ok(simclr.into_encoder())
    }
    // ANCHOR_END: parts

    section_within("baselines", 8);
    // ANCHOR: baselines
    let learned = features(&simclr(&digits, 0, 20)?, &digits)?;
    let random = features(&simclr(&digits, 0, 0)?, &digits)?;
    let raw = Parts {
        train: pixels(&digits.train())?,
        validation: pixels(&digits.validation())?,
        test: pixels(&digits.test())?,
    };
    let components = pca_features(&raw, 64)?;
    fn line(name: &str, scores: &Scores) {
        let by = |share: &str| 100.0 * scores.linear.by_labels[share];
        println!(
            "{name:14} kNN {:5.1}   1 % {:5.1}   10 % {:5.1}   100 % {:5.1}",
            100.0 * scores.knn.k20,
            by("1%"),
            by("10%"),
            by("100%")
        );
    }
    let scores = [
        judge(&learned, 0)?,
        judge(&random, 0)?,
        judge(&raw, 0)?,
        judge(&components, 0)?,
    ];
    for (name, scores) in
        ["SimCLR", "random init", "raw pixels", "PCA"].iter().zip(&scores)
    {
        line(name, scores);
    }
    // ANCHOR_END: baselines
    let few = |scores: &Scores| scores.linear.by_labels["1%"];
    claim(
        "with 1 % of the labels SimCLR leads every baseline",
        scores[1..].iter().all(|s| few(s) < few(&scores[0])),
    );
    let rows = ["SimCLR", "random init", "raw pixels", "PCA"].iter().zip(&scores).map(
        |(name, s)| plot::BarRow {
            name: name.to_string(),
            values: ["1%", "10%", "100%"].map(|share| s.linear.by_labels[share]).to_vec(),
        },
    );
    let figure = plot::bars(
        "The same judge, four representations",
        "test accuracy of a linear probe",
        &["1 % of the labels", "10 %", "100 %"],
        &rows.collect::<Vec<_>>(),
    )?;
    save("07_baselines", &figure)?;

    //| ## The supervised row
    section_within("supervised", 8);
    // ANCHOR: supervised
    let dev = Cpu::default();
    let views = views::glyphs(Size::of::<Picture>())
        .normalise(&Normalise::of(&digits.train(), 1000)?);
    let all = train_supervised::<Encoder, Cpu>(
        &(),
        &dev,
        &digits.train(),
        &views,
        &config(0, 20),
        0,
    )?;
    let thirteen = digits.train().subset(&label_subset(
        &digits.train().labels(),
        10,
        Labels::Fraction(0.01),
        0,
    )?);
    let few_labels = train_supervised::<Encoder, Cpu>(
        &(),
        &dev,
        &thirteen,
        &views,
        &config(0, 20),
        150,
    )?;
    let with_all = features(all.encoder(), &digits)?.test;
    let with_few = features(few_labels.encoder(), &digits)?.test;
    println!(
        "all labels: {:.1} %",
        100.0 * with_all.accuracy(&all.classify(&dev, &with_all)?)
    );
    println!(
        "thirteen labels: {:.1} %",
        100.0 * with_few.accuracy(&few_labels.classify(&dev, &with_few)?)
    );
    // ANCHOR_END: supervised

    //| ## How many neighbours?
    section_within("neighbours", 4);
    // ANCHOR: neighbours
    let settings = [1, 5, 20, 200].map(Knn::new);
    let predicted = knn(&learned.train, &learned.test, &settings)?;
    for (setting, predicted) in settings.iter().zip(&predicted) {
        println!(
            "k = {:3}: {:.1} %",
            setting.k,
            100.0 * learned.test.accuracy(predicted)
        );
    }
    let found = retrieval(&learned.test, &[1, 5])?;
    println!(
        "a test digit's nearest is of its class {:.1} % of the time",
        100.0 * found.recall[0]
    );
    // ANCHOR_END: neighbours

    //| ## Seeds
    //|
    //| Other weights, other views, other labels. The spread between seeds is the ruler: a difference smaller than it is no
    //| difference.
    section_within("seeds", 10);
    // ANCHOR: seeds
    let mut gains = Vec::new();
    for seed in 0..3 {
        let own = judge(&features(&simclr(&digits, seed, 10)?, &digits)?, seed)?;
        let raw = judge(&raw, seed)?;
        let (own, raw) = (own.linear.by_labels["1%"], raw.linear.by_labels["1%"]);
        println!(
            "seed {seed}: SimCLR {:.1} %, raw pixels {:.1} %",
            100.0 * own,
            100.0 * raw
        );
        gains.push(100.0 * (own - raw));
    }
    // ANCHOR_END: seeds
    let mean = gains.iter().sum::<f64>() / 3.0;
    let deviation =
        (gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
    println!("gain ~{mean:.1} points, deviation between seeds ~{deviation:.1}");
    claim("the gain is positive for every seed", gains.iter().all(|gain| *gain > 0.0));

    //| ## Fooling yourself
    //|
    //| Thirteen labels can be drawn in many ways. Report the best of twenty draws, chosen by test accuracy, and the same
    //| features look much better.
    section_within("fooled", 6);
    // ANCHOR: fooled
    fn draw(parts: &Parts, seed: u64) -> Result<f64, selfsame::Error> {
        let chosen =
            label_subset(parts.train.labels(), 10, Labels::Fraction(0.01), seed)?;
        let probe = LinearProbe::fit_at(&parts.train.subset(&chosen), 0.1)?;
        Ok(parts.test.accuracy(&probe.predict(&parts.test)))
    }
    let draws = (0..20).map(|seed| draw(&raw, seed)).collect::<Result<Vec<f64>, _>>()?;
    let mean = draws.iter().sum::<f64>() / 20.0;
    let best = draws.iter().copied().fold(0.0, f64::max);
    println!(
        "raw pixels, 1 % of the labels: mean of 20 draws {:.1} %, the best {:.1} %",
        100.0 * mean,
        100.0 * best
    );
    // ANCHOR_END: fooled
    claim("choosing on the test gains 3 points or more, for nothing", best > mean + 0.03);

    //| Whether a projector's output or the encoder's is judged, which part is tested on, how long the probe trains: all of
    //| it moves the number. So a report names them.
    section_within("width", 6);
    // ANCHOR: width
    fn first(parts: &Embeddings, width: usize) -> Result<Embeddings, selfsame::Error> {
        let values =
            (0..parts.len()).flat_map(|i| parts.row(i)[..width].to_vec()).collect();
        parts.with_values(values, width)
    }
    for width in [8, 16, 32, 64] {
        let parts = Parts {
            train: first(&components.train, width)?,
            validation: first(&components.validation, width)?,
            test: first(&components.test, width)?,
        };
        println!(
            "{width:2} principal components: {:.1} % with all labels",
            100.0 * judge(&parts, 0)?.linear.accuracy
        );
    }
    // ANCHOR_END: width
    Ok(())
}
