//! An encoder of one's own: layers in a struct, their parameters by a macro, and which images it takes in its type.
//!
//! `cargo run --release -p selfsame --example own_encoder`

use selfsame::error::device;
use selfsame::nn::Images;
use selfsame::ops;
use selfsame::prelude::*;
use selfsame::random::Stream;
use selfsame::Error;

type Picture = Image<1, 8, 8>;

/// Two linear layers, the second beside a shortcut: 64 pixels to 32 features.
struct Shortcut<D: Engine> {
    first: Linear<Const<64>, Const<32>, D>,
    norm: BatchNorm<Const<32>, D>,
    second: Linear<Const<32>, Const<32>, D>,
}

// Every field must be in one of the lists: what is forgotten does not compile.
selfsame::parameters!([D: Engine] Shortcut<D>, D, tensors {}, modules { first, norm, second });

impl<D: Engine> Encoder<D> for Shortcut<D> {
    type Input = Picture;
    type Features = Const<32>;
    type Recipe = ();

    fn build((): &(), dev: &D, rng: &mut Stream) -> Result<Self, Error> {
        Ok(Shortcut {
            first: Linear::new(dev, Const, Const, rng)?,
            norm: BatchNorm::new(dev, Const)?,
            second: Linear::new(dev, Const, Const, rng)?,
        })
    }

    fn recipe(&self) {}

    fn input(&self) -> Picture {
        Image
    }

    fn features(&self) -> Const<32> {
        Const
    }

    fn forward<T: Tape<f32, D>>(
        &self,
        x: Images<Picture, D, T>,
        mode: Mode,
    ) -> Result<Tensor<(usize, Const<32>), f32, D, T>, Error> {
        let flat = (x.shape().0, Const);
        let x = self.first.forward(x.try_reshape_like(&flat).map_err(device)?)?;
        let x = ops::relu(self.norm.forward(x, mode)?)?;
        // The shortcut keeps its tensor's number, and with it its gradient; the tape goes through the layer.
        let (shortcut, tape) = x.split_tape();
        ops::add(self.second.forward(shortcut.clone().put_tape(tape))?, &shortcut)
    }

    fn describe(&self) -> String {
        "two linear layers with a shortcut, 1x8x8 to 32 features".into()
    }
}

fn main() -> Result<(), Error> {
    let dev = Cpu::default();
    let data = Digits::load()?;
    let normalise = Normalise::of(&data.train(), 1000)?;
    let views = views::glyphs(Size::of::<Picture>()).normalise(&normalise);
    let mut byol = Byol::<Shortcut<Cpu>, 32, Cpu>::new(&dev, ByolConfig::default())?;

    let score = |encoder: &Shortcut<Cpu>| {
        let frozen = Frozen::new(encoder, &dev, normalise.clone());
        let (train, test) = (frozen.embed(&data.train())?, frozen.embed(&data.test())?);
        Ok::<f64, Error>(test.accuracy(&knn(&train, &test, &[Knn::new(20)])?[0]))
    };
    let run = Trainer::new(&dev).epochs(3).batch_size(128).fit(&mut byol, &data, &views)?;
    let accuracy = score(byol.encoder())?;
    println!("losses {:.3?}, kNN accuracy {:.1} %", run.losses(), 100.0 * accuracy);
    assert!(accuracy > 0.8 && run.losses()[2] < run.losses()[0]);
    Ok(())
}
