//! Cases of convolutions.

use dfdx::prelude::*;

use super::cases::{case, fixed};
use super::inputs::{flat, Case, Inputs, Taped};
use crate::error::{device, Error, Result};
use crate::ops::*;
use crate::ops::{conv2d, conv_stack, conv_stage, conv_transpose2d};

case!(Conv(x: [usize; 4], outs: usize, window: ConvWindow),
    vec![x.to_vec(), kernel_of(outs, x[1] / window.groups, window)],
    |i, t| { let image = i.four()?; let weight = i.four()?; let out = out_of(window.output((x[2], x[3])))?; }
    conv2d(image.put_tape(t), &weight, None, window, out),
    conv2d::composed(image.put_tape(t), &weight, None, window, out));
case!(ConvBiased(x: [usize; 4], outs: usize, window: ConvWindow),
    vec![x.to_vec(), kernel_of(outs, x[1] / window.groups, window), vec![outs]],
    |i, t| {
        let image = i.four()?;
        let weight = i.four()?;
        let bias = i.one()?;
        let out = out_of(window.output((x[2], x[3])))?;
    }
    conv2d(image.put_tape(t), &weight, Some(&bias), window, out),
    conv2d::composed(image.put_tape(t), &weight, Some(&bias), window, out));
case!(Line(x: [usize; 3], outs: usize, window: ConvWindow),
    vec![x.to_vec(), vec![outs, x[1] / window.groups, window.kernel.1], vec![outs]],
    |i, t| {
        let line = i.three()?;
        let weight = i.three()?;
        let bias = i.one()?;
        let out = out_of(window.output((1, x[2])))?.1;
    }
    conv1d(line.put_tape(t), &weight, Some(&bias), window, out),
    // There is nothing to compose it from but the convolution of an image, which has its own case.
    conv1d(line.put_tape(t), &weight, Some(&bias), window, out));
case!(LineTransposed(x: [usize; 3], outs: usize, window: ConvWindow),
    vec![x.to_vec(), vec![x[1], outs / window.groups, window.kernel.1], vec![outs]],
    |i, t| {
        let line = i.three()?;
        let weight = i.three()?;
        let bias = i.one()?;
        let out = (outs, out_of(window.transposed_output((1, x[2]), (0, 0)))?.1);
    }
    conv_transpose1d(line.put_tape(t), &weight, Some(&bias), window, out),
    conv_transpose1d(line.put_tape(t), &weight, Some(&bias), window, out));
case!(Transposed(x: [usize; 4], outs: usize, window: ConvWindow, extra: (usize, usize)),
    vec![x.to_vec(), kernel_of(x[1], outs / window.groups, window), vec![outs]],
    |i, t| {
        let image = i.four()?;
        let weight = i.four()?;
        let bias = i.one()?;
        let (height, width) = out_of(window.transposed_output((x[2], x[3]), extra))?;
        let out = (outs, height, width);
    }
    conv_transpose2d(image.put_tape(t), &weight, Some(&bias), window, out),
    conv_transpose2d::composed(image.put_tape(t), &weight, Some(&bias), window, out));
case!(ConvRelu(x: [usize; 4], outs: usize, window: ConvWindow, batch: bool),
    vec![x.to_vec(), kernel_of(outs, x[1] / window.groups, window), vec![outs], vec![outs]],
    |i, t| {
        let image = i.four()?;
        let weight = i.four()?;
        let scale = i.one()?;
        let shift = i.one()?;
        let out = out_of(window.output((x[2], x[3])))?;
        let stage = Stage { weight: &weight, scale: &scale, shift: &shift, window, eps: 1e-5 };
        let stats = fixed::<E>(outs);
        let norm = if batch { Norm::Batch } else { Norm::Fixed(&stats) };
    }
    conv_stage(image.put_tape(t), stage, norm, out).map(|y| y.0),
    conv_stage::composed(image.put_tape(t), stage, norm, out).map(|y| y.0));
case!(ConvStack(x: [usize; 4], widths: [usize; 2], windows: [ConvWindow; 2], batch: bool),
    vec![
        x.to_vec(),
        kernel_of(widths[0], x[1], windows[0]), vec![widths[0]], vec![widths[0]],
        kernel_of(widths[1], widths[0], windows[1]), vec![widths[1]], vec![widths[1]],
    ],
    |i, t| {
        let image = i.four()?;
        let weights = [(i.four()?, i.one()?, i.one()?), (i.four()?, i.one()?, i.one()?)];
        let stats = [fixed::<E>(widths[0]), fixed::<E>(widths[1])];
        let stages: Vec<_> = (0..2).map(|s| {
            let (weight, scale, shift) = &weights[s];
            let stage = Stage { weight, scale, shift, window: windows[s], eps: 1e-5 };
            (stage, if batch { Norm::Batch } else { Norm::Fixed(&stats[s]) })
        }).collect();
    }
    conv_stack(image.put_tape(t), &stages, widths[1], ImageGradient::Wanted).map(|y| y.0),
    conv_stack::composed(image.put_tape(t), &stages, widths[1]).map(|y| y.0));

/// Sizes of a kernel.
fn kernel_of(first: usize, second: usize, window: ConvWindow) -> Vec<usize> {
    vec![first, second, window.kernel.0, window.kernel.1]
}

/// Sizes that a case of ours surely has.
fn out_of(sizes: Option<(usize, usize)>) -> Result<(usize, usize)> {
    sizes.ok_or_else(|| Error::shape("convolution of a case", "room for the window", "none"))
}
