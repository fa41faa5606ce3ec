//! A transposed convolution whose output size is part of its type.

use dfdx::prelude::*;

use super::check::Message;
use super::init;
use crate::error::Result;
use crate::ops::{self, ConvWindow, Engine};
use crate::random::Stream;
use crate::tape::parameters;

/// Transposed convolution from `I` to `O` channels with a `K` x `K` kernel, stride `S`, `P` rows cut off around, and a
/// bias: what a decoder enlarges images with.
///
/// The output's side is `(side - 1) S + K - 2 P`, or larger by less than `S`.
///
/// PyTorch equivalent: `torch.nn.ConvTranspose2d(I, O, K, S, P, output_padding)` with the output padding that gives the
/// output's type, initial values included.
///
/// # Shapes
/// The output size is a type parameter, checked while compiling:
/// ```
/// use dfdx::prelude::*;
/// use selfsame::nn::ConvTranspose2d;
/// # let dev = Cpu::default();
/// # let rng = &mut selfsame::random::stream(&[0]);
/// let larger = ConvTranspose2d::<Const<8>, Const<1>, 3, 2, 1, Cpu>::new(&dev, Const, Const, rng)?;
/// let x: Tensor<(usize, Const<8>, Const<14>, Const<7>), f32, _> = dev.zeros_like(&(4, Const, Const, Const));
/// let y: Tensor<(usize, Const<1>, Const<28>, Const<13>), f32, _> = larger.forward(x)?;
/// # Ok::<(), selfsame::Error>(())
/// ```
/// A wrong one does not compile ('a transposed 3x3 kernel with stride 2 and padding 1 turns 14 into 27 to 28, not 29'):
/// ```compile_fail,E0080
/// use dfdx::prelude::*;
/// use selfsame::nn::ConvTranspose2d;
/// # let dev = Cpu::default();
/// # let rng = &mut selfsame::random::stream(&[0]);
/// let larger = ConvTranspose2d::<Const<8>, Const<1>, 3, 2, 1, Cpu>::new(&dev, Const, Const, rng)?;
/// let x: Tensor<(usize, Const<8>, Const<14>, Const<7>), f32, _> = dev.zeros_like(&(4, Const, Const, Const));
/// let y: Tensor<(usize, Const<1>, Const<29>, Const<13>), f32, _> = larger.forward(x)?;
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ConvTranspose2d<I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine> {
    weight: Tensor<(I, O, Const<K>, Const<K>), f32, D>,
    bias: Tensor<(O,), f32, D>,
}

parameters!(
    [I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine] ConvTranspose2d<I, O, K, S, P, D>, D,
    tensors { weight: Weight, bias: NoDecay }, modules {}
);

impl<I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine>
    ConvTranspose2d<I, O, K, S, P, D>
{
    const WINDOW: ConvWindow = ConvWindow::square(K).stride(S, S).padding(P, P);

    /// A layer with random weights and biases, uniform in `+-1/sqrt(O * K * K)`.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, inputs: I, outputs: O, rng: &mut Stream) -> Result<Self> {
        // By the output's channels, as PyTorch takes the fan-in from the weight's second axis.
        let fan = outputs.size() * K * K;
        Ok(ConvTranspose2d {
            weight: init::uniform(dev, (inputs, outputs, Const, Const), fan, rng)?,
            bias: init::uniform(dev, (outputs,), fan, rng)?,
        })
    }

    /// (batch, I, H, W) to (batch, O, OH, OW), all sizes checked while compiling.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn forward<B: Dim, H: ConstDim, W: ConstDim, OH: ConstDim, OW: ConstDim, T: Tape<f32, D>>(
        &self,
        x: Tensor<(B, I, H, W), f32, D, T>,
    ) -> Result<Tensor<(B, O, OH, OW), f32, D, T>> {
        const {
            check(Self::WINDOW, H::SIZE, OH::SIZE);
            check(Self::WINDOW, W::SIZE, OW::SIZE);
        }
        let out = (self.bias.shape().0, OH::default(), OW::default());
        ops::conv_transpose2d(x, &self.weight, Some(&self.bias), Self::WINDOW, out)
    }

    /// The same for sizes known only at run time, with `extra` rows and columns beyond the least.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when `extra` is not below the stride or the padding leaves nothing; a device
    /// out of memory.
    pub fn forward_any<B: Dim, T: Tape<f32, D>>(
        &self,
        x: Tensor<(B, I, usize, usize), f32, D, T>,
        extra: (usize, usize),
    ) -> Result<Tensor<(B, O, usize, usize), f32, D, T>> {
        let (_, _, h, w) = *x.shape();
        let (height, width) = Self::WINDOW.transposed_output((h, w), extra).unwrap_or((0, 0));
        let out = (self.bias.shape().0, height, width);
        ops::conv_transpose2d(x, &self.weight, Some(&self.bias), Self::WINDOW, out)
    }
}

const fn check(window: ConvWindow, size: usize, out: usize) {
    let (kernel, stride, padding) = (window.kernel.0, window.stride.0, window.padding.0);
    let start = Message::new().text("a transposed ").number(kernel).text("x").number(kernel).text(" kernel");
    let how = start.text(" with stride ").number(stride).text(" and padding ").number(padding);
    let Some((least, _)) = window.transposed_output((size, size), (0, 0)) else {
        panic!("{}", how.text(" makes nothing of ").number(size).as_str());
    };
    if out < least || out - least >= stride {
        let what = how.text(" turns ").number(size).text(" into ").number(least);
        let what = what.text(" to ").number(least + stride - 1).text(", not ").number(out);
        panic!("{}", what.as_str());
    }
}
