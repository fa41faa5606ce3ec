//! Layer normalisation over the last axis.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::kernels::{kernels, Made};
use super::{dot, sum, vectorized, Real};
use crate::error::{device, Error, Result};
use crate::tape::{kept, profile::op, record, slot, values, Scratch};

/// Rows a task works on, whose gradients of scale and shift are summed before the groups' sums are: fixed, so that the order
/// of the additions does not depend on the number of threads.
const GROUP: usize = 64;

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
        let (rows, width) = (x.shape().0.size(), x.shape().1.size().max(1));
        let parameters = [values(scale), values(shift)];
        let (y, backward) = E::layer_norm(kept(&x), parameters, (rows, width), eps);
        let y = x.device().try_tensor_from_vec(y, *x.shape()).map_err(device)?;
        record(&mut tape, vec![slot(&x), slot(scale), slot(shift)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`layer_norm`].
    LayerNormKernel {
        fn layer_norm(x: Scratch<Self>, parameters: [Vec<Self>; 2], sizes: (usize, usize), eps: f64) -> Made<Self> = run;
    }
}

/// `sizes` are rows and their width.
fn run<E: Real>(
    mut hat: Scratch<E>,
    [s, t]: [Vec<E>; 2],
    (rows, width): (usize, usize),
    eps: f64,
) -> Made<E> {
    let mut inverse = Scratch::<E>::any(rows);
    let mut y = vec![E::zero(); hat.len()];
    hat.par_chunks_mut(GROUP * width)
        .zip(y.par_chunks_mut(GROUP * width))
        .zip(inverse.par_chunks_mut(GROUP))
        .for_each(|((hat, y), inverse)| forward(hat, [&s, &t], E::of(eps), inverse, y));
    let to_inputs = move |gy: &[E], g: &mut [Vec<E>]| {
        let [gx, gs, gt] = g else { return };
        let mut sums = Scratch::<E>::zeros(rows.div_ceil(GROUP) * 3 * width);
        gx.par_chunks_mut(GROUP * width)
            .zip(gy.par_chunks(GROUP * width))
            .zip(hat.par_chunks(GROUP * width))
            .zip(inverse.par_chunks(GROUP))
            .zip(sums.par_chunks_mut(3 * width))
            .for_each(|((((gx, gy), hat), inverse), sums)| backward(gy, hat, inverse, &s, gx, sums));
        for sums in sums.chunks_exact(3 * width) {
            let (by_scale, by_shift) = sums[..2 * width].split_at(width);
            gs.iter_mut().zip(by_scale).for_each(|(g, s)| *g += *s);
            gt.iter_mut().zip(by_shift).for_each(|(g, s)| *g += *s);
        }
    };
    (y, Box::new(to_inputs))
}

/// Standardises the rows `hat` in place, notes the inverse standard deviations and writes what scale and shift make of it.
fn forward<E: Real>(hat: &mut [E], [scale, shift]: [&[E]; 2], eps: E, inverse: &mut [E], y: &mut [E]) {
    let width = scale.len().max(1);
    let over = E::of(1.0 / width as f64);
    vectorized(
        #[inline(always)]
        || {
            let rows = hat.chunks_exact_mut(width).zip(y.chunks_exact_mut(width));
            for ((hat, y), inverse) in rows.zip(inverse) {
                let mean = sum(hat) * over;
                hat.iter_mut().for_each(|h| *h -= mean);
                let variance = dot(hat, hat) * over;
                *inverse = (variance + eps).sqrt().recip();
                for (((y, h), s), t) in y.iter_mut().zip(hat).zip(scale).zip(shift) {
                    *h *= *inverse;
                    *y = *h * *s + *t;
                }
            }
        },
    );
}

/// Adds the rows' gradient to `gx`; `sums` has room for three rows: the scale's gradient and the
/// shift's are added to the first two.
fn backward<E: Real>(gy: &[E], hat: &[E], inverse: &[E], scale: &[E], gx: &mut [E], sums: &mut [E]) {
    let width = scale.len().max(1);
    let over = E::of(1.0 / width as f64);
    let (by_scale, rest) = sums.split_at_mut(width);
    let (by_shift, up) = rest.split_at_mut(width);
    vectorized(
        #[inline(always)]
        || {
            let rows = gx.chunks_exact_mut(width).zip(gy.chunks_exact(width)).zip(hat.chunks_exact(width));
            for (((gx, gy), hat), inverse) in rows.zip(inverse) {
                up.iter_mut().zip(gy).zip(scale).for_each(|((u, g), s)| *u = *g * *s);
                let mean = sum(up) * over;
                let along = dot(up, hat) * over;
                for ((gx, up), h) in gx.iter_mut().zip(&*up).zip(hat) {
                    *gx += *inverse * (*up - mean - *h * along);
                }
                for (((s, t), g), h) in by_scale.iter_mut().zip(by_shift.iter_mut()).zip(gy).zip(hat) {
                    *s += *g * *h;
                    *t += *g;
                }
            }
        },
    );
}
