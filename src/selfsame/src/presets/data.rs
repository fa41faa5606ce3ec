//! Data sets by the names commands use.

use std::path::Path;

use super::{DATA, ENCODERS};
use crate::augment::{presets, Normalise, Views};
use crate::data::{Cifar10, Cifar100, DataInfo, Dataset, Digits, ImageFolder, Mnist, Shapes};
use crate::error::{Error, Result};
use crate::nn::{Network, Recipe};
use crate::shape::{AnyImage, Image, Size};

/// Images in the generated world of shapes.
const SHAPES: usize = 6000;
/// Training images whose mean and deviation normalise all others.
const MEASURED: usize = 10_000;

/// 8x8 grey digits.
type DigitsShape = Image<1, 8, 8>;
/// 28x28 grey images.
type MnistShape = Image<1, 28, 28>;
/// 32x32 colour images.
type ColourShape = Image<3, 32, 32>;

/// A data set that presets know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataKind {
    /// The embedded UCI digits, 1x8x8.
    Digits,
    /// The generated shapes, 3x32x32.
    Shapes,
    /// IDX files in a folder, 1x28x28.
    Mnist,
    /// CIFAR-10's binary files, 3x32x32.
    Cifar10,
    /// CIFAR-100's binary files, 3x32x32.
    Cifar100,
    /// A folder of images, resized to 3x32x32.
    Folder,
}

/// What a data set's runs start from unless told otherwise; objectives change some of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Preset {
    pub(super) epochs: usize,
    pub(super) batch_size: usize,
    pub(super) lr: f64,
    pub(super) warmup_epochs: f64,
    pub(super) projector_dim: usize,
}

impl DataKind {
    /// Reads `digits`, `shapes`, `mnist:DIR`, ...; gives the kind and the folder (empty where none is needed).
    ///
    /// # Errors
    /// [`Error::Unknown`] for another name, [`Error::Setting`] for a missing or superfluous folder.
    pub fn of(text: &str) -> Result<(DataKind, &str)> {
        let (name, dir) = text.split_once(':').unwrap_or((text, ""));
        let kind = match name {
            "digits" => DataKind::Digits,
            "shapes" => DataKind::Shapes,
            "mnist" => DataKind::Mnist,
            "cifar10" => DataKind::Cifar10,
            "cifar100" => DataKind::Cifar100,
            "folder" => DataKind::Folder,
            _ => return Err(Error::unknown("data set", text, DATA)),
        };
        let needs = !matches!(kind, DataKind::Digits | DataKind::Shapes);
        if needs && dir.is_empty() {
            let remedy = format!(
                "Write {name}:DIR with the folder the files are in; `selfsame data fetch` downloads some."
            );
            return Err(Error::setting("data", text, format!("{name}:DIR"), remedy));
        }
        if !needs && text.contains(':') {
            return Err(Error::setting("data", text, name, "This data set needs no folder."));
        }
        Ok((kind, dir))
    }

    /// The name without the folder.
    pub fn name(self) -> &'static str {
        match self {
            DataKind::Digits => "digits",
            DataKind::Shapes => "shapes",
            DataKind::Mnist => "mnist",
            DataKind::Cifar10 => "cifar10",
            DataKind::Cifar100 => "cifar100",
            DataKind::Folder => "folder",
        }
    }

    /// The shape of its images in words.
    pub fn words(self) -> String {
        self.size().to_string()
    }

    pub(super) fn preset(self) -> Preset {
        let (epochs, batch_size, lr, warmup_epochs, projector_dim) = match self {
            DataKind::Digits => (30, 256, 2e-3, 2.0, 64),
            DataKind::Mnist => (5, 256, 5e-3, 0.5, 128),
            DataKind::Shapes => (10, 256, 1e-3, 1.0, 64),
            DataKind::Cifar10 | DataKind::Cifar100 | DataKind::Folder => (10, 256, 1e-3, 1.0, 64),
        };
        Preset { epochs, batch_size, lr, warmup_epochs, projector_dim }
    }

    /// The size of its images.
    pub fn size(self) -> Size {
        match self {
            DataKind::Digits => Size::of::<DigitsShape>(),
            DataKind::Mnist => Size::of::<MnistShape>(),
            _ => Size::of::<ColourShape>(),
        }
    }

    /// Whether its images are signs, which must not be mirrored.
    fn signs(self) -> bool {
        matches!(self, DataKind::Digits | DataKind::Mnist)
    }

    /// `count` random views as this kind of image wants them, normalised by `normalise`; the last `local` of them
    /// show a smaller share of the image, at the same size.
    pub(crate) fn views(self, count: usize, local: usize, normalise: &Normalise) -> Views {
        let size = self.size();
        let signs = self.signs();
        let two = if signs { presets::glyphs(size) } else { presets::simclr(size) };
        let small = if signs { presets::local_glyph(size) } else { presets::local_simclr(size) };
        two.cycled(count.saturating_sub(local)).and(small, local.min(count)).normalise(normalise)
    }

    /// The network called `encoder` for its images.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a name that is none of [`ENCODERS`](super::ENCODERS).
    pub fn encoder(self, encoder: &str) -> Result<Recipe> {
        let network = match (encoder, self) {
            ("convnet", DataKind::Digits) => Network::ConvNet { features: 128, stages: 3 },
            ("convnet", DataKind::Mnist) => Network::ConvNet { features: 128, stages: 4 },
            ("convnet", _) => Network::ConvNet { features: 256, stages: 4 },
            ("vit", DataKind::Digits) => Network::Vit { patch: 2, width: 64, depth: 4, heads: 4 },
            ("vit", _) => Network::Vit { patch: 4, width: 128, depth: 4, heads: 4 },
            ("mlp", DataKind::Digits) => Network::Mlp { hidden: 256, features: 128 },
            ("mlp", _) => Network::Mlp { hidden: 512, features: 256 },
            ("resnet9", DataKind::Digits | DataKind::Mnist) => Network::ResNet { features: 128, blocks: 1 },
            ("resnet9", _) => Network::ResNet { features: 256, blocks: 1 },
            ("resnet18", _) => Network::ResNet { features: 512, blocks: 2 },
            _ => return Err(Error::unknown("encoder", encoder, ENCODERS)),
        };
        Ok(Recipe { network, input: self.size() })
    }
}

/// Opens the data set, its shape known from here on only at run time.
pub(crate) fn open(kind: DataKind, dir: &str) -> Result<Dataset<AnyImage>> {
    Ok(match kind {
        DataKind::Digits => Digits::load()?.any(),
        DataKind::Mnist => Mnist::open(dir)?.any(),
        DataKind::Cifar10 => Cifar10::open(dir)?.any(),
        DataKind::Cifar100 => Cifar100::open(dir)?.any(),
        DataKind::Folder => ImageFolder::open::<ColourShape>(Path::new(dir))?.any(),
        DataKind::Shapes => Shapes::generate::<ColourShape>(SHAPES, 0)?.any(),
    })
}

/// Mean and deviation of a data set's training images.
pub(crate) fn normalise(data: &Dataset<AnyImage>) -> Result<Normalise> {
    Normalise::of(&data.train(), MEASURED)
}

/// What `selfsame data info` shows of a data set.
///
/// # Errors
/// As opening it.
pub fn data_info(text: &str) -> Result<DataInfo> {
    let (kind, dir) = DataKind::of(text)?;
    Ok(open(kind, dir)?.info())
}
