//! How far one distribution over classes is from another.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::softmax::log_softmax_row;
use super::{sum_zip, vectorized, Real};
use crate::error::{device, Error, Result};
use crate::tape::{kept, record, slot, Scratch};

/// Rows a task works on.
const GROUP: usize = 64;

/// Devices with [`kl_div`].
pub trait KlDivOp<E: Real>: Device<E> {
    /// See [`kl_div`]; sizes are already checked.
    fn kl_div<B: Dim, C: Dim, T: Tape<E, Self>>(
        logits: Tensor<(B, C), E, Self, T>,
        target_logits: &Tensor<(B, C), E, Self>,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        composed(logits, target_logits).map_err(device)
    }
}

/// Mean over the batch of `sum(p (log p - log q))` with `p = softmax(target_logits)` and `q = softmax(logits)`, both
/// (batch, classes). Gradients flow to both; stop the target's for distillation.
///
/// PyTorch equivalent: `torch.nn.functional.kl_div(logits.log_softmax(1), target_logits.log_softmax(1),
/// reduction="batchmean", log_target=True)`.
///
/// # Errors
/// [`Error::Shape`] when the two have different shapes or no rows; a device out of memory.
pub fn kl_div<B: Dim, C: Dim, E: Real, D: KlDivOp<E>, T: Tape<E, D>>(
    logits: Tensor<(B, C), E, D, T>,
    target_logits: &Tensor<(B, C), E, D>,
) -> Result<Tensor<Rank0, E, D, T>> {
    let sizes = |s: &(B, C)| format!("{}x{}", s.0.size(), s.1.size());
    if logits.shape() != target_logits.shape() || logits.shape().num_elements() == 0 {
        let expected = format!("targets like {}, at least one row", sizes(logits.shape()));
        return Err(Error::shape("divergence", expected, sizes(target_logits.shape())));
    }
    D::kl_div(logits, target_logits)
}

/// The same from dfdx's operations.
pub(crate) fn composed<B: Dim, C: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    logits: Tensor<(B, C), E, D, T>,
    target_logits: &Tensor<(B, C), E, D>,
) -> std::result::Result<Tensor<Rank0, E, D, T>, D::Err> {
    let shape = *logits.shape();
    // Row-major first: dfdx's gradient of what follows is wrong for a permuted tensor.
    let (log_q, tape) = logits.try_reshape_like(&shape)?.try_log_softmax::<Axis<1>>()?.split_tape();
    let target = target_logits.clone().put_tape(tape).try_reshape_like(&shape)?;
    let (log_p, tape) = target.try_log_softmax::<Axis<1>>()?.split_tape();
    let (p, tape) = log_p.clone().put_tape(tape).try_exp()?.split_tape();
    let cost = log_p.put_tape(tape).try_sub(log_q)?.try_mul(p)?;
    cost.try_sum::<Rank0, _>()?.try_mul(E::of(1.0 / shape.0.size() as f64))
}

impl<E: Real> KlDivOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn kl_div<B: Dim, C: Dim, T: Tape<E, Self>>(
        logits: Tensor<(B, C), E, Self, T>,
        target_logits: &Tensor<(B, C), E, Self>,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        let (logits, mut tape) = logits.split_tape();
        let (rows, width) = (logits.shape().0.size(), logits.shape().1.size());
        // Both become the loss's gradient with respect to them.
        let (mut q, mut p) = (kept(&logits), kept(target_logits));
        let over = E::of(1.0 / rows as f64);
        let mut totals = Scratch::<E>::zeros(rows.div_ceil(GROUP));
        let groups = q.par_chunks_mut(GROUP * width).zip(p.par_chunks_mut(GROUP * width));
        groups.zip(totals.par_iter_mut()).for_each(|((q, p), total)| {
            vectorized(
                #[inline(always)]
                || {
                    for (q, p) in q.chunks_exact_mut(width).zip(p.chunks_exact_mut(width)) {
                        *total += row(q, p, over);
                    }
                },
            );
        });
        let y = vec![totals.iter().copied().sum::<E>()];
        let y = logits.device().try_tensor_from_vec(y, ()).map_err(device)?;
        record(&mut tape, vec![slot(&logits), slot(target_logits)], slot(&y), move |gy, g| {
            let scale = gy[0];
            for (g, slope) in g.iter_mut().zip([&q, &p]) {
                g.par_chunks_mut(GROUP * width).zip(slope.par_chunks(GROUP * width)).for_each(
                    |(g, slope)| {
                        g.iter_mut().zip(slope).for_each(|(g, s)| *g += scale * *s);
                    },
                );
            }
        });
        Ok(y.put_tape(tape))
    }
}

/// One row's cost times `over`; the logits become their gradients.
#[inline(always)]
fn row<E: Real>(q: &mut [E], p: &mut [E], over: E) -> E {
    log_softmax_row(q);
    log_softmax_row(p);
    let cost = sum_zip(p, q, |p, q| p.exp_fast() * (p - q));
    for (q, p) in q.iter_mut().zip(p) {
        let (share, apart) = (p.exp_fast(), *p - *q);
        *p = share * (apart - cost) * over;
        *q = (q.exp_fast() - share) * over;
    }
    cost * over
}
