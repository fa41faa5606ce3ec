//! Cross-entropy with class ids.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::Real;
use crate::error::{device, Error, Result};
use crate::tape::{record, slot, values};

/// Devices with [`cross_entropy`].
pub trait CrossEntropyOp<E: Real>: Device<E> {
    /// See [`cross_entropy`]; labels are already checked.
    fn cross_entropy<B: Dim, C: Dim, T: Tape<E, Self>>(
        logits: Tensor<(B, C), E, Self, T>,
        labels: &[u32],
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        composed(logits, labels).map_err(device)
    }
}

/// Mean over the batch of `-log softmax(logits)[label]`; `logits` is (batch, classes).
///
/// PyTorch equivalent: `torch.nn.functional.cross_entropy(logits, labels)`.
///
/// # Errors
/// [`Error::Shape`] when there are not as many labels as rows, none at all, or a label is no class; a device out of
/// memory.
pub fn cross_entropy<B: Dim, C: Dim, E: Real, D: CrossEntropyOp<E>, T: Tape<E, D>>(
    logits: Tensor<(B, C), E, D, T>,
    labels: &[u32],
) -> Result<Tensor<Rank0, E, D, T>> {
    let (rows, classes) = (logits.shape().0.size(), logits.shape().1.size());
    if labels.len() != rows || rows == 0 {
        return Err(Error::shape(
            "cross-entropy",
            format!("one label for each of {rows} rows"),
            labels.len(),
        ));
    }
    if let Some(bad) = labels.iter().find(|l| **l as usize >= classes) {
        return Err(Error::shape("cross-entropy", format!("labels below {classes}"), bad));
    }
    D::cross_entropy(logits, labels)
}

/// The same from dfdx's operations.
pub(crate) fn composed<B: Dim, C: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    logits: Tensor<(B, C), E, D, T>,
    labels: &[u32],
) -> std::result::Result<Tensor<Rank0, E, D, T>, D::Err> {
    let shape = *logits.shape();
    let (rows, classes) = (shape.0.size(), shape.1.size());
    let mut target = vec![E::zero(); rows * classes];
    labels.iter().enumerate().for_each(|(i, l)| target[i * classes + *l as usize] = E::one());
    let target = logits.device().try_tensor_from_vec(target, shape)?;
    // Row-major first: dfdx's gradient of what follows is wrong for a permuted tensor.
    let logits = logits.try_reshape_like(&shape)?;
    let picked = logits.try_log_softmax::<Axis<1>>()?.try_mul(target)?;
    picked.try_sum::<Rank0, _>()?.try_mul(E::of(-1.0 / rows as f64))
}

impl<E: Real> CrossEntropyOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn cross_entropy<B: Dim, C: Dim, T: Tape<E, Self>>(
        logits: Tensor<(B, C), E, Self, T>,
        labels: &[u32],
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        let (logits, mut tape) = logits.split_tape();
        let (rows, classes) = (logits.shape().0.size(), logits.shape().1.size());
        let mut p = values(&logits);
        let losses: Vec<E> = p
            .par_chunks_mut(classes)
            .zip(labels)
            .map(|(row, label)| {
                let max = row.iter().copied().fold(E::neg_infinity(), E::max);
                let shifted = row[*label as usize] - max;
                let total = row.iter().map(|v| (*v - max).exp()).sum::<E>().ln();
                softmax(row);
                total - shifted
            })
            .collect();
        let scale = E::of(1.0 / rows as f64);
        let loss = losses.into_iter().sum::<E>() * scale;
        let y = logits.device().try_tensor_from_vec(vec![loss], ()).map_err(device)?;
        let labels = labels.to_vec();
        record(&mut tape, vec![slot(&logits)], slot(&y), move |gy, g| {
            let scale = scale * gy[0];
            for ((gx, p), label) in g[0].chunks_exact_mut(classes).zip(p.chunks_exact(classes)).zip(&labels) {
                gx.iter_mut().zip(p).for_each(|(gx, p)| *gx += *p * scale);
                gx[*label as usize] -= scale;
            }
        });
        Ok(y.put_tape(tape))
    }
}

/// Softmax of a row, in place.
fn softmax<E: Real>(row: &mut [E]) {
    let max = row.iter().copied().fold(E::neg_infinity(), E::max);
    row.iter_mut().for_each(|v| *v = (*v - max).exp());
    let inverse = row.iter().copied().sum::<E>().recip();
    row.iter_mut().for_each(|v| *v *= inverse);
}
