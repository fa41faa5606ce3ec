//! Two-dimensional convolution.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::conv_plan::{add_channels_first, channels_first, channels_last, Plan};
use super::conv_taps::{add_bias, over_taps, Taps};
use super::conv_window::{check_bias, check_window, kernel_sizes};
use super::kernels::{kernels, Made};
use super::{ConvWindow, Real};
use crate::error::{device, Result};
use crate::tape::{kept, profile::op, record, slot, values, Scratch};

/// Devices with [`conv2d`].
pub trait Conv2dOp<E: Real>: Device<E> {
    /// See [`conv2d`]; sizes are already checked.
    fn conv2d<
        B: Dim,
        C: Dim,
        H: Dim,
        W: Dim,
        O: Dim,
        I: Dim,
        KH: Dim,
        KW: Dim,
        OH: Dim,
        OW: Dim,
        T: Tape<E, Self>,
    >(
        x: Tensor<(B, C, H, W), E, Self, T>,
        weight: &Tensor<(O, I, KH, KW), E, Self>,
        bias: Option<&Tensor<(O,), E, Self>>,
        window: ConvWindow,
        out: (OH, OW),
    ) -> Result<Tensor<(B, O, OH, OW), E, Self, T>> {
        composed(x, weight, bias, window, out).map_err(device)
    }
}

/// Convolution (cross-correlation) of (batch, in, height, width) with `weight` (out, in of a group, kernel height, kernel
/// width) to (batch, out, `out.0`, `out.1`), plus `bias` (out).
///
/// Without groups every output channel sees every input channel. With as many groups as channels (depthwise) each sees
/// one. `out` must be what [`ConvWindow::output`] gives; [`Conv2d`](crate::nn::Conv2d) checks that while compiling.
///
/// PyTorch equivalent: `torch.nn.functional.conv2d(x, weight, bias, stride, padding, dilation, groups)`.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when the kernel is larger than the padded image, is not the window's or takes
/// another number of channels, the groups do not divide the channels, or `out` is not the size the window gives; a device
/// out of memory.
pub fn conv2d<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    O: Dim,
    I: Dim,
    KH: Dim,
    KW: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: Conv2dOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    weight: &Tensor<(O, I, KH, KW), E, D>,
    bias: Option<&Tensor<(O,), E, D>>,
    window: ConvWindow,
    out: (OH, OW),
) -> Result<Tensor<(B, O, OH, OW), E, D, T>> {
    let sizes = kernel_sizes(weight.shape());
    check_window(x.shape(), sizes, window, (out.0.size(), out.1.size()))?;
    check_bias(bias.map(|b| b.shape().0.size()), sizes.0)?;
    let _timed = op("conv2d");
    D::conv2d(x, weight, bias, window, out)
}

/// The same from dfdx's operations: gather the taps as rows, blank those in the padding, a matrix product a group.
pub(crate) fn composed<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    O: Dim,
    I: Dim,
    KH: Dim,
    KW: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: Device<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    weight: &Tensor<(O, I, KH, KW), E, D>,
    bias: Option<&Tensor<(O,), E, D>>,
    window: ConvWindow,
    out: (OH, OW),
) -> std::result::Result<Tensor<(B, O, OH, OW), E, D, T>, D::Err> {
    let (_, _, h, w) = *x.shape();
    let (outs, ins, kh, kw) = kernel_sizes(weight.shape());
    let groups = window.groups;
    let taps = Taps::forward((h.size(), w.size()), (out.0.size(), out.1.size()), window);
    let (x, tape) = x.split_tape();
    // On the tape before it is reshaped: reshaping a permuted tensor is an operation, not a view.
    let kernel = weight.clone().put_tape(tape);
    let kernel = kernel.try_reshape_like(&(groups, outs / groups, ins * kh * kw))?;
    let y = over_taps(x, kernel, &taps, (weight.shape().0, out.0, out.1))?;
    add_bias(y, bias)
}

impl<E: Real> Conv2dOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn conv2d<
        B: Dim,
        C: Dim,
        H: Dim,
        W: Dim,
        O: Dim,
        I: Dim,
        KH: Dim,
        KW: Dim,
        OH: Dim,
        OW: Dim,
        T: Tape<E, Self>,
    >(
        x: Tensor<(B, C, H, W), E, Self, T>,
        weight: &Tensor<(O, I, KH, KW), E, Self>,
        bias: Option<&Tensor<(O,), E, Self>>,
        window: ConvWindow,
        out: (OH, OW),
    ) -> Result<Tensor<(B, O, OH, OW), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (batch, c, h, w) = *x.shape();
        let outs = weight.shape().0;
        let plan = Plan {
            image: (h.size(), w.size()),
            channels: c.size(),
            out: (out.0.size(), out.1.size()),
            outs: outs.size(),
            window,
        };
        let (y, backward) = E::conv2d(kept(&x), values(weight), bias.map(values), plan, batch.size());
        let y = x.device().try_tensor_from_vec(y, (batch, outs, out.0, out.1)).map_err(device)?;
        let mut inputs = vec![slot(&x), slot(weight)];
        inputs.extend(bias.map(slot));
        record(&mut tape, inputs, slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`conv2d`].
    Conv2dKernel {
        fn conv2d(
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
    let y = forward(&plan, &xs, &plan.by_tap(&by_output), bias.as_deref(), batch);
    let to_inputs = move |gy: &[E], g: &mut [Vec<E>]| {
        if let [gx, gw, rest @ ..] = g {
            backward(&plan, &xs, &by_output, gy, gx, gw);
            if let Some(gb) = rest.first_mut() {
                bias_gradient(gy, plan.pixels(), gb);
            }
        }
    };
    (y, Box::new(to_inputs))
}

/// All samples, channels first on both sides.
fn forward<E: Real>(plan: &Plan, x: &[E], by_tap: &[E], bias: Option<&[E]>, batch: usize) -> Vec<E> {
    let (block, len, out_len) = (plan.block(), plan.image_len().max(1), plan.out_len().max(1));
    let mut y = vec![E::zero(); batch * plan.out_len()];
    y.par_chunks_mut(block * out_len).zip(x.par_chunks(block * len)).for_each_init(
        || (Scratch::any(block * len), Scratch::any(plan.columns_len(block)), Scratch::any(block * out_len)),
        |(last, columns, result), (y, x)| {
            let (last, result) = (&mut last[..x.len()], &mut result[..y.len()]);
            channels_last(x, (plan.channels, plan.places()), last);
            plan.forward(last, by_tap, columns, result);
            channels_first(result, (plan.outs, plan.pixels()), y);
            if let Some(bias) = bias {
                for (i, y) in y.chunks_exact_mut(plan.pixels()).enumerate() {
                    y.iter_mut().for_each(|y| *y += bias[i % plan.outs]);
                }
            }
        },
    );
    y
}

/// Adds the gradients of image and weights, channels first.
fn backward<E: Real>(plan: &Plan, x: &[E], by_output: &[E], gy: &[E], gx: &mut [E], gw: &mut [E]) {
    let (group, block) = (plan.group(), plan.block());
    let (len, out_len) = (plan.image_len().max(1), plan.out_len().max(1));
    let parts: Vec<Scratch<E>> = gx
        .par_chunks_mut(group * len)
        .zip(x.par_chunks(group * len))
        .zip(gy.par_chunks(group * out_len))
        .map(|((gx, x), gy)| {
            let (mut last, mut g) = (Scratch::any(block * len), Scratch::any(block * out_len));
            let mut columns = Scratch::any(plan.columns_len(block));
            let mut sum = Scratch::any(plan.weight_len());
            let blocks =
                gx.chunks_mut(block * len).zip(x.chunks(block * len)).zip(gy.chunks(block * out_len));
            for (i, ((gx, x), gy)) in blocks.enumerate() {
                let (last, g) = (&mut last[..x.len()], &mut g[..gy.len()]);
                channels_last(x, (plan.channels, plan.places()), last);
                channels_last(gy, (plan.outs, plan.pixels()), g);
                plan.weight_gradient(last, g, &mut columns, &mut sum, i > 0);
                plan.image_gradient(g, by_output, &mut columns, last);
                add_channels_first(last, (plan.channels, plan.places()), gx);
            }
            sum
        })
        .collect();
    plan.add_parts(&parts, gw);
}

/// Adds the sum over all samples and pixels to each channel's.
pub(super) fn bias_gradient<E: Real>(gy: &[E], pixels: usize, gb: &mut [E]) {
    let outs = gb.len();
    gb.par_iter_mut().enumerate().for_each(|(o, gb)| {
        let channel = gy.chunks_exact(pixels.max(1)).skip(o).step_by(outs);
        *gb += channel.map(|g| super::vectorized(|| super::sum(g))).sum::<E>();
    });
}
