//! A stack of pre-norm transformer blocks: the trunk of encoders, decoders and language models.

use dfdx::prelude::*;

use super::check::Message;
use super::{LayerNorm, Linear};
use crate::error::Result;
use crate::ops::{self, Activation, BlockParameters, Engine, Mask, StackParameters};
use crate::random::Stream;
use crate::tape::parameters;

/// Pre-norm blocks of width `WIDTH` with `HEADS` heads, and a norm after the last; exact GELU, epsilon 1e-5.
///
/// On the CPU the whole stack is one operation ([`ops::transformer`]).
///
/// PyTorch equivalent: `torch.nn.TransformerEncoder` of `TransformerEncoderLayer(WIDTH, HEADS, hidden, 0.0, "gelu",
/// batch_first=True, norm_first=True)` with `norm=LayerNorm(WIDTH)`.
///
/// # Shapes
/// (batch, tokens, WIDTH) to the same. The heads must divide the width:
/// ```compile_fail,E0080
/// use dfdx::prelude::*;
/// use selfsame::nn::Transformer;
/// # let dev = Cpu::default();
/// // '3 heads do not divide width 128'
/// Transformer::<128, 3, Cpu>::new(&dev, 4, 256, &mut selfsame::random::stream(&[0]))?;
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct Transformer<const WIDTH: usize, const HEADS: usize, D: Engine = AutoDevice> {
    stack: Blocks<Const<WIDTH>, D>,
}

parameters!([const WIDTH: usize, const HEADS: usize, D: Engine] Transformer<WIDTH, HEADS, D>, D, transparent stack);

/// (batch, tokens, width) on its tape.
type Tokens<B, N, const WIDTH: usize, D, T> = Tensor<(B, N, Const<WIDTH>), f32, D, T>;

impl<const WIDTH: usize, const HEADS: usize, D: Engine> Transformer<WIDTH, HEADS, D> {
    const CHECK: () = {
        if HEADS == 0 || !WIDTH.is_multiple_of(HEADS) {
            panic!(
                "{}",
                Message::new().number(HEADS).text(" heads do not divide width ").number(WIDTH).as_str()
            );
        }
    };

    /// `depth` blocks whose MLP has `hidden` units.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, depth: usize, hidden: usize, rng: &mut Stream) -> Result<Self> {
        let () = Self::CHECK;
        Ok(Transformer { stack: Blocks::new(dev, Const, HEADS, depth, hidden, rng)? })
    }

    /// Tokens through all blocks and the norm, where each sees what `mask` lets it see.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for a mask of another size or that leaves a sample nothing to see; the device
    /// is out of memory.
    pub fn forward<B: Dim, N: Dim, T: Tape<f32, D>>(
        &self,
        x: Tokens<B, N, WIDTH, D, T>,
        mask: Mask<'_>,
    ) -> Result<Tokens<B, N, WIDTH, D, T>> {
        ops::transformer(x, &self.parameters(), mask)
    }

    /// Everything learned, for the operations.
    pub(super) fn parameters(&self) -> StackParameters<'_, Const<WIDTH>, f32, D> {
        self.stack.parameters()
    }
}

/// The stack of [`Transformer`] with its width and heads as values.
#[derive(Debug)]
pub(super) struct Blocks<W: Dim, D: Engine> {
    blocks: Vec<Block<W, D>>,
    norm: LayerNorm<W, D>,
    heads: usize,
}

parameters!([W: Dim, D: Engine] Blocks<W, D>, D, tensors {}, modules { blocks, norm }, plain { heads });

impl<W: Dim, D: Engine> Blocks<W, D> {
    /// `depth` blocks of `width`, whose MLP has `hidden` units.
    pub(super) fn new(
        dev: &D,
        width: W,
        heads: usize,
        depth: usize,
        hidden: usize,
        rng: &mut Stream,
    ) -> Result<Self> {
        let blocks = (0..depth).map(|_| Block::new(dev, width, hidden, rng)).collect::<Result<_>>()?;
        Ok(Blocks { blocks, norm: LayerNorm::new(dev, width)?, heads })
    }

    /// Everything learned, for the operations.
    pub(super) fn parameters(&self) -> StackParameters<'_, W, f32, D> {
        StackParameters {
            blocks: self.blocks.iter().map(Block::parameters).collect(),
            norm: Some([&self.norm.scale, &self.norm.shift]),
            heads: self.heads,
            activation: Activation::Gelu,
            eps: 1e-5,
        }
    }
}

/// `x + attention(norm(x))`, then `x + mlp(norm(x))`.
#[derive(Debug)]
struct Block<W: Dim, D: Engine> {
    norm1: LayerNorm<W, D>,
    qkv: Linear<W, usize, D>,
    proj: Linear<W, W, D>,
    norm2: LayerNorm<W, D>,
    fc1: Linear<W, usize, D>,
    fc2: Linear<usize, W, D>,
}

parameters!([W: Dim, D: Engine] Block<W, D>, D, tensors {}, modules { norm1, qkv, proj, norm2, fc1, fc2 });

impl<W: Dim, D: Engine> Block<W, D> {
    fn new(dev: &D, width: W, hidden: usize, rng: &mut Stream) -> Result<Self> {
        Ok(Block {
            norm1: LayerNorm::new(dev, width)?,
            qkv: Linear::new(dev, width, 3 * width.size(), rng)?,
            proj: Linear::new(dev, width, width, rng)?,
            norm2: LayerNorm::new(dev, width)?,
            fc1: Linear::new(dev, width, hidden, rng)?,
            fc2: Linear::new(dev, hidden, width, rng)?,
        })
    }

    fn parameters(&self) -> BlockParameters<'_, W, f32, D> {
        BlockParameters {
            norm1: [&self.norm1.scale, &self.norm1.shift],
            qkv: &self.qkv.weight,
            qkv_bias: &self.qkv.bias,
            proj: &self.proj.weight,
            proj_bias: &self.proj.bias,
            norm2: [&self.norm2.scale, &self.norm2.shift],
            fc1: &self.fc1.weight,
            fc1_bias: &self.fc1.bias,
            fc2: &self.fc2.weight,
            fc2_bias: &self.fc2.bias,
        }
    }
}
