//! Sums: of two tensors, and of one table to every sample of a batch.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::linear::add_columns;
use super::Real;
use crate::error::{device, Error, Result};
use crate::tape::{profile::op, record, slot, values};

/// Devices with [`add`] and [`add_to_each`].
pub trait AddOp<E: Real>: Device<E> {
    /// See [`add`].
    fn add<S: Shape, T: Tape<E, Self>>(
        a: Tensor<S, E, Self, T>,
        b: &Tensor<S, E, Self>,
    ) -> Result<Tensor<S, E, Self, T>> {
        composed_add(a, b).map_err(device)
    }
    /// See [`add_to_each`].
    fn add_to_each<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, N, W), E, Self, T>,
        table: &Tensor<(N, W), E, Self>,
    ) -> Result<Tensor<(B, N, W), E, Self, T>> {
        composed_add_to_each(x, table).map_err(device)
    }
}

/// `a + b`, any shape; a residual connection when `b` is an earlier value on the same tape.
///
/// PyTorch equivalent: `a + b`.
///
/// # Errors
/// [`Error::Shape`] for sizes that differ; a device out of memory.
pub fn add<S: Shape, E: Real, D: AddOp<E>, T: Tape<E, D>>(
    a: Tensor<S, E, D, T>,
    b: &Tensor<S, E, D>,
) -> Result<Tensor<S, E, D, T>> {
    if a.shape() != b.shape() {
        return Err(Error::shape("sum", format!("{:?}", a.shape()), format!("{:?}", b.shape())));
    }
    let _timed = op("add");
    D::add(a, b)
}

/// Adds `table` (tokens, width) to every sample of (batch, tokens, width): a position embedding.
///
/// PyTorch equivalent: `x + table`.
///
/// # Errors
/// [`Error::Shape`] when the table has other tokens or another width; a device out of memory.
pub fn add_to_each<B: Dim, N: Dim, W: Dim, E: Real, D: AddOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, N, W), E, D, T>,
    table: &Tensor<(N, W), E, D>,
) -> Result<Tensor<(B, N, W), E, D, T>> {
    let (_, tokens, width) = *x.shape();
    if *table.shape() != (tokens, width) {
        let expected = format!("{}x{}", tokens.size(), width.size());
        return Err(Error::shape("table added to each sample", expected, format!("{:?}", table.shape())));
    }
    let _timed = op("add to each");
    D::add_to_each(x, table)
}

/// [`add`] from dfdx's operations.
pub(crate) fn composed_add<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    a: Tensor<S, E, D, T>,
    b: &Tensor<S, E, D>,
) -> std::result::Result<Tensor<S, E, D, T>, D::Err> {
    // A fresh id for `b`: dfdx panics in the backward pass of a sum of a tensor with itself.
    let (a, tape) = a.split_tape();
    let (b, tape) = b.clone().put_tape(tape).try_mul(E::one())?.split_tape();
    a.put_tape(tape).try_add(b)
}

/// [`add_to_each`] from dfdx's operations.
pub(crate) fn composed_add_to_each<B: Dim, N: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<(B, N, W), E, D, T>,
    table: &Tensor<(N, W), E, D>,
) -> std::result::Result<Tensor<(B, N, W), E, D, T>, D::Err> {
    let shape = *x.shape();
    let (x, tape) = x.split_tape();
    let table = table.clone().put_tape(tape).try_broadcast_like(&shape)?;
    table.try_add(x)
}

impl<E: Real> AddOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn add<S: Shape, T: Tape<E, Self>>(
        a: Tensor<S, E, Self, T>,
        b: &Tensor<S, E, Self>,
    ) -> Result<Tensor<S, E, Self, T>> {
        let (a, mut tape) = a.split_tape();
        let (y, backward) = E::add_values(values(&a), values(b));
        let y = a.device().try_tensor_from_vec(y, *a.shape()).map_err(device)?;
        record(&mut tape, vec![slot(&a), slot(b)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }

    fn add_to_each<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, N, W), E, Self, T>,
        table: &Tensor<(N, W), E, Self>,
    ) -> Result<Tensor<(B, N, W), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (y, backward) = E::add_to_each(values(&x), values(table));
        let y = x.device().try_tensor_from_vec(y, *x.shape()).map_err(device)?;
        record(&mut tape, vec![slot(&x), slot(table)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernels of [`add`] and [`add_to_each`].
    AddKernels {
        fn add_values(a: Vec<Self>, b: Vec<Self>) -> Made<Self> = run;
        fn add_to_each(x: Vec<Self>, table: Vec<Self>) -> Made<Self> = run_each;
    }
}

fn run<E: Real>(mut y: Vec<E>, b: Vec<E>) -> Made<E> {
    y.iter_mut().zip(&b).for_each(|(y, b)| *y += *b);
    let backward = |gy: &[E], g: &mut [Vec<E>]| {
        g.iter_mut().for_each(|g| g.iter_mut().zip(gy).for_each(|(g, gy)| *g += *gy));
    };
    (y, Box::new(backward))
}

fn run_each<E: Real>(mut y: Vec<E>, table: Vec<E>) -> Made<E> {
    y.par_chunks_mut(table.len().max(1)).for_each(|y| y.iter_mut().zip(&table).for_each(|(y, t)| *y += *t));
    let backward = |gy: &[E], g: &mut [Vec<E>]| {
        g[0].iter_mut().zip(gy).for_each(|(g, gy)| *g += *gy);
        add_columns(gy, &mut g[1]);
    };
    (y, Box::new(backward))
}
