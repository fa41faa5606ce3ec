//! Multi-head self-attention, from projected queries, keys and values to mixed values.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::attend::Attend;
use super::kernels::{kernels, Made};
use super::mask::OwnedMask;
use super::{Mask, Real};
use crate::error::{device, Error, Result};
use crate::tape::{profile::op, record, slot, values, Scratch};

/// Devices with [`attention`].
pub trait AttentionOp<E: Real>: Device<E> {
    /// See [`attention`]; sizes are already checked.
    fn attention<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        qkv: Tensor<(B, N, usize), E, Self, T>,
        width: W,
        heads: usize,
        mask: Mask<'_>,
    ) -> Result<Tensor<(B, N, W), E, Self, T>> {
        composed(qkv, width, heads, mask).map_err(device)
    }
}

/// Scaled dot-product attention of every token with those the mask lets it see (Vaswani et al. 2017, arXiv 1706.03762).
///
/// `qkv` is (batch, tokens, 3 * width): queries, keys and values side by side, each made of `heads` slices of
/// `width / heads`. Gives (batch, tokens, width). Scores are divided by `sqrt(width / heads)`.
///
/// PyTorch equivalent: `q, k, v = qkv.reshape(b, n, 3, heads, width // heads).permute(2, 0, 3, 1, 4);
/// scaled_dot_product_attention(q, k, v, attn_mask, is_causal=...).transpose(1, 2).reshape(b, n, width)`.
///
/// # Errors
/// [`Error::Shape`] when the last size is not `3 * width`, `heads` does not divide `width` or a mask leaves a query nothing
/// to look at; a device out of memory.
pub fn attention<B: Dim, N: Dim, W: Dim, E: Real, D: AttentionOp<E>, T: Tape<E, D>>(
    qkv: Tensor<(B, N, usize), E, D, T>,
    width: W,
    heads: usize,
    mask: Mask<'_>,
) -> Result<Tensor<(B, N, W), E, D, T>> {
    mask.check(qkv.shape().0.size(), qkv.shape().1.size())?;
    let w = width.size();
    if qkv.shape().2 != 3 * w || heads == 0 || !w.is_multiple_of(heads) {
        let expected = format!("3 x {w} values a token and heads that divide {w}");
        return Err(Error::shape(
            "attention",
            expected,
            format!("{} values and {heads} heads", qkv.shape().2),
        ));
    }
    let _timed = op("attention");
    D::attention(qkv, width, heads, mask)
}

/// The same from dfdx's operations.
pub(crate) fn composed<B: Dim, N: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    qkv: Tensor<(B, N, usize), E, D, T>,
    width: W,
    heads: usize,
    mask: Mask<'_>,
) -> std::result::Result<Tensor<(B, N, W), E, D, T>, D::Err> {
    let (batch, tokens, _) = *qkv.shape();
    let (b, n, hd) = (batch.size(), tokens.size(), width.size() / heads);
    let (qkv, tape) = qkv.try_reshape_like(&(b, n, 3, heads, hd))?.split_tape();
    // (3, batch, heads, tokens, head width), so that each third is one slice of the first axis
    let parts =
        qkv.put_tape(tape).try_permute::<(usize, usize, usize, usize, usize), Axes5<2, 0, 3, 1, 4>>()?;
    let parts = parts.try_reshape_like(&(3usize, b * heads * n * hd))?;
    let dev = parts.device().clone();
    let (parts, tape) = parts.split_tape();
    let third =
        |i: usize, tape: T| -> std::result::Result<Tensor<(usize, usize, usize, usize), E, D, T>, D::Err> {
            let index: Tensor<(usize,), usize, D> = dev.try_tensor_from_vec(vec![i], (1,))?;
            let part: Tensor<(usize, usize), E, D, T> = parts.clone().put_tape(tape).try_gather(index)?;
            part.try_reshape_like(&(b, heads, n, hd))
        };
    let (k, tape) = third(1, tape)?.split_tape();
    let (v, tape) = third(2, tape)?.split_tape();
    let q = third(0, tape)?.try_mul(E::of(1.0 / (hd as f64).sqrt()))?;
    let scores = q.try_matmul(k.try_permute::<(usize, usize, usize, usize), Axes4<0, 1, 3, 2>>()?)?;
    let scores = match blocked(mask, (b, heads, n)) {
        None => scores,
        Some(blocked) => {
            // Far below any score, yet finite, so that softmax's differences stay numbers.
            let far = E::of(-1e30);
            let shape = *scores.shape();
            let offsets = blocked.into_iter().map(|b| if b { far } else { E::zero() }).collect();
            scores.try_add(dev.try_tensor_from_vec(offsets, shape)?)?
        }
    };
    let mixed = scores.try_softmax::<Axis<3>>()?.try_matmul(v)?;
    let mixed = mixed.try_permute::<(usize, usize, usize, usize), Axes4<0, 2, 1, 3>>()?;
    mixed.try_reshape_like(&(batch, tokens, width))
}

/// For every score, in order (batch, head, query, key), whether the key is hidden; `None` where none is.
fn blocked(mask: Mask<'_>, (batch, heads, tokens): (usize, usize, usize)) -> Option<Vec<bool>> {
    let hidden = |b: usize, query: usize, key: usize| match mask {
        Mask::None => false,
        Mask::Causal => key > query,
        Mask::Keys(seen) => !seen[b * tokens + key],
    };
    let scores = (0..batch * heads * tokens * tokens).map(|i| {
        let (query, key) = (i / tokens % tokens, i % tokens);
        hidden(i / (heads * tokens * tokens), query, key)
    });
    (mask != Mask::None).then(|| scores.collect())
}

impl<E: Real> AttentionOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn attention<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        qkv: Tensor<(B, N, usize), E, Self, T>,
        width: W,
        heads: usize,
        mask: Mask<'_>,
    ) -> Result<Tensor<(B, N, W), E, Self, T>> {
        let (qkv, mut tape) = qkv.split_tape();
        let (batch, tokens, _) = *qkv.shape();
        let sizes = (batch.size(), tokens.size(), width.size(), heads);
        let (y, backward) = E::attention(values(&qkv), sizes, mask.to_owned(), T::OWNS_TAPE);
        let y = qkv.device().try_tensor_from_vec(y, (batch, tokens, width)).map_err(device)?;
        record(&mut tape, vec![slot(&qkv)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`attention`].
    AttentionKernel {
        fn attention(qkv: Vec<Self>, sizes: (usize, usize, usize, usize), mask: OwnedMask, keep: bool) -> Made<Self> = run;
    }
}

/// `sizes` are the batch, the tokens, the width and the heads.
fn run<E: Real>(
    xs: Vec<E>,
    (batch, n, w, heads): (usize, usize, usize, usize),
    mask: OwnedMask,
    keep: bool,
) -> Made<E> {
    let causal = mask.as_mask() == Mask::Causal;
    let mut y = vec![E::zero(); batch * n * w];
    let mut logs = Scratch::<E>::any(batch * n * heads);
    let room = Attend::new((n, w, heads), causal, None).scratch();
    y.par_chunks_mut((n * w).max(1))
        .zip(xs.par_chunks((3 * n * w).max(1)))
        .zip(logs.par_chunks_mut((n * heads).max(1)))
        .enumerate()
        .for_each_init(
            || Scratch::any(room),
            |scratch, (i, ((y, x), logs))| {
                let attend = Attend::new((n, w, heads), causal, mask.as_mask().of_sample(i, n));
                attend.forward(x, logs, y, scratch);
            },
        );
    let kept = if keep { y.clone() } else { Vec::new() };
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        g[0].par_chunks_mut((3 * n * w).max(1))
            .zip(xs.par_chunks((3 * n * w).max(1)))
            .zip(logs.par_chunks((n * heads).max(1)))
            .zip(kept.par_chunks((n * w).max(1)).zip(gy.par_chunks((n * w).max(1))))
            .enumerate()
            .for_each_init(
                || (Scratch::any(room), Scratch::any(3 * n * w)),
                |(scratch, own), (i, (((gx, x), logs), (y, gy)))| {
                    let keys = mask.as_mask().of_sample(i, n);
                    Attend::new((n, w, heads), causal, keys).backward(x, logs, y, gy, own, scratch);
                    gx.iter_mut().zip(own.iter()).for_each(|(gx, g)| *gx += *g);
                },
            );
    };
    (y, Box::new(backward))
}
