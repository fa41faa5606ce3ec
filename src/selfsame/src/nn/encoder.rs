//! What turns images into features.

use dfdx::prelude::*;

use crate::error::Result;
use crate::ops::Engine;
use crate::random::Stream;
use crate::shape::Picture;
use crate::tape::Parameters;

/// Which statistics batch norm uses. Independent of whether a tape records gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The batch's own; running statistics follow them.
    Train,
    /// The running ones, which stay as they are.
    Eval,
}

/// A batch of images of shape `P`.
pub type Images<P, D, T = NoneTape> =
    Tensor<(usize, <P as Picture>::C, <P as Picture>::H, <P as Picture>::W), f32, D, T>;

/// A network from images of one shape to features of one size, both in its type.
///
/// # Shapes
/// Images of another shape do not compile:
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::{nn::{ConvNet, Encoder, Mode}, shape::Image};
/// # let dev = Cpu::default();
/// let encoder = ConvNet::<Image<1, 28, 28>, 128, 3, Cpu>::new(&dev, &mut selfsame::random::stream(&[0]))?;
/// let cifar: Tensor<(usize, Const<3>, Const<32>, Const<32>), f32, _> = dev.zeros_like(&(4, Const, Const, Const));
/// encoder.forward(cifar, Mode::Eval)?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub trait Encoder<D: Engine>: Parameters<D> + Sized {
    /// The images it takes.
    type Input: Picture;
    /// How many features come out, as a dfdx dimension.
    type Features: ConstDim;

    /// An encoder with random weights; the same stream gives the same weights on every device.
    ///
    /// # Errors
    /// The device is out of memory.
    fn new(dev: &D, rng: &mut Stream) -> Result<Self>;

    /// Images (batch, channels, height, width) to features (batch, features).
    ///
    /// # Errors
    /// The device is out of memory; a batch of one in training mode where there is batch norm.
    fn forward<T: Tape<f32, D>>(
        &self,
        x: Images<Self::Input, D, T>,
        mode: Mode,
    ) -> Result<Tensor<(usize, Self::Features), f32, D, T>>;

    /// One line for reports: the kind of network and its sizes.
    fn describe() -> String;
}
