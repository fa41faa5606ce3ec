//! A vision transformer with pre-norm blocks (Dosovitskiy et al. 2021, arXiv 2010.11929).

use std::marker::PhantomData;

use dfdx::prelude::*;

use super::check::Message;
use super::encoder::Images;
use super::{init, Encoder, LayerNorm, Linear, Mode};
use crate::error::{device, Result};
use crate::ops::{self, Engine};
use crate::random::Stream;
use crate::shape::Picture;
use crate::tape::parameters;

/// Patches of side `PATCH`, `DEPTH` pre-norm blocks of width `WIDTH` with `HEADS` heads and an MLP of twice the width,
/// learned positions, a final norm, the mean over tokens.
///
/// # Shapes
/// (batch, C, H, W) to (batch, WIDTH). The patch must divide the image's sides and the heads the width:
/// ```compile_fail,E0080
/// use dfdx::prelude::*;
/// use selfsame::{nn::{Encoder, Vit}, shape::Image};
/// # let dev = Cpu::default();
/// // 'patch 5 does not divide height 28'
/// Vit::<Image<1, 28, 28>, 5, 128, 4, 4, Cpu>::new(&dev, &mut selfsame::random::stream(&[0]))?;
/// # Ok::<(), selfsame::Error>(())
/// ```
/// ```compile_fail,E0080
/// use dfdx::prelude::*;
/// use selfsame::{nn::{Encoder, Vit}, shape::Image};
/// # let dev = Cpu::default();
/// // '3 heads do not divide width 128'
/// Vit::<Image<1, 28, 28>, 4, 128, 4, 3, Cpu>::new(&dev, &mut selfsame::random::stream(&[0]))?;
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct Vit<
    P: Picture,
    const PATCH: usize,
    const WIDTH: usize,
    const DEPTH: usize,
    const HEADS: usize,
    D: Engine = AutoDevice,
> {
    embed: Linear<usize, Const<WIDTH>, D>,
    positions: Tensor<(usize, Const<WIDTH>), f32, D>,
    blocks: Vec<Block<WIDTH, HEADS, D>>,
    norm: LayerNorm<Const<WIDTH>, D>,
    picture: PhantomData<P>,
}

parameters!(
    [P: Picture, const PATCH: usize, const WIDTH: usize, const DEPTH: usize, const HEADS: usize, D: Engine]
    Vit<P, PATCH, WIDTH, DEPTH, HEADS, D>, D,
    tensors { positions: NoDecay }, modules { embed, blocks, norm }
);

impl<
        P: Picture,
        const PATCH: usize,
        const WIDTH: usize,
        const DEPTH: usize,
        const HEADS: usize,
        D: Engine,
    > Vit<P, PATCH, WIDTH, DEPTH, HEADS, D>
{
    const CHECK: () = {
        let (h, w) = (P::HEIGHT, P::WIDTH);
        if PATCH == 0 || h % PATCH != 0 {
            panic!(
                "{}",
                Message::new()
                    .text("patch ")
                    .number(PATCH)
                    .text(" does not divide height ")
                    .number(h)
                    .as_str()
            );
        }
        if w % PATCH != 0 {
            panic!(
                "{}",
                Message::new()
                    .text("patch ")
                    .number(PATCH)
                    .text(" does not divide width ")
                    .number(w)
                    .as_str()
            );
        }
        if HEADS == 0 || !WIDTH.is_multiple_of(HEADS) {
            panic!(
                "{}",
                Message::new().number(HEADS).text(" heads do not divide width ").number(WIDTH).as_str()
            );
        }
    };
}

impl<
        P: Picture,
        const PATCH: usize,
        const WIDTH: usize,
        const DEPTH: usize,
        const HEADS: usize,
        D: Engine,
    > Encoder<D> for Vit<P, PATCH, WIDTH, DEPTH, HEADS, D>
{
    type Input = P;
    type Features = Const<WIDTH>;

    fn new(dev: &D, rng: &mut Stream) -> Result<Self> {
        let () = Self::CHECK;
        let tokens = (P::HEIGHT / PATCH) * (P::WIDTH / PATCH);
        Ok(Vit {
            embed: Linear::new(dev, P::CHANNELS * PATCH * PATCH, Const, rng)?,
            positions: init::normal(dev, (tokens, Const), 0.02, rng)?,
            blocks: (0..DEPTH).map(|_| Block::new(dev, rng)).collect::<Result<_>>()?,
            norm: LayerNorm::new(dev, Const)?,
            picture: PhantomData,
        })
    }

    fn forward<T: Tape<f32, D>>(
        &self,
        x: Images<P, D, T>,
        _mode: Mode,
    ) -> Result<Tensor<(usize, Const<WIDTH>), f32, D, T>> {
        let patches = ops::patchify(x, PATCH)?;
        let (batch, tokens, values) = *patches.shape();
        let x = self.embed.forward(patches.try_reshape_like(&(batch * tokens, values)).map_err(device)?)?;
        let x = x.try_reshape_like(&(batch, tokens, Const::<WIDTH>)).map_err(device)?;
        let mut x = ops::add_to_each(x, &self.positions)?;
        for block in &self.blocks {
            x = block.forward(x)?;
        }
        let x = self.norm.forward(x.try_reshape_like(&(batch * tokens, Const::<WIDTH>)).map_err(device)?)?;
        ops::mean_middle(x.try_reshape_like(&(batch, tokens, Const::<WIDTH>)).map_err(device)?)
    }

    fn describe() -> String {
        format!(
            "ViT, patch {PATCH}, width {WIDTH}, depth {DEPTH}, {HEADS} heads, {} to {WIDTH} features",
            P::words()
        )
    }
}

/// `x + attention(norm(x))`, then `x + mlp(norm(x))`.
#[derive(Debug)]
struct Block<const WIDTH: usize, const HEADS: usize, D: Engine> {
    norm1: LayerNorm<Const<WIDTH>, D>,
    qkv: Linear<Const<WIDTH>, usize, D>,
    proj: Linear<Const<WIDTH>, Const<WIDTH>, D>,
    norm2: LayerNorm<Const<WIDTH>, D>,
    fc1: Linear<Const<WIDTH>, usize, D>,
    fc2: Linear<usize, Const<WIDTH>, D>,
}

parameters!(
    [const WIDTH: usize, const HEADS: usize, D: Engine] Block<WIDTH, HEADS, D>, D,
    tensors {}, modules { norm1, qkv, proj, norm2, fc1, fc2 }
);

/// (batch, tokens, width) on its tape.
type Tokens<const WIDTH: usize, D, T> = Tensor<(usize, usize, Const<WIDTH>), f32, D, T>;

impl<const WIDTH: usize, const HEADS: usize, D: Engine> Block<WIDTH, HEADS, D> {
    fn new(dev: &D, rng: &mut Stream) -> Result<Self> {
        Ok(Block {
            norm1: LayerNorm::new(dev, Const)?,
            qkv: Linear::new(dev, Const, 3 * WIDTH, rng)?,
            proj: Linear::new(dev, Const, Const, rng)?,
            norm2: LayerNorm::new(dev, Const)?,
            fc1: Linear::new(dev, Const, 2 * WIDTH, rng)?,
            fc2: Linear::new(dev, 2 * WIDTH, Const, rng)?,
        })
    }

    fn forward<T: Tape<f32, D>>(&self, x: Tokens<WIDTH, D, T>) -> Result<Tokens<WIDTH, D, T>> {
        let (batch, tokens, _) = *x.shape();
        let rows = (batch * tokens, Const::<WIDTH>);
        let (x, tape) = x.try_reshape_like(&rows).map_err(device)?.split_tape();
        let y = self.qkv.forward(self.norm1.forward(x.clone().put_tape(tape))?)?;
        let y = ops::attention(
            y.try_reshape_like(&(batch, tokens, 3 * WIDTH)).map_err(device)?,
            Const::<WIDTH>,
            HEADS,
        )?;
        let y = self.proj.forward(y.try_reshape_like(&rows).map_err(device)?)?;
        let (x, tape) = ops::add(y, &x)?.split_tape();
        let y = self.fc1.forward(self.norm2.forward(x.clone().put_tape(tape))?)?;
        let y = ops::add(self.fc2.forward(ops::gelu(y)?)?, &x)?;
        y.try_reshape_like(&(batch, tokens, Const::<WIDTH>)).map_err(device)
    }
}
