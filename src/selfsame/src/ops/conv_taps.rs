//! Convolutions from dfdx's operations: which value of the image each tap of each output pixel reads.

use dfdx::prelude::*;

use super::{ConvWindow, Real};

/// For every tap of a kernel and every output pixel the place it reads, `None` where it reads nothing.
pub(super) struct Taps {
    /// In order (tap, output pixel).
    places: Vec<Option<usize>>,
    taps: usize,
}

impl Taps {
    /// Those of a convolution from `size` to `out`.
    pub(super) fn forward(size: (usize, usize), out: (usize, usize), window: ConvWindow) -> Taps {
        Taps::new(size, out, window, |o, tap, stride, padding| (o * stride + tap).checked_sub(padding))
    }

    /// Those of a transposed convolution: the convolution's output pixel whose tap falls on the place.
    pub(super) fn transposed(size: (usize, usize), out: (usize, usize), window: ConvWindow) -> Taps {
        Taps::new(size, out, window, |o, tap, stride, padding| {
            let distance = (o + padding).checked_sub(tap)?;
            distance.is_multiple_of(stride).then_some(distance / stride)
        })
    }

    /// `along` says for one axis which index an output's tap (already dilated) reads.
    fn new(
        size: (usize, usize),
        out: (usize, usize),
        window: ConvWindow,
        along: impl Fn(usize, usize, usize, usize) -> Option<usize>,
    ) -> Taps {
        let ConvWindow { kernel, stride, padding, dilation, .. } = window;
        let mut places = Vec::with_capacity(kernel.0 * kernel.1 * out.0 * out.1);
        for (ky, kx) in (0..kernel.0).flat_map(|y| (0..kernel.1).map(move |x| (y, x))) {
            for (oy, ox) in (0..out.0).flat_map(|y| (0..out.1).map(move |x| (y, x))) {
                let y = along(oy, ky * dilation.0, stride.0, padding.0).filter(|y| *y < size.0);
                let x = along(ox, kx * dilation.1, stride.1, padding.1).filter(|x| *x < size.1);
                places.push(y.zip(x).map(|(y, x)| y * size.1 + x));
            }
        }
        Taps { places, taps: kernel.0 * kernel.1 }
    }
}

/// Products of a kernel (groups, out of a group, in of a group * taps), which carries the tape, with what its taps read
/// of `x` (batch, groups * in, height, width): (batch, out, height, width).
pub(super) fn over_taps<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    O: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: Device<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D>,
    kernel: Tensor<(usize, usize, usize), E, D, T>,
    taps: &Taps,
    (outs, height, width): (O, OH, OW),
) -> std::result::Result<Tensor<(B, O, OH, OW), E, D, T>, D::Err> {
    let (batch, c, h, w) = *x.shape();
    let (groups, _, fan_in) = *kernel.shape();
    let (dev, places) = (x.device().clone(), h.size() * w.size());
    // Each channel has the same taps, in its own part of the image.
    let all: Vec<Option<usize>> =
        (0..c.size()).flat_map(|c| taps.places.iter().map(move |t| t.map(|t| c * places + t))).collect();
    debug_assert_eq!(groups * fan_in, c.size() * taps.taps);
    let blank: Vec<E> = all.iter().map(|t| if t.is_some() { E::one() } else { E::zero() }).collect();
    let blank = dev.try_tensor_from_vec(blank, (all.len(),))?;
    let index: Tensor<(usize,), usize, D> =
        dev.try_tensor_from_vec(all.iter().map(|t| t.unwrap_or(0)).collect(), (all.len(),))?;
    let (kernel, tape) = kernel.split_tape();
    let rows = x.put_tape(tape).try_reshape_like(&(batch.size(), c.size() * places))?;
    let rows: Tensor<(usize, usize), E, D, T> =
        rows.try_permute::<(usize, usize), Axes2<1, 0>>()?.try_gather(index)?;
    let shape = *rows.shape();
    let rows = rows.try_mul(blank.try_broadcast_like::<_, Axis<1>>(&shape)?)?;
    let pixels = height.size() * width.size();
    let (rows, tape) = rows.try_reshape_like(&(groups, fan_in, pixels * batch.size()))?.split_tape();
    let y = kernel.put_tape(tape).try_matmul(rows)?;
    let y = y.try_reshape_like(&(outs, height, width, batch))?;
    y.try_permute::<(B, O, OH, OW), Axes4<3, 0, 1, 2>>()
}

/// Adds a bias to each channel.
pub(super) fn add_bias<B: Dim, O: Dim, H: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    y: Tensor<(B, O, H, W), E, D, T>,
    bias: Option<&Tensor<(O,), E, D>>,
) -> std::result::Result<Tensor<(B, O, H, W), E, D, T>, D::Err> {
    let Some(bias) = bias else { return Ok(y) };
    let shape = *y.shape();
    y.try_add(bias.clone().try_broadcast_like::<_, Axes3<0, 2, 3>>(&shape)?)
}
