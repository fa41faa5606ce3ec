//! Layer normalisation over the last axis.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::linear::add_columns;
use super::Real;
use crate::error::{device, Error, Result};
use crate::tape::{profile::op, record, slot, values};

/// Devices with [`layer_norm`].
pub trait LayerNormOp<E: Real>: Device<E> {
    /// See [`layer_norm`].
    fn layer_norm<R: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(R, W), E, Self, T>,
        scale: &Tensor<(W,), E, Self>,
        shift: &Tensor<(W,), E, Self>,
        eps: f64,
    ) -> Result<Tensor<(R, W), E, Self, T>> {
        composed(x, scale, shift, eps).map_err(device)
    }
}

/// Every row of (rows, width) to mean 0 and variance 1 (biased, plus `eps`), times `scale` plus `shift` (Ba et al. 2016,
/// arXiv 1607.06450). The usual `eps` is 1e-5.
///
/// PyTorch equivalent: `torch.nn.functional.layer_norm(x, (width,), scale, shift, eps)`.
///
/// # Errors
/// [`Error::Shape`] where sizes known only at run time differ; a device out of memory.
pub fn layer_norm<R: Dim, W: Dim, E: Real, D: LayerNormOp<E>, T: Tape<E, D>>(
    x: Tensor<(R, W), E, D, T>,
    scale: &Tensor<(W,), E, D>,
    shift: &Tensor<(W,), E, D>,
    eps: f64,
) -> Result<Tensor<(R, W), E, D, T>> {
    let width = x.shape().1;
    if scale.shape().0 != width || shift.shape().0 != width {
        let found = format!("{} and {}", scale.shape().0.size(), shift.shape().0.size());
        return Err(Error::shape("scale and shift of a layer norm", width.size(), found));
    }
    let _timed = op("layer norm");
    D::layer_norm(x, scale, shift, eps)
}

/// The same from dfdx's operations.
pub(crate) fn composed<R: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<(R, W), E, D, T>,
    scale: &Tensor<(W,), E, D>,
    shift: &Tensor<(W,), E, D>,
    eps: f64,
) -> std::result::Result<Tensor<(R, W), E, D, T>, D::Err> {
    let shape = *x.shape();
    let (x, tape) = x.try_normalize::<Axis<1>>(E::of(eps))?.split_tape();
    let y = scale.clone().put_tape(tape).try_broadcast_like(&shape)?.try_mul(x)?;
    let (y, tape) = y.split_tape();
    shift.clone().put_tape(tape).try_broadcast_like(&shape)?.try_add(y)
}

impl<E: Real> LayerNormOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn layer_norm<R: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(R, W), E, Self, T>,
        scale: &Tensor<(W,), E, Self>,
        shift: &Tensor<(W,), E, Self>,
        eps: f64,
    ) -> Result<Tensor<(R, W), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let width = x.shape().1.size();
        let (mut hat, s, t) = (values(&x), values(scale), values(shift));
        let mut y = vec![E::zero(); hat.len()];
        let inverse: Vec<E> = hat
            .par_chunks_mut(width.max(1))
            .zip(y.par_chunks_mut(width.max(1)))
            .map(|(hat, y)| {
                let inverse = standardise(hat, E::of(eps));
                for (((y, h), s), t) in y.iter_mut().zip(&*hat).zip(&s).zip(&t) {
                    *y = *h * *s + *t;
                }
                inverse
            })
            .collect();
        let y = x.device().try_tensor_from_vec(y, *x.shape()).map_err(device)?;
        record(&mut tape, vec![slot(&x), slot(scale), slot(shift)], slot(&y), move |gy, g| {
            let [gx, gs, gt] = g else { return };
            let width = width.max(1);
            gx.par_chunks_mut(width)
                .zip(gy.par_chunks(width))
                .zip(hat.par_chunks(width))
                .zip(&inverse)
                .for_each(|(((gx, gy), hat), inverse)| standardise_backward(gy, &s, hat, *inverse, gx));
            for (gy, hat) in gy.chunks_exact(width).zip(hat.chunks_exact(width)) {
                gs.iter_mut().zip(gy).zip(hat).for_each(|((gs, gy), h)| *gs += *gy * *h);
            }
            add_columns(gy, gt);
        });
        Ok(y.put_tape(tape))
    }
}

/// Centres and scales `row` in place; returns the inverse standard deviation.
fn standardise<E: Real>(row: &mut [E], eps: E) -> E {
    let n = E::of(row.len() as f64);
    let mean = row.iter().copied().sum::<E>() / n;
    let variance = row.iter().map(|x| (*x - mean) * (*x - mean)).sum::<E>() / n;
    let inverse = (variance + eps).sqrt().recip();
    row.iter_mut().for_each(|x| *x = (*x - mean) * inverse);
    inverse
}

/// Adds to `gx` the gradient of one standardised row whose output was scaled by `scale`.
fn standardise_backward<E: Real>(gy: &[E], scale: &[E], hat: &[E], inverse: E, gx: &mut [E]) {
    let n = E::of(gy.len() as f64);
    let (mut sum, mut dot) = (E::zero(), E::zero());
    for ((gy, s), h) in gy.iter().zip(scale).zip(hat) {
        sum += *gy * *s;
        dot += *gy * *s * *h;
    }
    let (mean, dot) = (sum / n, dot / n);
    for (((gx, gy), s), h) in gx.iter_mut().zip(gy).zip(scale).zip(hat) {
        *gx += inverse * (*gy * *s - mean - *h * dot);
    }
}
