//! Softmax, its logarithm, and the logarithm of a sum of exponentials, over the last axis.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::{dot, largest, sum, sum_map, vectorized, Real};
use crate::error::{device, Error, Result};
use crate::tape::{kept, record, slot, Scratch};

/// Numbers a task works on: large enough to outweigh handing it to a thread.
const CHUNK: usize = 1 << 14;

/// Devices with [`softmax`], [`log_softmax`] and [`logsumexp`].
pub trait SoftmaxOp<E: Real>: Device<E> {
    /// See [`softmax`].
    fn softmax<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        composed_softmax(x).map_err(device)
    }
    /// See [`log_softmax`].
    fn log_softmax<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        composed_log_softmax(x).map_err(device)
    }
    /// See [`logsumexp`].
    fn logsumexp<R: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(R, W), E, Self, T>,
    ) -> Result<Tensor<(R,), E, Self, T>> {
        composed_logsumexp(x).map_err(device)
    }
}

/// `exp(x) / sum(exp(x))` over the last axis, any shape of one axis or more. The largest value is subtracted first, so that
/// large inputs do not overflow.
///
/// PyTorch equivalent: `torch.softmax(x, -1)`.
///
/// # Errors
/// [`Error::Shape`] for a number without an axis; a device out of memory.
pub fn softmax<S: Shape, E: Real, D: SoftmaxOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> Result<Tensor<S, E, D, T>> {
    check_axis::<S>("softmax")?;
    D::softmax(x)
}

/// `x - log(sum(exp(x)))` over the last axis, any shape of one axis or more; finite where [`softmax`] underflows to 0.
///
/// PyTorch equivalent: `torch.log_softmax(x, -1)`.
///
/// # Errors
/// [`Error::Shape`] for a number without an axis; a device out of memory.
pub fn log_softmax<S: Shape, E: Real, D: SoftmaxOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> Result<Tensor<S, E, D, T>> {
    check_axis::<S>("log-softmax")?;
    D::log_softmax(x)
}

/// `log(sum(exp(x)))` of every row: (rows, width) to (rows); negative infinity for a width of 0.
///
/// PyTorch equivalent: `torch.logsumexp(x, -1)`.
///
/// # Errors
/// A device out of memory.
pub fn logsumexp<R: Dim, W: Dim, E: Real, D: SoftmaxOp<E>, T: Tape<E, D>>(
    x: Tensor<(R, W), E, D, T>,
) -> Result<Tensor<(R,), E, D, T>> {
    D::logsumexp(x)
}

fn check_axis<S: Shape>(op: &str) -> Result<()> {
    match S::NUM_DIMS {
        0 => Err(Error::shape(op, "at least one axis", "a number")),
        _ => Ok(()),
    }
}

/// Rows and width of a tensor seen as rows along its last axis.
fn fold<S: Shape>(shape: &S) -> (usize, usize) {
    let sizes: Vec<usize> = shape.concrete().into();
    let width = sizes.last().copied().unwrap_or(1);
    (shape.num_elements().checked_div(width).unwrap_or(0), width)
}

/// [`softmax`] from dfdx's operations.
pub(crate) fn composed_softmax<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> std::result::Result<Tensor<S, E, D, T>, D::Err> {
    let shape = *x.shape();
    // Row-major first: dfdx's gradient of what follows is wrong for a permuted tensor.
    x.try_reshape_like(&fold(&shape))?.try_softmax::<Axis<1>>()?.try_reshape_like(&shape)
}

/// [`log_softmax`] from dfdx's operations.
pub(crate) fn composed_log_softmax<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> std::result::Result<Tensor<S, E, D, T>, D::Err> {
    let shape = *x.shape();
    x.try_reshape_like(&fold(&shape))?.try_log_softmax::<Axis<1>>()?.try_reshape_like(&shape)
}

/// [`logsumexp`] from dfdx's operations.
pub(crate) fn composed_logsumexp<R: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<(R, W), E, D, T>,
) -> std::result::Result<Tensor<(R,), E, D, T>, D::Err> {
    let shape = *x.shape();
    x.try_reshape_like(&shape)?.try_logsumexp::<(R,), Axis<1>>()
}

impl<E: Real> SoftmaxOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn softmax<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        row_by_row(x, softmax_row, |gy, y, gx| {
            let dot = dot(gy, y);
            gx.iter_mut().zip(gy).zip(y).for_each(|((gx, gy), y)| *gx += *y * (*gy - dot));
        })
    }

    fn log_softmax<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        row_by_row(x, log_softmax_row, |gy, y, gx| {
            let total = sum(gy);
            gx.iter_mut().zip(gy).zip(y).for_each(|((gx, gy), y)| *gx += *gy - y.exp_fast() * total);
        })
    }

    fn logsumexp<R: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(R, W), E, Self, T>,
    ) -> Result<Tensor<(R,), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (rows, width) = *x.shape();
        let w = width.size().max(1);
        let mut p = kept(&x);
        let mut y = vec![E::neg_infinity(); rows.size()];
        y.par_iter_mut().zip(p.par_chunks_mut(w)).with_min_len(CHUNK.div_ceil(w)).for_each(|(y, row)| {
            vectorized(
                #[inline(always)]
                || *y = softmax_row(row),
            );
        });
        let y = x.device().try_tensor_from_vec(y, (rows,)).map_err(device)?;
        record(&mut tape, vec![slot(&x)], slot(&y), move |gy, g| {
            let rows = g[0].par_chunks_mut(w).zip(p.par_chunks(w)).zip(gy).with_min_len(CHUNK.div_ceil(w));
            rows.for_each(|((gx, p), gy)| gx.iter_mut().zip(p).for_each(|(gx, p)| *gx += *gy * *p));
        });
        Ok(y.put_tape(tape))
    }
}

/// Softmax of a row in place; gives the logarithm of the sum of its exponentials.
#[inline(always)]
pub(crate) fn softmax_row<E: Real>(row: &mut [E]) -> E {
    let top = largest(row);
    row.iter_mut().for_each(|v| *v = (*v - top).exp_down_fast());
    let total = sum(row);
    let over = total.recip();
    row.iter_mut().for_each(|v| *v *= over);
    top + total.ln()
}

/// Log-softmax of a row in place; gives what was subtracted.
#[inline(always)]
pub(crate) fn log_softmax_row<E: Real>(row: &mut [E]) -> E {
    let top = largest(row);
    let log = top + sum_map(row, |v| (v - top).exp_down_fast()).ln();
    row.iter_mut().for_each(|v| *v -= log);
    log
}

/// `forward` replaces a row by its result; `backward`, given the gradient of a result and the result, adds to the row's.
fn row_by_row<S: Shape, E: Real, T: Tape<E, Cpu>>(
    x: Tensor<S, E, Cpu, T>,
    forward: impl Fn(&mut [E]) -> E + Sync,
    backward: impl Fn(&[E], &[E], &mut [E]) + Sync + 'static,
) -> Result<Tensor<S, E, Cpu, T>>
where
    Cpu: Device<E>,
{
    let (x, mut tape) = x.split_tape();
    let width = fold(x.shape()).1.max(1);
    let chunk = CHUNK.div_ceil(width) * width;
    let mut y = crate::tape::values(&x);
    y.par_chunks_mut(chunk).for_each(|rows| {
        vectorized(
            #[inline(always)]
            || {
                rows.chunks_exact_mut(width).for_each(|row| {
                    forward(row);
                });
            },
        );
    });
    let saved = if T::OWNS_TAPE { Scratch::copy_of(&y) } else { Scratch::any(0) };
    let y = x.device().try_tensor_from_vec(y, *x.shape()).map_err(device)?;
    record(&mut tape, vec![slot(&x)], slot(&y), move |gy, g| {
        let chunks = g[0].par_chunks_mut(chunk).zip(gy.par_chunks(chunk)).zip(saved.par_chunks(chunk));
        chunks.for_each(|((gx, gy), y)| {
            vectorized(
                #[inline(always)]
                || {
                    let rows = gx.chunks_exact_mut(width).zip(gy.chunks_exact(width));
                    rows.zip(y.chunks_exact(width)).for_each(|((gx, gy), y)| backward(gy, y, gx));
                },
            );
        });
    });
    Ok(y.put_tape(tape))
}
