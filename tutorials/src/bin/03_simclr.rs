//! # Contrastive learning from scratch
//!
//! InfoNCE by hand on a few numbers, then on tensors with a gradient, then the library's; then what temperature, batch
//! size and a queue of negatives do to a real run.

use selfsame::prelude::*;
use selfsame::{
    eval::{judge, Parts},
    losses, plot,
    train::{Progress, TrainConfig},
};
use selfsame_tutorials::{claim, save, section, section_within};

//= use selfsame::{eval::{judge, Parts}, losses, plot, train::{Progress, TrainConfig}};

fn main() -> Result<(), selfsame::Error> {
    //| ## InfoNCE by hand
    //|
    //| Two images, each seen in two views, each view as two numbers. Rows 0 and 1 are the first views, rows 2 and 3 the
    //| second.
    section("by_hand");
    // ANCHOR: cosine
    let z = [[0.9, 0.1], [0.2, 1.0], [1.0, 0.3], [-0.1, 0.8]];
    fn cosine(a: [f32; 2], b: [f32; 2]) -> f32 {
        let length = |v: [f32; 2]| (v[0] * v[0] + v[1] * v[1]).sqrt();
        (a[0] * b[0] + a[1] * b[1]) / (length(a) * length(b))
    }
    for (i, a) in z.iter().enumerate() {
        let row: Vec<String> =
            z.iter().map(|b| format!("{:6.3}", cosine(*a, *b))).collect();
        println!("row {i}: {}", row.join(" "));
    }
    // ANCHOR_END: cosine

    //| Each row is asked: which of the other rows is your other view? The answer is a softmax over the cosines, and the loss
    //| is what a wrong answer costs.
    section("loss_of_a_row");
    // ANCHOR: loss_of_a_row
    let temperature = 0.5;
    fn loss_of_row(z: &[[f32; 2]; 4], i: usize, temperature: f32) -> f32 {
        let partner = (i + 2) % 4;
        let score = |k: usize| (cosine(z[i], z[k]) / temperature).exp();
        let all: f32 = (0..4).filter(|k| *k != i).map(score).sum();
        -(score(partner) / all).ln()
    }
    let by_hand = (0..4).map(|i| loss_of_row(&z, i, temperature)).sum::<f32>() / 4.0;
    println!("by hand {by_hand:.6}; guessing costs ln 3 = {:.6}", 3f32.ln());
    // ANCHOR_END: loss_of_a_row
    claim("the loss is below that of guessing", by_hand < 3f32.ln());

    //| ## The same on tensors, with a gradient
    //|
    //| The shapes are in the types: four rows of two numbers in, four rows of four cosines, one loss.
    section("on_tensors");
    // ANCHOR: on_tensors
    let dev = Cpu::default();
    let rows: Tensor<Rank2<4, 2>, f32, Cpu> = dev.tensor(z);
    let not_itself: Tensor<Rank2<4, 4>, f32, Cpu> =
        dev.tensor(std::array::from_fn(|i| {
            std::array::from_fn(|k| if i == k { -1e9 } else { 0.0 })
        }));
    let partners: Tensor<Rank2<4, 4>, f32, Cpu> = dev.tensor(std::array::from_fn(|i| {
        std::array::from_fn(|k| if k == (i + 2) % 4 { 1.0 } else { 0.0 })
    }));

    let traced = rows.leaky_trace();
    let length: Tensor<Rank1<4>, f32, Cpu, _> =
        traced.with_empty_tape().square().sum::<_, Axis<1>>().sqrt();
    let unit: Tensor<Rank2<4, 2>, f32, Cpu, _> = traced / length.broadcast();
    // `* 1.0` makes a tensor of its own: gradients go by a tensor's number, which
    // `permute` keeps.
    let turned = (unit.with_empty_tape() * 1.0).permute::<Rank2<2, 4>, Axes2<1, 0>>();
    let cosines: Tensor<Rank2<4, 4>, f32, Cpu, _> = unit.matmul(turned);
    let log_p = ((cosines / temperature) + not_itself.clone()).log_softmax::<Axis<1>>();
    let loss = (log_p * partners.clone()).sum::<Rank0, _>() / -4.0;
    let on_tensors = loss.array();
    let gradient = loss.backward().get(&rows).array();
    println!("on tensors {on_tensors:.6}");
    for (i, row) in gradient.iter().enumerate() {
        println!("gradient of row {i}: {:8.4} {:8.4}", row[0], row[1]);
    }
    // ANCHOR_END: on_tensors
    claim("tensors say what the hand said, to 1e-5", (on_tensors - by_hand).abs() < 1e-5);

    //| ## The library's
    //|
    //| `nt_xent` is one operation with its own backward pass. Same value, same gradient.
    section("library");
    // ANCHOR: library
    let loss = nt_xent(rows.leaky_trace(), temperature.into())?;
    let value = loss.array();
    let its_gradient = loss.backward().get(&rows).array();
    let apart = gradient
        .iter()
        .flatten()
        .zip(its_gradient.iter().flatten())
        .map(|(a, b)| (a - b).abs());
    let apart = apart.fold(0.0, f32::max);
    println!("library {value:.6}, largest difference between the gradients {apart:.0e}");
    // ANCHOR_END: library
    claim("the library's value is the same, to 1e-5", (value - by_hand).abs() < 1e-5);
    claim("and so is its gradient, to 1e-5", apart < 1e-5);

    //| A gradient that was derived by hand is worth nothing before it was held against finite differences.
    section("gradcheck");
    // ANCHOR: gradcheck
    let precise: Tensor<Rank2<4, 2>, f64, Cpu> =
        dev.tensor(z.map(|row| row.map(f64::from)));
    let check = gradcheck(&precise, |z| nt_xent(z, 0.5))?;
    println!(
        "largest relative error of the gradient: below 1e-8: {}",
        check.worst < 1e-8
    );
    // ANCHOR_END: gradcheck
    claim("finite differences agree with the gradient to 1e-8", check.worst < 1e-8);

    //| ## On real images
    //|
    //| Encoder, projector and data are types. One function trains SimCLR and judges the encoder with 1 % of the labels.
    // ANCHOR: setting
    type Picture = Image<1, 8, 8>;
    type Encoder = ConvNet<Picture, 64, 3, Cpu>;
    let digits = Digits::load()?;

    fn score(
        encoder: &Encoder,
        digits: &Dataset<Picture>,
    ) -> Result<f64, selfsame::Error> {
        let frozen =
            Frozen::new(encoder, &Cpu::default(), Normalise::of(&digits.train(), 1000)?);
        let embed = |part| frozen.embed(&part);
        let parts = Parts {
            train: embed(digits.train())?,
            validation: embed(digits.validation())?,
            test: embed(digits.test())?,
        };
        Ok(judge(&parts, 0)?.linear.by_labels["1%"])
    }

    fn views(digits: &Dataset<Picture>) -> Result<Views, selfsame::Error> {
        Ok(views::glyphs(Size::of::<Picture>())
            .normalise(&Normalise::of(&digits.train(), 1000)?))
    }

    fn settings(batch_size: usize) -> TrainConfig {
        TrainConfig {
            epochs: 12,
            batch_size,
            lr: 1e-2,
            warmup_epochs: 2.0,
            probe_every: 12,
            ..TrainConfig::default()
        }
    }
    // ANCHOR_END: setting

    section_within("train", 10);
    // ANCHOR: train
    fn simclr(
        digits: &Dataset<Picture>,
        temperature: f64,
        batch: usize,
    ) -> Result<(Encoder, Progress), selfsame::Error> {
        let config = SimClrConfig { temperature, ..SimClrConfig::default() };
        let mut simclr = SimClr::<Encoder, 64, Cpu>::new(&Cpu::default(), config)?;
        let trainer = Trainer::new(&Cpu::default()).config(settings(batch));
        let progress = trainer.fit(&mut simclr, digits, &views(digits)?)?;
        Ok((simclr.into_encoder(), progress))
    }

    let untrained =
        SimClr::<Encoder, 64, Cpu>::new(&dev, SimClrConfig::default())?.into_encoder();
    let (encoder, progress) = simclr(&digits, 0.1, 64)?;
    let (before, after) = (score(&untrained, &digits)?, score(&encoder, &digits)?);
    println!(
        "linear probe with 1 % of the labels: {:.1} % untrained, {:.1} % trained",
        100.0 * before,
        100.0 * after
    );
    // ANCHOR_END: train
    claim("training gains 5 points or more", after > before + 0.05);

    //| The loss has a value that means 'guessing': ln(2N-1), with 2N views in a batch. A run that sits there learns nothing.
    section_within("curve", 10);
    // ANCHOR: curve
    let losses = progress.losses();
    let guessing = (2.0 * 64.0 - 1.0_f64).ln();
    println!(
        "guessing {guessing:.3}; first epoch {:.3}, last {:.3}",
        losses[0],
        losses[losses.len() - 1]
    );
    let curve = losses
        .iter()
        .enumerate()
        .map(|(epoch, loss)| (epoch as f64 + 1.0, *loss))
        .collect();
    let line = vec![(1.0, guessing), (losses.len() as f64, guessing)];
    let figure = plot::curves(
        "SimCLR on digits",
        "epoch",
        "loss (nats)",
        &[
            plot::Series::new("loss", curve),
            plot::Series::new("guessing, ln(2N-1)", line).dashed(),
        ],
    )?;
    // ANCHOR_END: curve
    save("03_loss", &figure)?;
    claim(
        "the loss leaves the value of guessing by 1 nat or more",
        losses[losses.len() - 1] < guessing - 1.0,
    );
    //= figure

    //| ## Temperature
    section_within("temperature", 10);
    // ANCHOR: temperature
    let mut by_temperature = Vec::new();
    for temperature in [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 100.0] {
        let (encoder, progress) = simclr(&digits, temperature, 64)?;
        let kinds: Vec<String> =
            progress.alarms.iter().map(|alarm| alarm.kind.clone()).collect();
        let alarms = kinds.join(", ");
        let accuracy = score(&encoder, &digits)?;
        println!("temperature {temperature:6}: {:5.1} %  {alarms}", 100.0 * accuracy);
        by_temperature.push((temperature.log10(), accuracy, alarms));
    }
    // ANCHOR_END: temperature
    let best = by_temperature.iter().map(|p| p.1).fold(0.0, f64::max);
    claim("0.1 is within 10 points of the best", by_temperature[2].1 > best - 0.1);
    claim(
        "at 100 the doctor says temperature-too-high",
        by_temperature[6].2.contains("temperature-too-high"),
    );
    let points =
        by_temperature.iter().map(|(log, accuracy, _)| (*log, *accuracy)).collect();
    let figure = plot::curves(
        "What temperature does (digits, 12 epochs)",
        "temperature (decimal logarithm)",
        "accuracy with 1 % of the labels",
        &[
            plot::Series::new("SimCLR", points),
            plot::Series::new("untrained encoder", vec![(-1.7, before), (2.0, before)])
                .dashed(),
        ],
    )?;
    save("03_temperature", &figure)?;

    //| ## Batch size, which is the number of negatives
    section_within("batch", 10);
    // ANCHOR: batch
    for batch in [16, 64, 256] {
        let (encoder, progress) = simclr(&digits, 0.1, batch)?;
        println!(
            "{:4} negatives a view, {:4} steps: {:5.1} %",
            2 * batch - 2,
            progress.steps_done,
            100.0 * score(&encoder, &digits)?
        );
    }
    // ANCHOR_END: batch

    //| ## A queue instead of a large batch: MoCo
    //|
    //| The queue's length is in the type. The batch stays at 64 images.
    section_within("queue", 10);
    // ANCHOR: queue
    fn moco<const QUEUE: usize>(
        digits: &Dataset<Picture>,
    ) -> Result<f64, selfsame::Error> {
        let config = MoCoConfig {
            temperature: 0.1,
            hidden: 64,
            momentum: 0.99,
            ..MoCoConfig::default()
        };
        let mut moco = MoCo::<Encoder, 64, QUEUE, Cpu>::new(&Cpu::default(), config)?;
        Trainer::new(&Cpu::default()).config(settings(64)).fit(
            &mut moco,
            digits,
            &views(digits)?,
        )?;
        score(&moco.into_encoder(), digits)
    }
    let by_queue = [
        (64, moco::<64>(&digits)?),
        (256, moco::<256>(&digits)?),
        (512, moco::<512>(&digits)?),
    ];
    for (queue, accuracy) in by_queue {
        println!("queue of {queue:3}: {:5.1} %", 100.0 * accuracy);
    }
    // ANCHOR_END: queue
    claim(
        "every queue beats the untrained encoder",
        by_queue.iter().all(|(_, accuracy)| *accuracy > before),
    );

    //| ## Break it: views that are the image itself
    section_within("broken", 10);
    // ANCHOR: broken
    let mut blind = SimClr::<Encoder, 64, Cpu>::new(
        &dev,
        SimClrConfig { temperature: 0.1, ..SimClrConfig::default() },
    )?;
    let same = views::identity(Size::of::<Picture>())
        .normalise(&Normalise::of(&digits.train(), 1000)?);
    let progress =
        Trainer::new(&dev).config(settings(64)).fit(&mut blind, &digits, &same)?;
    for alarm in &progress.alarms {
        println!("alarm: {}\n  {}\n  try: {}", alarm.kind, alarm.means, alarm.try_this);
    }
    println!(
        "accuracy with 1 % of the labels: {:.1} %",
        100.0 * score(&blind.into_encoder(), &digits)?
    );
    // ANCHOR_END: broken
    claim(
        "the doctor says identical-views",
        progress.alarms.iter().any(|alarm| alarm.kind == "identical-views"),
    );

    //| ## InfoNCE against a bank, by the library
    section("bank");
    // ANCHOR: bank
    let bank: Tensor<Rank2<3, 2>, f32, Cpu> =
        dev.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]);
    let query: Tensor<Rank2<1, 2>, f32, Cpu> = dev.tensor([[0.6, 0.8]]);
    let loss =
        losses::info_nce_with_bank(query.leaky_trace(), query.clone(), &bank, 1.0)?
            .array();
    println!(
        "its own key among a bank of three: {loss:.4} nats; guessing costs {:.4}",
        4f32.ln()
    );
    // ANCHOR_END: bank
    claim("finding oneself is easier than guessing", loss < 4f32.ln());
    Ok(())
}
