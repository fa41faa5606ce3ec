//! A look at data and encoders before anything is trained.

use dfdx::prelude::Cpu;
use serde::Serialize;

use super::data::{normalise, open, DataKind};
use super::{objectives, TrainSpec, DATA, ENCODERS};
use crate::display::Pictures;
use crate::error::{Error, Result};
use crate::methods::Method;
use crate::nn::{AnyEncoder, Encoder};
use crate::random::{stream, Purpose};
use crate::tape::count_parameters;

/// Training images of `data`, each with the views that a run of `method` with `seed` compares: a few, evenly spread, or
/// number `index` of the training part alone.
///
/// # Errors
/// Unknown names; data that cannot be read; an index beyond the training part.
pub fn views(data: &str, method: &str, index: Option<usize>, seed: u64) -> Result<Pictures> {
    let spec = TrainSpec { method: method.into(), data: data.into(), ..TrainSpec::default() }.resolve()?;
    let (kind, dir) = DataKind::of(data)?;
    let method = objectives::build(&Cpu::seed_from_u64(seed), &spec, kind)?;
    let data = open(kind, dir)?;
    let views = kind.views(method.views(), method.local_views(), &normalise(&data)?);
    let mut train = data.train();
    if let Some(index) = index {
        if index >= train.len() {
            let expected = format!("a number below {}, the images of the training part", train.len());
            return Err(Error::setting("index", index, expected, "Leave it out for a few of them."));
        }
        train = train.subset(&[index]);
    }
    views.pictures(&train, seed)
}

/// An encoder preset for one kind of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EncoderLine {
    /// Its name, one of [`ENCODERS`].
    pub name: String,
    /// Data it is for, in the forms of [`DATA`].
    pub data: Vec<String>,
    /// Channels, height and width of the images it takes.
    pub input: [usize; 3],
    /// Features that come out.
    pub features: usize,
    /// Trainable numbers.
    pub parameters: usize,
}

/// Every encoder preset for every size of images.
///
/// # Errors
/// None that a preset could meet.
pub fn encoders() -> Result<Vec<EncoderLine>> {
    let dev = Cpu::default();
    let mut lines: Vec<EncoderLine> = Vec::new();
    for name in ENCODERS {
        for data in DATA {
            let kind = DataKind::of(data)?.0;
            let recipe = kind.encoder(name)?;
            let size = kind.size();
            let input = [size.channels, size.height, size.width];
            match lines.iter_mut().find(|line| line.name == *name && line.input == input) {
                Some(line) => line.data.push(data.to_string()),
                None => {
                    let encoder =
                        AnyEncoder::build(&recipe, &dev, &mut stream(&[0, Purpose::Init as u64, 0]))?;
                    lines.push(EncoderLine {
                        name: name.to_string(),
                        data: vec![data.to_string()],
                        input,
                        features: recipe.network.features(),
                        parameters: count_parameters(&encoder),
                    });
                }
            }
        }
    }
    Ok(lines)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_few_images_or_one_are_shown_with_their_views() {
        let few = views("digits", "simclr", None, 0).unwrap();
        assert_eq!(few.rows().len(), 6);
        let one = views("digits", "simclr", Some(7), 0).unwrap();
        assert_eq!(one.rows().len(), 1);
        assert!(one.rows()[0].tiles.iter().any(|tile| tile.caption == "view 2"));
        assert_eq!(one, views("digits", "simclr", Some(7), 0).unwrap());
        let beyond = views("digits", "simclr", Some(99_999), 0).unwrap_err().to_string();
        assert!(beyond.contains("index is 99999. Expected a number below"), "{beyond}");
        assert!(views("digits", "simcrl", None, 0)
            .unwrap_err()
            .to_string()
            .contains("did you mean 'simclr'"));
    }

    #[test]
    fn every_encoder_is_counted_for_every_size() {
        let lines = encoders().unwrap();
        for name in ENCODERS {
            let of: Vec<_> = lines.iter().filter(|line| line.name == *name).collect();
            assert_eq!(of.iter().map(|l| l.data.len()).sum::<usize>(), DATA.len(), "{name}");
            assert!(of.iter().all(|line| line.parameters > 1000 && line.features > 0), "{of:?}");
        }
        let mlp = lines.iter().find(|l| l.name == "mlp" && l.input == [1, 8, 8]).unwrap();
        assert_eq!((mlp.features, mlp.data.as_slice()), (128, &["digits".to_string()][..]));
    }
}
