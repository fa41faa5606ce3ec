//! A loop of one's own, of the pieces the library's is made of: batches of views, the loss on its tape, gradients in one
//! flat list, an optimiser, and a learning rate by any rule.
//!
//! `cargo run --release -p selfsame --example own_loop`

use std::ops::ControlFlow;

use selfsame::data::{epoch_order, for_each_batch, Batches};
use selfsame::methods::MicroBatch;
use selfsame::prelude::*;
use selfsame::Error;

type Picture = Image<1, 8, 8>;
type Net = ConvNet<Picture, 32, 3, Cpu>;

const EPOCHS: u64 = 4;
const BATCH: usize = 128;
const SEED: u64 = 0;

/// One cycle: up along a straight line for a third of the steps, down to 0 for the rest.
fn rate(step: u64, total: u64) -> f64 {
    let along = step as f64 / total as f64;
    5e-3 * (3.0 * along).min(1.5 * (1.0 - along))
}

fn main() -> Result<(), Error> {
    let dev = Cpu::default();
    let data = Digits::load()?;
    let part = data.train();
    let normalise = Normalise::of(&part, 1000)?;
    let views = views::glyphs(Size::of::<Picture>()).normalise(&normalise);
    let mut method = SimClr::<Net, 32, Cpu>::new(&dev, SimClrConfig::default())?;
    let mut optimizer = Optimizer::new(Rule::ADAMW, 0.05);

    let steps = (part.len() / BATCH) as u64;
    let (mut step, mut losses) = (0, Vec::new());
    for epoch in 1..=EPOCHS {
        let order = epoch_order(part.len(), SEED, epoch);
        let batches =
            Batches { order: &order, batch: BATCH, start_batch: 0, drop_last: true, seed: SEED, epoch };
        let mut sum = 0.0;
        // Views are made on other threads while the step before is under way.
        let _ = for_each_batch(&part, batches, &views, |batch| {
            let key = [SEED, epoch, batch.number as u64];
            let micro = MicroBatch::new(&dev, Image, &batch.views, &batch.labels, &batch.positions, key)?;
            let loss = method.loss(&micro)?;
            sum += loss.value();
            let mut gradient = FlatGradient::new();
            gradient.add(&method, loss.total.backward())?;
            optimizer.step(&mut method, gradient.mean(), rate(step, EPOCHS * steps))?;
            step += 1;
            method.after_step(step, EPOCHS * steps)?;
            Ok(ControlFlow::Continue(()))
        })?;
        losses.push(sum / steps as f64);
        println!("epoch {epoch}: loss {:.3}", losses[losses.len() - 1]);
    }
    assert_eq!(step, EPOCHS * steps);
    assert!(losses[3] < 0.9 * losses[0], "{losses:?}");

    let frozen = Frozen::new(method.encoder(), &dev, normalise);
    let (train, test) = (frozen.embed(&part)?, frozen.embed(&data.test())?);
    let accuracy = test.accuracy(&knn(&train, &test, &[Knn::new(20)])?[0]);
    println!("kNN accuracy {:.1} %", 100.0 * accuracy);
    assert!(accuracy > 0.85);
    Ok(())
}
