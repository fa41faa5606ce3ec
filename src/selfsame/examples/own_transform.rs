//! A transform of one's own, in a chain with others.
//!
//! `cargo run --release -p selfsame --example own_transform`

use selfsame::augment::{draw, Canvas, RandomResizedCrop, Transform};
use selfsame::prelude::*;
use selfsame::random::Stream;
use selfsame::Error;

type Picture = Image<1, 8, 8>;
type Net = ConvNet<Picture, 32, 3, Cpu>;

/// Ink that spreads: with probability `p` every pixel becomes the brightest of itself and its right neighbour.
#[derive(Debug)]
struct Smear {
    p: f64,
}

impl Transform for Smear {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        if draw::chance(rng, self.p) {
            for row in canvas.rows_mut() {
                for at in 1..row.len() {
                    row[at - 1] = row[at - 1].max(row[at]);
                }
            }
        }
    }

    fn validate(&self) -> Result<(), Error> {
        match (0.0..=1.0).contains(&self.p) {
            true => Ok(()),
            false => Err(Error::setting("Smear.p", self.p, "a probability, 0 to 1", "0.5 is a good start.")),
        }
    }
}

fn main() -> Result<(), Error> {
    let (dev, size) = (Cpu::default(), Size::of::<Picture>());
    let data = Digits::load()?;
    let normalise = Normalise::of(&data.train(), 1000)?;
    let crop = || RandomResizedCrop { scale: (0.6, 1.0), ..RandomResizedCrop::to(8, 8) };
    let view = |p| View::new(size).then(crop()).then(Smear { p }).normalise(normalise.clone());
    print!("{}", view(0.5).describe());

    // A view is a function of seed, epoch, index and view: the same numbers make the same picture.
    let mut picture = vec![0; size.len()];
    data.train().read(0, &mut picture)?;
    let render = |views: &Views, epoch| {
        let mut out = vec![0.0; size.len()];
        views.render(&picture, size, 7, epoch, 0, 0, &mut out).map(|()| out)
    };
    let (never, always) = (Views::two(view(0.0)), Views::two(view(1.0)));
    assert_eq!(render(&always, 1)?, render(&always, 1)?);
    assert_ne!(render(&always, 1)?, render(&always, 2)?);
    let ink = |pixels: Vec<f32>| pixels.iter().sum::<f32>();
    assert!(ink(render(&always, 1)?) > ink(render(&never, 1)?), "the ink has spread");

    // A parameter out of its range is said before anything is trained.
    let mut simclr = SimClr::<Net, 32, Cpu>::new(&dev, SimClrConfig::default())?;
    let wrong = Trainer::new(&dev).epochs(1).fit(&mut simclr, &data, &Views::two(view(1.5)));
    assert!(wrong.is_err_and(|e| e.to_string().starts_with("Smear.p is 1.5. Expected a probability")));

    let run = Trainer::new(&dev).epochs(2).batch_size(128).fit(&mut simclr, &data, &Views::two(view(0.5)))?;
    println!("losses {:.3?}", run.losses());
    assert!(run.losses()[1] < run.losses()[0]);
    Ok(())
}
