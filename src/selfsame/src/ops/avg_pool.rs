//! Averages over windows of an image or a sequence.

use dfdx::prelude::*;

use super::axis_map::{AxisMap, AxisMapOp};
use super::{PoolWindow, Real};
use crate::error::{device, Error, Result};
use crate::tape::profile::op;

/// What the average of a window that reaches into the padding is divided by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Divisor {
    /// The size of the window: padding counts as zeros.
    #[default]
    Window,
    /// How many of the window's places are inside the image.
    Inside,
}

/// Mean over the windows of each channel: (batch, channels, height, width) to (batch, channels, `out.0`, `out.1`).
///
/// `out` must be what [`PoolWindow::output`] gives.
///
/// PyTorch equivalent: `torch.nn.functional.avg_pool2d(x, kernel, stride, padding)`; with [`Divisor::Inside`],
/// `count_include_pad=False`.
///
/// # Errors
/// [`Error::Shape`] when the window does not fit the image, its padding is more than half the kernel, or `out` is another
/// size; a device out of memory.
pub fn avg_pool2d<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: AxisMapOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    window: PoolWindow,
    divisor: Divisor,
    out: (OH, OW),
) -> Result<Tensor<(B, C, OH, OW), E, D, T>> {
    let (rows, columns) = maps((x.shape().2.size(), x.shape().3.size()), window, divisor, out)?;
    let _timed = op("average pool");
    D::map_axes(x, rows, columns, out)
}

/// The maps of [`avg_pool2d`] along either axis, sizes checked.
pub(super) fn maps(
    size: (usize, usize),
    window: PoolWindow,
    divisor: Divisor,
    out: (impl Dim, impl Dim),
) -> Result<(AxisMap, AxisMap)> {
    window.check(size, (out.0.size(), out.1.size()))?;
    // The places inside a window are a rectangle, so that their number is a product too.
    let axis = |size: usize, outs: usize, kernel: usize, stride: usize, padding: usize| {
        AxisMap::new(size, outs, move |out| {
            let from = out * stride;
            let inside = from.max(padding)..(from + kernel).min(size + padding);
            let count = if divisor == Divisor::Window { kernel } else { inside.len() };
            inside.map(move |place| (place - padding, 1.0 / count as f64))
        })
    };
    let PoolWindow { kernel, stride, padding } = window;
    Ok((
        axis(size.0, out.0.size(), kernel.0, stride.0, padding.0),
        axis(size.1, out.1.size(), kernel.1, stride.1, padding.1),
    ))
}

/// Mean over the windows of each channel of a sequence: (batch, channels, length) to (batch, channels, `out`).
///
/// PyTorch equivalent: `torch.nn.functional.avg_pool1d(x, kernel, stride, padding)`.
///
/// # Errors
/// As [`avg_pool2d`], for a window made by [`PoolWindow::along`].
pub fn avg_pool1d<B: Dim, C: Dim, L: Dim, O: Dim, E: Real, D: AxisMapOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, C, L), E, D, T>,
    window: PoolWindow,
    divisor: Divisor,
    out: O,
) -> Result<Tensor<(B, C, O), E, D, T>> {
    let (batch, channels, length) = *x.shape();
    let x = x.try_reshape_like(&(batch, channels, 1usize, length)).map_err(device)?;
    let y = avg_pool2d(x, window, divisor, (1usize, out))?;
    y.try_reshape_like(&(batch, channels, out)).map_err(device)
}

/// Means over a grid of `out.0` by `out.1` bins that cover each channel: bin `i` of `m` goes from `floor(i n / m)` to
/// `ceil((i + 1) n / m)`, so that neighbours may overlap.
///
/// PyTorch equivalent: `torch.nn.functional.adaptive_avg_pool2d(x, out)`.
///
/// # Errors
/// [`Error::Shape`] when a side of the image is 0 and that of the result is not; a device out of memory.
pub fn adaptive_avg_pool2d<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: AxisMapOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    out: (OH, OW),
) -> Result<Tensor<(B, C, OH, OW), E, D, T>> {
    let (rows, columns) = adaptive_maps((x.shape().2.size(), x.shape().3.size()), out)?;
    let _timed = op("average pool");
    D::map_axes(x, rows, columns, out)
}

/// The maps of [`adaptive_avg_pool2d`].
pub(super) fn adaptive_maps(size: (usize, usize), out: (impl Dim, impl Dim)) -> Result<(AxisMap, AxisMap)> {
    let axis = |size: usize, outs: usize| {
        if size == 0 && outs > 0 {
            return Err(Error::shape("adaptive average", "an image with pixels", "a side of 0"));
        }
        Ok(AxisMap::new(size, outs, move |i| {
            let bin = i * size / outs..((i + 1) * size).div_ceil(outs);
            let weight = 1.0 / bin.len() as f64;
            bin.map(move |place| (place, weight))
        }))
    };
    Ok((axis(size.0, out.0.size())?, axis(size.1, out.1.size())?))
}
