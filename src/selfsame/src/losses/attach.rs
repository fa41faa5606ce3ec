//! Losses whose gradient is worked out together with their value, on slices, and then put on the tape.
//!
//! A loss is a number, so its gradient with respect to an input is one array of the input's size, known as soon as
//! the loss is. The kernels of this folder return both, in float64, whatever the tensors hold: embeddings of a batch
//! are few, and the same plain code serves every number type, shape and device.

use dfdx::prelude::*;

use crate::error::{device, Result};
use crate::ops::kernels::kernels;
use crate::ops::Real;
use crate::tape::{record, slot, stop_gradient, values, BackwardFn};

/// Devices losses run on.
pub trait LossOp<E: Real>: Device<E> {
    /// `loss` with `gradient` (row-major, as many values as `x` has) as its derivative with respect to `x`, beside
    /// those it has already.
    ///
    /// # Errors
    /// The device is out of memory.
    fn attach<S: Shape, T: Tape<E, Self>>(
        loss: Tensor<Rank0, E, Self, T>,
        x: &Tensor<S, E, Self>,
        gradient: Vec<E>,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        composed(loss, x, gradient)
    }
}

/// [`LossOp::attach`] from dfdx's operations.
pub(crate) fn composed<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    loss: Tensor<Rank0, E, D, T>,
    x: &Tensor<S, E, D>,
    gradient: Vec<E>,
) -> Result<Tensor<Rank0, E, D, T>> {
    // sum(x * gradient) has the gradient and, minus itself, the value 0.
    let shape = *x.shape();
    let gradient = x.device().try_tensor_from_vec(gradient, shape).map_err(device)?;
    let (loss, tape) = loss.split_tape();
    let x = x.clone().put_tape(tape).try_reshape_like(&shape).map_err(device)?;
    let along = x.try_mul(gradient).and_then(|p| p.try_sum::<Rank0, _>()).map_err(device)?;
    let fixed = stop_gradient(&along)?;
    along.try_sub(fixed).and_then(|zero| zero.try_add(loss)).map_err(device)
}

impl<E: Real> LossOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn attach<S: Shape, T: Tape<E, Self>>(
        loss: Tensor<Rank0, E, Self, T>,
        x: &Tensor<S, E, Self>,
        gradient: Vec<E>,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        let (loss, mut tape) = loss.split_tape();
        let y = loss.device().try_tensor_from_vec(values(&loss), ()).map_err(device)?;
        record(&mut tape, vec![slot(&loss), slot(x)], slot(&y), E::attach(gradient));
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`LossOp::attach`].
    AttachKernel {
        fn attach(gradient: Vec<Self>) -> BackwardFn<Self> = run;
    }
}

fn run<E: Real>(gradient: Vec<E>) -> BackwardFn<E> {
    Box::new(move |gy: &[E], g: &mut [Vec<E>]| {
        g[0][0] += gy[0];
        g[1].iter_mut().zip(&gradient).for_each(|(g, slope)| *g += gy[0] * *slope);
    })
}

/// A loss and its gradient with respect to each input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Graded<const N: usize> {
    pub(crate) value: f64,
    pub(crate) gradients: [Vec<f64>; N],
}

/// The values of `x` in float64, row-major.
pub(crate) fn wide<S: Shape, E: Real, D: Device<E>, T>(x: &Tensor<S, E, D, T>) -> Vec<f64> {
    values(&x.retaped::<NoneTape>()).into_iter().map(Real::wide).collect()
}

fn narrow<E: Real>(v: Vec<f64>) -> Vec<E> {
    v.into_iter().map(E::of).collect()
}

/// What `kernel` makes of the values of `x`, on the tape of `x`.
pub(crate) fn of_one<S: Shape, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
    kernel: impl FnOnce(&[f64]) -> Result<Graded<1>>,
) -> Result<Tensor<Rank0, E, D, T>> {
    let (x, tape) = x.split_tape();
    let Graded { value, gradients: [gradient] } = kernel(&wide(&x))?;
    D::attach(constant(x.device(), value, tape)?, &x, narrow(gradient))
}

/// What `kernel` makes of the values of `x` and `y`, on both tapes.
pub(crate) fn of_two<S: Shape, Q: Shape, E: Real, D: LossOp<E>, T: Tape<E, D> + Merge<R>, R: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
    y: Tensor<Q, E, D, R>,
    kernel: impl FnOnce(&[f64], &[f64]) -> Result<Graded<2>>,
) -> Result<Tensor<Rank0, E, D, T>> {
    let ((x, tx), (y, ty)) = (x.split_tape(), y.split_tape());
    let Graded { value, gradients: [gx, gy] } = kernel(&wide(&x), &wide(&y))?;
    let loss = D::attach(constant(x.device(), value, tx.merge(ty))?, &x, narrow(gx))?;
    D::attach(loss, &y, narrow(gy))
}

/// A number on a tape.
pub(crate) fn constant<E: Real, D: Device<E>, T: Tape<E, D>>(
    dev: &D,
    value: f64,
    tape: T,
) -> Result<Tensor<Rank0, E, D, T>> {
    Ok(dev.try_tensor_from_vec(vec![E::of(value)], ()).map_err(device)?.put_tape(tape))
}

/// [`LossOp::attach`] for a gradient in float64.
pub(crate) fn attach<S: Shape, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    loss: Tensor<Rank0, E, D, T>,
    x: &Tensor<S, E, D>,
    gradient: Vec<f64>,
) -> Result<Tensor<Rank0, E, D, T>> {
    D::attach(loss, x, narrow(gradient))
}
