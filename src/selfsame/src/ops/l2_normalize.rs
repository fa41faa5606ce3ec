//! Rows scaled to unit length.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::{dot, vectorized, Real};
use crate::error::{device, Result};
use crate::tape::{profile::op, record, slot, values, Scratch};

/// Below this norm a row is divided by it instead, as in PyTorch.
const EPS: f64 = 1e-12;
/// Rows a task works on.
const GROUP: usize = 64;

/// Devices with [`l2_normalize`].
pub trait L2NormalizeOp<E: Real>: Device<E> {
    /// See [`l2_normalize`].
    fn l2_normalize<B: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, W), E, Self, T>,
    ) -> Result<Tensor<(B, W), E, Self, T>> {
        composed(x).map_err(device)
    }
}

/// Every row of (batch, width) divided by its L2 norm (at least 1e-12).
///
/// PyTorch equivalent: `torch.nn.functional.normalize(x, dim=1)`.
///
/// # Errors
/// The device is out of memory.
pub fn l2_normalize<B: Dim, W: Dim, E: Real, D: L2NormalizeOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, W), E, D, T>,
) -> Result<Tensor<(B, W), E, D, T>> {
    let _timed = op("l2 normalize");
    D::l2_normalize(x)
}

/// The same from dfdx's operations; the squared norm has 1e-24 added, so that a zero row has a gradient that is no NaN.
pub(crate) fn composed<B: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<(B, W), E, D, T>,
) -> std::result::Result<Tensor<(B, W), E, D, T>, D::Err> {
    let shape = *x.shape();
    let (x, tape) = x.split_tape();
    let squares = x.clone().put_tape(tape).try_square()?.try_sum::<(B,), Axis<1>>()?;
    let norm = squares.try_add(E::of(EPS * EPS))?.try_sqrt()?;
    let (norm, tape) = norm.split_tape();
    x.put_tape(tape).try_div(norm.try_broadcast_like(&shape)?)
}

impl<E: Real> L2NormalizeOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn l2_normalize<B: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, W), E, Self, T>,
    ) -> Result<Tensor<(B, W), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let width = x.shape().1.size().max(1);
        let (unit, backward) = E::l2_normalize(values(&x), width, T::OWNS_TAPE);
        let y = x.device().try_tensor_from_vec(unit, *x.shape()).map_err(device)?;
        record(&mut tape, vec![slot(&x)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`l2_normalize`].
    L2NormalizeKernel {
        fn l2_normalize(x: Vec<Self>, width: usize, keep: bool) -> Made<Self> = run;
    }
}

fn run<E: Real>(mut unit: Vec<E>, width: usize, keep: bool) -> Made<E> {
    let inverse = normalize_rows(&mut unit, width);
    let saved = if keep { Scratch::copy_of(&unit) } else { Scratch::any(0) };
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        normalize_rows_backward(gy, &saved, &inverse, width, &mut g[0]);
    };
    (unit, Box::new(backward))
}

/// Scales rows of `width` to unit length in place; returns each row's factor.
pub(crate) fn normalize_rows<E: Real>(rows: &mut [E], width: usize) -> Vec<E> {
    let mut inverse = vec![E::zero(); rows.len() / width];
    rows.par_chunks_mut(GROUP * width).zip(inverse.par_chunks_mut(GROUP)).for_each(|(rows, inverse)| {
        vectorized(
            #[inline(always)]
            || {
                for (row, inverse) in rows.chunks_exact_mut(width).zip(inverse) {
                    *inverse = dot(row, row).sqrt().max(E::of(EPS)).recip();
                    row.iter_mut().for_each(|v| *v *= *inverse);
                }
            },
        );
    });
    inverse
}

/// Adds to `gx` the gradient through [`normalize_rows`], given its results.
pub(crate) fn normalize_rows_backward<E: Real>(
    gy: &[E],
    unit: &[E],
    inverse: &[E],
    width: usize,
    gx: &mut [E],
) {
    let group = GROUP * width;
    let groups = gx.par_chunks_mut(group).zip(gy.par_chunks(group)).zip(unit.par_chunks(group));
    groups.zip(inverse.par_chunks(GROUP)).for_each(|(((gx, gy), unit), inverse)| {
        vectorized(
            #[inline(always)]
            || {
                let rows = gx.chunks_exact_mut(width).zip(gy.chunks_exact(width));
                for (((gx, gy), unit), inverse) in rows.zip(unit.chunks_exact(width)).zip(inverse) {
                    // A row at the floor was divided by a constant: no projection.
                    let clamped = *inverse >= E::of(EPS).recip();
                    let dot = if clamped { E::zero() } else { dot(gy, unit) };
                    for ((gx, gy), u) in gx.iter_mut().zip(gy).zip(unit) {
                        *gx += *inverse * (*gy - *u * dot);
                    }
                }
            },
        );
    });
}
