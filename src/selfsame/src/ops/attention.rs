//! Multi-head self-attention, from projected queries, keys and values to mixed values.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::{matmul, Matrix, Real, Threads};
use crate::error::{device, Error, Result};
use crate::tape::{profile::op, record, slot, values};

/// Devices with [`attention`].
pub trait AttentionOp<E: Real>: Device<E> {
    /// See [`attention`]; sizes are already checked.
    fn attention<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        qkv: Tensor<(B, N, usize), E, Self, T>,
        width: W,
        heads: usize,
    ) -> Result<Tensor<(B, N, W), E, Self, T>> {
        composed(qkv, width, heads).map_err(device)
    }
}

/// Scaled dot-product attention of every token with every other (Vaswani et al. 2017, arXiv 1706.03762).
///
/// `qkv` is (batch, tokens, 3 * width): queries, keys and values side by side, each made of `heads` slices of
/// `width / heads`. Gives (batch, tokens, width). Scores are divided by `sqrt(width / heads)`.
///
/// PyTorch equivalent: `q, k, v = qkv.reshape(b, n, 3, heads, width // heads).permute(2, 0, 3, 1, 4);
/// scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, width)`.
///
/// # Errors
/// [`Error::Shape`] when the last size is not `3 * width` or `heads` does not divide `width`; a device out of memory.
pub fn attention<B: Dim, N: Dim, W: Dim, E: Real, D: AttentionOp<E>, T: Tape<E, D>>(
    qkv: Tensor<(B, N, usize), E, D, T>,
    width: W,
    heads: usize,
) -> Result<Tensor<(B, N, W), E, D, T>> {
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
    D::attention(qkv, width, heads)
}

/// The same from dfdx's operations.
pub(crate) fn composed<B: Dim, N: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    qkv: Tensor<(B, N, usize), E, D, T>,
    width: W,
    heads: usize,
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
    let mixed = scores.try_softmax::<Axis<3>>()?.try_matmul(v)?;
    let mixed = mixed.try_permute::<(usize, usize, usize, usize), Axes4<0, 2, 1, 3>>()?;
    mixed.try_reshape_like(&(batch, tokens, width))
}

impl<E: Real> AttentionOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn attention<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        qkv: Tensor<(B, N, usize), E, Self, T>,
        width: W,
        heads: usize,
    ) -> Result<Tensor<(B, N, W), E, Self, T>> {
        let (qkv, mut tape) = qkv.split_tape();
        let (batch, tokens, _) = *qkv.shape();
        let plan = Plan { tokens: tokens.size(), width: width.size(), heads };
        let xs = values(&qkv);
        let mut y = vec![E::zero(); batch.size() * plan.out_len()];
        let mut weights = vec![E::zero(); batch.size() * plan.weights_len()];
        y.par_chunks_mut(plan.out_len().max(1))
            .zip(xs.par_chunks(plan.in_len().max(1)))
            .zip(weights.par_chunks_mut(plan.weights_len().max(1)))
            .for_each(|((y, x), p)| plan.forward(x, p, y));
        let y = qkv.device().try_tensor_from_vec(y, (batch, tokens, width)).map_err(device)?;
        record(&mut tape, vec![slot(&qkv)], slot(&y), move |gy, g| {
            g[0].par_chunks_mut(plan.in_len().max(1))
                .zip(xs.par_chunks(plan.in_len().max(1)))
                .zip(weights.par_chunks(plan.weights_len().max(1)))
                .zip(gy.par_chunks(plan.out_len().max(1)))
                .for_each_init(
                    || vec![E::zero(); plan.tokens * plan.tokens],
                    |s, (((gx, x), p), gy)| {
                        plan.backward(x, p, gy, s, gx);
                    },
                );
        });
        Ok(y.put_tape(tape))
    }
}

/// The sizes of one sample's attention, for the kernels.
#[derive(Clone, Copy)]
struct Plan {
    tokens: usize,
    width: usize,
    heads: usize,
}

impl Plan {
    fn in_len(&self) -> usize {
        self.tokens * 3 * self.width
    }
    fn out_len(&self) -> usize {
        self.tokens * self.width
    }
    fn weights_len(&self) -> usize {
        self.heads * self.tokens * self.tokens
    }
    /// One head's slice of the queries (which = 0), keys (1) or values (2), and its layout.
    fn head(&self, which: usize, head: usize) -> (usize, Matrix) {
        let hd = self.width / self.heads;
        (which * self.width + head * hd, Matrix::within(self.tokens, hd, 3 * self.width))
    }
    fn scale<E: Real>(&self) -> E {
        E::of(1.0 / ((self.width / self.heads) as f64).sqrt())
    }

    /// One sample: `p` receives the attention weights of each head, `y` the mixed values.
    fn forward<E: Real>(&self, x: &[E], p: &mut [E], y: &mut [E]) {
        let n = self.tokens;
        let (square, hd) = (Matrix::new(n, n), self.width / self.heads);
        for (h, p) in p.chunks_exact_mut(n * n).enumerate() {
            let ((q, l), (k, _), (v, _)) = (self.head(0, h), self.head(1, h), self.head(2, h));
            matmul(&x[q..], l, &x[k..], l.t(), p, square, false, Threads::One);
            p.chunks_exact_mut(n).for_each(|row| softmax(row, self.scale()));
            let out = Matrix::within(n, hd, self.width);
            matmul(p, square, &x[v..], l, &mut y[h * hd..], out, false, Threads::One);
        }
    }

    /// Adds one sample's gradient to `gx`; `s` is scratch for one head's scores.
    fn backward<E: Real>(&self, x: &[E], p: &[E], gy: &[E], s: &mut [E], gx: &mut [E]) {
        let n = self.tokens;
        let (square, hd) = (Matrix::new(n, n), self.width / self.heads);
        for (h, p) in p.chunks_exact(n * n).enumerate() {
            let ((q, l), (k, _), (v, _)) = (self.head(0, h), self.head(1, h), self.head(2, h));
            let (gh, lo) = (&gy[h * hd..], Matrix::within(n, hd, self.width));
            matmul(p, square.t(), gh, lo, &mut gx[v..], l, true, Threads::One);
            matmul(gh, lo, &x[v..], l.t(), s, square, false, Threads::One);
            for (s, p) in s.chunks_exact_mut(n).zip(p.chunks_exact(n)) {
                let dot = s.iter().zip(p).map(|(s, p)| *s * *p).sum::<E>();
                s.iter_mut().zip(p).for_each(|(s, p)| *s = (*s - dot) * *p * self.scale());
            }
            matmul(s, square, &x[k..], l, &mut gx[q..], l, true, Threads::One);
            matmul(s, square.t(), &x[q..], l, &mut gx[k..], l, true, Threads::One);
        }
    }
}

/// Softmax of `scale * row`, in place.
pub(crate) fn softmax<E: Real>(row: &mut [E], scale: E) {
    let max = row.iter().copied().fold(E::neg_infinity(), E::max);
    let mut sum = E::zero();
    for v in row.iter_mut() {
        *v = ((*v - max) * scale).exp();
        sum += *v;
    }
    let inverse = sum.recip();
    row.iter_mut().for_each(|v| *v *= inverse);
}
