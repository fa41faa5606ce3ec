//! Data sets by the names commands use.

use std::path::Path;

use super::DATA;
use crate::augment::{presets, Normalise, Views};
use crate::data::{Cifar10, Cifar100, DataInfo, Dataset, Digits, ImageFolder, Mnist, Shapes};
use crate::error::{Error, Result};
use crate::shape::{Image, Picture, Size};

/// Images in the generated world of shapes.
const SHAPES: usize = 6000;
/// Training images whose mean and deviation normalise all others.
const MEASURED: usize = 10_000;

/// 8x8 grey digits.
pub(crate) type DigitsShape = Image<1, 8, 8>;
/// 28x28 grey images.
pub(crate) type MnistShape = Image<1, 28, 28>;
/// 32x32 colour images.
pub(crate) type ColourShape = Image<3, 32, 32>;

/// A data set that presets know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What a data set's runs start from unless told otherwise.
pub(crate) struct Preset {
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    pub(crate) lr: f64,
    pub(crate) warmup_epochs: f64,
    pub(crate) temperature: f64,
    pub(crate) projector_dim: usize,
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
        use crate::shape::Input;
        match self {
            DataKind::Digits => DigitsShape::words(),
            DataKind::Mnist => MnistShape::words(),
            _ => ColourShape::words(),
        }
    }

    pub(crate) fn preset(self) -> Preset {
        let (epochs, batch_size, lr, warmup_epochs, temperature, projector_dim) = match self {
            DataKind::Digits => (30, 256, 2e-3, 2.0, 0.1, 64),
            DataKind::Mnist => (5, 256, 5e-3, 0.5, 0.3, 128),
            DataKind::Shapes => (10, 256, 1e-3, 1.0, 0.2, 64),
            DataKind::Cifar10 | DataKind::Cifar100 | DataKind::Folder => (10, 256, 1e-3, 1.0, 0.2, 64),
        };
        Preset { epochs, batch_size, lr, warmup_epochs, temperature, projector_dim }
    }

    /// Two random views as this kind of image wants them, normalised by `normalise`.
    pub(crate) fn views<P: Picture>(self, normalise: &Normalise) -> Views {
        let size = Size::of::<P>();
        let views = match self {
            DataKind::Digits | DataKind::Mnist => presets::glyphs(size),
            _ => presets::simclr(size),
        };
        views.normalise(normalise)
    }
}

/// Opens 1x28x28 data.
pub(crate) fn open_mnist(dir: &str) -> Result<Dataset<MnistShape>> {
    Mnist::open(dir)
}

/// Opens 1x8x8 data.
pub(crate) fn open_digits() -> Result<Dataset<DigitsShape>> {
    Digits::load()
}

/// Opens 3x32x32 data of `kind`.
pub(crate) fn open_colour(kind: DataKind, dir: &str) -> Result<Dataset<ColourShape>> {
    match kind {
        DataKind::Cifar10 => Cifar10::open(dir),
        DataKind::Cifar100 => Cifar100::open(dir),
        DataKind::Folder => ImageFolder::open(Path::new(dir)),
        _ => Shapes::generate(SHAPES, 0),
    }
}

/// Mean and deviation of a data set's training images.
pub(crate) fn normalise<P: Picture>(data: &Dataset<P>) -> Result<Normalise> {
    Normalise::of(&data.train(), MEASURED)
}

/// What `selfsame data info` shows of a data set.
///
/// # Errors
/// As opening it.
pub fn data_info(text: &str) -> Result<DataInfo> {
    let (kind, dir) = DataKind::of(text)?;
    Ok(match kind {
        DataKind::Digits => open_digits()?.info(),
        DataKind::Mnist => open_mnist(dir)?.info(),
        _ => open_colour(kind, dir)?.info(),
    })
}
