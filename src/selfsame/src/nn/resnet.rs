//! Residual networks for small images (He et al. 2016, arXiv 1512.03385).

use std::marker::PhantomData;

use dfdx::prelude::*;

use super::encoder::Images;
use super::{BatchNorm, Conv2d, ConvStage, Encoder, Mode};
use crate::error::{device, Result};
use crate::ops::{self, Engine};
use crate::random::Stream;
use crate::shape::Picture;
use crate::tape::parameters;

/// A residual network whose stem suits small images: a 3x3 convolution that keeps their size, and no pooling.
///
/// Four groups of `BLOCKS` basic blocks; the second, third and fourth group halve the image's sides and double the
/// channels, up to `FEATURES` in the last; then the mean over all places. A block is two 3x3 convolutions with batch norm,
/// added to its input (through a 1x1 convolution with batch norm where the shapes differ), and ReLU.
///
/// With an ImageNet stem (7x7, stride 2, pooling) images of 32 pixels have 8 left after it, and contrastive methods lose
/// many points; every library's CIFAR numbers are made with this one.
///
/// PyTorch equivalent: `torchvision.models.resnet18()` with `conv1 = Conv2d(3, 64, 3, 1, 1, bias=False)` and
/// `maxpool = fc = Identity()` for [`ResNet18`].
///
/// # Shapes
/// (batch, C, H, W) to (batch, FEATURES). `FEATURES` must be divisible by 8:
/// ```compile_fail,E0080
/// use dfdx::prelude::*;
/// use selfsame::{nn::{Encoder, ResNet}, shape::Image};
/// # let dev = Cpu::default();
/// // 'a residual network halves its features three times: 100 is not divisible by 8'
/// ResNet::<Image<3, 32, 32>, 100, 2, Cpu>::new(&dev, &mut selfsame::random::stream(&[0]))?;
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct ResNet<P: Picture, const FEATURES: usize, const BLOCKS: usize, D: Engine = AutoDevice> {
    layers: ResLayers<D>,
    picture: PhantomData<P>,
}

/// ResNet-18 with the stem for small images: 64 to 512 channels, two blocks a group, 11.2 million parameters.
pub type ResNet18<P, D = AutoDevice> = ResNet<P, 512, 2, D>;

/// One block a group and 32 to 256 channels, nine convolutions deep: 1.2 million parameters, an encoder for a CPU.
pub type ResNet9<P, D = AutoDevice> = ResNet<P, 256, 1, D>;

parameters!(
    [P: Picture, const FEATURES: usize, const BLOCKS: usize, D: Engine] ResNet<P, FEATURES, BLOCKS, D>, D,
    transparent layers,
    plain { picture }
);

impl<P: Picture, const FEATURES: usize, const BLOCKS: usize, D: Engine> ResNet<P, FEATURES, BLOCKS, D> {
    const CHECK: () = {
        if FEATURES == 0 || !FEATURES.is_multiple_of(8) || BLOCKS == 0 {
            let m = super::check::Message::new().text("a residual network halves its features three times: ");
            panic!("{}", m.number(FEATURES).text(" is not divisible by 8").as_str());
        }
    };
}

impl<P: Picture, const FEATURES: usize, const BLOCKS: usize, D: Engine> Encoder<D>
    for ResNet<P, FEATURES, BLOCKS, D>
{
    type Input = P;
    type Features = Const<FEATURES>;
    type Recipe = ();

    fn build((): &(), dev: &D, rng: &mut Stream) -> Result<Self> {
        let () = Self::CHECK;
        Ok(ResNet { layers: ResLayers::new(dev, P::CHANNELS, FEATURES, BLOCKS, rng)?, picture: PhantomData })
    }

    fn recipe(&self) {}

    fn input(&self) -> P {
        P::default()
    }

    fn features(&self) -> Const<FEATURES> {
        Const
    }

    fn forward<T: Tape<f32, D>>(
        &self,
        x: Images<P, D, T>,
        mode: Mode,
    ) -> Result<Tensor<(usize, Const<FEATURES>), f32, D, T>> {
        self.layers.forward(x, Const, mode)
    }

    fn describe(&self) -> String {
        format!("ResNet-{}, {} to {FEATURES} features", 8 * BLOCKS + 2, P::words())
    }
}

/// The network of [`ResNet`] with its sizes as values.
#[derive(Debug)]
pub(super) struct ResLayers<D: Engine> {
    stem: ConvStage<usize, usize, 3, 1, 1, D>,
    blocks: Vec<Block<D>>,
}

parameters!([D: Engine] ResLayers<D>, D, tensors {}, modules { stem, blocks });

impl<D: Engine> ResLayers<D> {
    /// Four groups of `blocks` blocks, the last with `features` channels.
    pub(super) fn new(
        dev: &D,
        channels: usize,
        features: usize,
        blocks: usize,
        rng: &mut Stream,
    ) -> Result<Self> {
        let stem = ConvStage::new(dev, channels, features / 8, rng)?;
        let mut made = Vec::with_capacity(4 * blocks);
        let mut width = features / 8;
        for group in 0..4 {
            let wide = (features / 8) << group;
            for block in 0..blocks {
                made.push(Block::new(dev, width, wide, group > 0 && block == 0, rng)?);
                width = wide;
            }
        }
        Ok(ResLayers { stem, blocks: made })
    }

    /// (batch, C, H, W) to (batch, `features`).
    pub(super) fn forward<C: Dim, H: Dim, W: Dim, F: Dim, T: Tape<f32, D>>(
        &self,
        x: Tensor<(usize, C, H, W), f32, D, T>,
        features: F,
        mode: Mode,
    ) -> Result<Tensor<(usize, F), f32, D, T>> {
        let (batch, c, h, w) = *x.shape();
        let x = x.try_reshape_like(&(batch, c.size(), h.size(), w.size())).map_err(device)?;
        let mut x = self.stem.forward_any(x, mode)?;
        for block in &self.blocks {
            x = block.forward(x, mode)?;
        }
        let (_, _, h, w) = *x.shape();
        ops::mean_last(x.try_reshape_like(&(batch, features, h * w)).map_err(device)?)
    }
}

/// `relu(norm(conv(relu(norm(conv(x))))) + shortcut(x))`.
#[derive(Debug)]
struct Block<D: Engine> {
    entry: Entry<D>,
    conv: Conv2d<usize, usize, 3, 1, 1, D>,
    norm: BatchNorm<usize, D>,
}

parameters!([D: Engine] Block<D>, D, tensors {}, modules { entry, conv, norm });

/// A block's first convolution, and what its input goes through before it is added.
#[derive(Debug)]
enum Entry<D: Engine> {
    /// Same size, same channels: the input itself.
    Same(ConvStage<usize, usize, 3, 1, 1, D>),
    /// Half the size, other channels.
    Halved(Box<Halved<D>>),
}

#[derive(Debug)]
struct Halved<D: Engine> {
    stage: ConvStage<usize, usize, 3, 2, 1, D>,
    shortcut: Conv2d<usize, usize, 1, 2, 0, D>,
    shortcut_norm: BatchNorm<usize, D>,
}

parameters!([D: Engine] Halved<D>, D, tensors {}, modules { stage, shortcut, shortcut_norm });

impl<D: Engine> crate::tape::Parameters<D> for Entry<D> {
    fn visit(
        &self,
        prefix: &str,
        f: &mut dyn FnMut(&str, crate::tape::Role, &dyn crate::tape::AnyTensor<D>),
    ) {
        match self {
            Entry::Same(stage) => stage.visit(prefix, f),
            Entry::Halved(halved) => halved.visit(prefix, f),
        }
    }
    fn visit_mut(
        &mut self,
        prefix: &str,
        f: &mut dyn FnMut(&str, crate::tape::Role, &mut dyn crate::tape::AnyTensor<D>),
    ) {
        match self {
            Entry::Same(stage) => stage.visit_mut(prefix, f),
            Entry::Halved(halved) => halved.visit_mut(prefix, f),
        }
    }
}

/// (batch, channels, height, width), all known at run time.
type Maps<D, T> = Tensor<(usize, usize, usize, usize), f32, D, T>;

impl<D: Engine> Block<D> {
    fn new(dev: &D, inputs: usize, outputs: usize, halve: bool, rng: &mut Stream) -> Result<Self> {
        let entry = match halve {
            false => Entry::Same(ConvStage::new(dev, inputs, outputs, rng)?),
            true => Entry::Halved(Box::new(Halved {
                stage: ConvStage::new(dev, inputs, outputs, rng)?,
                shortcut: Conv2d::new(dev, inputs, outputs, rng)?,
                shortcut_norm: BatchNorm::new(dev, outputs)?,
            })),
        };
        Ok(Block {
            entry,
            conv: Conv2d::new(dev, outputs, outputs, rng)?,
            norm: BatchNorm::new(dev, outputs)?,
        })
    }

    fn forward<T: Tape<f32, D>>(&self, x: Maps<D, T>, mode: Mode) -> Result<Maps<D, T>> {
        // One input on one tape, used twice: the tape goes along with it from branch to branch.
        let (x, tape) = x.split_tape();
        let (shortcut, tape) = match &self.entry {
            Entry::Same(_) => (x.clone(), tape),
            Entry::Halved(halved) => {
                let y = halved.shortcut.forward_any(x.clone().put_tape(tape))?;
                halved.shortcut_norm.forward(y, mode)?.split_tape()
            }
        };
        let x = x.put_tape(tape);
        let inner = match &self.entry {
            Entry::Same(stage) => stage.forward_any(x, mode)?,
            Entry::Halved(halved) => halved.stage.forward_any(x, mode)?,
        };
        let outer = self.norm.forward(self.conv.forward_any(inner)?, mode)?;
        ops::relu(ops::add(outer, &shortcut)?)
    }
}
