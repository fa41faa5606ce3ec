//! Averages over the places of an image or the tokens of a sequence.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::Real;
use crate::error::{device, Result};
use crate::tape::{profile::op, record, slot, values};

/// Devices with [`mean_middle`].
pub trait PoolOp<E: Real>: Device<E> {
    /// See [`mean_middle`].
    fn mean_middle<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, N, W), E, Self, T>,
    ) -> Result<Tensor<(B, W), E, Self, T>> {
        composed_mean_middle(x).map_err(device)
    }
    /// See [`mean_last`].
    fn mean_last<B: Dim, C: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, usize), E, Self, T>,
    ) -> Result<Tensor<(B, C), E, Self, T>> {
        composed_mean_last(x).map_err(device)
    }
}

/// Mean over the middle axis: (batch, tokens, width) to (batch, width).
///
/// PyTorch equivalent: `x.mean(1)`.
///
/// # Errors
/// The device is out of memory.
pub fn mean_middle<B: Dim, N: Dim, W: Dim, E: Real, D: PoolOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, N, W), E, D, T>,
) -> Result<Tensor<(B, W), E, D, T>> {
    let _timed = op("mean");
    D::mean_middle(x)
}

/// Mean over the last axis: (batch, channels, places) to (batch, channels); global average pooling of a folded image.
///
/// PyTorch equivalent: `x.mean(-1)`, `torch.nn.AdaptiveAvgPool2d(1)` with `Flatten`.
///
/// # Errors
/// The device is out of memory.
pub fn mean_last<B: Dim, C: Dim, E: Real, D: PoolOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, C, usize), E, D, T>,
) -> Result<Tensor<(B, C), E, D, T>> {
    let _timed = op("mean");
    D::mean_last(x)
}

/// [`mean_middle`] from dfdx's operations.
pub(crate) fn composed_mean_middle<B: Dim, N: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<(B, N, W), E, D, T>,
) -> std::result::Result<Tensor<(B, W), E, D, T>, D::Err> {
    x.try_mean::<(B, W), Axis<1>>()
}

/// [`mean_last`] from dfdx's operations.
pub(crate) fn composed_mean_last<B: Dim, C: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<(B, C, usize), E, D, T>,
) -> std::result::Result<Tensor<(B, C), E, D, T>, D::Err> {
    x.try_mean::<(B, C), Axis<2>>()
}

impl<E: Real> PoolOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn mean_middle<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, N, W), E, Self, T>,
    ) -> Result<Tensor<(B, W), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (batch, tokens, width) = *x.shape();
        let (y, backward) = E::mean_middle(values(&x), (batch.size(), tokens.size(), width.size()));
        let y = x.device().try_tensor_from_vec(y, (batch, width)).map_err(device)?;
        record(&mut tape, vec![slot(&x)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }

    fn mean_last<B: Dim, C: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, usize), E, Self, T>,
    ) -> Result<Tensor<(B, C), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (batch, channels, places) = *x.shape();
        let (y, backward) = E::mean_last(values(&x), places.max(1));
        let y = x.device().try_tensor_from_vec(y, (batch, channels)).map_err(device)?;
        record(&mut tape, vec![slot(&x)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernels of [`mean_middle`] and [`mean_last`].
    PoolKernels {
        fn mean_middle(x: Vec<Self>, sizes: (usize, usize, usize)) -> Made<Self> = run_middle;
        fn mean_last(x: Vec<Self>, places: usize) -> Made<Self> = run_last;
    }
}

fn run_middle<E: Real>(xs: Vec<E>, (batch, tokens, width): (usize, usize, usize)) -> Made<E> {
    let (n, w) = (tokens.max(1), width.max(1));
    let scale = E::of(1.0 / n as f64);
    let mut y = vec![E::zero(); batch * width];
    y.par_chunks_mut(w).zip(xs.par_chunks(n * w)).for_each(|(y, x)| {
        x.chunks_exact(w).for_each(|row| y.iter_mut().zip(row).for_each(|(y, x)| *y += *x));
        y.iter_mut().for_each(|y| *y *= scale);
    });
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        g[0].par_chunks_mut(n * w).zip(gy.par_chunks(w)).for_each(|(gx, gy)| {
            gx.chunks_exact_mut(w)
                .for_each(|row| row.iter_mut().zip(gy).for_each(|(gx, gy)| *gx += *gy * scale));
        });
    };
    (y, Box::new(backward))
}

fn run_last<E: Real>(xs: Vec<E>, n: usize) -> Made<E> {
    let scale = E::of(1.0 / n as f64);
    let y: Vec<E> = xs.par_chunks(n).map(|x| x.iter().copied().sum::<E>() * scale).collect();
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        g[0].par_chunks_mut(n).zip(gy).for_each(|(gx, gy)| gx.iter_mut().for_each(|gx| *gx += *gy * scale));
    };
    (y, Box::new(backward))
}
