//! Elementwise non-linearities.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::nonlinearity::{
    gelu_tanh_with_slope, gelu_with_slope, log_sigmoid_with_slope, relu_with_slope, silu_with_slope,
    softplus_with_slope,
};
use super::{vectorized, Activation, Real};
use crate::error::{device, Result};
use crate::tape::{profile::op, record, slot, values};

/// Elements a task works on: large enough to outweigh handing it to a thread.
const CHUNK: usize = 1 << 14;
/// The normal density at 0, `1 / sqrt(2 pi)`.
const DENSITY_AT_0: f64 = 0.398_942_280_401_432_7;

/// Devices with [`relu`], [`gelu`], [`gelu_tanh`], [`silu`], [`softplus`] and [`log_sigmoid`].
pub trait ActivationOp<E: Real>: Device<E> {
    /// See [`relu`].
    fn relu<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        composed_relu(x).map_err(device)
    }
    /// See [`gelu`].
    fn gelu<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        composed_gelu(x).map_err(device)
    }
    /// See [`gelu_tanh`].
    fn gelu_tanh<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        composed_gelu_tanh(x).map_err(device)
    }
    /// See [`silu`].
    fn silu<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        composed_silu(x).map_err(device)
    }
    /// See [`softplus`].
    fn softplus<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        composed_softplus(x).map_err(device)
    }
    /// See [`log_sigmoid`].
    fn log_sigmoid<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        composed_log_sigmoid(x).map_err(device)
    }
}

/// `max(x, 0)`, any shape. The gradient at 0 is 0.
///
/// PyTorch equivalent: `torch.nn.functional.relu(x)`.
///
/// # Errors
/// The device is out of memory.
pub fn relu<S: Shape, E: Real, D: ActivationOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> Result<Tensor<S, E, D, T>> {
    let _timed = op("relu");
    D::relu(x)
}

/// `x * Phi(x)` with the exact normal distribution function, any shape (Hendrycks and Gimpel 2016).
///
/// PyTorch equivalent: `torch.nn.functional.gelu(x)`.
///
/// # Errors
/// The device is out of memory.
pub fn gelu<S: Shape, E: Real, D: ActivationOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> Result<Tensor<S, E, D, T>> {
    let _timed = op("gelu");
    D::gelu(x)
}

/// GELU's approximation by tanh, `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`, any shape (Hendrycks and Gimpel 2016;
/// what GPT-2 uses).
///
/// PyTorch equivalent: `torch.nn.functional.gelu(x, approximate="tanh")`.
///
/// # Errors
/// The device is out of memory.
pub fn gelu_tanh<S: Shape, E: Real, D: ActivationOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> Result<Tensor<S, E, D, T>> {
    let _timed = op("gelu tanh");
    D::gelu_tanh(x)
}

/// `x / (1 + exp(-x))`, any shape (Elfwing et al. 2017, arXiv 1702.03118); also called swish.
///
/// PyTorch equivalent: `torch.nn.functional.silu(x)`.
///
/// # Errors
/// The device is out of memory.
pub fn silu<S: Shape, E: Real, D: ActivationOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> Result<Tensor<S, E, D, T>> {
    let _timed = op("silu");
    D::silu(x)
}

/// `log(1 + exp(x))`, any shape; stable on both sides.
///
/// PyTorch equivalent: `torch.nn.functional.softplus(x)`.
///
/// # Errors
/// The device is out of memory.
pub fn softplus<S: Shape, E: Real, D: ActivationOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> Result<Tensor<S, E, D, T>> {
    let _timed = op("softplus");
    D::softplus(x)
}

/// `-log(1 + exp(-x))`, any shape; stable on both sides.
///
/// PyTorch equivalent: `torch.nn.functional.logsigmoid(x)`.
///
/// # Errors
/// The device is out of memory.
pub fn log_sigmoid<S: Shape, E: Real, D: ActivationOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> Result<Tensor<S, E, D, T>> {
    let _timed = op("log sigmoid");
    D::log_sigmoid(x)
}

/// The activation named, any shape.
///
/// PyTorch equivalent: `torch.nn.functional.relu(x)` and its like.
///
/// # Errors
/// The device is out of memory.
pub fn activate<S: Shape, E: Real, D: ActivationOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
    activation: Activation,
) -> Result<Tensor<S, E, D, T>> {
    match activation {
        Activation::None => Ok(x),
        Activation::Relu => relu(x),
        Activation::Gelu => gelu(x),
        Activation::GeluTanh => gelu_tanh(x),
    }
}

/// [`relu`] from dfdx's operations.
pub(crate) fn composed_relu<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> std::result::Result<Tensor<S, E, D, T>, D::Err> {
    x.try_relu()
}

/// [`gelu`] from dfdx's operations.
pub(crate) fn composed_gelu<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> std::result::Result<Tensor<S, E, D, T>, D::Err> {
    // dfdx 0.13's derivative is Phi + sqrt(2) x density where Phi + x density is right. What is too much is the negative
    // derivative of (sqrt(2) - 1) density, which is added for its gradient and subtracted again as a constant.
    let (x, tape) = x.split_tape();
    let excess = (std::f64::consts::SQRT_2 - 1.0) * DENSITY_AT_0;
    let density = x.clone().put_tape(tape).try_square()?.try_mul(E::of(-0.5))?.try_exp()?;
    let density = density.try_mul(E::of(excess))?;
    let constant = density.retaped::<NoneTape>().try_mul(E::one())?;
    let (nothing, tape) = density.try_sub(constant)?.split_tape();
    x.put_tape(tape).try_accurate_gelu()?.try_add(nothing)
}

/// [`gelu_tanh`] from dfdx's operations.
pub(crate) fn composed_gelu_tanh<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> std::result::Result<Tensor<S, E, D, T>, D::Err> {
    x.try_fast_gelu()
}

/// [`silu`] from dfdx's operations.
pub(crate) fn composed_silu<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> std::result::Result<Tensor<S, E, D, T>, D::Err> {
    let (x, tape) = x.split_tape();
    x.clone().put_tape(tape).try_sigmoid()?.try_mul(x)
}

/// [`softplus`] from dfdx's operations: `max(x, 0) + log(1 + exp(-|x|))`.
pub(crate) fn composed_softplus<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> std::result::Result<Tensor<S, E, D, T>, D::Err> {
    let (x, tape) = x.split_tape();
    let beyond = x.clone().put_tape(tape).try_abs()?.try_negate()?.try_exp()?.try_add(E::one())?.try_ln()?;
    let (beyond, tape) = beyond.split_tape();
    x.put_tape(tape).try_relu()?.try_add(beyond)
}

/// [`log_sigmoid`] from dfdx's operations.
pub(crate) fn composed_log_sigmoid<S: Shape, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
) -> std::result::Result<Tensor<S, E, D, T>, D::Err> {
    composed_softplus(x.try_negate()?)?.try_negate()
}

impl<E: Real> ActivationOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn relu<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        elementwise(x, E::relu_values)
    }
    fn gelu<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        elementwise(x, E::gelu_values)
    }
    fn gelu_tanh<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        elementwise(x, E::gelu_tanh_values)
    }
    fn silu<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        elementwise(x, E::silu_values)
    }
    fn softplus<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        elementwise(x, E::softplus_values)
    }
    fn log_sigmoid<S: Shape, T: Tape<E, Self>>(x: Tensor<S, E, Self, T>) -> Result<Tensor<S, E, Self, T>> {
        elementwise(x, E::log_sigmoid_values)
    }
}

/// `x` through a kernel that works on each number by itself.
fn elementwise<S: Shape, E: Real, T: Tape<E, Cpu>>(
    x: Tensor<S, E, Cpu, T>,
    kernel: impl Fn(Vec<E>) -> Made<E>,
) -> Result<Tensor<S, E, Cpu, T>>
where
    Cpu: Device<E>,
{
    let (x, mut tape) = x.split_tape();
    let (y, backward) = kernel(values(&x));
    let y = x.device().try_tensor_from_vec(y, *x.shape()).map_err(device)?;
    record(&mut tape, vec![slot(&x)], slot(&y), backward);
    Ok(y.put_tape(tape))
}

kernels! {
    /// The kernels of the activations.
    ActivationKernels {
        fn relu_values(x: Vec<Self>) -> Made<Self> = run_relu;
        fn gelu_values(x: Vec<Self>) -> Made<Self> = run_gelu;
        fn gelu_tanh_values(x: Vec<Self>) -> Made<Self> = run_gelu_tanh;
        fn silu_values(x: Vec<Self>) -> Made<Self> = run_silu;
        fn softplus_values(x: Vec<Self>) -> Made<Self> = run_softplus;
        fn log_sigmoid_values(x: Vec<Self>) -> Made<Self> = run_log_sigmoid;
    }
}

fn run_relu<E: Real>(x: Vec<E>) -> Made<E> {
    each(
        x,
        #[inline(always)]
        |x| relu_with_slope(x),
    )
}

fn run_gelu<E: Real>(x: Vec<E>) -> Made<E> {
    each(
        x,
        #[inline(always)]
        |x| gelu_with_slope(x),
    )
}

fn run_gelu_tanh<E: Real>(x: Vec<E>) -> Made<E> {
    each(
        x,
        #[inline(always)]
        |x| gelu_tanh_with_slope(x),
    )
}

fn run_silu<E: Real>(x: Vec<E>) -> Made<E> {
    each(
        x,
        #[inline(always)]
        |x| silu_with_slope(x),
    )
}

fn run_softplus<E: Real>(x: Vec<E>) -> Made<E> {
    each(
        x,
        #[inline(always)]
        |x| softplus_with_slope(x),
    )
}

fn run_log_sigmoid<E: Real>(x: Vec<E>) -> Made<E> {
    each(
        x,
        #[inline(always)]
        |x| log_sigmoid_with_slope(x),
    )
}

/// `f` of every element, where `f` gives the value and its slope; the one that is not needed costs nothing.
fn each<E: Real>(xs: Vec<E>, f: impl Fn(E) -> (E, E) + Sync + 'static) -> Made<E> {
    let mut y = vec![E::zero(); xs.len()];
    y.par_chunks_mut(CHUNK).zip(xs.par_chunks(CHUNK)).for_each(|(y, x)| {
        vectorized(
            #[inline(always)]
            || y.iter_mut().zip(x).for_each(|(y, x)| *y = f(*x).0),
        );
    });
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        g[0].par_chunks_mut(CHUNK).zip(gy.par_chunks(CHUNK)).zip(xs.par_chunks(CHUNK)).for_each(
            |((gx, gy), x)| {
                vectorized(
                    #[inline(always)]
                    || gx.iter_mut().zip(gy).zip(x).for_each(|((gx, gy), x)| *gx += *gy * f(*x).1),
                );
            },
        );
    };
    (y, Box::new(backward))
}
