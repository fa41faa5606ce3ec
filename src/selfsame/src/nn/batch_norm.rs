//! Batch normalisation with learned scale and shift and running statistics.

use std::sync::{Mutex, MutexGuard, PoisonError};

use dfdx::prelude::*;

use super::{init, Mode};
use crate::error::{Error, Result};
use crate::ops::{self, BatchStats, Engine, Norm};
use crate::tape::{AnyTensor, Parameters, Role};

const EPS: f64 = 1e-5;
/// Share of a new batch in the running statistics.
const MOMENTUM: f32 = 0.1;

/// Channels to mean 0 and variance 1, times a scale (1 at first) plus a shift (0); epsilon 1e-5.
///
/// Mode and tape are independent: [`Mode::Train`] uses the batch's statistics and moves the running ones (by 0.1, with
/// the unbiased variance), with or without a tape; [`Mode::Eval`] uses the running ones, and gradients still flow
/// through it. Takes (batch, C) and (batch, C, ...).
///
/// PyTorch equivalent: `torch.nn.BatchNorm1d(C)`, `BatchNorm2d(C)`.
#[derive(Debug)]
pub struct BatchNorm<C: Dim, D: Engine> {
    scale: Tensor<(C,), f32, D>,
    shift: Tensor<(C,), f32, D>,
    /// Whether scale and shift are trained.
    affine: bool,
    // Behind a lock because a forward pass in training mode moves them and takes the module by reference.
    running: Mutex<Running<C, D>>,
}

#[derive(Debug)]
struct Running<C: Dim, D: Engine> {
    mean: Tensor<(C,), f32, D>,
    variance: Tensor<(C,), f32, D>,
}

impl<C: Dim, D: Engine> BatchNorm<C, D> {
    /// A norm with running mean 0 and running variance 1.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, channels: C) -> Result<Self> {
        let shape = (channels,);
        Ok(BatchNorm {
            scale: init::constant(dev, shape, 1.0)?,
            shift: init::constant(dev, shape, 0.0)?,
            affine: true,
            running: Mutex::new(Running {
                mean: init::constant(dev, shape, 0.0)?,
                variance: init::constant(dev, shape, 1.0)?,
            }),
        })
    }

    /// A norm whose scale stays 1 and whose shift stays 0.
    ///
    /// PyTorch equivalent: `torch.nn.BatchNorm1d(C, affine=False)`.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn plain(dev: &D, channels: C) -> Result<Self> {
        Ok(BatchNorm { affine: false, ..Self::new(dev, channels)? })
    }

    /// (batch, C, ...) to the same.
    ///
    /// # Errors
    /// [`Error::Shape`] in training mode when a channel has a single value, whose variance is not defined; a device
    /// out of memory.
    pub fn forward<S: Shape, T: Tape<f32, D>>(
        &self,
        x: Tensor<S, f32, D, T>,
        mode: Mode,
    ) -> Result<Tensor<S, f32, D, T>> {
        let values = x.shape().num_elements() / self.scale.shape().0.size().max(1);
        self.normalising(mode, values, |norm| ops::batch_norm(x, &self.scale, &self.shift, norm, EPS))
    }

    /// Calls `f`, which normalises `values` values a channel, with the statistics that `mode` asks for, and lets the
    /// running ones follow those it found.
    pub(super) fn normalising<R>(
        &self,
        mode: Mode,
        values: usize,
        f: impl FnOnce(Norm<'_, f32>) -> Result<(R, BatchStats<f32>)>,
    ) -> Result<R> {
        let fixed = self.fixed(mode, values)?;
        let (y, stats) = f(fixed.as_ref().map_or(Norm::Batch, Norm::Fixed))?;
        self.follow(mode, &stats)?;
        Ok(y)
    }

    /// The statistics to use instead of the batch's, if `mode` asks for them, on `values` values a channel.
    pub(super) fn fixed(&self, mode: Mode, values: usize) -> Result<Option<BatchStats<f32>>> {
        match mode {
            Mode::Train | Mode::Batch if values < 2 => {
                let expected = "at least two values a channel, so a batch of two or more";
                Err(Error::shape("batch norm in training mode", expected, values))
            }
            Mode::Train | Mode::Batch => Ok(None),
            Mode::Eval => Ok(Some(self.running().stats())),
        }
    }

    /// In training mode lets the running statistics follow a batch's.
    pub(super) fn follow(&self, mode: Mode, stats: &BatchStats<f32>) -> Result<()> {
        match mode {
            Mode::Train => self.running().follow(stats),
            Mode::Batch | Mode::Eval => Ok(()),
        }
    }

    /// Scale, shift and epsilon, for operations that normalise on the way.
    pub(super) fn affine(&self) -> (&Tensor<(C,), f32, D>, &Tensor<(C,), f32, D>, f64) {
        (&self.scale, &self.shift, EPS)
    }

    fn running(&self) -> MutexGuard<'_, Running<C, D>> {
        // A panic elsewhere while the lock was held cannot have left half a tensor behind: writes replace it whole.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Dim, D: Engine> Running<C, D> {
    fn stats(&self) -> BatchStats<f32> {
        BatchStats { mean: self.mean.read(), variance: self.variance.read(), count: 0 }
    }

    fn follow(&mut self, batch: &BatchStats<f32>) -> Result<()> {
        let unbias = batch.count as f32 / (batch.count as f32 - 1.0);
        let BatchStats { mut mean, mut variance, .. } = self.stats();
        mean.iter_mut().zip(&batch.mean).for_each(|(r, b)| *r += MOMENTUM * (b - *r));
        variance.iter_mut().zip(&batch.variance).for_each(|(r, b)| *r += MOMENTUM * (b * unbias - *r));
        self.mean.write(&mean)?;
        self.variance.write(&variance)
    }
}

impl<C: Dim, D: Engine> Parameters<D> for BatchNorm<C, D> {
    fn visit(&self, prefix: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<D>)) {
        let role = if self.affine { Role::NoDecay } else { Role::Buffer };
        f(&format!("{prefix}scale"), role, &self.scale);
        f(&format!("{prefix}shift"), role, &self.shift);
        let running = self.running();
        f(&format!("{prefix}running_mean"), Role::Buffer, &running.mean);
        f(&format!("{prefix}running_variance"), Role::Buffer, &running.variance);
    }
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<D>)) {
        let role = if self.affine { Role::NoDecay } else { Role::Buffer };
        f(&format!("{prefix}scale"), role, &mut self.scale);
        f(&format!("{prefix}shift"), role, &mut self.shift);
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        f(&format!("{prefix}running_mean"), Role::Buffer, &mut running.mean);
        f(&format!("{prefix}running_variance"), Role::Buffer, &mut running.variance);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn running_statistics_move_in_training_only_and_serve_evaluation() {
        let dev = Cpu::default();
        let norm = BatchNorm::new(&dev, Const::<1>).unwrap();
        let x: Tensor<(usize, Const<1>), f32, _> = dev.tensor_from_vec(vec![1.0, 3.0], (2, Const));
        norm.forward(x.clone(), Mode::Eval).unwrap();
        let aside = norm.forward(x.clone(), Mode::Batch).unwrap().as_vec();
        assert_eq!(norm.running().stats().mean, [0.0]);
        let y = norm.forward(x.clone(), Mode::Train).unwrap().as_vec();
        assert!((y[0] + 1.0).abs() < 1e-4 && (y[1] - 1.0).abs() < 1e-4);
        assert_eq!(aside, y);
        // mean 2 and unbiased variance 2, each followed by a tenth
        let stats = norm.running().stats();
        assert!((stats.mean[0] - 0.2).abs() < 1e-6 && (stats.variance[0] - 1.1).abs() < 1e-6);
        let y = norm.forward(x, Mode::Eval).unwrap().as_vec();
        assert!((y[0] - 0.8 / (1.1f32 + 1e-5).sqrt()).abs() < 1e-5);
    }

    #[test]
    fn one_value_a_channel_is_an_error_with_a_reason() {
        let dev = Cpu::default();
        let norm = BatchNorm::new(&dev, Const::<3>).unwrap();
        let x: Tensor<(usize, Const<3>), f32, _> = dev.zeros_like(&(1, Const));
        let e = norm.forward(x, Mode::Train).unwrap_err();
        assert!(e.to_string().contains("a batch of two or more"), "{e}");
    }
}
