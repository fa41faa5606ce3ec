//! A convolution along a line whose output length is part of its type.

use dfdx::prelude::*;

use super::check::Message;
use super::init;
use crate::error::Result;
use crate::ops::{self, ConvWindow, Engine};
use crate::random::Stream;
use crate::tape::parameters;

/// Convolution along a line from `I` to `O` channels with a kernel of `K`, stride `S`, `P` zeros at both ends, and a bias.
///
/// PyTorch equivalent: `torch.nn.Conv1d(I, O, K, S, P)`, initial values included.
///
/// # Shapes
/// The output length is a type parameter, checked while compiling:
/// ```
/// use dfdx::prelude::*;
/// use selfsame::nn::Conv1d;
/// # let dev = Cpu::default();
/// let conv = Conv1d::<Const<1>, Const<8>, 5, 2, 2, Cpu>::new(&dev, Const, Const, &mut selfsame::random::stream(&[0]))?;
/// let x: Tensor<(usize, Const<1>, Const<100>), f32, _> = dev.zeros_like(&(4, Const, Const));
/// let y: Tensor<(usize, Const<8>, Const<50>), f32, _> = conv.forward(x)?;
/// # Ok::<(), selfsame::Error>(())
/// ```
/// A wrong one does not compile ('a kernel of 5 with stride 2 and padding 2 turns 100 into 50, not 49'):
/// ```compile_fail,E0080
/// use dfdx::prelude::*;
/// use selfsame::nn::Conv1d;
/// # let dev = Cpu::default();
/// let conv = Conv1d::<Const<1>, Const<8>, 5, 2, 2, Cpu>::new(&dev, Const, Const, &mut selfsame::random::stream(&[0]))?;
/// let x: Tensor<(usize, Const<1>, Const<100>), f32, _> = dev.zeros_like(&(4, Const, Const));
/// let y: Tensor<(usize, Const<8>, Const<49>), f32, _> = conv.forward(x)?;
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Conv1d<I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine> {
    weight: Tensor<(O, I, Const<K>), f32, D>,
    bias: Tensor<(O,), f32, D>,
}

parameters!(
    [I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine] Conv1d<I, O, K, S, P, D>, D,
    tensors { weight: Weight, bias: NoDecay }, modules {}
);

impl<I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine> Conv1d<I, O, K, S, P, D> {
    const WINDOW: ConvWindow = ConvWindow::new(1, K).stride(1, S).padding(0, P);

    /// A layer with random weights and biases, uniform in `+-1/sqrt(I * K)`.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, inputs: I, outputs: O, rng: &mut Stream) -> Result<Self> {
        let fan_in = inputs.size() * K;
        Ok(Conv1d {
            weight: init::uniform(dev, (outputs, inputs, Const), fan_in, rng)?,
            bias: init::uniform(dev, (outputs,), fan_in, rng)?,
        })
    }

    /// (batch, I, L) to (batch, O, OL), all sizes checked while compiling.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn forward<B: Dim, L: ConstDim, OL: ConstDim, T: Tape<f32, D>>(
        &self,
        x: Tensor<(B, I, L), f32, D, T>,
    ) -> Result<Tensor<(B, O, OL), f32, D, T>> {
        const { check(Self::WINDOW, L::SIZE, OL::SIZE) }
        ops::conv1d(x, &self.weight, Some(&self.bias), Self::WINDOW, OL::default())
    }

    /// The same for a length known only at run time.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the kernel does not fit into the padded line; a device out of memory.
    pub fn forward_any<B: Dim, T: Tape<f32, D>>(
        &self,
        x: Tensor<(B, I, usize), f32, D, T>,
    ) -> Result<Tensor<(B, O, usize), f32, D, T>> {
        let out = Self::WINDOW.output((1, x.shape().2)).map_or(0, |(_, length)| length);
        ops::conv1d(x, &self.weight, Some(&self.bias), Self::WINDOW, out)
    }
}

const fn check(window: ConvWindow, size: usize, out: usize) {
    let start = Message::new().text("a kernel of ").number(window.kernel.1);
    let (stride, padding) = (window.stride.1, window.padding.1);
    let Some((_, right)) = window.output((1, size)) else {
        let padded = size + 2 * padding;
        panic!("{}", start.text(" does not fit into a padded length of ").number(padded).as_str());
    };
    if right != out {
        let how = start.text(" with stride ").number(stride).text(" and padding ").number(padding);
        let what = how.text(" turns ").number(size).text(" into ").number(right).text(", not ").number(out);
        panic!("{}", what.as_str());
    }
}
