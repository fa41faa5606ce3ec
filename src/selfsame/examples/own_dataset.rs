//! A data set of one's own: pictures from wherever they are, in a type that says their shape.
//!
//! `cargo run --release -p selfsame --example own_dataset`

use selfsame::data::{Source, Split};
use selfsame::prelude::*;
use selfsame::Error;

type Picture = Image<1, 12, 12>;
type Net = ConvNet<Picture, 16, 2, Cpu>;

const CLASSES: [&str; 3] = ["rows", "columns", "dots"];

/// Patterns that are worked out when they are asked for. A database would be asked here.
struct Patterns {
    count: usize,
}

impl Source for Patterns {
    fn size(&self) -> Size {
        Size::of::<Picture>()
    }

    fn len(&self) -> usize {
        self.count
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<(), Error> {
        if index >= self.count {
            return Err(Error::other(format!("pattern {index} was asked for, there are {}", self.count)));
        }
        // Every third picture is of one class; the others differ in where the pattern begins and in how bright it is.
        let (kind, shift, bright) = (index % 3, index / 3 % 4, 120 + (index * 37 % 120) as u8);
        for (at, value) in out.iter_mut().enumerate() {
            let (row, column) = (at / 12 + shift, at % 12 + shift);
            let lit = match kind {
                0 => row % 4 < 2,
                1 => column % 4 < 2,
                _ => row % 4 < 2 && column % 4 < 2,
            };
            *value = if lit { bright } else { 10 };
        }
        Ok(())
    }
}

fn main() -> Result<(), Error> {
    let labels: Vec<u32> = (0..900).map(|i| i % 3).collect();
    // A tenth is for choosing, a fifth for scoring; no picture is in two parts.
    let split = Split::stratified(&labels, 0.1, 0.2, 0);
    let classes = CLASSES.map(String::from).to_vec();
    let data = Dataset::<Picture>::new("patterns", classes, labels, Patterns { count: 900 }, split)?;

    let dev = Cpu::default();
    let normalise = Normalise::of(&data.train(), 500)?;
    let views = views::glyphs(Size::of::<Picture>()).normalise(&normalise);
    let mut simclr = SimClr::<Net, 16, Cpu>::new(&dev, SimClrConfig::default())?;
    Trainer::new(&dev).epochs(3).batch_size(64).fit(&mut simclr, &data, &views)?;

    let encoder = simclr.into_encoder();
    let frozen = Frozen::new(&encoder, &dev, normalise);
    let (train, test) = (frozen.embed(&data.train())?, frozen.embed(&data.test())?);
    let accuracy = test.accuracy(&knn(&train, &test, &[Knn::new(20)])?[0]);
    println!("{} pictures, kNN accuracy {:.1} %", test.len(), 100.0 * accuracy);
    assert!(accuracy > 0.9, "rows, columns and dots are easily told apart");
    assert!(data.source().read(900, &mut [0; 144]).is_err());
    Ok(())
}
