//! An affine map with the activation after it, in one pass over memory.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::linear::{add_columns, composed as composed_linear};
use super::nonlinearity::{gelu_tanh_with_slope, gelu_with_slope, relu_with_slope};
use super::{activation, matmul, vectorized, Activation, Matrix, Real, Threads};
use crate::error::{device, Error, Result};
use crate::tape::{kept, profile::op, record, slot, values, Scratch};

/// Rows a task activates at least, in numbers.
const CHUNK: usize = 1 << 14;

/// Devices with [`linear_act`].
pub trait LinearActOp<E: Real>: Device<E> {
    /// See [`linear_act`]; sizes are already checked.
    fn linear_act<B: Dim, I: Dim, O: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, I), E, Self, T>,
        weight: &Tensor<(O, I), E, Self>,
        bias: &Tensor<(O,), E, Self>,
        activation: Activation,
    ) -> Result<Tensor<(B, O), E, Self, T>> {
        composed(x, weight, bias, activation).map_err(device)
    }
}

/// `activation(x W' + b)`: (batch, in) to (batch, out); `weight` is (out, in), `bias` (out).
///
/// PyTorch equivalent: `torch.nn.functional.gelu(torch.nn.functional.linear(x, weight, bias))` and its like.
///
/// # Errors
/// [`Error::Shape`] where sizes known only at run time differ; a device out of memory.
///
/// # Shapes
/// The bias must be as long as the weight is tall:
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::ops::Activation;
/// let dev = Cpu::default();
/// let x: Tensor<Rank2<4, 784>, f32, _> = dev.zeros();
/// let w: Tensor<Rank2<10, 784>, f32, _> = dev.zeros();
/// let b: Tensor<Rank1<11>, f32, _> = dev.zeros();
/// selfsame::ops::linear_act(x, &w, &b, Activation::Relu);
/// ```
pub fn linear_act<B: Dim, I: Dim, O: Dim, E: Real, D: LinearActOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, I), E, D, T>,
    weight: &Tensor<(O, I), E, D>,
    bias: &Tensor<(O,), E, D>,
    activation: Activation,
) -> Result<Tensor<(B, O), E, D, T>> {
    let (outs, ins) = *weight.shape();
    if x.shape().1 != ins {
        return Err(Error::shape("input of a linear map", ins.size(), x.shape().1.size()));
    }
    if bias.shape().0 != outs {
        return Err(Error::shape("bias of a linear map", outs.size(), bias.shape().0.size()));
    }
    let _timed = op("linear act");
    D::linear_act(x, weight, bias, activation)
}

/// The same from dfdx's operations.
pub(crate) fn composed<B: Dim, I: Dim, O: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<(B, I), E, D, T>,
    weight: &Tensor<(O, I), E, D>,
    bias: &Tensor<(O,), E, D>,
    activation: Activation,
) -> std::result::Result<Tensor<(B, O), E, D, T>, D::Err> {
    let y = composed_linear(x, weight, Some(bias))?;
    match activation {
        Activation::None => Ok(y),
        Activation::Relu => activation::composed_relu(y),
        Activation::Gelu => activation::composed_gelu(y),
        Activation::GeluTanh => activation::composed_gelu_tanh(y),
    }
}

impl<E: Real> LinearActOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn linear_act<B: Dim, I: Dim, O: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, I), E, Self, T>,
        weight: &Tensor<(O, I), E, Self>,
        bias: &Tensor<(O,), E, Self>,
        activation: Activation,
    ) -> Result<Tensor<(B, O), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (batch, outs) = (x.shape().0, weight.shape().0);
        let (b, i, o) = (batch.size(), x.shape().1.size(), outs.size());
        let (xs, ws) = (kept(&x), kept(weight));
        let (y, backward) = E::linear_act(xs, ws, values(bias), activation, (b, i, o));
        let y = x.device().try_tensor_from_vec(y, (batch, outs)).map_err(device)?;
        record(&mut tape, vec![slot(&x), slot(weight), slot(bias)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`linear_act`].
    LinearActKernel {
        fn linear_act(
            x: Scratch<Self>,
            weight: Scratch<Self>,
            bias: Vec<Self>,
            activation: Activation,
            sizes: (usize, usize, usize),
        ) -> Made<Self> = run;
    }
}

/// `sizes` are the batch, the features in and those out.
fn run<E: Real>(
    xs: Scratch<E>,
    ws: Scratch<E>,
    bias: Vec<E>,
    activation: Activation,
    (b, i, o): (usize, usize, usize),
) -> Made<E> {
    let (lx, lw, ly) = (Matrix::new(b, i), Matrix::new(o, i), Matrix::new(b, o));
    let mut y = vec![E::zero(); b * o];
    matmul(&xs, lx, &ws, lw.t(), &mut y, ly, false, Threads::All);
    let mut slope = Scratch::<E>::any(y.len());
    activate(activation, &bias, &mut y, &mut slope);
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        let [gx, gw, gb] = g else { return };
        // The slopes become the gradient before the activation.
        slope.par_chunks_mut(CHUNK).zip(gy.par_chunks(CHUNK)).for_each(|(slope, gy)| {
            vectorized(
                #[inline(always)]
                || slope.iter_mut().zip(gy).for_each(|(s, g)| *s *= *g),
            );
        });
        matmul(&slope, ly, &ws, lw, gx, lx, true, Threads::All);
        matmul(&slope, ly.t(), &xs, lx, gw, lw, true, Threads::All);
        add_columns(&slope, gb);
    };
    (y, Box::new(backward))
}

/// Adds `bias` to every row of `y` and activates it; `slope` receives the derivatives.
fn activate<E: Real>(activation: Activation, bias: &[E], y: &mut [E], slope: &mut [E]) {
    match activation {
        Activation::None => each(
            bias,
            y,
            slope,
            #[inline(always)]
            |x| (x, E::one()),
        ),
        Activation::Relu => each(
            bias,
            y,
            slope,
            #[inline(always)]
            |x| relu_with_slope(x),
        ),
        Activation::Gelu => each(
            bias,
            y,
            slope,
            #[inline(always)]
            |x| gelu_with_slope(x),
        ),
        Activation::GeluTanh => each(
            bias,
            y,
            slope,
            #[inline(always)]
            |x| gelu_tanh_with_slope(x),
        ),
    }
}

fn each<E: Real>(bias: &[E], y: &mut [E], slope: &mut [E], f: impl Fn(E) -> (E, E) + Sync) {
    let width = bias.len().max(1);
    let chunk = CHUNK.div_ceil(width) * width;
    y.par_chunks_mut(chunk).zip(slope.par_chunks_mut(chunk)).for_each(|(y, slope)| {
        vectorized(
            #[inline(always)]
            || {
                for (y, slope) in y.chunks_exact_mut(width).zip(slope.chunks_exact_mut(width)) {
                    for ((y, s), b) in y.iter_mut().zip(slope).zip(bias) {
                        (*y, *s) = f(*y + *b);
                    }
                }
            },
        );
    });
}
