//! # Without negatives
//!
//! What keeps embeddings apart when nothing pushes: each method's answer, by hand, and what happens when it is taken away.

use selfsame::prelude::*;
use selfsame::{
    diagnose::{target_entropy, Rows},
    losses::{self, BarlowSettings, VicRegWeights},
    plot,
    presets::collapse,
};
use selfsame_tutorials::{claim, save, section, section_within};

//= use selfsame::{diagnose::{target_entropy, Rows}, losses::{self, BarlowSettings, VicRegWeights}, plot, presets::collapse};

fn main() -> Result<(), selfsame::Error> {
    //| ## Attraction alone
    //|
    //| Two images on a line, and a loss that only pulls: the mean of all numbers after each step says where it ends.
    section("attraction");
    // ANCHOR: attraction
    let dev = Cpu::default();
    let mut weight = 1.0_f32;
    let images = [-1.0_f32, 2.0];
    for step in 0..=60 {
        // The encoder multiplies by `weight`. A view adds 0.3 or takes it away; the loss is
        // the squared distance of two views.
        let loss: f32 = images
            .iter()
            .map(|x| (weight * (x + 0.3) - weight * (x - 0.3)).powi(2))
            .sum();
        if step % 20 == 0 {
            println!("step {step:2}: weight {weight:6.4}, loss {loss:6.4}");
        }
        // Each image contributes (0.6 weight)^2, whose slope is 0.72 weight.
        weight -= 0.05 * 0.72 * weight * images.len() as f32;
    }
    // ANCHOR_END: attraction
    claim("the encoder ends up saying 0 of everything, to 0.05", weight.abs() < 0.05);

    //| ## Stop-gradient (SimSiam)
    //|
    //| The prediction is pulled to the target, the target is not pulled back.
    section("stop_gradient");
    // ANCHOR: stop_gradient
    let prediction: Tensor<Rank2<1, 2>, f32, Cpu> = dev.tensor([[1.0, 0.0]]);
    let target: Tensor<Rank2<1, 2>, f32, Cpu> = dev.tensor([[0.6, 0.8]]);
    let fixed = stop_gradient(&target)?;
    let loss = losses::negative_cosine(prediction.leaky_trace(), &fixed)?;
    println!("loss {:.3}", loss.array());
    let gradient = loss.backward().get(&prediction).array();
    println!("gradient of the prediction {:.3} {:.3}", gradient[0][0], gradient[0][1]);
    // ANCHOR_END: stop_gradient
    claim(
        "the step, against the gradient, turns the prediction towards the target",
        gradient[0][1] < 0.0,
    );

    //| ## A slow copy (BYOL)
    //|
    //| The target network is a mean over the student's past. How far back it looks depends on the momentum.
    section("slow_copy");
    // ANCHOR: slow_copy
    for momentum in [0.0_f32, 0.9, 0.99] {
        let (mut copy, mut steps) = (0.0_f32, 0);
        while copy < 0.5 {
            copy = momentum * copy + (1.0 - momentum) * 1.0;
            steps += 1;
        }
        println!(
            "momentum {momentum:4}: half the way to the student takes {steps} steps"
        );
    }
    // ANCHOR_END: slow_copy

    //| ## Decorrelation (Barlow Twins)
    //|
    //| Four images, two features. In the first pair of views the features vary by themselves, in the second both say the
    //| same.
    section("barlow");
    // ANCHOR: barlow
    fn correlations(a: &[[f32; 2]; 4], b: &[[f32; 2]; 4]) -> [[f32; 2]; 2] {
        let standard = |z: &[[f32; 2]; 4]| {
            let mut out = *z;
            for j in 0..2 {
                let mean = z.iter().map(|row| row[j]).sum::<f32>() / 4.0;
                let std = (z.iter().map(|row| (row[j] - mean).powi(2)).sum::<f32>()
                    / 4.0)
                    .sqrt();
                out.iter_mut().for_each(|row| row[j] = (row[j] - mean) / std);
            }
            out
        };
        let (a, b) = (standard(a), standard(b));
        let c = |i: usize, j: usize| (0..4).map(|n| a[n][i] * b[n][j]).sum::<f32>() / 4.0;
        [[c(0, 0), c(0, 1)], [c(1, 0), c(1, 1)]]
    }
    let apart = [[2.0, 2.0], [2.0, -2.0], [-2.0, 2.0], [-2.0, -2.0]];
    let alike = [[2.0, 2.0], [2.0, 2.0], [-2.0, -2.0], [-2.0, -2.0]];
    for (name, z) in [("by themselves", apart), ("both the same", alike)] {
        let c = correlations(&z, &z);
        let both: Vec<[f32; 2]> = z.iter().chain(&z).copied().collect();
        let rows: [[f32; 2]; 8] = std::array::from_fn(|i| both[i]);
        let rows: Tensor<Rank2<8, 2>, f32, Cpu> = dev.tensor(rows);
        let settings = BarlowSettings { lambda: 1.0, ..BarlowSettings::default() };
        let loss = losses::barlow_twins(rows.leaky_trace(), settings)?.array();
        println!("{name}: C = {c:.2?}, loss {loss:.3}");
    }
    // ANCHOR_END: barlow

    //| ## Variance and covariance (VICReg)
    section("vicreg");
    // ANCHOR: vicreg
    let point = [[0.5, 0.5]; 4];
    for (name, z) in
        [("by themselves", apart), ("both the same", alike), ("one point", point)]
    {
        let z: Tensor<Rank2<4, 2>, f32, Cpu> = dev.tensor(z);
        let value = |invariance, variance, covariance| {
            let weights = VicRegWeights { invariance, variance, covariance };
            vicreg(z.leaky_trace(), z.clone(), weights).map(|loss| loss.array())
        };
        println!(
            "{name:14} invariance {:5.2}   variance {:5.2}   covariance {:5.2}",
            value(25.0, 0.0, 0.0)?,
            value(0.0, 25.0, 0.0)?,
            value(0.0, 0.0, 1.0)?
        );
    }
    // ANCHOR_END: vicreg

    //| ## Centring and sharpening (DINO)
    //|
    //| A teacher prefers its second output for every image. Sharpening alone makes it sure of that; centring takes the
    //| common preference away.
    section("dino");
    // ANCHOR: dino
    let teacher: Tensor<Rank2<3, 3>, f32, Cpu> =
        dev.tensor([[0.10, 0.50, 0.12], [0.14, 0.48, 0.10], [0.08, 0.52, 0.11]]);
    let no_centre: Tensor<Rank1<3>, f32, Cpu> = dev.zeros();
    let centre = losses::moved_centre(&no_centre, &teacher, 0.0)?;
    for (name, centre, temperature) in [
        ("neither", &no_centre, 1.0),
        ("sharpening alone", &no_centre, 0.02),
        ("centring alone", &centre, 1.0),
        ("both", &centre, 0.02),
    ] {
        let targets = losses::teacher_targets(&teacher, centre, temperature)?;
        let favourites: Vec<usize> = targets
            .chunks(3)
            .map(|row| {
                (0..3).fold(0, |best, k| if row[k] > row[best] { k } else { best })
            })
            .collect();
        let entropy = target_entropy(&Rows::new(targets, 3, 3)?);
        println!(
            "{name:17} favourites {favourites:?}, entropy {entropy:.3} of at most {:.3}",
            3f64.ln()
        );
    }
    // ANCHOR_END: dino

    //| ## Taken away
    //|
    //| Five runs of the gallery, each without the part that keeps it from collapsing, beside its healthy twin.
    section_within("taken_away", 30);
    // ANCHOR: taken_away
    let names = [
        "simsiam-no-stop-gradient",
        "byol-no-predictor",
        "barlow-no-decorrelation",
        "vicreg-no-variance",
        "dino-no-centring",
    ];
    let entries =
        names.iter().map(|name| collapse::find(name)).collect::<Result<Vec<_>, _>>()?;
    let mut runs = Vec::new();
    collapse::run_all(&entries, 0, |shown| {
        println!(
            "{:25} {:31} named in epoch {:2}",
            shown.name,
            shown.verdict.as_deref().unwrap_or("nothing"),
            shown.epoch.unwrap_or(0)
        );
        runs.push(shown.clone());
    })?;
    // ANCHOR_END: taken_away
    claim("all five are named", runs.iter().all(|run| run.named_correctly));
    claim(
        "no healthy twin raises an alarm",
        runs.iter().all(|run| run.healthy_twin_alarms == 0),
    );

    section_within("spread", 40);
    // ANCHOR: spread
    let mut series = Vec::new();
    for run in &runs {
        let of = |history: &[selfsame::train::EpochMetrics]| -> Vec<(f64, f64)> {
            let probed = history.iter().filter_map(|row| {
                Some((row.epoch as f64, row.projector.as_ref()?.effective_rank))
            });
            probed.filter(|(epoch, _)| *epoch <= 12.0).collect()
        };
        let (spoilt, healthy) = (of(&run.spoilt.history), of(&run.healthy.history));
        let last = |of: &[(f64, f64)]| of.last().map_or(0.0, |point| point.1);
        println!(
            "{:25} effective rank {:5.1}, healthy twin {:5.1}",
            run.name,
            last(&spoilt),
            last(&healthy)
        );
        series.push(plot::Series::new(run.name.clone(), spoilt));
        series.push(
            plot::Series::new(format!("{}, healthy", run.method), healthy).dashed(),
        );
    }
    let figure = plot::curves(
        "What is left of the directions",
        "epoch",
        "effective rank of the projections",
        &series[..6],
    )?;
    // ANCHOR_END: spread
    save("04_rank", &figure)?;
    //= figure
    Ok(())
}
