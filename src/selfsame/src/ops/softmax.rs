//! Softmax, its logarithm, and the logarithm of a sum of exponentials, over the last axis.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::{dot, largest, sum, sum_map, vectorized, Real};
use crate::error::{device, Error, Result};
use crate::tape::{kept, profile::op, record, slot, Scratch};

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
    let _timed = op("softmax");
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
    let _timed = op("log softmax");
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
    let _timed = op("logsumexp");
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
        row_by_row(x, E::softmax)
    }

    fn log_softmax<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        row_by_row(x, E::log_softmax)
    }

    fn logsumexp<R: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(R, W), E, Self, T>,
    ) -> Result<Tensor<(R,), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (rows, width) = *x.shape();
        let (y, backward) = E::logsumexp(kept(&x), (rows.size(), width.size().max(1)));
        let y = x.device().try_tensor_from_vec(y, (rows,)).map_err(device)?;
        record(&mut tape, vec![slot(&x)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernels of [`softmax`], [`log_softmax`] and [`logsumexp`].
    SoftmaxKernels {
        fn softmax(x: Vec<Self>, width: usize, keep: bool) -> Made<Self> = run_softmax;
        fn log_softmax(x: Vec<Self>, width: usize, keep: bool) -> Made<Self> = run_log_softmax;
        fn logsumexp(x: Scratch<Self>, sizes: (usize, usize)) -> Made<Self> = run_logsumexp;
    }
}

fn run_softmax<E: Real>(x: Vec<E>, width: usize, keep: bool) -> Made<E> {
    each_row(x, width, keep, softmax_row, |gy, y, gx| {
        let dot = dot(gy, y);
        gx.iter_mut().zip(gy).zip(y).for_each(|((gx, gy), y)| *gx += *y * (*gy - dot));
    })
}

fn run_log_softmax<E: Real>(x: Vec<E>, width: usize, keep: bool) -> Made<E> {
    each_row(x, width, keep, log_softmax_row, |gy, y, gx| {
        let total = sum(gy);
        gx.iter_mut().zip(gy).zip(y).for_each(|((gx, gy), y)| *gx += *gy - y.exp_fast() * total);
    })
}

/// `sizes` are rows and their width.
fn run_logsumexp<E: Real>(mut p: Scratch<E>, (rows, w): (usize, usize)) -> Made<E> {
    let mut y = vec![E::neg_infinity(); rows];
    y.par_iter_mut().zip(p.par_chunks_mut(w)).with_min_len(CHUNK.div_ceil(w)).for_each(|(y, row)| {
        vectorized(
            #[inline(always)]
            || *y = softmax_row(row),
        );
    });
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        let rows = g[0].par_chunks_mut(w).zip(p.par_chunks(w)).zip(gy).with_min_len(CHUNK.div_ceil(w));
        rows.for_each(|((gx, p), gy)| gx.iter_mut().zip(p).for_each(|(gx, p)| *gx += *gy * *p));
    };
    (y, Box::new(backward))
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
    kernel: impl Fn(Vec<E>, usize, bool) -> Made<E>,
) -> Result<Tensor<S, E, Cpu, T>>
where
    Cpu: Device<E>,
{
    let (x, mut tape) = x.split_tape();
    let width = fold(x.shape()).1.max(1);
    let (y, backward) = kernel(crate::tape::values(&x), width, T::OWNS_TAPE);
    let y = x.device().try_tensor_from_vec(y, *x.shape()).map_err(device)?;
    record(&mut tape, vec![slot(&x)], slot(&y), backward);
    Ok(y.put_tape(tape))
}

/// Every row through `forward` in place; `backward` gets a row's upstream gradient, its result, and its gradient to add to.
fn each_row<E: Real>(
    mut y: Vec<E>,
    width: usize,
    keep: bool,
    forward: impl Fn(&mut [E]) -> E + Sync,
    backward: impl Fn(&[E], &[E], &mut [E]) + Sync + 'static,
) -> Made<E> {
    let chunk = CHUNK.div_ceil(width) * width;
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
    let saved = if keep { Scratch::copy_of(&y) } else { Scratch::any(0) };
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
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
    };
    (y, Box::new(backward))
}
