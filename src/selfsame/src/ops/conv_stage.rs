//! Convolution, batch norm and ReLU as one operation.

use dfdx::prelude::*;

use super::conv_passes::{Layer, Output, Stack, StageGradient};
use super::conv_plan::Plan;
use super::conv_window::{check_window, kernel_sizes};
use super::kernels::kernels;
use super::{ActivationOp, BatchNormOp, BatchStats, Conv2dOp, ConvWindow, Norm, Real};
use crate::error::{device, Error, Result};
use crate::tape::{kept, profile::op, record, slot, values, BackwardFn, Scratch, Slot};

/// The parameters of a stage.
#[derive(Debug)]
pub struct Stage<'p, C: Dim, O: Dim, K: Dim, E: Real, D: Device<E>> {
    /// Kernel (out, in, kernel, kernel).
    pub weight: &'p Tensor<(O, C, K, K), E, D>,
    /// Scale of each output channel.
    pub scale: &'p Tensor<(O,), E, D>,
    /// Shift of each output channel.
    pub shift: &'p Tensor<(O,), E, D>,
    /// How the kernel moves.
    pub window: ConvWindow,
    /// Added to the variance (1e-5).
    pub eps: f64,
}

// Not derived: that would ask the device to be `Copy` too.
impl<C: Dim, O: Dim, K: Dim, E: Real, D: Device<E>> Copy for Stage<'_, C, O, K, E, D> {}
impl<C: Dim, O: Dim, K: Dim, E: Real, D: Device<E>> Clone for Stage<'_, C, O, K, E, D> {
    fn clone(&self) -> Self {
        *self
    }
}

/// Devices with [`conv_stage`].
pub trait ConvStageOp<E: Real>: Conv2dOp<E> + BatchNormOp<E> + ActivationOp<E> {
    /// See [`conv_stage`]; sizes are already checked.
    fn conv_stage<B: Dim, C: Dim, H: Dim, W: Dim, O: Dim, K: Dim, OH: Dim, OW: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        stage: Stage<'_, C, O, K, E, Self>,
        norm: Norm<'_, E>,
        out: (OH, OW),
    ) -> Result<(Tensor<(B, O, OH, OW), E, Self, T>, BatchStats<E>)> {
        composed(x, stage, norm, out)
    }
}

/// `relu(batch_norm(conv2d(x)))` and the statistics that normalised: (batch, in, height, width) to
/// (batch, out, `out.0`, `out.1`).
///
/// Equal to [`conv2d`](super::conv2d), [`batch_norm`](super::batch_norm) and [`relu`](super::relu) in a row, up to rounding.
///
/// PyTorch equivalent: `relu(batch_norm(conv2d(x, weight, ...), ..., scale, shift))`.
///
/// # Errors
/// As [`conv2d`](super::conv2d) and [`batch_norm`](super::batch_norm).
pub fn conv_stage<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    O: Dim,
    K: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: ConvStageOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    stage: Stage<'_, C, O, K, E, D>,
    norm: Norm<'_, E>,
    out: (OH, OW),
) -> Result<(Tensor<(B, O, OH, OW), E, D, T>, BatchStats<E>)> {
    let weight = kernel_sizes(stage.weight.shape());
    check_window(x.shape(), weight, stage.window, (out.0.size(), out.1.size()))?;
    check_norm(weight.0, &stage, norm)?;
    let _timed = op("conv stage");
    D::conv_stage(x, stage, norm, out)
}

/// Checks a stage's norm against its `outs` channels.
pub(super) fn check_norm<C: Dim, O: Dim, K: Dim, E: Real, D: Device<E>>(
    outs: usize,
    stage: &Stage<'_, C, O, K, E, D>,
    norm: Norm<'_, E>,
) -> Result<()> {
    let mut found = vec![stage.scale.shape().0.size(), stage.shift.shape().0.size()];
    if let Norm::Fixed(stats) = norm {
        found.extend([stats.mean.len(), stats.variance.len()]);
    }
    match found.into_iter().find(|n| *n != outs) {
        Some(other) => Err(Error::shape("channels of a batch norm", outs, other)),
        None => Ok(()),
    }
}

/// The same from three operations.
pub(crate) fn composed<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    O: Dim,
    K: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: Conv2dOp<E> + BatchNormOp<E> + ActivationOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    stage: Stage<'_, C, O, K, E, D>,
    norm: Norm<'_, E>,
    out: (OH, OW),
) -> Result<(Tensor<(B, O, OH, OW), E, D, T>, BatchStats<E>)> {
    let y = D::conv2d(x, stage.weight, None, stage.window, out)?;
    let (y, stats) = D::batch_norm(y, stage.scale, stage.shift, norm, stage.eps)?;
    Ok((D::relu(y)?, stats))
}

impl<E: Real> ConvStageOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn conv_stage<B: Dim, C: Dim, H: Dim, W: Dim, O: Dim, K: Dim, OH: Dim, OW: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        stage: Stage<'_, C, O, K, E, Self>,
        norm: Norm<'_, E>,
        out: (OH, OW),
    ) -> Result<(Tensor<(B, O, OH, OW), E, Self, T>, BatchStats<E>)> {
        let shape = (x.shape().0, stage.weight.shape().0, out.0, out.1);
        let mut layers = Layers::from(x.shape());
        layers.push(stage, norm, (out.0.size(), out.1.size()));
        let (y, mut stats) = layers.run(x, Output::Images, shape, true)?;
        Ok((y, stats.swap_remove(0)))
    }
}

/// Stages with their places on the tape, sizes checked.
pub(super) struct Layers<E: Real> {
    /// Channels and size of what the next stage reads.
    next: (usize, (usize, usize)),
    layers: Vec<Layer<E>>,
    slots: Vec<Slot<E>>,
}

impl<E: Real> Layers<E>
where
    Cpu: Device<E>,
{
    /// No stages yet, for images of this shape.
    pub(super) fn from<B: Dim, C: Dim, H: Dim, W: Dim>(image: &(B, C, H, W)) -> Self {
        let size = (image.2.size(), image.3.size());
        Layers { next: (image.1.size(), size), layers: Vec::new(), slots: Vec::new() }
    }

    pub(super) fn push<C: Dim, O: Dim, K: Dim>(
        &mut self,
        stage: Stage<'_, C, O, K, E, Cpu>,
        norm: Norm<'_, E>,
        out: (usize, usize),
    ) {
        let (channels, image) = self.next;
        let outs = stage.weight.shape().0.size();
        self.next = (outs, out);
        self.slots.extend([slot(stage.weight), slot(stage.scale), slot(stage.shift)]);
        self.layers.push(Layer {
            plan: Plan { image, channels, out, outs, window: stage.window },
            weight: values(stage.weight),
            scale: values(stage.scale),
            shift: values(stage.shift),
            eps: stage.eps,
            fixed: match norm {
                Norm::Batch => None,
                Norm::Fixed(stats) => Some(stats.clone()),
            },
        });
    }

    /// All stages on `x`, to an output of the given shape, recorded; `differentiable` asks for the gradient of `x` too.
    pub(super) fn run<B: Dim, C: Dim, H: Dim, W: Dim, S: Shape, T: Tape<E, Cpu>>(
        self,
        x: Tensor<(B, C, H, W), E, Cpu, T>,
        output: Output,
        shape: S,
        differentiable: bool,
    ) -> Result<(Tensor<S, E, Cpu, T>, Vec<BatchStats<E>>)> {
        let (x, mut tape) = x.split_tape();
        let batch = x.shape().0.size();
        let wanted = Wanted { output, backward: T::OWNS_TAPE, image: differentiable };
        let (y, stats, backward) = E::conv_stages(kept(&x), batch, self.layers, wanted);
        let y = x.device().try_tensor_from_vec(y, shape).map_err(device)?;
        let mut inputs = self.slots;
        if differentiable {
            inputs.push(slot(&x));
        }
        record(&mut tape, inputs, slot(&y), backward);
        Ok((y.put_tape(tape), stats))
    }
}

/// What is asked of a stack of stages.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    output: Output,
    /// Whether gradients will be asked for at all.
    backward: bool,
    /// Whether that of the images will be.
    image: bool,
}

kernels! {
    /// The kernel of [`conv_stage`] and [`conv_stack`](super::conv_stack()).
    ConvStagesKernel {
        fn conv_stages(
            x: Scratch<Self>,
            batch: usize,
            layers: Vec<Layer<Self>>,
            wanted: Wanted,
        ) -> (Vec<Self>, Vec<BatchStats<Self>>, BackwardFn<Self>) = run;
    }
}

fn run<E: Real>(
    x: Scratch<E>,
    batch: usize,
    layers: Vec<Layer<E>>,
    wanted: Wanted,
) -> (Vec<E>, Vec<BatchStats<E>>, BackwardFn<E>) {
    let (stack, stats) = Stack::forward(x, batch, layers, wanted.backward);
    let y = stack.output(wanted.output);
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        let (g, image) = match (wanted.image, g.split_last_mut()) {
            (true, Some((image, g))) => (g, Some(image.as_mut_slice())),
            _ => (g, None),
        };
        let mut gradients: Vec<StageGradient<'_, E>> = Vec::new();
        for stage in g.chunks_exact_mut(3) {
            if let [weight, scale, shift] = stage {
                gradients.push(StageGradient { weight, scale, shift });
            }
        }
        stack.backward(wanted.output, gy, &mut gradients, image);
    };
    (y, stats, Box::new(backward))
}
