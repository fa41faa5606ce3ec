//! # Clustering
//!
//! Labels by k-means and by Sinkhorn's balancing, by hand and in training, and what an unbalanced assignment does.

use selfsame::prelude::*;
use selfsame::{
    diagnose::usage_perplexity,
    eval::{cluster_scores, pixels, Embeddings},
    losses::{sinkhorn, KMeans, SinkhornSettings},
    plot,
    presets::collapse,
    train::TrainConfig,
};
use selfsame_tutorials::{claim, save, section, section_within};

//= use selfsame::{diagnose::usage_perplexity, eval::{cluster_scores, pixels, Embeddings}, losses::{sinkhorn, KMeans, SinkhornSettings}, plot, presets::collapse, train::TrainConfig};

fn main() -> Result<(), selfsame::Error> {
    //| ## k-means by hand
    //|
    //| Points on a line, two centroids. Assign, average, again.
    section("k_means");
    // ANCHOR: k_means
    let points = [0.0_f64, 0.5, 1.0, 5.0, 5.5, 7.0];
    let mut centroids = [0.0_f64, 0.5];
    for round in 1..=4 {
        let nearest =
            |p: f64| usize::from((p - centroids[1]).abs() < (p - centroids[0]).abs());
        let clusters: Vec<usize> = points.iter().map(|p| nearest(*p)).collect();
        for (k, centroid) in centroids.iter_mut().enumerate() {
            let own: Vec<f64> = points
                .iter()
                .zip(&clusters)
                .filter(|(_, c)| **c == k)
                .map(|(p, _)| *p)
                .collect();
            *centroid = own.iter().sum::<f64>() / own.len() as f64;
        }
        println!(
            "round {round}: clusters {clusters:?}, centroids {:.2} {:.2}",
            centroids[0], centroids[1]
        );
    }
    let found = KMeans::Euclidean.from_points(&points, 1, &[0, 1], 10)?;
    println!(
        "the library: clusters {:?}, centroids {:.2?}",
        found.assignments, found.centroids
    );
    // ANCHOR_END: k_means
    claim("both find the same centroids, to 1e-9", {
        found.centroids.iter().zip(&centroids).all(|(a, b)| (a - b).abs() < 1e-9)
    });

    //| ## Sinkhorn by hand
    //|
    //| Four images, two prototypes, and every image likes the first one better. Taken as they are, the scores put all
    //| images into one cluster. Balancing makes both clusters as large, and keeps who likes it more.
    section("sinkhorn");
    // ANCHOR: sinkhorn
    let scores = [0.9, 0.1, 0.8, 0.2, 0.7, 0.5, 0.6, 0.5];
    let epsilon = 0.1;
    let mut codes: Vec<f64> = scores.iter().map(|s: &f64| (s / epsilon).exp()).collect();
    for _ in 0..50 {
        for k in 0..2 {
            let column: f64 = codes.iter().skip(k).step_by(2).sum();
            codes.iter_mut().skip(k).step_by(2).for_each(|v| *v /= column);
        }
        for row in codes.chunks_mut(2) {
            let total: f64 = row.iter().sum();
            row.iter_mut().for_each(|v| *v /= total);
        }
    }
    let library = sinkhorn(&scores, 2, SinkhornSettings { epsilon, iterations: 50 })?;
    for i in 0..4 {
        println!(
            "image {i}: scores {:.1} {:.1}, codes {:.2} {:.2}, the library's {:.2} {:.2}",
            scores[2 * i],
            scores[2 * i + 1],
            codes[2 * i],
            codes[2 * i + 1],
            library[2 * i],
            library[2 * i + 1]
        );
    }
    let in_first: f64 = codes.iter().step_by(2).sum();
    println!("in the first cluster: {in_first:.2} of 4 images");
    // ANCHOR_END: sinkhorn
    claim(
        "half of the images are in each cluster, to 0.01",
        (in_first - 2.0).abs() < 0.01,
    );
    claim(
        "hand and library agree to 1e-6",
        codes.iter().zip(&library).all(|(a, b)| (a - b).abs() < 1e-6),
    );

    //| ## What clusters of digits are worth
    //|
    //| k-means with ten clusters on pixels. Labels are looked at only to score: normalised mutual information, and accuracy
    //| under the best naming of the clusters.
    // ANCHOR: score
    type Picture = Image<1, 8, 8>;
    type Encoder = ConvNet<Picture, 64, 3, Cpu>;
    let digits = Digits::load()?;

    fn clusters(of: &Embeddings) -> Result<Vec<u32>, selfsame::Error> {
        let unit: Vec<f64> = (0..of.len())
            .flat_map(|i| {
                let length =
                    of.row(i).iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-9);
                of.row(i).iter().map(move |v| f64::from(v / length))
            })
            .collect();
        // Ten starts, one image each, far from one another in the list.
        let start: Vec<usize> = (0..10).map(|k| k * of.len() / 10).collect();
        Ok(KMeans::Spherical.from_points(&unit, of.width(), &start, 50)?.assignments)
    }

    fn score(name: &str, of: &Embeddings) -> Result<f64, selfsame::Error> {
        let found = clusters(of)?;
        let scores = cluster_scores(of.labels(), &found)?;
        let used = usage_perplexity(&found, 10)?;
        println!(
            "{name:16} NMI {:.2}   accuracy {:4.1} %   clusters in use {used:4.1}",
            scores.nmi,
            100.0 * scores.accuracy
        );
        Ok(scores.nmi)
    }
    // ANCHOR_END: score

    //| ## Training: SwAV and DeepCluster
    // ANCHOR: train
    fn config(epochs: usize, batch_size: usize, lr: f64) -> TrainConfig {
        TrainConfig {
            epochs,
            batch_size,
            lr,
            warmup_epochs: 2.0,
            probe_every: epochs,
            ..TrainConfig::default()
        }
    }

    fn features<M: Method<Cpu, Encoder = Encoder>>(
        method: &mut M,
        digits: &Dataset<Picture>,
        config: TrainConfig,
    ) -> Result<Embeddings, selfsame::Error> {
        let (dev, normalise) = (Cpu::default(), Normalise::of(&digits.train(), 1000)?);
        if config.epochs > 0 {
            let size = Size::of::<Picture>();
            let all = views::glyphs(size).cycled(method.views()).normalise(&normalise);
            Trainer::new(&dev).config(config).fit(method, digits, &all)?;
        }
        Frozen::new(method.encoder(), &dev, normalise).embed(&digits.test())
    }

    let dev = Cpu::default();
    let swav =
        SwavConfig { epsilon: 0.02, queue: 0, local_views: 0, ..SwavConfig::small() };
    let mut swav = Swav::<Encoder, 64, 50, Cpu>::new(&dev, swav)?;
    let untrained =
        Frozen::new(swav.encoder(), &dev, Normalise::of(&digits.train(), 1000)?)
            .embed(&digits.test())?;
    let of_swav = features(&mut swav, &digits, config(20, 64, 1e-3))?;
    let deep = DeepClusterV2Config { local_views: 0, ..DeepClusterV2Config::small() };
    let mut deep = DeepClusterV2::<Encoder, 64, 100, Cpu>::new(&dev, deep)?;
    let of_deep = features(&mut deep, &digits, config(20, 64, 1e-3))?;
    // ANCHOR_END: train

    section_within("scores", 15);
    // ANCHOR: scores
    let of_pixels = score("raw pixels", &pixels(&digits.test())?)?;
    let of_random = score("random encoder", &untrained)?;
    let swav_nmi = score("SwAV", &of_swav)?;
    let deep_nmi = score("DeepCluster v2", &of_deep)?;
    // ANCHOR_END: scores
    claim("both beat the random encoder", swav_nmi > of_random && deep_nmi > of_random);
    claim("the better of the two beats raw pixels", swav_nmi.max(deep_nmi) > of_pixels);
    let figure =
        of_swav.scatter_of("SwAV's features in the plane (PCA)", digits.classes())?;
    save("05_swav", figure.figure())?;
    //= of_swav.scatter_of("SwAV's features in the plane (PCA)", digits.classes())?

    //| ## Break it: codes that are not sharp
    section_within("broken", 20);
    // ANCHOR: broken
    let shown = collapse::run("swav-epsilon-1", 0)?;
    for alarm in &shown.spoilt.alarms {
        println!(
            "{} (epoch {})\n  seen:  {}\n  means: {}",
            alarm.kind, alarm.epoch, alarm.seen, alarm.means
        );
    }
    // ANCHOR_END: broken
    claim("the doctor names it", shown.named_correctly);
    let losses = |history: &[selfsame::train::EpochMetrics]| -> Vec<(f64, f64)> {
        history.iter().filter_map(|row| Some((row.epoch as f64, row.loss?))).collect()
    };
    let ends = [1.0, 20.0].map(|epoch| (epoch, 50f64.ln())).to_vec();
    let figure = plot::curves(
        "SwAV with sharp and with flat codes",
        "epoch",
        "loss (nats)",
        &[
            plot::Series::new("epsilon 1", losses(&shown.spoilt.history)),
            plot::Series::new("healthy", losses(&shown.healthy.history)),
            plot::Series::new("ln 50, guessing", ends).dashed(),
        ],
    )?;
    save("05_epsilon", &figure)?;
    Ok(())
}
