//! The largest value of each window of an image or a sequence.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::{PoolWindow, Real};
use crate::error::{device, Result};
use crate::tape::{profile::op, record, slot, values, Scratch};

/// Devices with [`max_pool2d`].
pub trait MaxPoolOp<E: Real>: Device<E> {
    /// See [`max_pool2d`]; sizes are already checked.
    fn max_pool2d<B: Dim, C: Dim, H: Dim, W: Dim, OH: Dim, OW: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        window: PoolWindow,
        out: (OH, OW),
    ) -> Result<Tensor<(B, C, OH, OW), E, Self, T>> {
        composed(x, window, out).map_err(device)
    }
}

/// Maximum over the windows of each channel: (batch, channels, height, width) to (batch, channels, `out.0`, `out.1`).
///
/// `out` must be what [`PoolWindow::output`] gives. The gradient goes to the first of equal values; a NaN comes through.
///
/// PyTorch equivalent: `torch.nn.functional.max_pool2d(x, kernel, stride, padding)`.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when the window does not fit the image, its padding is more than half the kernel,
/// or `out` is another size; a device out of memory.
pub fn max_pool2d<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: MaxPoolOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    window: PoolWindow,
    out: (OH, OW),
) -> Result<Tensor<(B, C, OH, OW), E, D, T>> {
    window.check((x.shape().2.size(), x.shape().3.size()), (out.0.size(), out.1.size()))?;
    let _timed = op("max pool");
    D::max_pool2d(x, window, out)
}

/// Maximum over the windows of each channel of a sequence: (batch, channels, length) to (batch, channels, `out`).
///
/// PyTorch equivalent: `torch.nn.functional.max_pool1d(x, kernel, stride, padding)`.
///
/// # Errors
/// As [`max_pool2d`], for a window made by [`PoolWindow::along`].
pub fn max_pool1d<B: Dim, C: Dim, L: Dim, O: Dim, E: Real, D: MaxPoolOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, C, L), E, D, T>,
    window: PoolWindow,
    out: O,
) -> Result<Tensor<(B, C, O), E, D, T>> {
    let (batch, channels, length) = *x.shape();
    let x = x.try_reshape_like(&(batch, channels, 1usize, length)).map_err(device)?;
    let y = max_pool2d(x, window, (1usize, out))?;
    y.try_reshape_like(&(batch, channels, out)).map_err(device)
}

/// The same from dfdx's operations: gather the places of each window, push those in the padding far down, take the maximum.
pub(crate) fn composed<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: Device<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    window: PoolWindow,
    out: (OH, OW),
) -> std::result::Result<Tensor<(B, C, OH, OW), E, D, T>, D::Err> {
    let (batch, channels, h, w) = *x.shape();
    let (planes, h, w) = (batch.size() * channels.size(), h.size(), w.size());
    let (places, taps) = (out.0.size() * out.1.size(), window.kernel.0 * window.kernel.1);
    let reads: Vec<Option<usize>> = (0..taps * places)
        .map(|i| {
            let ((tap, place), (ks, os)) = ((i / places, i % places), (window.kernel.1, out.1.size()));
            let y = place / os * window.stride.0 + tap / ks;
            let x = place % os * window.stride.1 + tap % ks;
            let (y, x) = (y.checked_sub(window.padding.0)?, x.checked_sub(window.padding.1)?);
            (y < h && x < w).then_some(y * w + x)
        })
        .collect();
    let dev = x.device().clone();
    let down: Vec<E> = reads.iter().map(|r| if r.is_some() { E::zero() } else { E::of(-1e30) }).collect();
    let index: Vec<usize> = reads.iter().map(|r| r.unwrap_or(0)).collect();
    let index: Tensor<(usize,), usize, D> = dev.try_tensor_from_vec(index, (reads.len(),))?;
    let x = x.try_reshape_like(&(planes, h * w))?.try_permute::<(usize, usize), Axes2<1, 0>>()?;
    let x: Tensor<(usize, usize), E, D, T> = x.try_gather(index)?;
    let x = x.try_reshape_like(&(taps, places, planes))?;
    let down = dev.try_tensor_from_vec(down, (taps, places))?.try_broadcast_like::<_, Axis<2>>(x.shape())?;
    let y = x.try_add(down)?.try_max::<(usize, usize), Axis<0>>()?;
    let y = y.try_permute::<(usize, usize), Axes2<1, 0>>()?;
    y.try_reshape_like(&(batch, channels, out.0, out.1))
}

impl<E: Real> MaxPoolOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn max_pool2d<B: Dim, C: Dim, H: Dim, W: Dim, OH: Dim, OW: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        window: PoolWindow,
        out: (OH, OW),
    ) -> Result<Tensor<(B, C, OH, OW), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (batch, channels, h, w) = *x.shape();
        let planes = batch.size() * channels.size();
        let sizes = ((h.size(), w.size()), (out.0.size(), out.1.size()));
        let (y, backward) = E::max_pool2d(values(&x), planes, window, sizes);
        let y = x.device().try_tensor_from_vec(y, (batch, channels, out.0, out.1)).map_err(device)?;
        record(&mut tape, vec![slot(&x)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

/// Height and width of a plane, before and after.
type Planes = ((usize, usize), (usize, usize));

kernels! {
    /// The kernel of [`max_pool2d`].
    MaxPoolKernel {
        fn max_pool2d(x: Vec<Self>, planes: usize, window: PoolWindow, sizes: Planes) -> Made<Self> = run;
    }
}

fn run<E: Real>(xs: Vec<E>, planes: usize, window: PoolWindow, (size, out): Planes) -> Made<E> {
    let (pixels, places) = (size.0 * size.1, out.0 * out.1);
    let mut y = vec![E::zero(); planes * places];
    let mut from = Scratch::<u32>::any(y.len());
    y.par_chunks_mut(places)
        .zip(from.par_chunks_mut(places))
        .zip(xs.par_chunks(pixels))
        .for_each(|((y, from), x)| plane(x, size, window, out, y, from));
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        let planes = g[0].par_chunks_mut(pixels).zip(gy.par_chunks(places)).zip(from.par_chunks(places));
        planes.for_each(|((gx, gy), from)| {
            gy.iter().zip(from).for_each(|(gy, from)| gx[*from as usize] += *gy);
        });
    };
    (y, Box::new(backward))
}

/// One channel: the maxima and where they are.
fn plane<E: Real>(
    x: &[E],
    (h, w): (usize, usize),
    window: PoolWindow,
    out: (usize, usize),
    y: &mut [E],
    from: &mut [u32],
) {
    let PoolWindow { kernel, stride, padding } = window;
    let inside = |i: usize, kernel: usize, stride: usize, padding: usize, size: usize| {
        let start = i * stride;
        start.saturating_sub(padding)..(start + kernel - padding).min(size)
    };
    for (i, (y, from)) in y.iter_mut().zip(from).enumerate() {
        let rows = inside(i / out.1, kernel.0, stride.0, padding.0, h);
        let columns = inside(i % out.1, kernel.1, stride.1, padding.1, w);
        let mut at = rows.start * w + columns.start;
        let mut best = x[at];
        for row in rows {
            let first = row * w + columns.start;
            for (i, v) in x[first..row * w + columns.end].iter().enumerate() {
                if *v > best || v.is_nan() {
                    (best, at) = (*v, first + i);
                }
            }
        }
        (*y, *from) = (best, at as u32);
    }
}
