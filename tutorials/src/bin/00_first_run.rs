//! # A first run
//!
//! Half a minute of training without labels, and an honest answer to the question whether it was worth it.

use selfsame::prelude::*;
use selfsame_tutorials::{claim, save, section, section_within};

fn main() -> Result<(), selfsame::Error> {
    //| ## The data
    //|
    //| Digits of 8x8 pixels come with the library. There are three parts: one to train on, one to choose settings with, one
    //| to be judged by.
    section("data");
    // ANCHOR: data
    let digits = Digits::load()?;
    let (train_part, test_part) = (digits.train(), digits.test());
    println!(
        "{} images to train on, {} to be judged by",
        train_part.len(),
        test_part.len()
    );
    // ANCHOR_END: data
    claim(
        "1,293 images are for training, 359 for tests",
        (train_part.len(), test_part.len()) == (1293, 359),
    );
    let figure = digits.pictures(16)?.figure()?;
    save("00_digits", &figure)?;
    //= digits.pictures(16)

    //| ## Training
    //|
    //| One line trains. `simclr` is the objective, `digits` the data; everything else has a preset.
    section("train");
    // ANCHOR: train
    let runs =
        std::env::temp_dir().join(format!("selfsame-first-run-{}", std::process::id()));
    let run = selfsame::train("simclr", "digits").epochs(30).seed(7).out(&runs).run()?;
    // ANCHOR_END: train
    let losses = run.report()?.loss.clone();
    println!(
        "loss {:.2} in the first epoch, {:.2} in the last",
        losses[0],
        losses[losses.len() - 1]
    );
    claim("the loss falls", losses.last() < losses.first());
    save("00_training", &run.plot()?)?;

    //| ## What it is worth
    //|
    //| The same judge looks at four other ways to get features. All of them see the same labels.
    section_within("worth", 8);
    // ANCHOR: worth
    let report = run.report()?.clone();
    for (name, scores) in [
        ("this run", &report.scores),
        ("random init", &report.baselines.random_init),
        ("raw pixels", &report.baselines.pixels),
        ("PCA", &report.baselines.pca),
        ("supervised", &report.baselines.supervised),
    ] {
        let (few, all) = (scores.linear.by_labels["1%"], scores.linear.by_labels["100%"]);
        println!(
            "{name:12} 1 % of the labels {:5.1} %   all labels {:5.1} %",
            100.0 * few,
            100.0 * all
        );
    }
    // ANCHOR_END: worth
    let few = |scores: &selfsame::train::Scores| scores.linear.by_labels["1%"];
    let gain = few(&report.scores) - few(&report.baselines.pixels);
    claim(
        "with 1 % of the labels the run beats raw pixels by 5 points or more",
        gain >= 0.05,
    );
    claim("the doctor raised no alarm", report.alarms.is_empty());

    //| ## What it finds alike
    //|
    //| Test digits, and the training digits whose features are nearest. No label took part in this.
    section("neighbours");
    // ANCHOR: neighbours
    let neighbours = run.neighbors(6)?;
    println!("{} images in {} rows", neighbours.len(), neighbours.rows().len());
    // ANCHOR_END: neighbours
    save("00_neighbours", &neighbours.figure()?)?;
    //= neighbours

    section_within("knn", 3);
    // ANCHOR: knn
    println!(
        "20 nearest neighbours: {:.1} % of the test digits right",
        100.0 * run.knn(20)?
    );
    println!("{}", run.doctor());
    // ANCHOR_END: knn
    Ok(())
}
