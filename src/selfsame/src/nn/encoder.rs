//! What turns images into features.

use std::fmt::Debug;

use dfdx::prelude::*;

use crate::error::Result;
use crate::ops::Engine;
use crate::random::Stream;
use crate::shape::ImageShape;
use crate::tape::Parameters;

/// Which statistics batch norm uses. Independent of whether a tape records gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The batch's own; running statistics follow them.
    Train,
    /// The batch's own; running statistics stay as they are, for rows of another kind than those they are to describe.
    Batch,
    /// The running ones, which stay as they are.
    Eval,
}

/// A batch of images of shape `P`.
pub type Images<P, D, T = NoneTape> =
    Tensor<(usize, <P as ImageShape>::C, <P as ImageShape>::H, <P as ImageShape>::W), f32, D, T>;

/// A network from images of one shape to features of one size, both in its type.
///
/// [`AnyEncoder`](super::AnyEncoder) alone has both as values, for programs that take encoder and data by name.
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
    /// The images it takes: an [`Image`](crate::shape::Image), except for `AnyEncoder`.
    type Input: ImageShape;
    /// How many features come out, as a dfdx dimension: a `Const`, except for `AnyEncoder`.
    type Features: Dim;
    /// What must be known to build one: nothing, `()`, where the type says it all.
    type Recipe: Clone + Debug;

    /// An encoder with random weights; the same stream gives the same weights on every device.
    ///
    /// # Errors
    /// Sizes known only at run time that do not go together; the device is out of memory.
    fn build(recipe: &Self::Recipe, dev: &D, rng: &mut Stream) -> Result<Self>;

    /// [`Encoder::build`] for an encoder whose type says it all.
    ///
    /// # Errors
    /// The device is out of memory.
    fn new(dev: &D, rng: &mut Stream) -> Result<Self>
    where
        Self: Encoder<D, Recipe = ()>,
    {
        Self::build(&(), dev, rng)
    }

    /// What it was built from: how momentum copies and untrained baselines of the same kind are made.
    fn recipe(&self) -> Self::Recipe;

    /// The shape of the images it takes.
    fn input(&self) -> Self::Input;

    /// How many features come out.
    fn features(&self) -> Self::Features;

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
    fn describe(&self) -> String;
}
