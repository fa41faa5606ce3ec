//! A stack of convolution stages and the mean over all places, as one operation.
//!
//! As separate operations each stage would read its images from memory and write its own, in both directions, and each
//! would ask the system for the memory anew. Here only the convolutions' results stay; see `conv_passes`.

use dfdx::prelude::*;

use super::conv_passes::Output;
use super::conv_stage::{check_norm, composed as composed_stage, Layers, Stage};
use super::conv_window::{check_window, kernel_sizes};
use super::{BatchStats, ConvStageOp, Norm, PoolOp, Real};
use crate::error::{device, Error, Result};

/// Stages with the statistics that normalise each.
pub type Stages<'s, 'p, K, E, D> = &'s [(Stage<'p, usize, usize, K, E, D>, Norm<'p, E>)];

/// Whether the gradient of an operation's images is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageGradient {
    /// The images are data. They get no gradient at all: asking dfdx for it panics.
    Unwanted,
    /// The images come from something that learns.
    Wanted,
}

/// Devices with [`conv_stack`].
pub trait ConvStackOp<E: Real>: ConvStageOp<E> + PoolOp<E> {
    /// See [`conv_stack`]; sizes are already checked.
    fn conv_stack<B: Dim, C: Dim, H: Dim, W: Dim, K: Dim, F: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        stages: Stages<'_, '_, K, E, Self>,
        features: F,
        _images: ImageGradient,
    ) -> Result<(Tensor<(B, F), E, Self, T>, Vec<BatchStats<E>>)> {
        composed(x, stages, features)
    }
}

/// [`conv_stage`](super::conv_stage) after [`conv_stage`](super::conv_stage), then the mean over all places:
/// (batch, channels, height, width) to (batch, `features`), the channels of the last stage. Also the statistics that
/// normalised each stage.
///
/// PyTorch equivalent: `torch.nn.Sequential(Conv2d, BatchNorm2d, ReLU, ..., AdaptiveAvgPool2d(1), Flatten())`.
///
/// # Errors
/// As [`conv_stage`](super::conv_stage) for each stage; [`Error::Shape`] when there is no stage or the last one has not
/// `features` channels.
pub fn conv_stack<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    K: Dim,
    F: Dim,
    E: Real,
    D: ConvStackOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    stages: Stages<'_, '_, K, E, D>,
    features: F,
    images: ImageGradient,
) -> Result<(Tensor<(B, F), E, D, T>, Vec<BatchStats<E>>)> {
    let (batch, c, h, w) = *x.shape();
    let mut image = (batch, c.size(), h.size(), w.size());
    for (stage, norm) in stages {
        let weight = kernel_sizes(stage.weight.shape());
        let out = stage.window.output((image.2, image.3)).unwrap_or((0, 0));
        check_window(&image, weight, stage.window, out)?;
        check_norm(weight.0, stage, *norm)?;
        image = (batch, weight.0, out.0, out.1);
    }
    let found = stages.last().map_or(0, |(stage, _)| stage.weight.shape().0);
    if stages.is_empty() || found != features.size() {
        return Err(Error::shape("channels of the last convolution", features.size(), found));
    }
    D::conv_stack(x, stages, features, images)
}

/// The same from its stages.
pub(crate) fn composed<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    K: Dim,
    F: Dim,
    E: Real,
    D: ConvStageOp<E> + PoolOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    stages: Stages<'_, '_, K, E, D>,
    features: F,
) -> Result<(Tensor<(B, F), E, D, T>, Vec<BatchStats<E>>)> {
    let (batch, c, h, w) = *x.shape();
    let mut x = x.try_reshape_like(&(batch, c.size(), h.size(), w.size())).map_err(device)?;
    let mut found = Vec::with_capacity(stages.len());
    for (stage, norm) in stages {
        let (_, _, h, w) = *x.shape();
        let out = stage.window.output((h, w)).unwrap_or((0, 0));
        let (y, stats) = composed_stage(x, *stage, *norm, out)?;
        found.push(stats);
        x = y;
    }
    let (_, _, h, w) = *x.shape();
    let x = x.try_reshape_like(&(batch, features, h * w)).map_err(device)?;
    Ok((D::mean_last(x)?, found))
}

impl<E: Real> ConvStackOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn conv_stack<B: Dim, C: Dim, H: Dim, W: Dim, K: Dim, F: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        stages: Stages<'_, '_, K, E, Self>,
        features: F,
        images: ImageGradient,
    ) -> Result<(Tensor<(B, F), E, Self, T>, Vec<BatchStats<E>>)> {
        let (batch, _, h, w) = *x.shape();
        let mut layers = Layers::from(x.shape());
        let mut size = (h.size(), w.size());
        for (stage, norm) in stages {
            size = stage.window.output(size).unwrap_or((0, 0));
            layers.push(*stage, *norm, size);
        }
        layers.run(x, Output::Means, (batch, features), images == ImageGradient::Wanted)
    }
}
