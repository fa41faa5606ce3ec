//! Convolutions along a line: those of an image of height 1.

use dfdx::prelude::*;

use super::conv2d::{conv2d, Conv2dOp};
use super::conv_transpose2d::{conv_transpose2d, ConvTranspose2dOp};
use super::{ConvWindow, Real};
use crate::error::{device, Result};

/// Convolution of (batch, in, length) with `weight` (out, in of a group, kernel) to (batch, out, `out`), plus `bias`
/// (out). The window is that of an image of height 1: a kernel of 5 with stride 2 is `ConvWindow::new(1, 5).stride(1, 2)`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::ops::{conv1d, ConvWindow};
/// let dev = Cpu::default();
/// let x: Tensor<(usize, usize, usize), f32, _> = dev.tensor_from_vec(vec![1.0, 2.0, 4.0, 8.0], (1, 1, 4));
/// let weight: Tensor<(usize, usize, usize), f32, _> = dev.tensor_from_vec(vec![-1.0, 1.0], (1, 1, 2));
/// let differences = conv1d(x, &weight, None, ConvWindow::new(1, 2), 3usize)?;
/// assert_eq!(differences.as_vec(), [1.0, 2.0, 4.0]);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// PyTorch equivalent: `torch.nn.functional.conv1d(x, weight, bias, stride, padding, dilation, groups)`.
///
/// # Errors
/// As [`conv2d`].
pub fn conv1d<
    B: Dim,
    C: Dim,
    L: Dim,
    O: Dim,
    I: Dim,
    K: Dim,
    OL: Dim,
    E: Real,
    D: Conv2dOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, L), E, D, T>,
    weight: &Tensor<(O, I, K), E, D>,
    bias: Option<&Tensor<(O,), E, D>>,
    window: ConvWindow,
    out: OL,
) -> Result<Tensor<(B, O, OL), E, D, T>> {
    let (x, weight) = planes(x, weight).map_err(device)?;
    let y = conv2d(x, &weight, bias, window, (Const::<1>, out))?;
    let (batch, outs, _, _) = *y.shape();
    y.try_reshape_like(&(batch, outs, out)).map_err(device)
}

/// Transposed convolution of (batch, in, length) with `weight` (in, out of a group, kernel) to (batch, `out.0`, `out.1`),
/// plus `bias` (out); the window as for [`conv1d`].
///
/// PyTorch equivalent: `torch.nn.functional.conv_transpose1d(x, weight, bias, stride, padding, output_padding, groups,
/// dilation)`.
///
/// # Errors
/// As [`conv_transpose2d`].
pub fn conv_transpose1d<
    B: Dim,
    C: Dim,
    L: Dim,
    I: Dim,
    K: Dim,
    O: Dim,
    OL: Dim,
    E: Real,
    D: ConvTranspose2dOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, L), E, D, T>,
    weight: &Tensor<(C, I, K), E, D>,
    bias: Option<&Tensor<(O,), E, D>>,
    window: ConvWindow,
    out: (O, OL),
) -> Result<Tensor<(B, O, OL), E, D, T>> {
    let (x, weight) = planes(x, weight).map_err(device)?;
    let y = conv_transpose2d(x, &weight, bias, window, (out.0, Const::<1>, out.1))?;
    let batch = y.shape().0;
    y.try_reshape_like(&(batch, out.0, out.1)).map_err(device)
}

type Plane<A, B, C, E, D, T = NoneTape> = Tensor<(A, B, Const<1>, C), E, D, T>;

/// A line and a kernel as an image and a kernel of height 1.
fn planes<B: Dim, C: Dim, L: Dim, O: Dim, I: Dim, K: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<(B, C, L), E, D, T>,
    weight: &Tensor<(O, I, K), E, D>,
) -> std::result::Result<(Plane<B, C, L, E, D, T>, Plane<O, I, K, E, D>), D::Err> {
    let ((b, c, l), (o, i, k)) = (*x.shape(), *weight.shape());
    let (x, tape) = x.split_tape();
    // On the tape before it is reshaped: reshaping a permuted tensor is an operation, not a view.
    let weight = weight.clone().put_tape(tape).try_reshape_like(&(o, i, Const, k))?;
    let (weight, tape) = weight.split_tape();
    Ok((x.put_tape(tape).try_reshape_like(&(b, c, Const, l))?, weight))
}
