//! Images of another size.

use dfdx::prelude::*;

use super::axis_map::{AxisMap, AxisMapOp};
use super::Real;
use crate::error::{Error, Result};

/// How a pixel of the new image is made of the old one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resize {
    /// The pixel at `floor(i * old / new)`.
    Nearest,
    /// Linear between the two neighbours of `(i + 0.5) * old / new - 0.5` along each axis.
    Bilinear,
    /// Cubic convolution over four neighbours along each axis (Keys 1981, with a = -0.75); border pixels are repeated.
    Bicubic,
}

/// Images (batch, channels, height, width) at the size `out`, larger or smaller. No smoothing when shrinking.
///
/// PyTorch equivalent: `torch.nn.functional.interpolate(x, out, mode=...)`, with `align_corners=False`.
///
/// # Errors
/// [`Error::Shape`] when a side of the image is 0 and that of the result is not; a device out of memory.
pub fn resize<B: Dim, C: Dim, H: Dim, W: Dim, OH: Dim, OW: Dim, E: Real, D: AxisMapOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, C, H, W), E, D, T>,
    how: Resize,
    out: (OH, OW),
) -> Result<Tensor<(B, C, OH, OW), E, D, T>> {
    let (rows, columns) = maps((x.shape().2.size(), x.shape().3.size()), how, out)?;
    D::map_axes(x, rows, columns, out)
}

/// The maps of [`resize`] along either axis.
pub(super) fn maps(
    size: (usize, usize),
    how: Resize,
    out: (impl Dim, impl Dim),
) -> Result<(AxisMap, AxisMap)> {
    let axis = |old: usize, new: usize| {
        if old == 0 && new > 0 {
            return Err(Error::shape("resize", "an image with pixels", "a side of 0"));
        }
        Ok(AxisMap::new(old, new, move |i| match how {
            Resize::Nearest => vec![(i * old / new, 1.0)],
            Resize::Bilinear => linear(i, old, new),
            Resize::Bicubic => cubic(i, old, new),
        }))
    };
    Ok((axis(size.0, out.0.size())?, axis(size.1, out.1.size())?))
}

/// Where the centre of new pixel `i` lies among the centres of the old ones.
fn centre(i: usize, old: usize, new: usize) -> f64 {
    (i as f64 + 0.5) * (old as f64 / new as f64) - 0.5
}

fn linear(i: usize, old: usize, new: usize) -> Vec<(usize, f64)> {
    let at = centre(i, old, new).max(0.0);
    let low = (at as usize).min(old - 1);
    let along = at - low as f64;
    vec![(low, 1.0 - along), ((low + 1).min(old - 1), along)]
}

fn cubic(i: usize, old: usize, new: usize) -> Vec<(usize, f64)> {
    const A: f64 = -0.75;
    let at = centre(i, old, new);
    let along = at - at.floor();
    let near = |d: f64| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
    let far = |d: f64| ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
    let weights = [far(along + 1.0), near(along), near(1.0 - along), far(2.0 - along)];
    let place = |k: usize| (at.floor() + k as f64 - 1.0).clamp(0.0, (old - 1) as f64) as usize;
    weights.into_iter().enumerate().map(|(k, w)| (place(k), w)).collect()
}
