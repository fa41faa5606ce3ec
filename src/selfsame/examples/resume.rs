//! A run that is stopped and goes on, to the same bits as one that never was.
//!
//! `cargo run --release -p selfsame --example resume`

use std::path::Path;

use selfsame::prelude::*;
use selfsame::train::{EpochLine, Watch};
use selfsame::Error;

type Picture = Image<1, 8, 8>;
type Net = ConvNet<Picture, 16, 2, Cpu>;

/// Says when it has seen enough: after `epochs` of them.
struct After {
    epochs: usize,
    seen: usize,
}

impl Watch for After {
    fn epoch_done(&mut self, line: &EpochLine) {
        println!("epoch {}: loss {:.4}", line.epoch, line.loss);
        self.seen += 1;
    }

    fn enough(&mut self) -> bool {
        self.seen == self.epochs
    }
}

/// Trains in `folder`, from its checkpoint where there is one, for `epochs` of the four there are to be.
fn train(folder: &Path, epochs: usize) -> Result<(Progress, Vec<f32>), Error> {
    let dev = Cpu::default();
    let data = Digits::load()?;
    let views = views::glyphs(Size::of::<Picture>());
    // Weights and optimiser are read from the checkpoint; what is made here is what a new run begins with.
    let mut moco = MoCo::<Net, 16, 256, Cpu>::new(&dev, MoCoConfig::default())?;
    let mut watch = After { epochs, seen: 0 };
    let trainer = Trainer::new(&dev).epochs(4).batch_size(128).folder(folder).watch(&mut watch);
    let progress = trainer.fit(&mut moco, &data, &views)?;
    let mut weights = Vec::new();
    moco.visit("", &mut |_, _, tensor| weights.extend(tensor.read()));
    Ok((progress, weights))
}

fn main() -> Result<(), Error> {
    let root = std::env::temp_dir().join(format!("selfsame-resume-{}", std::process::id()));
    let (whole, stopped) = (root.join("whole"), root.join("stopped"));

    let (never, expected) = train(&whole, 4)?;
    let (first, _) = train(&stopped, 1)?;
    assert_eq!((first.epochs_done, never.epochs_done), (1, 4));
    println!("stopped after epoch 1; the folder holds all that is needed to go on");
    let (second, weights) = train(&stopped, 4)?;

    assert!(weights == expected, "weights, queue and momentum copies are the same to the last bit");
    assert_eq!(second.losses(), never.losses());
    let metrics = |folder: &Path| {
        let file = folder.join("metrics.jsonl");
        std::fs::read(&file).map_err(Error::io("read", &file))
    };
    assert!(metrics(&whole)? == metrics(&stopped)?);
    std::fs::remove_dir_all(&root).map_err(Error::io("remove", &root))
}
