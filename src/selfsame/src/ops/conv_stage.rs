//! Convolution, batch norm and ReLU as one operation.
//!
//! Three operations would each read their input from memory, write their output to it and do so again on the way back.
//! Batch norm needs the whole batch before its first output, so the work is cut there: one pass over the samples
//! convolves and adds up statistics, a second normalises; backward likewise adds up two sums per channel, then does
//! everything else for a sample while it is in cache.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::batch_norm::{channel_sums, measure};
use super::conv2d::{check_window, Plan, GROUP};
use super::{ActivationOp, BatchNormOp, BatchStats, Conv2dOp, ConvWindow, Norm, Real};
use crate::error::{device, Result};
use crate::tape::{profile::op, record, slot, values};

/// The parameters of a stage.
#[derive(Debug, Clone, Copy)]
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
/// As [`conv2d`](super::conv2d).
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
    check_window(x.shape(), stage.weight.shape(), stage.window, out)?;
    let _timed = op("conv stage");
    D::conv_stage(x, stage, norm, out)
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
    let y = D::conv2d(x, stage.weight, stage.window, out)?;
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
        let (x, mut tape) = x.split_tape();
        let (batch, c, h, w) = *x.shape();
        let outs = stage.weight.shape().0;
        let plan = Plan {
            input: (c.size(), h.size(), w.size()),
            outs: outs.size(),
            out: (out.0.size(), out.1.size()),
            window: stage.window,
        };
        let (xs, ws, scale, shift) =
            (values(&x), values(stage.weight), values(stage.scale), values(stage.shift));
        let mut hat = plan.forward(&xs, &ws, batch.size());
        let dims = (batch.size(), plan.outs, plan.pixels());
        let fixed = matches!(norm, Norm::Fixed(_));
        let stats = match norm {
            Norm::Batch => measure(&hat, dims),
            Norm::Fixed(stats) => stats.clone(),
        };
        let inverse: Vec<E> = stats.variance.iter().map(|v| (*v + E::of(stage.eps)).sqrt().recip()).collect();
        let mut y = vec![E::zero(); hat.len()];
        let (len, p) = (plan.outs * plan.pixels(), plan.pixels().max(1));
        hat.par_chunks_mut(len.max(1)).zip(y.par_chunks_mut(len.max(1))).for_each(|(hat, y)| {
            for (o, (hat, y)) in hat.chunks_exact_mut(p).zip(y.chunks_exact_mut(p)).enumerate() {
                let (mean, inverse, scale, shift) = (stats.mean[o], inverse[o], scale[o], shift[o]);
                for (h, y) in hat.iter_mut().zip(y) {
                    *h = (*h - mean) * inverse;
                    let v = *h * scale + shift;
                    // A NaN fails the comparison and so comes through.
                    *y = if v < E::zero() { E::zero() } else { v };
                }
            }
        });
        let y = x.device().try_tensor_from_vec(y, (batch, outs, out.0, out.1)).map_err(device)?;
        let inputs = vec![slot(&x), slot(stage.weight), slot(stage.scale), slot(stage.shift)];
        let saved = Saved { plan, xs, ws, hat, scale, shift, inverse, fixed };
        record(&mut tape, inputs, slot(&y), move |gy, g| {
            if let [gx, gw, gs, gt] = g {
                saved.backward(gy, gx, gw, gs, gt);
            }
        });
        Ok((y.put_tape(tape), stats))
    }
}

/// What backward needs of a stage.
struct Saved<E> {
    plan: Plan,
    xs: Vec<E>,
    ws: Vec<E>,
    /// The normalised convolution, before scale and shift.
    hat: Vec<E>,
    scale: Vec<E>,
    shift: Vec<E>,
    inverse: Vec<E>,
    fixed: bool,
}

impl<E: Real> Saved<E> {
    fn backward(&self, gy: &[E], gx: &mut [E], gw: &mut [E], gs: &mut [E], gt: &mut [E]) {
        let (o, p, n) = (self.plan.outs, self.plan.pixels().max(1), self.plan.input_len().max(1));
        let batch = gy.len() / (o * p).max(1);
        let mut g = gy.to_vec();
        g.par_chunks_mut((o * p).max(1)).zip(self.hat.par_chunks((o * p).max(1))).for_each(|(g, hat)| {
            for (i, (g, hat)) in g.chunks_exact_mut(p).zip(hat.chunks_exact(p)).enumerate() {
                let (scale, shift) = (self.scale[i], self.shift[i]);
                g.iter_mut()
                    .zip(hat)
                    .filter(|(_, h)| **h * scale + shift <= E::zero())
                    .for_each(|(g, _)| *g = E::zero());
            }
        });
        let sums = channel_sums(&g, &self.hat, (batch, o, p));
        for (i, (sum, dot)) in sums.iter().enumerate() {
            gt[i] += *sum;
            gs[i] += *dot;
        }
        let count = E::of((batch * p) as f64);
        let means: Vec<(E, E)> = sums
            .iter()
            .map(|(s, d)| if self.fixed { (E::zero(), E::zero()) } else { (*s / count, *d / count) })
            .collect();
        let groups: Vec<Vec<E>> = gx
            .par_chunks_mut(GROUP * n)
            .zip(self.xs.par_chunks(GROUP * n))
            .zip(g.par_chunks_mut(GROUP * o * p))
            .zip(self.hat.par_chunks(GROUP * o * p))
            .map_init(
                || self.plan.scratch(),
                |scratch, (((gx, x), g), hat)| {
                    let mut sum = vec![E::zero(); gw.len()];
                    for ((gx, x), (g, hat)) in gx
                        .chunks_exact_mut(n)
                        .zip(x.chunks_exact(n))
                        .zip(g.chunks_exact_mut(o * p).zip(hat.chunks_exact(o * p)))
                    {
                        self.through_norm(g, hat, &means);
                        self.plan.backward_sample(x, &self.ws, g, gx, &mut sum, scratch);
                    }
                    sum
                },
            )
            .collect();
        for group in groups {
            gw.iter_mut().zip(group).for_each(|(gw, g)| *gw += g);
        }
    }

    /// One sample's gradient, from after the norm to before it, in place.
    fn through_norm(&self, g: &mut [E], hat: &[E], means: &[(E, E)]) {
        let p = self.plan.pixels().max(1);
        for (i, (g, hat)) in g.chunks_exact_mut(p).zip(hat.chunks_exact(p)).enumerate() {
            let (factor, (mean, dot)) = (self.inverse[i] * self.scale[i], means[i]);
            g.iter_mut().zip(hat).for_each(|(g, h)| *g = factor * (*g - mean - *h * dot));
        }
    }
}
