//! Convolution, batch norm, ReLU.

use dfdx::prelude::*;

use super::{BatchNorm, Conv2d, Mode};
use crate::error::Result;
use crate::ops::{self, Engine, Stage};
use crate::random::Stream;
use crate::tape::parameters;

/// A `K` x `K` convolution from `I` to `O` channels with stride `S` and padding `P`, batch norm and ReLU, as one operation.
///
/// PyTorch equivalent: `Sequential(Conv2d(I, O, K, S, P, bias=False), BatchNorm2d(O), ReLU())`.
#[derive(Debug)]
pub struct ConvStage<I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine> {
    conv: Conv2d<I, O, K, S, P, D>,
    norm: BatchNorm<O, D>,
}

parameters!(
    [I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine] ConvStage<I, O, K, S, P, D>, D,
    tensors {}, modules { conv, norm }
);

impl<I: Dim, O: Dim, const K: usize, const S: usize, const P: usize, D: Engine> ConvStage<I, O, K, S, P, D> {
    /// A stage with random weights.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, inputs: I, outputs: O, rng: &mut Stream) -> Result<Self> {
        Ok(ConvStage { conv: Conv2d::new(dev, inputs, outputs, rng)?, norm: BatchNorm::new(dev, outputs)? })
    }

    /// (batch, I, H, W) to (batch, O, OH, OW), sizes known at run time.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the kernel does not fit into the padded image, or in training mode for a
    /// single value a channel; a device out of memory.
    pub fn forward_any<B: Dim, T: Tape<f32, D>>(
        &self,
        x: Tensor<(B, I, usize, usize), f32, D, T>,
        mode: Mode,
    ) -> Result<Tensor<(B, O, usize, usize), f32, D, T>> {
        let (batch, _, h, w) = *x.shape();
        let stage = self.stage();
        let out = stage.window.output((h, w)).unwrap_or((0, 0));
        let values = batch.size() * out.0 * out.1;
        self.norm.normalising(mode, values, |norm| ops::conv_stage(x, stage, norm, out))
    }

    /// The parameters, for operations on several stages.
    pub(super) fn stage(&self) -> Stage<'_, I, O, Const<K>, f32, D> {
        let (scale, shift, eps) = self.norm.affine();
        let window = Conv2d::<I, O, K, S, P, D>::WINDOW;
        Stage { weight: self.conv.weight(), scale, shift, window, eps }
    }

    pub(super) fn norm(&self) -> &BatchNorm<O, D> {
        &self.norm
    }
}
