//! The error of predictions in the rows that count: what masked autoencoders minimise.

use dfdx::prelude::*;
use rayon::prelude::*;

use crate::error::{device, Error, Result};
use crate::ops::Real;
use crate::tape::{profile::op, record, slot, values};

/// Rows whose errors are added up before the groups' are: fixed, for the same sum on any number of threads.
const GROUP: usize = 64;

/// Devices with [`masked_error`].
pub trait MaskedErrorOp<E: Real>: Device<E> {
    /// See [`masked_error`]; sizes are already checked.
    fn masked_error<B: Dim, W: Dim, T: Tape<E, Self>>(
        prediction: Tensor<(B, W), E, Self, T>,
        target: &[E],
        counts: &[bool],
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        composed(prediction, target, counts).map_err(device)
    }
}

/// Mean squared difference of `prediction` (rows, width) and `target` (the same, row-major) over the rows where
/// `counts` is true (He et al. 2022, arXiv 2111.06377: the hidden patches).
///
/// PyTorch equivalent: `((prediction - target) ** 2)[counts].mean()`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::masked_error;
/// let dev = Cpu::default();
/// let prediction: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[1., 2.], [3., 4.]]);
/// assert_eq!(masked_error(prediction, &[0., 0., 3., 2.], &[false, true])?.array(), 2.0);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] where lengths differ or no row counts; a device out of memory.
pub fn masked_error<B: Dim, W: Dim, E: Real, D: MaskedErrorOp<E>, T: Tape<E, D>>(
    prediction: Tensor<(B, W), E, D, T>,
    target: &[E],
    counts: &[bool],
) -> Result<Tensor<Rank0, E, D, T>> {
    let (rows, width) = (prediction.shape().0.size(), prediction.shape().1.size());
    if target.len() != rows * width {
        return Err(Error::shape(
            "target of a masked error",
            format!("{rows} x {width} values"),
            target.len(),
        ));
    }
    if counts.len() != rows || width == 0 || !counts.contains(&true) {
        let expected = format!("one value for each of {rows} rows, one of them true");
        return Err(Error::shape("mask of a masked error", expected, counts.len()));
    }
    let _timed = op("masked error");
    D::masked_error(prediction, target, counts)
}

/// Every patch of `len` pixels to mean 0 and deviation 1, in place: the targets of a masked autoencoder that
/// predicts normalised pixels.
///
/// He et al. 2022, arXiv 2111.06377.
///
/// The variance is unbiased and has 1e-6 added, so a constant patch becomes 0. Values beyond the last whole patch
/// stay as they are.
///
/// PyTorch equivalent: `(x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + 1e-6) ** 0.5`.
///
/// ```
/// let mut pixels = [1.0f32, 3.0, 5.0, 5.0];
/// selfsame::losses::standardise_patches(&mut pixels, 2);
/// assert!((pixels[0] + 0.5f32.sqrt()).abs() < 1e-6 && pixels[2..] == [0.0, 0.0]);
/// ```
pub fn standardise_patches<E: Real>(pixels: &mut [E], len: usize) {
    let n = E::of(len as f64);
    pixels.par_chunks_exact_mut(len.max(1)).for_each(|patch| {
        let mean = patch.iter().copied().sum::<E>() / n;
        let squares: E = patch.iter().map(|v| (*v - mean) * (*v - mean)).sum();
        let variance = squares / (n - E::one()).max(E::one());
        let inverse = (variance + E::of(1e-6)).sqrt().recip();
        patch.iter_mut().for_each(|v| *v = (*v - mean) * inverse);
    });
}

/// What a value's square is multiplied with: one over how many count.
fn weight<E: Real>(counts: &[bool], width: usize) -> E {
    E::of(1.0 / (counts.iter().filter(|c| **c).count() * width) as f64)
}

/// The loss from dfdx's operations.
pub(crate) fn composed<B: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    prediction: Tensor<(B, W), E, D, T>,
    target: &[E],
    counts: &[bool],
) -> std::result::Result<Tensor<Rank0, E, D, T>, D::Err> {
    let shape = *prediction.shape();
    let (width, dev) = (shape.1.size(), prediction.device().clone());
    let one = weight::<E>(counts, width);
    let weights = counts.iter().flat_map(|c| std::iter::repeat_n(if *c { one } else { E::zero() }, width));
    let weights = dev.try_tensor_from_vec(weights.collect(), shape)?;
    let target = dev.try_tensor_from_vec(target.to_vec(), shape)?;
    prediction.try_sub(target)?.try_square()?.try_mul(weights)?.try_sum::<Rank0, _>()
}

impl<E: Real> MaskedErrorOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn masked_error<B: Dim, W: Dim, T: Tape<E, Self>>(
        prediction: Tensor<(B, W), E, Self, T>,
        target: &[E],
        counts: &[bool],
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        let (prediction, mut tape) = prediction.split_tape();
        let width = prediction.shape().1.size();
        let weight = weight::<E>(counts, width);
        let mut off = values(&prediction);
        let sums: Vec<E> = off
            .par_chunks_mut(GROUP * width)
            .zip(target.par_chunks(GROUP * width).zip(counts.par_chunks(GROUP)))
            .map(|(off, (target, counts))| {
                let rows = off.chunks_exact_mut(width).zip(target.chunks_exact(width)).zip(counts);
                rows.map(|((off, target), counts)| row(off, target, *counts)).sum()
            })
            .collect();
        let loss = sums.into_iter().sum::<E>() * weight;
        let y = prediction.device().try_tensor_from_vec(vec![loss], ()).map_err(device)?;
        record(&mut tape, vec![slot(&prediction)], slot(&y), move |gy, g| {
            let scale = E::of(2.0) * weight * gy[0];
            let pairs = g[0].par_chunks_mut(GROUP * width).zip(off.par_chunks(GROUP * width));
            pairs.for_each(|(g, off)| g.iter_mut().zip(off).for_each(|(g, off)| *g += scale * *off));
        });
        Ok(y.put_tape(tape))
    }
}

/// A row's difference to its target in place, zero where it does not count, and the sum of its squares.
fn row<E: Real>(off: &mut [E], target: &[E], counts: bool) -> E {
    if !counts {
        off.fill(E::zero());
        return E::zero();
    }
    off.iter_mut().zip(target).for_each(|(o, t)| *o -= *t);
    off.iter().map(|o| *o * *o).sum()
}
