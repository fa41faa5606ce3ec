//! The affine map of a fully connected layer.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::{matmul, Matrix, Real, Threads};
use crate::error::{device, Error, Result};
use crate::tape::{profile::op, record, slot, values};

/// Devices with [`linear`].
pub trait LinearOp<E: Real>: Device<E> {
    /// See [`linear`].
    fn linear<B: Dim, I: Dim, O: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, I), E, Self, T>,
        weight: &Tensor<(O, I), E, Self>,
        bias: Option<&Tensor<(O,), E, Self>>,
    ) -> Result<Tensor<(B, O), E, Self, T>> {
        composed(x, weight, bias).map_err(device)
    }
}

/// `y = x W' + b`: (batch, in) to (batch, out); `weight` is (out, in), `bias` (out).
///
/// PyTorch equivalent: `torch.nn.functional.linear(x, weight, bias)`.
///
/// # Errors
/// [`Error::Shape`] where sizes known only at run time differ; a device out of memory.
///
/// # Shapes
/// The weight's second size must be the input's:
/// ```compile_fail
/// use dfdx::prelude::*;
/// let dev = Cpu::default();
/// let x: Tensor<Rank2<4, 783>, f32, _> = dev.zeros();
/// let w: Tensor<Rank2<10, 784>, f32, _> = dev.zeros();
/// selfsame::ops::linear(x, &w, None);
/// ```
pub fn linear<B: Dim, I: Dim, O: Dim, E: Real, D: LinearOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, I), E, D, T>,
    weight: &Tensor<(O, I), E, D>,
    bias: Option<&Tensor<(O,), E, D>>,
) -> Result<Tensor<(B, O), E, D, T>> {
    let (outs, ins) = *weight.shape();
    if x.shape().1 != ins {
        return Err(Error::shape("input of a linear map", ins.size(), x.shape().1.size()));
    }
    if let Some(bias) = bias.filter(|b| b.shape().0 != outs) {
        return Err(Error::shape("bias of a linear map", outs.size(), bias.shape().0.size()));
    }
    let _timed = op("linear");
    D::linear(x, weight, bias)
}

/// The same from dfdx's operations.
pub(crate) fn composed<B: Dim, I: Dim, O: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<(B, I), E, D, T>,
    weight: &Tensor<(O, I), E, D>,
    bias: Option<&Tensor<(O,), E, D>>,
) -> std::result::Result<Tensor<(B, O), E, D, T>, D::Err> {
    let (mut weight, mut x) = (weight.clone(), x);
    if weight.shape().concrete() == x.shape().concrete() {
        // Perhaps the same tensor, and dfdx cannot multiply a tensor with itself: a fresh id.
        let (input, tape) = x.split_tape();
        let (copy, tape) = weight.put_tape(tape).try_mul(E::one())?.split_tape();
        (weight, x) = (copy, input.put_tape(tape));
    }
    let y = x.try_matmul(weight.try_permute::<(I, O), Axes2<1, 0>>()?)?;
    let Some(bias) = bias else { return Ok(y) };
    let shape = *y.shape();
    let (y, tape) = y.split_tape();
    bias.clone().put_tape(tape).try_broadcast_like(&shape)?.try_add(y)
}

impl<E: Real> LinearOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn linear<B: Dim, I: Dim, O: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, I), E, Self, T>,
        weight: &Tensor<(O, I), E, Self>,
        bias: Option<&Tensor<(O,), E, Self>>,
    ) -> Result<Tensor<(B, O), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (batch, outs) = (x.shape().0, weight.shape().0);
        let (b, i, o) = (batch.size(), x.shape().1.size(), outs.size());
        let (y, backward) = E::linear(values(&x), values(weight), bias.map(values), (b, i, o));
        let y = x.device().try_tensor_from_vec(y, (batch, outs)).map_err(device)?;
        let mut inputs = vec![slot(&x), slot(weight)];
        inputs.extend(bias.map(slot));
        record(&mut tape, inputs, slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`linear`].
    LinearKernel {
        fn linear(x: Vec<Self>, weight: Vec<Self>, bias: Option<Vec<Self>>, sizes: (usize, usize, usize)) -> Made<Self> = run;
    }
}

/// `sizes` are the batch, the features in and those out.
fn run<E: Real>(xs: Vec<E>, ws: Vec<E>, bias: Option<Vec<E>>, (b, i, o): (usize, usize, usize)) -> Made<E> {
    let (lx, lw, ly) = (Matrix::new(b, i), Matrix::new(o, i), Matrix::new(b, o));
    let mut y = vec![E::zero(); b * o];
    if let Some(bias) = &bias {
        y.par_chunks_mut(o.max(1)).for_each(|row| row.copy_from_slice(bias));
    }
    matmul(&xs, lx, &ws, lw.t(), &mut y, ly, bias.is_some(), Threads::All);
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        matmul(gy, ly, &ws, lw, &mut g[0], lx, true, Threads::All);
        matmul(gy, ly.t(), &xs, lx, &mut g[1], lw, true, Threads::All);
        if let Some(gb) = g.get_mut(2) {
            add_columns(gy, gb);
        }
    };
    (y, Box::new(backward))
}

/// Adds every row of `rows` to `sum`.
pub(crate) fn add_columns<E: Real>(rows: &[E], sum: &mut [E]) {
    for row in rows.chunks_exact(sum.len().max(1)) {
        sum.iter_mut().zip(row).for_each(|(s, r)| *s += *r);
    }
}
