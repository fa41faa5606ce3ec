//! A convolution whose output size is part of its type.

use dfdx::prelude::*;

use super::check::Message;
use super::init;
use crate::error::Result;
use crate::ops::{self, ConvWindow, Engine};
use crate::random::Stream;
use crate::tape::parameters;

/// Convolution from `I` to `O` channels with a `K` x `K` kernel, stride `S`, `P` rows of zeros around, no bias.
///
/// PyTorch equivalent: `torch.nn.Conv2d(I, O, K, S, P, bias=False)`, initial values included.
///
/// # Shapes
/// The output size is a type parameter, checked while compiling:
/// ```
/// use dfdx::prelude::*;
/// use selfsame::nn::Conv2d;
/// # let dev = Cpu::default();
/// let conv = Conv2d::<Const<1>, Const<8>, 3, 2, 1, Cpu>::new(&dev, Const, Const, &mut selfsame::random::stream(&[0]))?;
/// let x: Tensor<(usize, Const<1>, Const<28>, Const<28>), f32, _> = dev.zeros_like(&(4, Const, Const, Const));
/// let y: Tensor<(usize, Const<8>, Const<14>, Const<14>), f32, _> = conv.forward(x)?;
/// # Ok::<(), selfsame::Error>(())
/// ```
/// A wrong one does not compile ('a 3x3 kernel with stride 2 and padding 1 turns 28 into 14, not 13'):
/// ```compile_fail,E0080
/// use dfdx::prelude::*;
/// use selfsame::nn::Conv2d;
/// # let dev = Cpu::default();
/// let conv = Conv2d::<Const<1>, Const<8>, 3, 2, 1, Cpu>::new(&dev, Const, Const, &mut selfsame::random::stream(&[0]))?;
/// let x: Tensor<(usize, Const<1>, Const<28>, Const<28>), f32, _> = dev.zeros_like(&(4, Const, Const, Const));
/// let y: Tensor<(usize, Const<8>, Const<13>, Const<13>), f32, _> = conv.forward(x)?;
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Conv2d<I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine> {
    weight: Tensor<(O, I, Const<K>, Const<K>), f32, D>,
}

parameters!(
    [I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine] Conv2d<I, O, K, S, P, D>, D,
    tensors { weight: Weight }, modules {}
);

impl<I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine> Conv2d<I, O, K, S, P, D> {
    pub(super) const WINDOW: ConvWindow = ConvWindow::square(K).stride(S, S).padding(P, P);

    /// A layer with random weights, uniform in `+-1/sqrt(I * K * K)`.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, inputs: I, outputs: O, rng: &mut Stream) -> Result<Self> {
        let shape = (outputs, inputs, Const, Const);
        Ok(Conv2d { weight: init::uniform(dev, shape, inputs.size() * K * K, rng)? })
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
        ops::conv2d(x, &self.weight, None, Self::WINDOW, (OH::default(), OW::default()))
    }

    /// The same for a size known only at run time.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the kernel does not fit into the padded image; a device out of memory.
    pub fn forward_any<B: Dim, T: Tape<f32, D>>(
        &self,
        x: Tensor<(B, I, usize, usize), f32, D, T>,
    ) -> Result<Tensor<(B, O, usize, usize), f32, D, T>> {
        let (_, _, h, w) = *x.shape();
        ops::conv2d(x, &self.weight, None, Self::WINDOW, Self::WINDOW.output((h, w)).unwrap_or((0, 0)))
    }

    pub(super) fn weight(&self) -> &Tensor<(O, I, Const<K>, Const<K>), f32, D> {
        &self.weight
    }
}

const fn check(window: ConvWindow, size: usize, out: usize) {
    let start =
        Message::new().text("a ").number(window.kernel.0).text("x").number(window.kernel.1).text(" kernel");
    let (stride, padding) = (window.stride.0, window.padding.0);
    let Some((right, _)) = window.output((size, size)) else {
        let padded = size + 2 * padding;
        panic!("{}", start.text(" does not fit into a padded side of ").number(padded).as_str());
    };
    if right != out {
        let how = start.text(" with stride ").number(stride).text(" and padding ").number(padding);
        let what = how.text(" turns ").number(size).text(" into ").number(right).text(", not ").number(out);
        panic!("{}", what.as_str());
    }
}
