//! How a kernel moves over an image, and the sizes that follow.

use dfdx::prelude::*;

use crate::error::{Error, Result};

/// How a kernel moves over an image; pairs are (along the height, along the width).
///
/// ```
/// use selfsame::ops::ConvWindow;
/// let halving = ConvWindow::square(3).stride(2, 2).padding(1, 1);
/// assert_eq!(halving.output((28, 31)), Some((14, 16)));
/// // Every channel by itself, with holes in the kernel.
/// let depthwise = ConvWindow::square(3).dilation(2, 2).padding(2, 2).groups(64);
/// assert_eq!(depthwise.output((28, 31)), Some((28, 31)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvWindow {
    /// Height and width of the kernel.
    pub kernel: (usize, usize),
    /// Distance between neighbouring applications (1).
    pub stride: (usize, usize),
    /// Rows and columns of zeros added on every side (0).
    pub padding: (usize, usize),
    /// Distance between neighbouring taps of the kernel (1).
    pub dilation: (usize, usize),
    /// Parts the channels are cut into, each convolved by itself (1).
    pub groups: usize,
}

impl ConvWindow {
    /// A kernel of this size, with stride 1, no padding, no dilation, one group.
    pub const fn new(height: usize, width: usize) -> ConvWindow {
        ConvWindow { kernel: (height, width), stride: (1, 1), padding: (0, 0), dilation: (1, 1), groups: 1 }
    }
    /// The same for a square kernel.
    pub const fn square(side: usize) -> ConvWindow {
        ConvWindow::new(side, side)
    }
    /// With another stride.
    pub const fn stride(mut self, down: usize, right: usize) -> ConvWindow {
        self.stride = (down, right);
        self
    }
    /// With zeros around the image.
    pub const fn padding(mut self, rows: usize, columns: usize) -> ConvWindow {
        self.padding = (rows, columns);
        self
    }
    /// With the kernel's taps further apart.
    pub const fn dilation(mut self, down: usize, right: usize) -> ConvWindow {
        self.dilation = (down, right);
        self
    }
    /// With the channels in this many groups.
    pub const fn groups(mut self, groups: usize) -> ConvWindow {
        self.groups = groups;
        self
    }

    /// Height and width after a convolution: `(size + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down,
    /// along each axis. `None` where the kernel does not fit into the padded image or a setting is 0.
    ///
    /// A `const fn`, so that sizes can be checked while compiling.
    pub const fn output(&self, size: (usize, usize)) -> Option<(usize, usize)> {
        let rows = conv_output(size.0, self.kernel.0, self.stride.0, self.padding.0, self.dilation.0);
        let columns = conv_output(size.1, self.kernel.1, self.stride.1, self.padding.1, self.dilation.1);
        match (rows, columns) {
            (Some(rows), Some(columns)) => Some((rows, columns)),
            _ => None,
        }
    }

    /// Height and width after a transposed convolution: `(size - 1) stride + dilation (kernel - 1) + 1 - 2 padding + extra`
    /// along each axis. `None` where that is below 1, a setting is 0, or `extra` is not below the stride or the dilation.
    pub const fn transposed_output(
        &self,
        size: (usize, usize),
        extra: (usize, usize),
    ) -> Option<(usize, usize)> {
        let rows = transposed(size.0, self.kernel.0, self.stride.0, self.padding.0, self.dilation.0, extra.0);
        let columns =
            transposed(size.1, self.kernel.1, self.stride.1, self.padding.1, self.dilation.1, extra.1);
        match (rows, columns) {
            (Some(rows), Some(columns)) => Some((rows, columns)),
            _ => None,
        }
    }
}

/// One axis of [`ConvWindow::output`].
pub const fn conv_output(
    size: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> Option<usize> {
    if kernel == 0 || stride == 0 || dilation == 0 || size == 0 {
        return None;
    }
    match (size + 2 * padding).checked_sub(dilation * (kernel - 1) + 1) {
        Some(room) => Some(room / stride + 1),
        None => None,
    }
}

/// One axis of [`ConvWindow::transposed_output`].
const fn transposed(
    size: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    extra: usize,
) -> Option<usize> {
    // An excess of a stride or more would be another whole application of the kernel.
    if kernel == 0 || stride == 0 || dilation == 0 || size == 0 || (extra >= stride && extra >= dilation) {
        return None;
    }
    match ((size - 1) * stride + dilation * (kernel - 1) + 1 + extra).checked_sub(2 * padding) {
        Some(0) | None => None,
        side => side,
    }
}

/// Checks the kernel and the channels on both sides of a convolution against its window. `weight` is (out, in of a
/// group, height, width).
pub(super) fn check_kernel(
    weight: (usize, usize, usize, usize),
    channels: usize,
    window: ConvWindow,
) -> Result<()> {
    if (weight.2, weight.3) != window.kernel {
        let found = format!("a kernel of {}x{}", weight.2, weight.3);
        return Err(Error::shape("convolution", format!("the kernel of {window:?}"), found));
    }
    let groups = window.groups;
    if groups == 0 || !channels.is_multiple_of(groups) || !weight.0.is_multiple_of(groups) {
        let found = format!("{groups} for {channels} channels to {}", weight.0);
        return Err(Error::shape(
            "groups of a convolution",
            "a divisor of the channels on both sides",
            found,
        ));
    }
    if weight.1 * groups != channels {
        let expected = format!("{} ({} in each of {groups} groups)", weight.1 * groups, weight.1);
        return Err(Error::shape("channels of a convolution", expected, channels));
    }
    Ok(())
}

/// Checks an image, a kernel, a window and an output against each other.
pub(super) fn check_window<B: Dim, C: Dim, H: Dim, W: Dim>(
    image: &(B, C, H, W),
    weight: (usize, usize, usize, usize),
    window: ConvWindow,
    out: (usize, usize),
) -> Result<()> {
    check_kernel(weight, image.1.size(), window)?;
    let size = (image.2.size(), image.3.size());
    let Some(want) = window.output(size) else {
        let found = format!("{}x{}", size.0, size.1);
        return Err(Error::shape("convolution", format!("an image with room for {window:?}"), found));
    };
    check_output(want, out)
}

pub(super) fn check_output(want: (usize, usize), found: (usize, usize)) -> Result<()> {
    if want != found {
        let found = format!("{}x{}", found.0, found.1);
        return Err(Error::shape("output of a convolution", format!("{}x{}", want.0, want.1), found));
    }
    Ok(())
}

/// The sizes of a kernel as numbers.
pub(super) fn kernel_sizes<O: Dim, I: Dim, KH: Dim, KW: Dim>(
    shape: &(O, I, KH, KW),
) -> (usize, usize, usize, usize) {
    (shape.0.size(), shape.1.size(), shape.2.size(), shape.3.size())
}

/// Checks a bias against the channels it is added to.
pub(super) fn check_bias(bias: Option<usize>, outs: usize) -> Result<()> {
    match bias {
        Some(found) if found != outs => Err(Error::shape("bias of a convolution", outs, found)),
        _ => Ok(()),
    }
}

/// Checks an input, a kernel, a window and an output (channels, height, width) of a transposed convolution. `weight` is
/// (in, out of a group, height, width).
pub(super) fn check_transposed<B: Dim, C: Dim, H: Dim, W: Dim>(
    input: &(B, C, H, W),
    weight: (usize, usize, usize, usize),
    window: ConvWindow,
    out: (usize, usize, usize),
) -> Result<()> {
    check_kernel(weight, out.0, window)?;
    let ConvWindow { stride, padding, dilation, kernel, .. } = window;
    let fits = |size: usize, out: usize, (k, s, p, d): (usize, usize, usize, usize)| {
        (0..s.max(d)).any(|extra| transposed(size, k, s, p, d, extra) == Some(out))
    };
    let (h, w) = (input.2.size(), input.3.size());
    if !fits(h, out.1, (kernel.0, stride.0, padding.0, dilation.0))
        || !fits(w, out.2, (kernel.1, stride.1, padding.1, dilation.1))
    {
        let expected = match window.transposed_output((h, w), (0, 0)) {
            Some((h, w)) => format!("{h}x{w}, or larger by less than the stride or the dilation"),
            None => format!("what {window:?} makes of {h}x{w}"),
        };
        return Err(Error::shape(
            "output of a transposed convolution",
            expected,
            format!("{}x{}", out.1, out.2),
        ));
    }
    Ok(())
}
