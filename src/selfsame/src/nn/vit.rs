//! A vision transformer with pre-norm blocks (Dosovitskiy et al. 2021, arXiv 2010.11929).

use std::marker::PhantomData;

use dfdx::prelude::*;

use super::check::Message;
use super::encoder::Images;
use super::patch_encoder::{embedded, Hidden, PatchEncoder};
use super::{init, Encoder, Linear, Mode, Transformer};
use crate::error::Result;
use crate::ops::{self, Engine, PatchEmbedding};
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
    pub(super) embed: Linear<usize, Const<WIDTH>, D>,
    pub(super) positions: Tensor<(usize, Const<WIDTH>), f32, D>,
    pub(super) trunk: Transformer<WIDTH, HEADS, D>,
    picture: PhantomData<P>,
}

parameters!(
    [P: Picture, const PATCH: usize, const WIDTH: usize, const DEPTH: usize, const HEADS: usize, D: Engine]
    Vit<P, PATCH, WIDTH, DEPTH, HEADS, D>, D,
    tensors { positions: NoDecay }, modules { embed, trunk },
    plain { picture }
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
    type Recipe = ();

    fn build((): &(), dev: &D, rng: &mut Stream) -> Result<Self> {
        let () = Self::CHECK;
        let tokens = (P::HEIGHT / PATCH) * (P::WIDTH / PATCH);
        Ok(Vit {
            embed: Linear::new(dev, P::CHANNELS * PATCH * PATCH, Const, rng)?,
            positions: init::normal(dev, (tokens, Const), 0.02, rng)?,
            trunk: Transformer::new(dev, DEPTH, 2 * WIDTH, rng)?,
            picture: PhantomData,
        })
    }

    fn recipe(&self) {}

    fn input(&self) -> P {
        P::default()
    }

    fn features(&self) -> Const<WIDTH> {
        Const
    }

    fn forward<T: Tape<f32, D>>(
        &self,
        x: Images<P, D, T>,
        _mode: Mode,
    ) -> Result<Tensor<(usize, Const<WIDTH>), f32, D, T>> {
        let embedding =
            PatchEmbedding { weight: &self.embed.weight, bias: &self.embed.bias, positions: &self.positions };
        ops::vision_transformer(ops::patchify(x, PATCH)?, embedding, &self.trunk.parameters())
    }

    fn describe(&self) -> String {
        format!(
            "ViT, patch {PATCH}, width {WIDTH}, depth {DEPTH}, {HEADS} heads, {} to {WIDTH} features",
            P::words()
        )
    }
}

impl<
        P: Picture,
        const PATCH: usize,
        const WIDTH: usize,
        const DEPTH: usize,
        const HEADS: usize,
        D: Engine,
    > PatchEncoder<D> for Vit<P, PATCH, WIDTH, DEPTH, HEADS, D>
{
    fn grid(&self) -> Result<(usize, usize)> {
        Ok((P::HEIGHT / PATCH, P::WIDTH / PATCH))
    }

    fn patches<T: Tape<f32, D>>(
        &self,
        x: Images<P, D, T>,
        hidden: Option<Hidden<'_, Const<WIDTH>, D>>,
    ) -> Result<Tensor<(usize, usize, Const<WIDTH>), f32, D, T>> {
        let x = embedded(ops::patchify(x, PATCH)?, &self.embed, &self.positions, hidden)?;
        self.trunk.forward(x, ops::Mask::None)
    }
}
