//! Batch normalisation of channels, with the statistics of the batch or with fixed ones.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::kernels;
use super::{dot, sum, sum_map, vectorized, Real};
use crate::error::{device, Error, Result};
use crate::tape::{kept, profile::op, record, slot, values, BackwardFn, Scratch};

/// Numbers a task works on: large enough to outweigh handing it to a thread.
const CHUNK: usize = 1 << 14;
/// Channels a task sums.
const COLUMNS: usize = 16;

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
        let fixed = match norm {
            Norm::Batch => None,
            Norm::Fixed(stats) => Some(stats.clone()),
        };
        let (y, stats, backward) = E::batch_norm(kept(&x), [values(scale), values(shift)], fixed, dims, eps);
        let y = x.device().try_tensor_from_vec(y, *x.shape()).map_err(device)?;
        record(&mut tape, vec![slot(&x), slot(scale), slot(shift)], slot(&y), backward);
        Ok((y.put_tape(tape), stats))
    }
}

kernels! {
    /// The kernel of [`batch_norm`].
    BatchNormKernel {
        fn batch_norm(
            x: Scratch<Self>,
            parameters: [Vec<Self>; 2],
            fixed: Option<BatchStats<Self>>,
            dims: (usize, usize, usize),
            eps: f64,
        ) -> (Vec<Self>, BatchStats<Self>, BackwardFn<Self>) = run;
    }
}

/// The output, the statistics used, and the way back; `dims` are the batch, the channels and the values of a channel.
fn run<E: Real>(
    mut hat: Scratch<E>,
    [s, t]: [Vec<E>; 2],
    fixed: Option<BatchStats<E>>,
    dims: (usize, usize, usize),
    eps: f64,
) -> (Vec<E>, BatchStats<E>, BackwardFn<E>) {
    let constant = fixed.is_some();
    let stats = fixed.unwrap_or_else(|| measure(&hat, dims));
    let inverse: Vec<E> = stats.variance.iter().map(|v| (*v + E::of(eps)).sqrt().recip()).collect();
    let mut y = vec![E::zero(); hat.len()];
    let (_, c, l) = dims;
    let chunk = CHUNK.div_ceil((c * l).max(1)) * (c * l).max(1);
    hat.par_chunks_mut(chunk).zip(y.par_chunks_mut(chunk)).for_each(|(hat, y)| {
        if l == 1 {
            return vectorized(
                #[inline(always)]
                || normalize_rows(hat, y, (&stats.mean, &inverse), (&s, &t)),
            );
        }
        each_channel(hat, y, (c, l), |i, hat, y| {
            *hat = (*hat - stats.mean[i]) * inverse[i];
            *y = *hat * s[i] + t[i];
        });
    });
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        let [gx, gs, gt] = g else { return };
        let mut sums = channel_sums(gy, &hat, dims);
        for (i, (sum, dot)) in sums.iter().enumerate() {
            gt[i] += *sum;
            gs[i] += *dot;
        }
        // Fixed statistics are constants: only the direct term remains.
        let over = if constant { E::zero() } else { E::of(((dims.0 * l) as f64).recip()) };
        sums.iter_mut().for_each(|(sum, dot)| (*sum, *dot) = (*sum * over, *dot * over));
        let factor: Vec<E> = inverse.iter().zip(&s).map(|(inverse, s)| *inverse * *s).collect();
        // What was normalised becomes the gradient.
        let chunks = gx.par_chunks_mut(chunk).zip(hat.par_chunks_mut(chunk)).zip(gy.par_chunks(chunk));
        chunks.for_each(|((gx, hat), gy)| {
            if l == 1 {
                return vectorized(
                    #[inline(always)]
                    || normalize_rows_backward(gy, hat, gx, &sums, &factor),
                );
            }
            each_channel(hat, gx, (c, l), |i, hat, _| *hat = *hat * sums[i].1 + sums[i].0);
            vectorized(
                #[inline(always)]
                || hat.iter_mut().zip(gy).for_each(|(hat, gy)| *hat = *gy - *hat),
            );
            each_channel(hat, gx, (c, l), |i, hat, gx| *gx += factor[i] * *hat);
        });
    };
    (y, stats, Box::new(backward))
}

// With one value a channel the loops run over channels. They are functions of their own because a compiler knows of a
// function's slices that they do not overlap, and of a closure's it does not.

/// Rows of channels centred and scaled in place, then scaled and shifted into `y`.
#[inline(always)]
fn normalize_rows<E: Real>(hat: &mut [E], y: &mut [E], (mean, inverse): (&[E], &[E]), (s, t): (&[E], &[E])) {
    let c = mean.len().max(1);
    for (hat, y) in hat.chunks_exact_mut(c).zip(y.chunks_exact_mut(c)) {
        normalize_row(hat, y, mean, inverse, s, t);
    }
}

#[inline(always)]
fn normalize_row<E: Real>(hat: &mut [E], y: &mut [E], mean: &[E], inverse: &[E], s: &[E], t: &[E]) {
    let c = hat.len();
    let (y, mean, inverse, s, t) = (&mut y[..c], &mean[..c], &inverse[..c], &s[..c], &t[..c]);
    for i in 0..c {
        hat[i] = (hat[i] - mean[i]) * inverse[i];
    }
    for i in 0..c {
        y[i] = hat[i] * s[i] + t[i];
    }
}

/// Adds to `gx` the gradient of rows that [`normalize_rows`] made.
#[inline(always)]
fn normalize_rows_backward<E: Real>(gy: &[E], hat: &[E], gx: &mut [E], means: &[(E, E)], factor: &[E]) {
    let c = factor.len().max(1);
    for ((gx, hat), gy) in gx.chunks_exact_mut(c).zip(hat.chunks_exact(c)).zip(gy.chunks_exact(c)) {
        let means = &means[..c];
        let factor = &factor[..c];
        for i in 0..c {
            gx[i] += factor[i] * (gy[i] - means[i].0 - hat[i] * means[i].1);
        }
    }
}

/// Adds `gy` to `totals` and `gy * hat` to `products`.
#[inline(always)]
fn add_products<E: Real>(gy: &[E], hat: &[E], totals: &mut [E], products: &mut [E]) {
    let n = gy.len();
    let (hat, totals, products) = (&hat[..n], &mut totals[..n], &mut products[..n]);
    for i in 0..n {
        totals[i] += gy[i];
        products[i] += gy[i] * hat[i];
    }
}

/// Adds `f` of every value and its place to `sums`.
#[inline(always)]
fn add_each<E: Real>(sums: &mut [E], x: &[E], f: &impl Fn(E, usize) -> E) {
    let n = sums.len();
    let x = &x[..n];
    for i in 0..n {
        sums[i] += f(x[i], i);
    }
}

/// Calls `f` with every value's channel, and the value in `a` and in `b`; both are whole samples of `c` channels of `l`.
#[inline(always)]
fn each_channel<E: Real>(
    a: &mut [E],
    b: &mut [E],
    (c, l): (usize, usize),
    f: impl Fn(usize, &mut E, &mut E),
) {
    vectorized(
        #[inline(always)]
        || {
            let samples = a.chunks_exact_mut((c * l).max(1)).zip(b.chunks_exact_mut((c * l).max(1)));
            for (a, b) in samples {
                if l == 1 {
                    a.iter_mut().zip(b).enumerate().for_each(|(i, (a, b))| f(i, a, b));
                    continue;
                }
                for (i, (a, b)) in a.chunks_exact_mut(l).zip(b.chunks_exact_mut(l)).enumerate() {
                    a.iter_mut().zip(b).for_each(|(a, b)| f(i, a, b));
                }
            }
        },
    );
}

/// Mean and biased variance of each channel, in two passes.
pub(super) fn measure<E: Real>(x: &[E], (b, c, l): (usize, usize, usize)) -> BatchStats<E> {
    let over = E::of(((b * l) as f64).recip());
    let (mut mean, mut variance) = (vec![E::zero(); c], vec![E::zero(); c]);
    let blocks = mean.par_chunks_mut(COLUMNS).zip(variance.par_chunks_mut(COLUMNS)).enumerate();
    blocks.for_each(|(block, (mean, variance))| {
        let first = block * COLUMNS;
        add_channels(x, (b, c, l), first, mean, |x, _| x);
        mean.iter_mut().for_each(|m| *m *= over);
        let mean = &*mean;
        add_channels(x, (b, c, l), first, variance, |x, i| (x - mean[i]) * (x - mean[i]));
        variance.iter_mut().for_each(|v| *v *= over);
    });
    BatchStats { mean, variance, count: b * l }
}

/// Adds `f` of every value, given its channel counted from `first`, to its channel's sum; `sums` are some of the channels.
#[inline(always)]
fn add_channels<E: Real>(
    x: &[E],
    (b, c, l): (usize, usize, usize),
    first: usize,
    sums: &mut [E],
    f: impl Fn(E, usize) -> E,
) {
    vectorized(
        #[inline(always)]
        || {
            for sample in 0..b {
                let x = &x[(sample * c + first) * l..][..sums.len() * l];
                if l == 1 {
                    add_each(sums, x, &f);
                    continue;
                }
                for (i, (s, x)) in sums.iter_mut().zip(x.chunks_exact(l.max(1))).enumerate() {
                    *s += sum_map(x, |x| f(x, i));
                }
            }
        },
    );
}

/// For each channel the sum of `gy` and of `gy * hat`.
pub(super) fn channel_sums<E: Real>(gy: &[E], hat: &[E], (b, c, l): (usize, usize, usize)) -> Vec<(E, E)> {
    let mut sums = vec![(E::zero(), E::zero()); c];
    sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(block, sums)| {
        vectorized(
            #[inline(always)]
            || {
                if l == 1 {
                    let (mut totals, mut products) = ([E::zero(); COLUMNS], [E::zero(); COLUMNS]);
                    let n = sums.len();
                    for sample in 0..b {
                        let at = sample * c + block * COLUMNS;
                        add_products(&gy[at..at + n], &hat[at..at + n], &mut totals[..n], &mut products[..n]);
                    }
                    for (sum, both) in sums.iter_mut().zip(totals.into_iter().zip(products)) {
                        *sum = both;
                    }
                    return;
                }
                for sample in 0..b {
                    let at = (sample * c + block * COLUMNS) * l;
                    let (gy, hat) = (&gy[at..at + sums.len() * l], &hat[at..at + sums.len() * l]);
                    for (i, (total, products)) in sums.iter_mut().enumerate() {
                        let (gy, hat) = (&gy[i * l..(i + 1) * l], &hat[i * l..(i + 1) * l]);
                        *total += sum(gy);
                        *products += dot(gy, hat);
                    }
                }
            },
        );
    });
    sums
}
