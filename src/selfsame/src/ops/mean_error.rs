//! Losses between numbers and their targets, one by one: regression, and classification of independent labels.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::{sum, vectorized, Real};
use crate::error::{device, Error, Result};
use crate::tape::{kept, profile::op, record, slot, Scratch};

/// Numbers a task works on: fixed, so that sums over chunks do not depend on the number of threads.
const CHUNK: usize = 1 << 14;

/// What a difference `d` costs.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Penalty {
    /// `d^2`: mean squared error.
    Squared,
    /// `|d|`; its gradient at 0 is 0.
    Absolute,
    /// `d^2 / 2` below this distance, `distance (|d| - distance / 2)` beyond.
    Huber(f64),
    /// [`Penalty::Huber`] divided by the distance: `|d| - distance / 2` beyond it.
    SmoothAbsolute(f64),
}

impl Penalty {
    fn check(self) -> Result<()> {
        match self {
            Penalty::Huber(at) | Penalty::SmoothAbsolute(at) if !(at > 0.0 && at.is_finite()) => {
                Err(Error::Setting {
                    name: "distance of a penalty".into(),
                    value: at.to_string(),
                    expected: "a positive number".into(),
                    remedy: "1 is usual.".into(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// Devices with [`mean_error`] and [`bce_with_logits`].
pub trait MeanErrorOp<E: Real>: Device<E> {
    /// See [`mean_error`]; sizes are already checked.
    fn mean_error<S: Shape, T: Tape<E, Self>>(
        x: Tensor<S, E, Self, T>,
        target: &Tensor<S, E, Self>,
        penalty: Penalty,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        composed(x, target, penalty).map_err(device)
    }
    /// See [`bce_with_logits`]; sizes are already checked.
    fn bce_with_logits<S: Shape, T: Tape<E, Self>>(
        logits: Tensor<S, E, Self, T>,
        target: &Tensor<S, E, Self>,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        composed_bce(logits, target).map_err(device)
    }
}

/// Mean over all numbers of the penalty of `x - target`, any shape. Gradients flow to both.
///
/// PyTorch equivalent: `torch.nn.functional.mse_loss(x, target)`, `l1_loss`, `huber_loss(x, target, delta=distance)`,
/// `smooth_l1_loss(x, target, beta=distance)`.
///
/// # Errors
/// [`Error::Shape`] when the two have different shapes or no numbers; [`Error::Setting`] for a distance that is not
/// positive; a device out of memory.
pub fn mean_error<S: Shape, E: Real, D: MeanErrorOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
    target: &Tensor<S, E, D>,
    penalty: Penalty,
) -> Result<Tensor<Rank0, E, D, T>> {
    penalty.check()?;
    check_shapes(x.shape(), target.shape())?;
    let _timed = op("mean error");
    D::mean_error(x, target, penalty)
}

/// Mean over all numbers of `log(1 + exp(x)) - target * x`: the cross-entropy of independent labels, any shape; stable for
/// large logits. Targets are between 0 and 1 and constants: no gradient flows to them.
///
/// PyTorch equivalent: `torch.nn.functional.binary_cross_entropy_with_logits(logits, target)`.
///
/// # Errors
/// [`Error::Shape`] when the two have different shapes or no numbers; a device out of memory.
pub fn bce_with_logits<S: Shape, E: Real, D: MeanErrorOp<E>, T: Tape<E, D>>(
    logits: Tensor<S, E, D, T>,
    target: &Tensor<S, E, D>,
) -> Result<Tensor<Rank0, E, D, T>> {
    check_shapes(logits.shape(), target.shape())?;
    let _timed = op("bce");
    D::bce_with_logits(logits, target)
}

fn check_shapes<S: Shape>(x: &S, target: &S) -> Result<()> {
    if x != target || x.num_elements() == 0 {
        let sizes = |s: &S| format!("{:?}", s.concrete());
        let expected = format!("targets like {}, at least one number", sizes(x));
        return Err(Error::shape("error against targets", expected, sizes(target)));
    }
    Ok(())
}

/// [`mean_error`] from dfdx's operations.
pub(crate) fn composed<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
    target: &Tensor<S, E, D>,
    penalty: Penalty,
) -> std::result::Result<Tensor<Rank0, E, D, T>, D::Err> {
    let n = (x.shape().num_elements(),);
    // A fresh id: dfdx cannot subtract a tensor from itself.
    let (x, tape) = x.try_reshape_like(&n)?.split_tape();
    let (target, tape) = target.clone().put_tape(tape).try_reshape_like(&n)?.try_mul(E::one())?.split_tape();
    let d = x.put_tape(tape).try_sub(target)?;
    let huber = |d: Tensor<(usize,), E, D, T>, at: f64| {
        let (far, tape) = d.try_abs()?.split_tape();
        let (near, tape) = far.clone().put_tape(tape).try_clamp(E::zero(), E::of(at))?.split_tape();
        let beside = near.clone().put_tape(tape).try_mul(E::of(-0.5))?.try_add(far)?;
        beside.try_mul(near)
    };
    let cost = match penalty {
        Penalty::Squared => d.try_square()?,
        Penalty::Absolute => d.try_abs()?,
        Penalty::Huber(at) => huber(d, at)?,
        Penalty::SmoothAbsolute(at) => huber(d, at)?.try_mul(E::of(1.0 / at))?,
    };
    cost.try_mean::<Rank0, Axis<0>>()
}

/// [`bce_with_logits`] from dfdx's operations.
pub(crate) fn composed_bce<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    logits: Tensor<S, E, D, T>,
    target: &Tensor<S, E, D>,
) -> std::result::Result<Tensor<Rank0, E, D, T>, D::Err> {
    let n = (logits.shape().num_elements(),);
    let target = target.clone().try_reshape_like(&n)?.try_mul(E::one())?;
    let (x, tape) = logits.try_reshape_like(&n)?.split_tape();
    let (soft, tape) = super::activation::composed_softplus(x.clone().put_tape(tape))?.split_tape();
    let cost = x.put_tape(tape).try_mul(target)?.try_negate()?.try_add(soft)?;
    cost.try_mean::<Rank0, Axis<0>>()
}

impl<E: Real> MeanErrorOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn mean_error<S: Shape, T: Tape<E, Self>>(
        x: Tensor<S, E, Self, T>,
        target: &Tensor<S, E, Self>,
        penalty: Penalty,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        match penalty {
            Penalty::Squared => mean_of(x, target, true, |x, t| ((x - t) * (x - t), E::of(2.0) * (x - t))),
            Penalty::Absolute => mean_of(x, target, true, |x, t| {
                let d = x - t;
                (d.abs(), if d == E::zero() { d } else { d.signum() })
            }),
            Penalty::Huber(at) => mean_of(x, target, true, move |x, t| huber(x - t, E::of(at))),
            Penalty::SmoothAbsolute(at) => mean_of(x, target, true, move |x, t| {
                let (cost, slope) = huber(x - t, E::of(at));
                (cost / E::of(at), slope / E::of(at))
            }),
        }
    }

    fn bce_with_logits<S: Shape, T: Tape<E, Self>>(
        logits: Tensor<S, E, Self, T>,
        target: &Tensor<S, E, Self>,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        mean_of(logits, target, false, |x, t| {
            let (soft, slope) = super::nonlinearity::softplus_with_slope(x);
            (soft - t * x, slope - t)
        })
    }
}

#[inline(always)]
fn huber<E: Real>(d: E, at: E) -> (E, E) {
    let half = E::of(0.5);
    // A NaN fails the comparison and comes through the second branch.
    if d.abs() < at {
        (half * d * d, d)
    } else {
        (at * (d.abs() - half * at), at * d.signum())
    }
}

/// The mean of `f`, which gives the cost of a number and a target with its slope; `both`: the target has a gradient too,
/// the opposite one.
fn mean_of<S: Shape, E: Real, T: Tape<E, Cpu>>(
    x: Tensor<S, E, Cpu, T>,
    target: &Tensor<S, E, Cpu>,
    both: bool,
    f: impl Fn(E, E) -> (E, E) + Sync,
) -> Result<Tensor<Rank0, E, Cpu, T>>
where
    Cpu: Device<E>,
{
    let (x, mut tape) = x.split_tape();
    // The numbers become the slopes, the targets the costs.
    let (mut slope, mut cost) = (kept(&x), kept(target));
    let over = E::of(1.0 / slope.len() as f64);
    let mut totals = Scratch::<E>::any(slope.len().div_ceil(CHUNK));
    let chunks = slope.par_chunks_mut(CHUNK).zip(cost.par_chunks_mut(CHUNK)).zip(totals.par_iter_mut());
    chunks.for_each(|((x, t), total)| {
        vectorized(
            #[inline(always)]
            || {
                x.iter_mut().zip(t.iter_mut()).for_each(|(x, t)| (*t, *x) = f(*x, *t));
                *total = sum(t) * over;
            },
        );
    });
    let mean = totals.iter().copied().sum::<E>();
    let y = x.device().try_tensor_from_vec(vec![mean], ()).map_err(device)?;
    let mut inputs = vec![slot(&x)];
    inputs.extend(both.then(|| slot(target)));
    record(&mut tape, inputs, slot(&y), move |gy, g| {
        let mut scale = gy[0] * over;
        for g in g {
            g.par_chunks_mut(CHUNK).zip(slope.par_chunks(CHUNK)).for_each(|(g, slope)| {
                vectorized(
                    #[inline(always)]
                    || g.iter_mut().zip(slope).for_each(|(g, s)| *g += scale * *s),
                );
            });
            scale = -scale;
        }
    });
    Ok(y.put_tape(tape))
}
