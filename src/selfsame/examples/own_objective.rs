//! An objective of one's own: a loss on the features of two views, with a projector that is trained with the encoder.
//!
//! `cargo run --release -p selfsame --example own_objective`; chapter 9 of the book has one that is tested to the last bit.

use selfsame::methods::{Learner, Loss, MicroBatch, Objective, Trait};
use selfsame::ops::l2_normalize;
use selfsame::prelude::*;
use selfsame::random::stream;
use selfsame::Error;

type Picture = Image<1, 8, 8>;
type Net = ConvNet<Picture, 32, 3, Cpu>;
type Features<E> = Tensor<(usize, <E as Encoder<Cpu>>::Features), f32, Cpu, OwnedTape<f32, Cpu>>;

/// Cosines of the two views of an image are to be 1, those of different images 0: the mean square of what they are not.
struct Diagonal<E: Encoder<Cpu>> {
    projector: Projector<E::Features, E::Features, Const<32>, Cpu>,
    /// How much a pair of views weighs, beside a pair of different images.
    pull: f32,
}

selfsame::parameters!(
    [E: Encoder<Cpu>] Diagonal<E>, Cpu,
    tensors {}, modules { projector }, plain { pull }
);

impl<E: Encoder<Cpu>> Objective<E, Cpu> for Diagonal<E> {
    fn loss(
        &mut self,
        features: Features<E>,
        batch: &MicroBatch<'_, E::Input, Cpu>,
    ) -> Result<Loss<Cpu>, Error> {
        let unit = l2_normalize(self.projector.forward(features, Mode::Train)?)?;
        // Rows i and N + i are the two views of image i. `* 1` makes a tensor of its own: gradients go by a tensor's
        // number, which `permute` keeps.
        let turned = (unit.with_empty_tape() * 1.0).permute::<(Const<32>, usize), Axes2<1, 0>>();
        let cosines = unit.matmul(turned);
        let (images, rows) = (batch.images(), 2 * batch.images());
        let same = |at: usize| (at / rows) % images == (at % rows) % images;
        let table = |of: &dyn Fn(bool) -> f32| {
            let values = (0..rows * rows).map(|at| of(same(at))).collect();
            batch.device().tensor_from_vec(values, (rows, rows))
        };
        let wanted = table(&|same| if same { 1.0 } else { 0.0 });
        let weight = table(&|same| if same { self.pull / rows as f32 } else { 1.0 / (rows * rows) as f32 });
        Ok(((cosines - wanted).square() * weight).sum::<Rank0, _>().into())
    }

    fn project(&self, features: Tensor<(usize, E::Features), f32, Cpu>) -> Result<Vec<f32>, Error> {
        Ok(self.projector.forward(features, Mode::Eval)?.as_vec())
    }

    fn about(&self, _images: usize) -> Trait {
        Trait { name: "diagonal", projector_dim: 32, ..Trait::default() }
    }
}

fn main() -> Result<(), Error> {
    let dev = Cpu::default();
    let data = Digits::load()?;
    let normalise = Normalise::of(&data.train(), 1000)?;
    let views = views::glyphs(Size::of::<Picture>()).normalise(&normalise);

    let encoder = Net::new(&dev, &mut stream(&[0, 1]))?;
    let (width, rng) = (encoder.features(), &mut stream(&[0, 2]));
    let objective = Diagonal { projector: Projector::new(&dev, width, width, Const, rng)?, pull: 1.0 };
    let mut learner = Learner::of(encoder, objective);
    let run = Trainer::new(&dev).epochs(4).batch_size(128).lr(2e-3).fit(&mut learner, &data, &views)?;

    // Epoch 0 is the encoder before training.
    let probed: Vec<f64> = run.history.iter().filter_map(|row| row.linear).collect();
    println!("losses {:.3?}, linear probe {:.3?}", run.losses(), probed);
    assert!(run.losses()[3] < run.losses()[0]);
    assert!(probed[4] > 0.8, "its features tell digits apart");
    Ok(())
}
