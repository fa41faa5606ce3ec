//! Batch normalisation of channels, with the statistics of the batch or with fixed ones.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::Real;
use crate::error::{device, Error, Result};
use crate::tape::{profile::op, record, slot, values};

/// Mean and variance per channel. The variance is biased (divided by the count).
#[derive(Debug, Clone, PartialEq)]
pub struct BatchStats<E> {
    /// Mean of each channel.
    pub mean: Vec<E>,
    /// Biased variance of each channel.
    pub variance: Vec<E>,
    /// How many values each channel's statistics come from.
    pub count: usize,
}

/// Which statistics normalise.
#[derive(Debug, Clone, Copy)]
pub enum Norm<'s, E> {
    /// Those of the batch itself; gradients flow through them.
    Batch,
    /// Given ones, as in evaluation; they are constants.
    Fixed(&'s BatchStats<E>),
}

/// Devices with [`batch_norm`].
pub trait BatchNormOp<E: Real>: Device<E> {
    /// See [`batch_norm`].
    fn batch_norm<S: Shape, C: Dim, T: Tape<E, Self>>(
        x: Tensor<S, E, Self, T>,
        scale: &Tensor<(C,), E, Self>,
        shift: &Tensor<(C,), E, Self>,
        norm: Norm<'_, E>,
        eps: f64,
    ) -> Result<(Tensor<S, E, Self, T>, BatchStats<E>)> {
        composed(x, scale, shift, norm, eps).map_err(device)
    }
}

/// Every channel of (batch, channels) or (batch, channels, ...) to mean 0 and variance 1, times `scale` plus `shift`
/// (Ioffe and Szegedy 2015, arXiv 1502.03167). Also returns the statistics used. The usual `eps` is 1e-5.
///
/// PyTorch equivalent: `torch.nn.functional.batch_norm(x, None, None, scale, shift, training=True, eps=eps)`; with
/// fixed statistics, `batch_norm(x, mean, variance, scale, shift, training=False, eps=eps)`.
///
/// # Errors
/// [`Error::Shape`] when the second size of `x`, the shift or the fixed statistics have another number of channels than
/// the scale; a device out of memory.
pub fn batch_norm<S: Shape, C: Dim, E: Real, D: BatchNormOp<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
    scale: &Tensor<(C,), E, D>,
    shift: &Tensor<(C,), E, D>,
    norm: Norm<'_, E>,
    eps: f64,
) -> Result<(Tensor<S, E, D, T>, BatchStats<E>)> {
    let channels = scale.shape().0.size();
    let sizes: Vec<usize> = x.shape().concrete().into();
    let mut found = vec![sizes.get(1).copied().unwrap_or(0), shift.shape().0.size()];
    if let Norm::Fixed(stats) = norm {
        found.extend([stats.mean.len(), stats.variance.len()]);
    }
    if let Some(other) = found.into_iter().find(|n| *n != channels) {
        return Err(Error::shape("channels of a batch norm", channels, other));
    }
    let _timed = op("batch norm");
    D::batch_norm(x, scale, shift, norm, eps)
}

/// Sizes of a tensor seen as (batch, channels, rest).
fn fold<S: Shape>(shape: &S, channels: usize) -> (usize, usize, usize) {
    let sizes: Vec<usize> = shape.concrete().into();
    let batch = sizes.first().copied().unwrap_or(0);
    (batch, channels, shape.num_elements().checked_div(batch * channels).unwrap_or(0))
}

/// The same from dfdx's operations.
pub(crate) fn composed<S: Shape, C: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<S, E, D, T>,
    scale: &Tensor<(C,), E, D>,
    shift: &Tensor<(C,), E, D>,
    norm: Norm<'_, E>,
    eps: f64,
) -> std::result::Result<(Tensor<S, E, D, T>, BatchStats<E>), D::Err> {
    let (shape, channels) = (*x.shape(), scale.shape().0);
    let (b, _, l) = fold(&shape, channels.size());
    let folded = (b, channels, l);
    let (x, tape) = x.try_reshape_like(&folded)?.split_tape();
    let (mean, variance) = match norm {
        Norm::Batch => {
            let mean = x.clone().put_tape(tape).try_mean::<(C,), Axes2<0, 2>>()?;
            let (m, tape) = mean.split_tape();
            let centred = m.clone().put_tape(tape).try_broadcast_like(&folded)?.try_sub(x.clone())?;
            (m, centred.try_square()?.try_mean::<(C,), Axes2<0, 2>>()?)
        }
        Norm::Fixed(stats) => {
            let place = |v: &[E]| x.device().try_tensor_from_vec(v.to_vec(), (channels,));
            (place(&stats.mean)?, place(&stats.variance)?.put_tape(tape))
        }
    };
    let found =
        BatchStats { mean: values(&mean), variance: values(&variance.retaped::<NoneTape>()), count: b * l };
    let inverse = variance.try_add(E::of(eps))?.try_sqrt()?.try_recip()?;
    let (inverse, tape) = inverse.split_tape();
    let centred = x.put_tape(tape).try_sub(mean.try_broadcast_like(&folded)?)?;
    let y = centred.try_mul(inverse.try_broadcast_like(&folded)?)?;
    let y = y.try_mul(scale.clone().try_broadcast_like(&folded)?)?;
    let y = y.try_add(shift.clone().try_broadcast_like(&folded)?)?;
    Ok((y.try_reshape_like(&shape)?, found))
}

impl<E: Real> BatchNormOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn batch_norm<S: Shape, C: Dim, T: Tape<E, Self>>(
        x: Tensor<S, E, Self, T>,
        scale: &Tensor<(C,), E, Self>,
        shift: &Tensor<(C,), E, Self>,
        norm: Norm<'_, E>,
        eps: f64,
    ) -> Result<(Tensor<S, E, Self, T>, BatchStats<E>)> {
        let (x, mut tape) = x.split_tape();
        let dims = fold(x.shape(), scale.shape().0.size());
        let (mut hat, s, t) = (values(&x), values(scale), values(shift));
        let fixed = matches!(norm, Norm::Fixed(_));
        let stats = match norm {
            Norm::Batch => measure(&hat, dims),
            Norm::Fixed(stats) => stats.clone(),
        };
        let inverse: Vec<E> = stats.variance.iter().map(|v| (*v + E::of(eps)).sqrt().recip()).collect();
        let mut y = vec![E::zero(); hat.len()];
        let (_, c, l) = dims;
        hat.par_chunks_mut((c * l).max(1)).zip(y.par_chunks_mut((c * l).max(1))).for_each(|(hat, y)| {
            for (i, (hat, y)) in hat.chunks_mut(l).zip(y.chunks_mut(l)).enumerate() {
                for (h, y) in hat.iter_mut().zip(y) {
                    *h = (*h - stats.mean[i]) * inverse[i];
                    *y = *h * s[i] + t[i];
                }
            }
        });
        let y = x.device().try_tensor_from_vec(y, *x.shape()).map_err(device)?;
        record(&mut tape, vec![slot(&x), slot(scale), slot(shift)], slot(&y), move |gy, g| {
            let [gx, gs, gt] = g else { return };
            let sums = channel_sums(gy, &hat, dims);
            for (i, (sum, dot)) in sums.iter().enumerate() {
                gt[i] += *sum;
                gs[i] += *dot;
            }
            let n = E::of((dims.0 * l) as f64);
            let sample = (c * l).max(1);
            gx.par_chunks_mut(sample).zip(gy.par_chunks(sample)).zip(hat.par_chunks(sample)).for_each(
                |((gx, gy), hat)| {
                    for (i, ((gx, gy), hat)) in
                        gx.chunks_mut(l).zip(gy.chunks(l)).zip(hat.chunks(l)).enumerate()
                    {
                        let factor = inverse[i] * s[i];
                        // Fixed statistics are constants: only the direct term remains.
                        let (mean, dot) =
                            if fixed { (E::zero(), E::zero()) } else { (sums[i].0 / n, sums[i].1 / n) };
                        for ((gx, gy), h) in gx.iter_mut().zip(gy).zip(hat) {
                            *gx += factor * (*gy - mean - *h * dot);
                        }
                    }
                },
            );
        });
        Ok((y.put_tape(tape), stats))
    }
}

/// Mean and biased variance of each channel, in two passes.
pub(super) fn measure<E: Real>(x: &[E], (b, c, l): (usize, usize, usize)) -> BatchStats<E> {
    let n = E::of((b * l) as f64);
    let (mean, variance) = (0..c)
        .into_par_iter()
        .map(|i| {
            let rows = || (0..b).map(|s| &x[(s * c + i) * l..][..l]);
            let mean = rows().map(|r| r.iter().copied().sum::<E>()).sum::<E>() / n;
            let spread = |r: &[E]| r.iter().map(|x| (*x - mean) * (*x - mean)).sum::<E>();
            (mean, rows().map(spread).sum::<E>() / n)
        })
        .unzip();
    BatchStats { mean, variance, count: b * l }
}

/// For each channel the sum of `gy` and of `gy * hat`.
pub(super) fn channel_sums<E: Real>(gy: &[E], hat: &[E], (b, c, l): (usize, usize, usize)) -> Vec<(E, E)> {
    (0..c)
        .into_par_iter()
        .map(|i| {
            (0..b).fold((E::zero(), E::zero()), |(sum, dot), s| {
                let at = (s * c + i) * l;
                let (gy, hat) = (&gy[at..at + l], &hat[at..at + l]);
                let d = gy.iter().zip(hat).map(|(g, h)| *g * *h).sum::<E>();
                (sum + gy.iter().copied().sum::<E>(), dot + d)
            })
        })
        .collect()
}
