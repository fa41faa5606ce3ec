//! # Collapse, and how to see it
//!
//! Embeddings can be useless while the loss looks well. This program makes such embeddings, measures them, and listens to
//! the doctor.

use selfsame::prelude::*;
use selfsame::{
    diagnose::{
        effective_rank, mean_cosine, rankme, singular_values, std_of_normalized,
        uniformity, RankMe, Rows,
    },
    plot,
    presets::collapse,
    train::TrainConfig,
};
use selfsame_tutorials::{claim, save, section, section_within};

//= use selfsame::{diagnose::{effective_rank, mean_cosine, rankme, singular_values, std_of_normalized, uniformity, RankMe, Rows}, plot, presets::collapse, train::TrainConfig};

fn main() -> Result<(), selfsame::Error> {
    //| ## Three clouds
    //|
    //| 500 embeddings of width 16, made by hand: spread in all directions, all in one place, and spread along two
    //| directions only.
    section("clouds");
    // ANCHOR: clouds
    fn noise(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut uniform = || {
            state =
                state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as f64 / (1u64 << 31) as f64 - 0.5
        };
        (0..count).map(|_| (0..12).map(|_| uniform()).sum()).collect()
    }
    const N: usize = 500;
    const D: usize = 16;
    let spread = Rows::new(noise(N * D, 1), N, D)?;
    let point =
        Rows::new(noise(N * D, 2).iter().map(|v| 1.0 + 0.001 * v).collect(), N, D)?;
    let (along, directions) = (noise(N * 2, 3), noise(2 * D, 4));
    let flat: Vec<f64> = (0..N * D)
        .map(|i| (0..2).map(|k| along[i / D * 2 + k] * directions[k * D + i % D]).sum())
        .collect();
    let plane = Rows::new(flat, N, D)?;
    // ANCHOR_END: clouds
    println!("three clouds of {N} embeddings, {D} numbers each");

    //| ## Numbers that tell them apart
    section("measured");
    // ANCHOR: measured
    let mut spectra = Vec::new();
    for (name, cloud) in [("spread", &spread), ("point", &point), ("plane", &plane)] {
        let singular = singular_values(&cloud.centred());
        let squares: Vec<f64> = singular.iter().map(|s| s * s).collect();
        println!(
            "{name:6}  std {:5.3}  cosine {:6.3}  uniformity {:6.2}  RankMe {:5.2}  effective {:5.2}",
            std_of_normalized(cloud) * (D as f64).sqrt(),
            mean_cosine(cloud),
            uniformity(cloud, 2.0),
            rankme(&singular_values(cloud), RankMe::Paper),
            effective_rank(&squares),
        );
        spectra.push((name, singular));
    }
    // ANCHOR_END: measured
    let of = |name: &str| {
        spectra.iter().find(|(n, _)| *n == name).map_or(&[][..], |(_, s)| s.as_slice())
    };
    claim("the point has a mean cosine above 0.99", mean_cosine(&point) > 0.99);
    claim("the plane has the spread of a healthy cloud, within 10 %", {
        (std_of_normalized(&plane) / std_of_normalized(&spread) - 1.0).abs() < 0.1
    });
    claim("but only two directions", effective_rank(of("plane")) < 2.01);

    //| ## A rank by hand
    //|
    //| Divide the singular values by their sum, take the entropy, and its exponential. Equal values count themselves.
    section("by_hand");
    // ANCHOR: by_hand
    fn rank_by_hand(values: &[f64]) -> f64 {
        let total: f64 = values.iter().sum();
        let shares = values.iter().map(|v| v / total).filter(|share| *share > 0.0);
        shares.map(|share| -share * share.ln()).sum::<f64>().exp()
    }
    println!("four equal values: {:.3}", rank_by_hand(&[2.0; 4]));
    println!("one large, three small: {:.3}", rank_by_hand(&[2.0, 0.1, 0.1, 0.1]));
    println!(
        "the plane: {:.3} by hand, {:.3} by the library",
        rank_by_hand(&singular_values(&plane)),
        rankme(&singular_values(&plane), RankMe::Paper)
    );
    // ANCHOR_END: by_hand
    let apart = rank_by_hand(&singular_values(&plane))
        - rankme(&singular_values(&plane), RankMe::Paper);
    claim("both agree to 0.01", apart.abs() < 0.01);

    //| ## The same in real runs
    //|
    //| VICReg asks three things of the embeddings: views agree, every feature varies, no two features say the same. Take
    //| one of the last two away and look.
    // ANCHOR: vicreg
    type Picture = Image<1, 8, 8>;
    type Encoder = Mlp<Picture, 128, 64, Cpu>;
    type Learner = VicReg<Encoder, 64, Cpu>;
    let digits = Digits::load()?;

    fn projections(
        learner: &Learner,
        digits: &Dataset<Picture>,
    ) -> Result<Rows, selfsame::Error> {
        let dev = Cpu::default();
        let frozen =
            Frozen::new(learner.encoder(), &dev, Normalise::of(&digits.train(), 1000)?);
        let test = frozen.embed(&digits.test())?;
        let features =
            dev.tensor_from_vec(test.values().to_vec(), (test.len(), Const::<64>));
        Rows::from_f32(&learner.project(features)?, test.len(), 64)
    }

    fn trained(
        digits: &Dataset<Picture>,
        variance: f64,
        covariance: f64,
    ) -> Result<Rows, selfsame::Error> {
        let dev = Cpu::default();
        let config =
            VicRegConfig { hidden: 128, variance, covariance, ..VicRegConfig::default() };
        let mut learner = Learner::new(&dev, config)?;
        let views = views::glyphs(Size::of::<Picture>())
            .normalise(&Normalise::of(&digits.train(), 1000)?);
        let config = TrainConfig {
            epochs: 20,
            lr: 2e-3,
            warmup_epochs: 2.0,
            probe_every: 20,
            ..TrainConfig::default()
        };
        Trainer::new(&dev).config(config).fit(&mut learner, digits, &views)?;
        projections(&learner, digits)
    }
    // ANCHOR_END: vicreg

    section_within("runs", 25);
    // ANCHOR: runs
    let healthy = trained(&digits, 25.0, 1.0)?;
    let no_variance = trained(&digits, 0.0, 1.0)?;
    let no_covariance = trained(&digits, 25.0, 0.0)?;
    for (name, z) in [
        ("healthy", &healthy),
        ("no variance", &no_variance),
        ("no covariance", &no_covariance),
    ] {
        println!(
            "{name:13}  std x sqrt(d) {:5.2}   RankMe {:5.1} of 64   mean cosine {:6.3}",
            std_of_normalized(z) * 8.0,
            rankme(&singular_values(&z.centred()), RankMe::Paper),
            mean_cosine(z),
        );
    }
    // ANCHOR_END: runs
    let rank = |z: &Rows| rankme(&singular_values(&z.centred()), RankMe::Paper);
    claim(
        "without covariance the rank is below half of the healthy run's",
        rank(&no_covariance) < 0.5 * rank(&healthy),
    );

    section_within("spectrum", 25);
    // ANCHOR: spectrum
    let values =
        [&healthy, &no_variance, &no_covariance].map(|z| singular_values(&z.centred()));
    let figure = plot::spectrum(
        "Singular values of VICReg's embeddings",
        &[
            ("healthy", &values[0]),
            ("no variance", &values[1]),
            ("no covariance", &values[2]),
        ],
    )?;
    // ANCHOR_END: spectrum
    save("06_spectrum", &figure)?;
    println!(
        "largest singular value: {:.1} healthy, {:.4} without variance",
        values[0][0], values[1][0]
    );
    claim(
        "without variance everything is at least 10 times closer together",
        values[1][0] < 0.1 * values[0][0],
    );
    //= figure

    //| ## The doctor
    //|
    //| The gallery spoils a run in one way and puts it beside its healthy twin. Here SimSiam loses its stop-gradient.
    section_within("doctor", 30);
    // ANCHOR: doctor
    let shown = collapse::run("simsiam-no-stop-gradient", 0)?;
    for alarm in &shown.spoilt.alarms {
        println!("{} (epoch {})", alarm.kind, alarm.epoch);
        println!("  means: {}", alarm.means);
        println!("  try:   {}", alarm.try_this);
        println!("  read:  {}", alarm.link());
    }
    println!("alarms of the healthy twin: {}", shown.healthy.alarms.len());
    // ANCHOR_END: doctor
    claim("the doctor names the collapse", shown.named_correctly);
    claim("and is silent on the healthy twin", shown.healthy.alarms.is_empty());

    section_within("course", 25);
    // ANCHOR: course
    fn spread_of(history: &[selfsame::train::EpochMetrics]) -> Vec<(f64, f64)> {
        let probed = history
            .iter()
            .filter_map(|row| Some((row.epoch as f64, row.projector.as_ref()?.std)));
        probed.collect()
    }
    let course = plot::curves(
        "SimSiam with and without its stop-gradient",
        "epoch",
        "std of the projections (normalised)",
        &[
            plot::Series::new("no stop-gradient", spread_of(&shown.spoilt.history)),
            plot::Series::new("healthy", spread_of(&shown.healthy.history)),
        ],
    )?;
    fn last(history: &[selfsame::train::EpochMetrics]) -> f64 {
        history.last().and_then(|row| row.loss).unwrap_or(0.0)
    }
    println!(
        "last loss {:.3} spoilt, {:.3} healthy",
        last(&shown.spoilt.history),
        last(&shown.healthy.history)
    );
    // ANCHOR_END: course
    save("06_course", &course)?;
    claim(
        "the spoilt run has the better loss",
        last(&shown.spoilt.history) < last(&shown.healthy.history),
    );
    //= course

    //| ## More of the gallery
    section("gallery");
    // ANCHOR: gallery
    let names = [
        "simclr-temperature-1000",
        "simclr-identity-views",
        "simclr-projector-1",
        "simclr-learning-rate-10",
    ];
    let entries =
        names.iter().map(|name| collapse::find(name)).collect::<Result<Vec<_>, _>>()?;
    let mut named = 0;
    collapse::run_all(&entries, 0, |shown| {
        println!(
            "{:26} the doctor says {}",
            shown.name,
            shown.verdict.as_deref().unwrap_or("nothing")
        );
        named += usize::from(shown.named_correctly);
    })?;
    println!("{named} of {} named", entries.len());
    // ANCHOR_END: gallery
    claim("every one is named", named == entries.len());
    Ok(())
}
