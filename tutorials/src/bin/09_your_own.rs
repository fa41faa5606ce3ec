//! # Your own objective
//!
//! The spectral contrastive loss, from the formula to a run that was judged and diagnosed: typed, tested against finite
//! differences, and broken on purpose.

use selfsame::prelude::*;
use selfsame::{
    diagnose::{Missing, Plateau},
    eval::{judge, Parts},
    methods::{Learner, Loss, MicroBatch, Objective, Trait},
    ops::{l2_normalize, Real},
    plot,
    random::stream,
    tape::{AnyTensor, Role},
    train::{Progress, TrainConfig},
};
use selfsame_tutorials::{claim, save, section, section_within};

//= use selfsame::{diagnose::{Missing, Plateau}, eval::{judge, Parts}, methods::{Learner, Loss, MicroBatch, Objective, Trait}, ops::{l2_normalize, Real}, plot, random::stream, tape::{AnyTensor, Role}, train::{Progress, TrainConfig}};

//| ## The loss, a pure function
//|
//| Rows `i` and `N + i` are the two views of image `i`. It takes 32 bits to train and 64 bits to be tested.
// ANCHOR: loss
type Rows<E, const W: usize> = Tensor<(usize, Const<W>), E, Cpu, OwnedTape<E, Cpu>>;
type Value<E> = Tensor<Rank0, E, Cpu, OwnedTape<E, Cpu>>;

fn spectral<E: Real, const W: usize>(
    z: Rows<E, W>,
    repulsion: f64,
) -> Result<Value<E>, selfsame::Error>
where
    Cpu: Engine<E>,
{
    let (dev, rows) = (z.device().clone(), z.shape().0);
    if rows < 4 || rows % 2 != 0 {
        return Err(selfsame::Error::shape(
            "the spectral loss",
            "two views of two images or more",
            rows,
        ));
    }
    // The mean over partners, and over pairs of different images, as weights of all pairs.
    let images = rows / 2;
    let (partners, strangers) = (rows as f64, (rows * (rows - 2)) as f64);
    let table = |weight: &dyn Fn(usize, usize) -> f64| {
        let weights =
            (0..rows * rows).map(|at| E::of(weight(at / rows, at % rows))).collect();
        dev.tensor_from_vec(weights, (rows, rows))
    };
    let pull = table(&|i, k| {
        if i != k && i % images == k % images {
            -2.0 / partners
        } else {
            0.0
        }
    });
    let push =
        table(&|i, k| if i % images != k % images { repulsion / strangers } else { 0.0 });

    let unit = l2_normalize(z)?;
    // `* 1` makes a tensor of its own: gradients go by a tensor's number, which
    // `permute` keeps.
    let turned =
        (unit.with_empty_tape() * E::of(1.0)).permute::<(Const<W>, usize), Axes2<1, 0>>();
    let cosines = unit.matmul(turned);
    let attraction = (cosines.with_empty_tape() * pull).sum::<Rank0, _>();
    Ok((cosines.square() * push).sum::<Rank0, _>() + attraction)
}
// ANCHOR_END: loss

//| ## The objective: a projector and the loss
//|
//| `Parameters` says which tensors are trained and saved, `Objective` what the loop asks for.
// ANCHOR: objective
struct Spectral<E: Encoder<Cpu>> {
    projector: Projector<E::Features, E::Features, Const<64>, Cpu>,
    repulsion: f64,
}

impl<E: Encoder<Cpu>> Parameters<Cpu> for Spectral<E> {
    fn visit(&self, prefix: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<Cpu>)) {
        self.projector.visit(&format!("{prefix}projector."), f);
    }
    fn visit_mut(
        &mut self,
        prefix: &str,
        f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<Cpu>),
    ) {
        self.projector.visit_mut(&format!("{prefix}projector."), f);
    }
}

impl<E: Encoder<Cpu>> Objective<E, Cpu> for Spectral<E> {
    fn loss(
        &mut self,
        features: Tensor<(usize, E::Features), f32, Cpu, OwnedTape<f32, Cpu>>,
        _batch: &MicroBatch<'_, E::Input, Cpu>,
    ) -> Result<Loss<Cpu>, selfsame::Error> {
        let z = self.projector.forward(features, Mode::Train)?;
        Ok(spectral(z, self.repulsion)?.into())
    }

    fn project(
        &self,
        features: Tensor<(usize, E::Features), f32, Cpu>,
    ) -> Result<Vec<f32>, selfsame::Error> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn about(&self, _images: usize) -> Trait {
        Trait {
            name: "spectral",
            projector_dim: 64,
            plateaus: vec![Plateau {
                name: "repulsion - 2".into(),
                value: self.repulsion - 2.0,
                means: "All embeddings are alike.".into(),
                try_this: "A lower learning rate.".into(),
            }],
            ..Trait::default()
        }
    }

    fn missing(&self) -> Vec<Missing> {
        match self.repulsion > 0.0 {
            true => Vec::new(),
            false => {
                vec![Missing::new(
                    "There is no repulsion: nothing keeps images apart.",
                    "repulsion: 10.0",
                )]
            }
        }
    }
}
// ANCHOR_END: objective

fn main() -> Result<(), selfsame::Error> {
    //| ## Tested before it is trained
    //|
    //| Three questions with answers that are known beforehand, and the gradient against finite differences.
    section("known");
    // ANCHOR: known
    let dev = Cpu::default();
    fn value(z: [[f64; 2]; 4]) -> Result<f64, selfsame::Error> {
        let z: Tensor<(usize, Const<2>), f64, Cpu> =
            Cpu::default().tensor_from_vec(z.concat(), (4, Const));
        Ok(spectral(z.leaky_trace(), 10.0)?.array())
    }
    let (a, b) = ([1.0, 0.0], [0.0, 1.0]);
    println!("views agree, images at a right angle: {:6.2}", value([a, b, a, b])?);
    println!("everything the same:                  {:6.2}", value([a, a, a, a])?);
    println!("views at a right angle:               {:6.2}", value([a, b, b, a])?);
    // ANCHOR_END: known
    claim("-2 is the least, and a constant costs repulsion - 2", {
        (value([a, b, a, b])? + 2.0).abs() < 1e-9
            && (value([a, a, a, a])? - 8.0).abs() < 1e-9
    });

    section("gradcheck");
    // ANCHOR: gradcheck
    let z: Vec<f64> = (0..6 * 3).map(|i| ((7 * i + 3) % 11) as f64 / 5.0 - 1.0).collect();
    let z: Tensor<(usize, Const<3>), f64, Cpu> = dev.tensor_from_vec(z, (6, Const));
    let check = gradcheck(&z, |z| spectral(z, 10.0))?;
    println!("gradient and finite differences agree to 1e-8: {}", check.worst < 1e-8);
    // ANCHOR_END: gradcheck
    claim("the gradient is right", check.worst < 1e-8);

    //| ## Trained and judged
    // ANCHOR: train
    type Picture = Image<1, 8, 8>;
    type Net = ConvNet<Picture, 64, 3, Cpu>;
    let digits = Digits::load()?;

    fn score(encoder: &Net, digits: &Dataset<Picture>) -> Result<f64, selfsame::Error> {
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

    fn trained(
        digits: &Dataset<Picture>,
        repulsion: f64,
    ) -> Result<(Net, Progress), selfsame::Error> {
        let dev = Cpu::default();
        let encoder = Net::new(&dev, &mut stream(&[0, 1]))?;
        let projector = Projector::new(
            &dev,
            encoder.features(),
            encoder.features(),
            Const,
            &mut stream(&[0, 2]),
        )?;
        let mut learner = Learner::of(encoder, Spectral { projector, repulsion });
        let views = views::glyphs(Size::of::<Picture>())
            .normalise(&Normalise::of(&digits.train(), 1000)?);
        let config = TrainConfig {
            epochs: 25,
            lr: 2e-3,
            warmup_epochs: 2.0,
            ..TrainConfig::default()
        };
        let progress =
            Trainer::new(&dev).config(config).fit(&mut learner, digits, &views)?;
        Ok((learner.into_encoder(), progress))
    }
    // ANCHOR_END: train

    section_within("judged", 10);
    // ANCHOR: judged
    let untrained = Net::new(&dev, &mut stream(&[0, 1]))?;
    let (encoder, healthy) = trained(&digits, 10.0)?;
    let (before, after) = (score(&untrained, &digits)?, score(&encoder, &digits)?);
    println!(
        "1 % of the labels: {:.1} % untrained, {:.1} % trained",
        100.0 * before,
        100.0 * after
    );
    println!("alarms: {}", healthy.alarms.len());
    // ANCHOR_END: judged
    claim("training gains 5 points or more", after > before + 0.05);
    claim("the doctor is silent", healthy.alarms.is_empty());

    //| ## Broken on purpose
    //|
    //| An objective is understood when you can say which part keeps it from collapsing. Take it away.
    section_within("broken", 30);
    // ANCHOR: broken
    let (_, broken) = trained(&digits, 0.0)?;
    for alarm in &broken.alarms {
        println!(
            "{} (epoch {})\n  {}\n  try: {}",
            alarm.kind, alarm.epoch, alarm.means, alarm.try_this
        );
    }
    // ANCHOR_END: broken
    claim(
        "without repulsion it collapses",
        broken.alarms.iter().any(|alarm| alarm.kind == "total-collapse"),
    );

    // ANCHOR: figure
    fn spread(progress: &Progress) -> Vec<(f64, f64)> {
        let rows = progress.history.iter();
        rows.filter_map(|row| {
            Some((row.epoch as f64, row.projector.as_ref()?.mean_cosine))
        })
        .collect()
    }
    let figure = plot::curves(
        "Mean cosine between different images",
        "epoch",
        "mean cosine of the projections",
        &[
            plot::Series::new("repulsion 10", spread(&healthy)),
            plot::Series::new("repulsion 0", spread(&broken)),
        ],
    )?;
    // ANCHOR_END: figure
    save("09_cosine", &figure)?;
    //= figure
    Ok(())
}
