//! An encoder in a file: the best of a run is kept while it trains, and used again by a program that knows its type.
//!
//! `cargo run --release -p selfsame --example export`

use std::path::{Path, PathBuf};

use selfsame::prelude::*;
use selfsame::train::{EpochMetrics, Snapshot, Watch};
use selfsame::{random::stream, weights, Error};

type Picture = Image<1, 8, 8>;
type Net = ConvNet<Picture, 32, 3, Cpu>;

/// Writes the encoder whenever its online probe is the best so far.
struct KeepBest {
    file: PathBuf,
    best: f64,
    failed: Option<Error>,
}

impl Watch for KeepBest {
    fn measured(&mut self, row: &EpochMetrics, model: &Snapshot<'_>) {
        let linear = row.linear.unwrap_or(0.0);
        if linear > self.best {
            println!("epoch {}: linear probe {:.3}, kept", row.epoch, linear);
            self.best = linear;
            self.failed = model.save_encoder(&self.file).err();
        }
    }
}

fn main() -> Result<(), Error> {
    let root = std::env::temp_dir().join(format!("selfsame-export-{}", std::process::id()));
    std::fs::create_dir_all(&root).map_err(Error::io("create", &root))?;
    let kept = exported(&root);
    std::fs::remove_dir_all(&root).map_err(Error::io("remove", &root))?;
    kept
}

fn exported(root: &Path) -> Result<(), Error> {
    let (dev, file) = (Cpu::default(), root.join("best.safetensors"));
    let data = Digits::load()?;
    let normalise = Normalise::of(&data.train(), 1000)?;
    let views = views::glyphs(Size::of::<Picture>()).normalise(&normalise);
    let mut vicreg = VicReg::<Net, 64, Cpu>::new(&dev, VicRegConfig { hidden: 64, ..Default::default() })?;
    let mut watch = KeepBest { file: file.clone(), best: 0.0, failed: None };
    Trainer::new(&dev).epochs(3).batch_size(128).watch(&mut watch).fit(&mut vicreg, &data, &views)?;
    if let Some(error) = watch.failed {
        return Err(error);
    }

    // What the file says of itself; Python's safetensors reads it too, as metadata()["selfsame"].
    let header = weights::header(&file)?;
    println!("{}, images {:?}, trained with {}", header.encoder, header.layout, header.recipe);
    assert_eq!(header.normalise.as_ref(), Some(&normalise));

    // Another program: random weights of the same type, then the file's.
    let mut encoder = Net::new(&dev, &mut stream(&[99]))?;
    let frozen = Frozen::load(&file, &mut encoder, &dev)?;
    let (train, test) = (frozen.embed(&data.train())?, frozen.embed(&data.test())?);
    let accuracy = test.accuracy(&knn(&train, &test, &[Knn::new(20)])?[0]);
    println!("kNN accuracy of the file's encoder {:.1} %", 100.0 * accuracy);
    assert!(accuracy > 0.8);

    // The same weights and words make the same bytes, wherever they are written from.
    let again = root.join("again.safetensors");
    frozen.save(&again, &header.recipe)?;
    let bytes = |file: &Path| std::fs::read(file).map_err(Error::io("read", file));
    assert!(bytes(&file)? == bytes(&again)?);

    // A file of another network is refused, and the network stays as it was.
    let mut wider = ConvNet::<Picture, 64, 3, Cpu>::new(&dev, &mut stream(&[0]))?;
    let refused = weights::load(&mut wider, &file).err().map(|e| e.to_string()).unwrap_or_default();
    println!("{refused}");
    assert!(refused.contains("another network"));
    Ok(())
}
