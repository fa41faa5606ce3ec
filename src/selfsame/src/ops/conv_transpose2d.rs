//! Two-dimensional transposed convolution.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::conv2d::bias_gradient;
use super::conv_plan::{add_channels_first, channels_first, channels_last, Plan};
use super::conv_taps::{add_bias, over_taps, Taps};
use super::conv_window::{check_bias, check_transposed, kernel_sizes};
use super::kernels::{kernels, Made};
use super::{ConvWindow, Real};
use crate::error::{device, Result};
use crate::tape::{kept, record, slot, values, Scratch};

/// Devices with [`conv_transpose2d`].
pub trait ConvTranspose2dOp<E: Real>: Device<E> {
    /// See [`conv_transpose2d`]; sizes are already checked.
    fn conv_transpose2d<
        B: Dim,
        C: Dim,
        H: Dim,
        W: Dim,
        I: Dim,
        KH: Dim,
        KW: Dim,
        O: Dim,
        OH: Dim,
        OW: Dim,
        T: Tape<E, Self>,
    >(
        x: Tensor<(B, C, H, W), E, Self, T>,
        weight: &Tensor<(C, I, KH, KW), E, Self>,
        bias: Option<&Tensor<(O,), E, Self>>,
        window: ConvWindow,
        out: (O, OH, OW),
    ) -> Result<Tensor<(B, O, OH, OW), E, Self, T>> {
        composed(x, weight, bias, window, out).map_err(device)
    }
}

/// Transposed convolution, the gradient of a [`conv2d`](super::conv2d) with respect to its image: (batch, in, height,
/// width) with `weight` (in, out of a group, kernel height, kernel width) to (batch, `out.0`, `out.1`, `out.2`), plus
/// `bias` (out).
///
/// Every value of the input adds a multiple of the kernel to the output; the window says where. `out.1` and `out.2` must
/// be what [`ConvWindow::transposed_output`] gives for some extra rows and columns (PyTorch's output padding) below the
/// stride or the dilation.
///
/// PyTorch equivalent: `torch.nn.functional.conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups,
/// dilation)`.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when the kernel is not the window's or takes another number of channels, the
/// groups do not divide the channels, or `out` is not a size the window gives; a device out of memory.
pub fn conv_transpose2d<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    I: Dim,
    KH: Dim,
    KW: Dim,
    O: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: ConvTranspose2dOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    weight: &Tensor<(C, I, KH, KW), E, D>,
    bias: Option<&Tensor<(O,), E, D>>,
    window: ConvWindow,
    out: (O, OH, OW),
) -> Result<Tensor<(B, O, OH, OW), E, D, T>> {
    let found = (out.0.size(), out.1.size(), out.2.size());
    check_transposed(x.shape(), kernel_sizes(weight.shape()), window, found)?;
    check_bias(bias.map(|b| b.shape().0.size()), out.0.size())?;
    D::conv_transpose2d(x, weight, bias, window, out)
}

/// The same from dfdx's operations: gather for every output pixel the inputs whose kernel reaches it, then a matrix
/// product a group.
pub(crate) fn composed<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    I: Dim,
    KH: Dim,
    KW: Dim,
    O: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: Device<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    weight: &Tensor<(C, I, KH, KW), E, D>,
    bias: Option<&Tensor<(O,), E, D>>,
    window: ConvWindow,
    out: (O, OH, OW),
) -> std::result::Result<Tensor<(B, O, OH, OW), E, D, T>, D::Err> {
    let (_, _, h, w) = *x.shape();
    let (c, outs, kh, kw) = kernel_sizes(weight.shape());
    let (groups, taps) = (window.groups, kh * kw);
    let places = Taps::transposed((h.size(), w.size()), (out.1.size(), out.2.size()), window);
    let (x, tape) = x.split_tape();
    let kernel = weight.clone().put_tape(tape).try_reshape_like(&(groups, c / groups, outs, taps))?;
    let kernel = kernel.try_permute::<(usize, usize, usize, usize), Axes4<0, 2, 1, 3>>()?;
    let kernel = kernel.try_reshape_like(&(groups, outs, c / groups * taps))?;
    add_bias(over_taps(x, kernel, &places, out)?, bias)
}

impl<E: Real> ConvTranspose2dOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn conv_transpose2d<
        B: Dim,
        C: Dim,
        H: Dim,
        W: Dim,
        I: Dim,
        KH: Dim,
        KW: Dim,
        O: Dim,
        OH: Dim,
        OW: Dim,
        T: Tape<E, Self>,
    >(
        x: Tensor<(B, C, H, W), E, Self, T>,
        weight: &Tensor<(C, I, KH, KW), E, Self>,
        bias: Option<&Tensor<(O,), E, Self>>,
        window: ConvWindow,
        out: (O, OH, OW),
    ) -> Result<Tensor<(B, O, OH, OW), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (batch, c, h, w) = *x.shape();
        // The convolution this is the transpose of: our output is its image.
        let plan = Plan {
            image: (out.1.size(), out.2.size()),
            channels: out.0.size(),
            out: (h.size(), w.size()),
            outs: c.size(),
            window,
        };
        let (y, backward) =
            E::conv_transpose2d(kept(&x), values(weight), bias.map(values), plan, batch.size());
        let y = x.device().try_tensor_from_vec(y, (batch, out.0, out.1, out.2)).map_err(device)?;
        let mut inputs = vec![slot(&x), slot(weight)];
        inputs.extend(bias.map(slot));
        record(&mut tape, inputs, slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`conv_transpose2d`].
    ConvTranspose2dKernel {
        fn conv_transpose2d(
            x: Scratch<Self>,
            weight: Vec<Self>,
            bias: Option<Vec<Self>>,
            plan: Plan,
            batch: usize,
        ) -> Made<Self> = run;
    }
}

fn run<E: Real>(xs: Scratch<E>, weight: Vec<E>, bias: Option<Vec<E>>, plan: Plan, batch: usize) -> Made<E> {
    let by_output = plan.by_output(&weight);
    let y = forward(&plan, &xs, &by_output, bias.as_deref(), batch);
    let to_inputs = move |gy: &[E], g: &mut [Vec<E>]| {
        if let [gx, gw, rest @ ..] = g {
            backward(&plan, &xs, &plan.by_tap(&by_output), gy, gx, gw);
            if let Some(gb) = rest.first_mut() {
                bias_gradient(gy, plan.places(), gb);
            }
        }
    };
    (y, Box::new(to_inputs))
}

/// All samples, channels first on both sides.
fn forward<E: Real>(plan: &Plan, x: &[E], by_output: &[E], bias: Option<&[E]>, batch: usize) -> Vec<E> {
    let (block, len, small) = (plan.block(), plan.image_len().max(1), plan.out_len().max(1));
    let mut y = vec![E::zero(); batch * plan.image_len()];
    y.par_chunks_mut(block * len).zip(x.par_chunks(block * small)).for_each_init(
        || (Scratch::any(block * small), Scratch::any(plan.columns_len(block)), Scratch::any(block * len)),
        |(last, columns, result), (y, x)| {
            let (last, result) = (&mut last[..x.len()], &mut result[..y.len()]);
            channels_last(x, (plan.outs, plan.pixels()), last);
            plan.image_gradient(last, by_output, columns, result);
            channels_first(result, (plan.channels, plan.places()), y);
            if let Some(bias) = bias {
                for (i, y) in y.chunks_exact_mut(plan.places()).enumerate() {
                    y.iter_mut().for_each(|y| *y += bias[i % plan.channels]);
                }
            }
        },
    );
    y
}

/// Adds the gradients of input and weights, channels first.
fn backward<E: Real>(plan: &Plan, x: &[E], by_tap: &[E], gy: &[E], gx: &mut [E], gw: &mut [E]) {
    let (group, block) = (plan.group(), plan.block());
    let (len, small) = (plan.image_len().max(1), plan.out_len().max(1));
    let parts: Vec<Scratch<E>> = gx
        .par_chunks_mut(group * small)
        .zip(x.par_chunks(group * small))
        .zip(gy.par_chunks(group * len))
        .map(|((gx, x), gy)| {
            let (mut last, mut g) = (Scratch::any(block * small), Scratch::any(block * len));
            let mut columns = Scratch::any(plan.columns_len(block));
            let mut sum = Scratch::any(plan.weight_len());
            let blocks =
                gx.chunks_mut(block * small).zip(x.chunks(block * small)).zip(gy.chunks(block * len));
            for (i, ((gx, x), gy)) in blocks.enumerate() {
                let (last, g) = (&mut last[..x.len()], &mut g[..gy.len()]);
                channels_last(x, (plan.outs, plan.pixels()), last);
                channels_last(gy, (plan.channels, plan.places()), g);
                plan.weight_gradient(g, last, &mut columns, &mut sum, i > 0);
                plan.forward(g, by_tap, &mut columns, last);
                add_channels_first(last, (plan.outs, plan.pixels()), gx);
            }
            sum
        })
        .collect();
    plan.add_parts(&parts, gw);
}
