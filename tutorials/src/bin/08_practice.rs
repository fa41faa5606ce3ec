//! # Practice: a checklist
//!
//! Views first, then the learning rate, then how long; then objectives side by side and together.

use selfsame::prelude::*;
use selfsame::{
    augment::{HorizontalFlip, RandomResizedCrop, Rotation, VerticalFlip},
    eval::{judge, Parts},
    plot,
    train::{Progress, TrainConfig},
};
use selfsame_tutorials::{claim, save, section, section_within};

//= use selfsame::{augment::{HorizontalFlip, RandomResizedCrop, Rotation, VerticalFlip}, eval::{judge, Parts}, plot, train::{Progress, TrainConfig}};

fn main() -> Result<(), selfsame::Error> {
    // ANCHOR: setting
    type Picture = Image<1, 8, 8>;
    type Encoder = ConvNet<Picture, 64, 3, Cpu>;
    let digits = Digits::load()?;
    let size = Size::of::<Picture>();
    let normalise = Normalise::of(&digits.train(), 1000)?;

    fn trained(
        digits: &Dataset<Picture>,
        views: &Views,
        lr: f64,
        epochs: usize,
    ) -> Result<(Encoder, Progress), selfsame::Error> {
        let dev = Cpu::default();
        let config = SimClrConfig { temperature: 0.1, ..SimClrConfig::default() };
        let mut simclr = SimClr::<Encoder, 64, Cpu>::new(&dev, config)?;
        let config = TrainConfig {
            epochs,
            lr,
            batch_size: 64,
            warmup_epochs: 2.0,
            probe_every: epochs,
            ..TrainConfig::default()
        };
        let progress =
            Trainer::new(&dev).config(config).fit(&mut simclr, digits, views)?;
        Ok((simclr.into_encoder(), progress))
    }

    fn parts(
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
    // ANCHOR_END: setting

    //| ## Views say what does not matter
    //|
    //| Turn a digit upside down and a 6 is a 9. Views that do so tell the encoder that the difference does not matter.
    // ANCHOR: views
    fn crop() -> RandomResizedCrop {
        RandomResizedCrop { scale: (0.6, 1.0), ..RandomResizedCrop::to(8, 8) }
    }
    fn turn(degrees: f64) -> Rotation {
        Rotation { degrees, p: 1.0, border: selfsame::augment::Border::Black }
    }
    let choices = [
        ("the preset for glyphs", views::glyphs(size)),
        ("crops alone", Views::two(View::new(size).then(crop()))),
        ("turns up to 15 degrees", Views::two(View::new(size).then(turn(15.0)))),
        ("turns up to 180 degrees", Views::two(View::new(size).then(turn(180.0)))),
        (
            "mirrors both ways",
            Views::two(
                View::new(size)
                    .then(crop())
                    .then(HorizontalFlip::default())
                    .then(VerticalFlip::default()),
            ),
        ),
    ];
    // ANCHOR_END: views

    section_within("choice", 10);
    // ANCHOR: choice
    fn six_or_nine(parts: &Parts) -> Result<f64, selfsame::Error> {
        let predicted = knn(&parts.train, &parts.test, &[Knn::new(20)])?;
        let truth = parts.test.labels().iter().zip(&predicted[0]);
        let pairs: Vec<_> = truth.filter(|(label, _)| matches!(**label, 6 | 9)).collect();
        Ok(pairs.iter().filter(|(label, found)| label == found).count() as f64
            / pairs.len() as f64)
    }
    let mut by_views = Vec::new();
    for (name, views) in choices {
        let (encoder, _) = trained(&digits, &views.normalise(&normalise), 1e-2, 12)?;
        let parts = parts(&encoder, &digits)?;
        let (few, sixes) =
            (judge(&parts, 0)?.linear.by_labels["1%"], six_or_nine(&parts)?);
        println!(
            "{name:24} 1 % of the labels {:5.1} %   6 and 9 right {:5.1} %",
            100.0 * few,
            100.0 * sixes
        );
        by_views.push((few, sixes));
    }
    // ANCHOR_END: choice
    claim(
        "turning by up to 180 degrees costs 5 points or more against the preset",
        by_views[3].0 < by_views[0].0 - 0.05,
    );

    section("look");
    // ANCHOR: look
    let upside_down = Views::two(View::new(size).then(turn(180.0))).normalise(&normalise);
    let pictures = upside_down.pictures(&digits.train(), 0)?;
    println!("{} pictures: look at your views before you train", pictures.len());
    // ANCHOR_END: look
    save("08_views", &pictures.figure()?)?;
    //= pictures

    //| ## The learning rate
    section_within("rates", 12);
    // ANCHOR: rates
    let glyphs = views::glyphs(size).normalise(&normalise);
    let mut by_rate = Vec::new();
    for lr in [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 10.0] {
        let line = match trained(&digits, &glyphs, lr, 8) {
            Ok((encoder, progress)) => {
                let few = judge(&parts(&encoder, &digits)?, 0)?.linear.by_labels["1%"];
                by_rate.push((f64::log10(lr), few));
                let alarms: Vec<String> =
                    progress.alarms.iter().map(|alarm| alarm.kind.clone()).collect();
                format!("{:5.1} %  {}", 100.0 * few, alarms.join(", "))
            }
            Err(e @ selfsame::Error::Diverged { .. }) => e.to_string(),
            Err(e) => Err(e)?,
        };
        println!("lr {lr:7}: {line}");
    }
    // ANCHOR_END: rates
    let figure = plot::curves(
        "Learning rates (AdamW, 8 epochs)",
        "learning rate (decimal logarithm)",
        "accuracy with 1 % of the labels",
        &[plot::Series::new("SimCLR", by_rate.clone())],
    )?;
    save("08_rates", &figure)?;
    let at = |log: f64| by_rate.iter().find(|p| p.0 == log).map_or(f64::NAN, |p| p.1);
    claim("0.001 beats 0.00001 by 5 points or more", at(-3.0) > at(-5.0) + 0.05);

    //| ## The schedule
    //|
    //| Up along a line, down along half a cosine.
    section("schedule");
    // ANCHOR: schedule
    let schedule = Cosine::new(2e-3, 10, 60);
    for step in [0, 9, 30, 59] {
        println!("step {step:2}: {:.6}", schedule.at(step));
    }
    // ANCHOR_END: schedule

    //| ## How long?
    section_within("epochs", 10);
    // ANCHOR: epochs
    for epochs in [3, 10, 30] {
        let (encoder, _) = trained(&digits, &glyphs, 1e-2, epochs)?;
        let few = judge(&parts(&encoder, &digits)?, 0)?.linear.by_labels["1%"];
        println!("{epochs:2} epochs: {:.1} %", 100.0 * few);
    }
    // ANCHOR_END: epochs

    //| ## Objectives side by side, and together
    //|
    //| By name, with the preset of each; `hybrid` is a weighted sum.
    section_within("objectives", 12);
    // ANCHOR: objectives
    let runs = std::env::temp_dir().join("selfsame-book");
    let vicreg = selfsame::train("vicreg", "digits").epochs(15).out(&runs).run()?;
    let both = selfsame::train("hybrid", "digits")
        .set("simclr", 1.0)
        .set("vicreg", 0.02)
        .epochs(15)
        .out(&runs)
        .run()?;
    for run in [&vicreg, &both] {
        let report = run.report()?;
        let few =
            |scores: &selfsame::train::Scores| 100.0 * scores.linear.by_labels["1%"];
        println!(
            "{:7} {:.1} % with 1 % of the labels, random init {:.1} %, alarms {}",
            report.method,
            few(&report.scores),
            few(&report.baselines.random_init),
            report.alarms.len()
        );
    }
    // ANCHOR_END: objectives
    Ok(())
}
