//! Weights in a file of their own: safetensors, with what is needed to use them again in its header.
//!
//! PyTorch equivalent: `safetensors.torch.save_file(model.state_dict(), path, metadata)`, and Python's safetensors reads the
//! files: tensors under the names of [`Parameters`], sizes outermost first, and the header as JSON under `selfsame`.
//!
//! ```
//! use selfsame::prelude::*;
//! use selfsame::weights::{self, Header};
//!
//! let folder = std::env::temp_dir().join(format!("selfsame-weights-{}", std::process::id()));
//! std::fs::create_dir_all(&folder)?;
//! let (file, dev) = (folder.join("linear.safetensors"), Cpu::default());
//! let layer = |seed| Linear::<Const<3>, Const<2>, Cpu>::new(&dev, Const, Const, &mut selfsame::random::stream(&[seed]));
//!
//! weights::save(&layer(1)?, &file, &Header { encoder: "a linear layer".into(), ..Header::default() })?;
//! let mut other = layer(2)?;
//! let header = weights::load(&mut other, &file)?;
//! assert_eq!(header.encoder, "a linear layer");
//! let x: Tensor<Rank2<1, 3>, f32, Cpu> = dev.ones();
//! assert_eq!(other.forward(x.clone())?.array(), layer(1)?.forward(x)?.array());
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use dfdx::prelude::Device;
use safetensors::tensor::{Dtype, Metadata, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::write_atomic;
use crate::augment::Normalise;
use crate::error::{Error, Place, Result};
use crate::eval::Frozen;
use crate::files;
use crate::nn::Encoder;
use crate::ops::Engine;
use crate::shape::ImageShape;
use crate::tape::{Parameters, Role};

/// The entry of a file's metadata that holds what is ours.
const KEY: &str = "selfsame";
const FORMAT: u32 = 1;
/// The longest header that safetensors reads, in bytes.
const LONGEST_HEADER: u64 = 100_000_000;
const DAMAGED: &str =
    "The file is damaged or was cut off. Save the weights again, or copy the file from where it is whole.";

/// What a file of weights says about them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// The network in words.
    pub encoder: String,
    /// The sizes of what it takes, outermost first: channels, rows and columns of an image. Empty where it is not said.
    pub layout: Vec<usize>,
    /// What its training images went through.
    pub normalise: Option<Normalise>,
    /// What it was trained with: a run's settings, or whatever the program wants to know again. `null` where it is not said.
    pub recipe: serde_json::Value,
}

/// What stands under [`KEY`].
#[derive(Serialize, Deserialize)]
struct Envelope {
    format: u32,
    sha256: String,
    header: Box<RawValue>,
}

/// A tensor to be written: its sizes, its values.
type Values = (Vec<usize>, Vec<f32>);

/// A module's tensors, asked for by name, its device forgotten.
pub(super) trait Walk {
    fn walk(&self, f: &mut dyn FnMut(&str, Role, Vec<usize>, Vec<f32>));
}

/// A module on its device.
pub(super) struct On<'m, D: Device<f32>>(pub(super) &'m dyn Parameters<D>);

impl<D: Device<f32>> Walk for On<'_, D> {
    fn walk(&self, f: &mut dyn FnMut(&str, Role, Vec<usize>, Vec<f32>)) {
        self.0.visit("", &mut |name, role, t| f(name, role, t.sizes(), t.read()));
    }
}

/// Writes all tensors of `module`, running statistics included, with `header` to `path`: the whole file or nothing. The same
/// module and header make the same bytes.
///
/// # Errors
/// [`Error::Io`] where the file cannot be written; [`Error::Input`] for two tensors of one name.
pub fn save<D: Device<f32>>(
    module: &dyn Parameters<D>,
    path: impl AsRef<Path>,
    header: &Header,
) -> Result<()> {
    save_walked(&On(module), path.as_ref(), header)
}

pub(super) fn save_walked(module: &dyn Walk, path: &Path, header: &Header) -> Result<()> {
    let wrong = |found: String| {
        let expected = "tensors with names of their own, and a header that JSON can hold";
        Error::input(path, Place::Whole, found, expected, "Nothing was written.")
    };
    let (mut tensors, mut twice) = (BTreeMap::<String, Values>::new(), None);
    module.walk(&mut |name, _, sizes, values| {
        if tensors.insert(name.to_string(), (sizes, values)).is_some() {
            twice = Some(name.to_string());
        }
    });
    if let Some(name) = twice {
        return Err(wrong(format!("two tensors would be called '{name}'")));
    }
    let bytes: BTreeMap<&str, (&[usize], Vec<u8>)> = tensors
        .iter()
        .map(|(name, (sizes, values))| {
            (name.as_str(), (sizes.as_slice(), values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        })
        .collect();
    let header = serde_json::value::to_raw_value(header).map_err(|e| wrong(e.to_string()))?;
    let sha256 =
        digest(header.get(), bytes.iter().map(|(name, (sizes, data))| (*name, *sizes, data.as_slice())));
    let envelope = serde_json::to_string(&Envelope { format: FORMAT, sha256, header });
    let metadata = HashMap::from([(KEY.to_string(), envelope.map_err(|e| wrong(e.to_string()))?)]);
    let views = bytes
        .iter()
        .map(|(name, (sizes, data))| Ok((*name, TensorView::new(Dtype::F32, sizes.to_vec(), data)?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>();
    let file = views.and_then(|views| safetensors::serialize(views, Some(metadata)));
    write_atomic(path, &file.map_err(|e| wrong(e.to_string()))?)
}

/// Reads the tensors of `module` from `path`: all of them, or, where anything is wrong, none. A file that another program
/// wrote, under the same names, has an empty header.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read; [`Error::Input`] where it is damaged, is no safetensors file, or belongs to
/// another network, with the tensor that differs.
pub fn load<D: Device<f32>>(module: &mut dyn Parameters<D>, path: impl AsRef<Path>) -> Result<Header> {
    let path = path.as_ref();
    let file = Opened::new(path)?;
    file.fits(&On(&*module))?;
    let data = file.data()?;
    let mut problem = None;
    module.visit_mut("", &mut |name, _, t| {
        let values: Vec<f32> = file.of(&data, name).chunks_exact(4).map(float).collect();
        problem = problem.take().or(t.write(&values).err());
    });
    problem.map_or(Ok(file.header), Err)
}

/// What the file says about its weights, which are not read.
///
/// # Errors
/// As [`load`], but for another network.
pub fn header(path: impl AsRef<Path>) -> Result<Header> {
    Ok(Opened::new(path.as_ref())?.header)
}

fn float(bytes: &[u8]) -> f32 {
    bytes.try_into().map_or(f32::NAN, f32::from_le_bytes)
}

/// The SHA-256 of the header and of every tensor's name, sizes and data, in the order of names.
fn digest<'t>(header: &str, tensors: impl Iterator<Item = (&'t str, &'t [usize], &'t [u8])>) -> String {
    let mut sum = Sha256::new();
    sum.update(header.as_bytes());
    for (name, sizes, data) in tensors {
        sum.update(format!("\0{name}\0{sizes:?}\0").as_bytes());
        sum.update(data);
    }
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file whose header has been read.
struct Opened<'p> {
    path: &'p Path,
    file: File,
    /// Bytes of tensors, which are the rest of the file.
    left: u64,
    tensors: Metadata,
    header: Header,
    /// The header's text and the SHA-256, where they are ours.
    signed: Option<(String, String)>,
}

impl<'p> Opened<'p> {
    fn new(path: &'p Path) -> Result<Self> {
        let mut file = files::open(path)?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        let damaged = |at: Place, found: String| Error::input(path, at, found, "a safetensors file", DAMAGED);
        let mut start = [0; 8];
        if length < 8 {
            return Err(damaged(Place::Whole, format!("it has {length} bytes")));
        }
        file.read_exact(&mut start).map_err(Error::io("read", path))?;
        let header = u64::from_le_bytes(start);
        if header > LONGEST_HEADER || header > length - 8 {
            let found = format!("its header would have {header} bytes, the file has {length}");
            return Err(damaged(Place::Byte(0), found));
        }
        let mut bytes = vec![0; header as usize];
        file.read_exact(&mut bytes).map_err(Error::io("read", path))?;
        let tensors: Metadata = serde_json::from_slice(&bytes)
            .map_err(|e| damaged(Place::Byte(8), format!("its header: {e}")))?;
        check_offsets(&tensors).map_err(|found| damaged(Place::Byte(8), found))?;
        let left = length - 8 - header;
        if tensors.data_len() as u64 != left {
            let found = format!("its tensors take {} bytes, and {left} are there", tensors.data_len());
            return Err(damaged(Place::Whole, found));
        }
        let ours = tensors.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let (header, signed) = match ours {
            Some(text) => read_ours(text, path)?,
            None => (Header::default(), None),
        };
        Ok(Opened { path, file, left, tensors, header, signed })
    }

    /// That the file has the tensors of `module` and no others.
    fn fits(&self, module: &dyn Walk) -> Result<()> {
        let differs = |found: String, expected: String| {
            let remedy = "It belongs to another network: build the one that it was saved from.";
            Error::input(self.path, Place::Whole, found, expected, remedy)
        };
        let mut known = self.tensors.tensors();
        let mut problem = None;
        module.walk(&mut |name, _, sizes, _| {
            let found = match known.remove(name) {
                None => format!("there is no tensor '{name}'"),
                Some(info) if info.shape != sizes => format!("'{name}' has the sizes {:?}", info.shape),
                Some(info) if info.dtype != Dtype::F32 => format!("'{name}' holds {:?}", info.dtype),
                Some(_) => return,
            };
            let expected = format!("'{name}' of the sizes {sizes:?}, as F32");
            problem = problem.take().or(Some(differs(found, expected)));
        });
        if let Some(problem) = problem {
            return Err(problem);
        }
        let mut over: Vec<&String> = known.keys().collect();
        over.sort();
        match over.first() {
            None => Ok(()),
            Some(name) => {
                Err(differs(format!("there is a tensor '{name}'"), "the tensors of the network alone".into()))
            }
        }
    }

    /// The bytes of all tensors, as they were signed.
    fn data(&self) -> Result<Vec<u8>> {
        let mut data = Vec::new();
        (&self.file).take(self.left).read_to_end(&mut data).map_err(Error::io("read", self.path))?;
        if data.len() as u64 != self.left {
            let found = format!("{} bytes of tensors", data.len());
            return Err(Error::input(
                self.path,
                Place::Whole,
                found,
                format!("{} bytes", self.left),
                DAMAGED,
            ));
        }
        if let Some((header, sha256)) = &self.signed {
            let infos: BTreeMap<_, _> = self.tensors.tensors().into_iter().collect();
            let tensors =
                infos.iter().map(|(name, info)| (name.as_str(), info.shape.as_slice(), self.of(&data, name)));
            if digest(header, tensors) != *sha256 {
                let found = "what is in it does not have the SHA-256 that was written down with it";
                return Err(Error::input(
                    self.path,
                    Place::Whole,
                    found,
                    "the bytes that were saved",
                    DAMAGED,
                ));
            }
        }
        Ok(data)
    }

    fn of<'d>(&self, data: &'d [u8], name: &str) -> &'d [u8] {
        let range = self.tensors.info(name).map(|info| info.data_offsets.0..info.data_offsets.1);
        range.and_then(|range| data.get(range)).unwrap_or_default()
    }
}

/// That the tensors lie one after the other and take as many bytes as their sizes say. What safetensors checks itself when it
/// is given a whole file; here the header is looked at before the rest is read.
fn check_offsets(tensors: &Metadata) -> std::result::Result<(), String> {
    let mut end = 0;
    for name in tensors.offset_keys() {
        let Some(info) = tensors.info(&name) else { continue };
        let bits = info.shape.iter().try_fold(info.dtype.bitsize(), |bits, size| bits.checked_mul(*size));
        let (from, to) = info.data_offsets;
        let as_many = bits.is_some_and(|bits| to.checked_sub(from) == Some(bits.div_ceil(8)));
        if from != end || !as_many {
            let (shape, dtype) = (&info.shape, info.dtype);
            return Err(format!(
                "'{name}', {dtype:?} of the sizes {shape:?}, would take the bytes {from} to {to}"
            ));
        }
        end = to;
    }
    Ok(())
}

/// The header in `text`, and what it was signed with.
fn read_ours(text: &str, path: &Path) -> Result<(Header, Option<(String, String)>)> {
    let wrong = |found: String, remedy: &str| {
        Error::input(path, Place::Byte(8), found, "the header that was saved", remedy)
    };
    let envelope: Envelope = serde_json::from_str(text)
        .map_err(|e| wrong(format!("its entry '{KEY}' does not parse: {e}"), DAMAGED))?;
    if envelope.format != FORMAT {
        let found = format!("it has format {}, this program reads {FORMAT}", envelope.format);
        return Err(wrong(found, "Use the version of selfsame that wrote it."));
    }
    let text = envelope.header.get();
    let header =
        serde_json::from_str(text).map_err(|e| wrong(format!("its header does not parse: {e}"), DAMAGED))?;
    Ok((header, Some((text.to_string(), envelope.sha256))))
}

/// Weights on disk.
impl<'e, D: Engine, E: Encoder<D>> Frozen<'e, E, D> {
    /// Writes the encoder's weights to `path`, with what its images go through and `recipe`: what it was trained with, as a
    /// sentence, a [`TrainConfig`](super::TrainConfig), or whatever JSON can hold.
    ///
    /// # Errors
    /// As [`save`]; [`Error::Other`] for a recipe that JSON cannot hold.
    pub fn save(&self, path: impl AsRef<Path>, recipe: impl Serialize) -> Result<()> {
        let recipe = serde_json::to_value(recipe).map_err(Error::other)?;
        let header = Header {
            encoder: self.encoder().describe(),
            layout: layout(self.encoder()),
            normalise: Some(self.normalise().clone()),
            recipe,
        };
        save(self.encoder(), path, &header)
    }

    /// Reads weights that were saved into `encoder`, and freezes it with the normalisation that was saved with them.
    ///
    /// # Errors
    /// As [`load`]; [`Error::Input`] where the file is for images of another shape, or says nothing of normalisation.
    pub fn load(path: impl AsRef<Path>, encoder: &'e mut E, dev: &D) -> Result<Self> {
        let path = path.as_ref();
        let Header { layout: saved, normalise, .. } = header(path)?;
        let takes = layout(encoder);
        if !saved.is_empty() && saved != takes {
            let (found, expected) =
                (format!("it is for images of {saved:?}"), format!("{takes:?}, as the encoder takes"));
            let remedy = "Build the encoder that it was saved from.";
            return Err(Error::input(path, Place::Byte(8), found, expected, remedy));
        }
        let Some(normalise) = normalise else {
            let expected = "the mean and deviation its training images had";
            let remedy = "Read it with `weights::load` and give them to `Frozen::new`.";
            return Err(Error::input(
                path,
                Place::Byte(8),
                "it does not say how images are normalised",
                expected,
                remedy,
            ));
        };
        normalise.validate(encoder.input().size().channels)?;
        load(encoder, path)?;
        Ok(Frozen::new(encoder, dev, normalise))
    }
}

/// Channels, rows and columns of the images `encoder` takes.
fn layout<D: Engine, E: Encoder<D>>(encoder: &E) -> Vec<usize> {
    let size = encoder.input().size();
    vec![size.channels, size.height, size.width]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::data::Digits;
    use crate::nn::{ConvNet, Linear};
    use crate::random::stream;
    use crate::shape::Image;
    use dfdx::prelude::{Const, Cpu};
    use std::fs;
    use std::path::PathBuf;

    type Net = ConvNet<Image<1, 8, 8>, 16, 2, Cpu>;

    fn net(seed: u64) -> Net {
        Net::new(&Cpu::default(), &mut stream(&[seed])).unwrap()
    }

    fn read<D: Device<f32>>(module: &dyn Parameters<D>) -> Vec<f32> {
        let mut all = Vec::new();
        module.visit("", &mut |_, _, t| all.extend(t.read()));
        all
    }

    fn said_in(bytes: &[u8], word: &str) -> bool {
        bytes.windows(word.len()).any(|window| window == word.as_bytes())
    }

    fn saved(folder: &Path) -> PathBuf {
        let (path, net) = (folder.join("net.safetensors"), net(1));
        let normalise = Normalise { mean: vec![0.1], std: vec![0.3] };
        Frozen::new(&net, &Cpu::default(), normalise).save(&path, serde_json::json!({"lr": 0.1})).unwrap();
        path
    }

    #[test]
    fn an_encoder_comes_back_with_its_normalisation_and_to_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = saved(folder.path());
        let (dev, mut other) = (Cpu::default(), net(2));
        let digits = Digits::load().unwrap().test().subset(&[0, 1, 2]);
        let (first, normalise) = (net(1), Normalise { mean: vec![0.1], std: vec![0.3] });
        let before = Frozen::new(&first, &dev, normalise.clone()).embed(&digits).unwrap();
        let loaded = Frozen::load(&path, &mut other, &dev).unwrap();
        assert_eq!(
            (loaded.normalise(), loaded.embed(&digits).unwrap().values()),
            (&normalise, before.values())
        );
        let again = folder.path().join("again.safetensors");
        loaded.save(&again, header(&path).unwrap().recipe).unwrap();
        assert_eq!(fs::read(&path).unwrap(), fs::read(&again).unwrap());
        let said = header(&path).unwrap();
        assert_eq!(
            (said.layout.as_slice(), &said.recipe),
            ([1, 8, 8].as_slice(), &serde_json::json!({"lr": 0.1}))
        );
    }

    #[test]
    fn no_flipped_byte_and_no_cut_file_passes_and_the_module_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linear.safetensors");
        let linear = |seed| {
            Linear::<Const<3>, Const<2>, Cpu>::new(&Cpu::default(), Const, Const, &mut stream(&[seed]))
                .unwrap()
        };
        let told = Header { encoder: "a layer".into(), recipe: "by hand".into(), ..Header::default() };
        save(&linear(1), &path, &told).unwrap();
        let whole = fs::read(&path).unwrap();
        let expected = (told, read(&linear(1)));
        let mut module = linear(2);
        let untouched = read(&module);
        let mut refused = |bytes: &[u8], what: &str| {
            fs::write(&path, bytes).unwrap();
            match load(&mut module, &path) {
                // A flip in our entry's own name makes it a file of another program, of the same weights.
                Ok(header) => assert!(
                    read(&module) == expected.1 && (header == expected.0 || !said_in(bytes, KEY)),
                    "{what}: loaded"
                ),
                Err(e) => assert!(
                    e.to_string().contains("linear.safetensors") && read(&module) == untouched,
                    "{what}: {e}"
                ),
            }
            // Back to what it was, for the next.
            let mut values = untouched.chunks(1);
            module.visit_mut("", &mut |_, _, t| {
                let values: Vec<f32> = values.by_ref().take(t.numel()).flatten().copied().collect();
                t.write(&values).unwrap();
            });
        };
        for at in 0..whole.len() {
            for bit in [0x01, 0x20, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= bit;
                refused(&bytes, &format!("byte {at}, bit {bit:#x}"));
            }
            refused(&whole[..at], &format!("cut to {at}"));
        }
        let longer = [whole.as_slice(), &[0; 4]].concat();
        fs::write(&path, &longer).unwrap();
        assert!(load(&mut linear(2), &path).unwrap_err().to_string().contains("are there"));
    }

    #[test]
    fn weights_of_another_network_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = saved(folder.path());
        let said = |e: Error| e.to_string();
        let dev = Cpu::default();
        let mut linear =
            Linear::<Const<3>, Const<2>, Cpu>::new(&dev, Const, Const, &mut stream(&[0])).unwrap();
        let e = said(load(&mut linear, &path).unwrap_err());
        assert!(e.contains("there is no tensor 'weight'. Expected 'weight' of the sizes [2, 3]"), "{e}");
        let mut wider = ConvNet::<Image<1, 8, 8>, 32, 2, Cpu>::new(&dev, &mut stream(&[0])).unwrap();
        let e = said(load(&mut wider, &path).unwrap_err());
        assert!(e.contains("has the sizes [") && e.contains("another network"), "{e}");
        let mut larger = ConvNet::<Image<1, 16, 16>, 16, 2, Cpu>::new(&dev, &mut stream(&[0])).unwrap();
        let e = said(Frozen::load(&path, &mut larger, &dev).unwrap_err());
        assert!(e.contains("images of [1, 8, 8]. Expected [1, 16, 16]"), "{e}");
        let plain = folder.path().join("plain.safetensors");
        save(&net(1), &plain, &Header::default()).unwrap();
        let e = said(Frozen::load(&plain, &mut net(2), &dev).unwrap_err());
        assert!(e.contains("does not say how images are normalised"), "{e}");
    }

    #[test]
    fn what_claims_to_be_large_or_is_of_another_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let linear = |seed| {
            Linear::<Const<1>, Const<1>, Cpu>::new(&Cpu::default(), Const, Const, &mut stream(&[seed]))
                .unwrap()
        };
        let file = |header: &str, data: &[u8]| {
            fs::write(&path, [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat())
                .unwrap();
            load(&mut linear(2), &path).map_err(|e| e.to_string())
        };
        fs::write(&path, u64::MAX.to_le_bytes()).unwrap();
        assert!(
            load(&mut linear(2), &path).unwrap_err().to_string().contains("its header would have"),
            "a huge header"
        );
        let huge = r#"{"weight":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#;
        assert!(file(huge, &[0; 4]).unwrap_err().contains("w.safetensors"));
        let elsewhere = r#"{"bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"weight":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}"#;
        assert_eq!(file(elsewhere, &[0; 8]).unwrap(), Header::default());
        let half =
            elsewhere.replace(r#""F32","shape":[1,"#, r#""F16","shape":[1,"#).replace("[4,8]", "[4,6]");
        assert!(file(&half, &[0; 6]).unwrap_err().contains("'weight' holds F16"));
        let more = elsewhere.replace("}}", r#"},"x":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}"#);
        assert!(file(&more, &[0; 8]).unwrap_err().contains("there is a tensor 'x'"));
        let newer = elsewhere.replacen(
            '{',
            r#"{"__metadata__":{"selfsame":"{\"format\":2,\"sha256\":\"\",\"header\":{}}"},"#,
            1,
        );
        assert!(file(&newer, &[0; 8]).unwrap_err().contains("format 2"));
    }
}
