//! What one sample looks like, as a type: [`Image<C, H, W>`](Image).
//!
//! Encoders say which [`Input`] they take and data sets which they hold; where the two differ, the program does not
//! compile and the message names both.
//!
//! How to read such a message: [Shapes the compiler checks](../../../book/02-shapes.html), a chapter of the book.

use dfdx::shapes::{Const, ConstDim, Dim, Shape};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The shape of one sample of a data set, and of what an encoder takes.
pub trait Input: 'static + Send + Sync + Copy + Default + std::fmt::Debug {
    /// dfdx's shape of a batch: a run-time batch size before compile-time sizes.
    type Batch: Shape;
    /// How many numbers one sample holds.
    const LEN: usize;
    /// The shape of a batch of `n` samples.
    fn batch(n: usize) -> Self::Batch;
    /// The shape in words, `3x32x32`.
    fn words() -> String;
}

/// An image of `C` channels, `H` rows and `W` columns, stored channel by channel, row by row.
///
/// ```
/// use selfsame::shape::{Image, Input};
/// assert_eq!(Image::<3, 32, 32>::LEN, 3072);
/// assert_eq!(Image::<1, 28, 28>::words(), "1x28x28");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Image<const C: usize, const H: usize, const W: usize>;

impl<const C: usize, const H: usize, const W: usize> Input for Image<C, H, W> {
    type Batch = (usize, Const<C>, Const<H>, Const<W>);
    const LEN: usize = C * H * W;

    fn batch(n: usize) -> Self::Batch {
        (n, Const, Const, Const)
    }

    fn words() -> String {
        format!("{C}x{H}x{W}")
    }
}

/// The shape of images, known while compiling ([`Image`]) or only when the program runs ([`AnyImage`]).
///
/// Data sets and encoders take either; where both say [`Image`], the compiler checks that they fit.
pub trait ImageShape: 'static + Send + Sync + Copy + PartialEq + std::fmt::Debug {
    /// Channels, as a dfdx dimension.
    type C: Dim;
    /// Rows, likewise.
    type H: Dim;
    /// Columns, likewise.
    type W: Dim;

    /// The shape that stands for images of `size`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the type says another size.
    fn of_size(size: Size) -> Result<Self>;

    /// The three sizes.
    fn size(self) -> Size;

    /// dfdx's shape of `n` images, which a tensor is made with.
    fn images(self, n: usize) -> (usize, Self::C, Self::H, Self::W);
}

impl<const C: usize, const H: usize, const W: usize> ImageShape for Image<C, H, W> {
    type C = Const<C>;
    type H = Const<H>;
    type W = Const<W>;

    fn of_size(size: Size) -> Result<Self> {
        match size == Image::<C, H, W>.size() {
            true => Ok(Image),
            false => Err(Error::shape("images", Self::words(), size)),
        }
    }
    fn size(self) -> Size {
        Size { channels: C, height: H, width: W }
    }
    fn images(self, n: usize) -> (usize, Const<C>, Const<H>, Const<W>) {
        (n, Const, Const, Const)
    }
}

/// Images whose size is known only when the program runs: what programs use that take data and encoder by name.
///
/// ```
/// use selfsame::shape::{AnyImage, ImageShape, Size};
/// let shape = AnyImage(Size { channels: 3, height: 32, width: 32 });
/// assert_eq!(shape.images(8), (8, 3, 32, 32));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnyImage(pub Size);

impl ImageShape for AnyImage {
    type C = usize;
    type H = usize;
    type W = usize;

    fn of_size(size: Size) -> Result<Self> {
        Ok(AnyImage(size))
    }
    fn size(self) -> Size {
        self.0
    }
    fn images(self, n: usize) -> (usize, usize, usize, usize) {
        (n, self.0.channels, self.0.height, self.0.width)
    }
}

/// An [`Input`] that is an image; gives its three sizes as constants.
pub trait Picture:
    Input<Batch = (usize, <Self as ImageShape>::C, <Self as ImageShape>::H, <Self as ImageShape>::W)>
    + ImageShape<C: ConstDim, H: ConstDim, W: ConstDim>
{
    /// Channels.
    const CHANNELS: usize;
    /// Rows.
    const HEIGHT: usize;
    /// Columns.
    const WIDTH: usize;
}

impl<const C: usize, const H: usize, const W: usize> Picture for Image<C, H, W> {
    const CHANNELS: usize = C;
    const HEIGHT: usize = H;
    const WIDTH: usize = W;
}

/// The sizes of an image at run time, for the code below the typed boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Channels: 1 grey, 3 colour.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Size {
    /// The size an image type stands for.
    pub fn of<P: Picture>() -> Size {
        Size { channels: P::CHANNELS, height: P::HEIGHT, width: P::WIDTH }
    }

    /// How many values an image of this size has.
    pub fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether the image has no pixels.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}
