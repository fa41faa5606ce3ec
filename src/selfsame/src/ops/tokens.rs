//! Some of the tokens of a sequence, and a sequence made whole again: the two ends of a masked autoencoder.

use dfdx::prelude::*;

use super::row_gather::{gather_rows, Readers, FILL};
use super::Real;
use crate::error::{device, Error, Result};
use crate::tape::{record, slot, values};

/// Devices with [`gather_tokens`] and [`scatter_tokens`].
pub trait TokensOp<E: Real>: Device<E> {
    /// See [`gather_tokens`]; indices are already checked.
    fn gather_tokens<B: Dim, N: Dim, W: Dim, K: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, N, W), E, Self, T>,
        index: &[u32],
        kept: K,
    ) -> Result<Tensor<(B, K, W), E, Self, T>> {
        composed_gather(x, index, kept).map_err(device)
    }
    /// See [`scatter_tokens`]; indices are already checked.
    fn scatter_tokens<B: Dim, K: Dim, W: Dim, N: Dim, T: Tape<E, Self>>(
        visible: Tensor<(B, K, W), E, Self, T>,
        fill: &Tensor<(W,), E, Self>,
        restore: &[u32],
        tokens: N,
    ) -> Result<Tensor<(B, N, W), E, Self, T>> {
        composed_scatter(visible, fill, restore, tokens).map_err(device)
    }
}

/// Tokens picked in each sample: (batch, tokens, width) to (batch, kept, width); `index` holds `kept` numbers of tokens for
/// every sample.
///
/// PyTorch equivalent: `torch.gather(x, 1, index[:, :, None].expand(-1, -1, width))`.
///
/// # Errors
/// [`Error::Shape`] when there are not `batch * kept` indices or one is no token; a device out of memory.
pub fn gather_tokens<B: Dim, N: Dim, W: Dim, K: Dim, E: Real, D: TokensOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, N, W), E, D, T>,
    index: &[u32],
    kept: K,
) -> Result<Tensor<(B, K, W), E, D, T>> {
    check_index("gathered tokens", index, (x.shape().0.size(), kept.size()), x.shape().1.size())?;
    D::gather_tokens(x, index, kept)
}

/// Full sequences from visible tokens: (batch, kept, width) to (batch, `tokens`, width). Token `t` of a sample is its
/// visible token `restore[t]`, or `fill` (a learned mask token, say) where `restore[t]` is `kept` or more.
///
/// `restore` holds `tokens` numbers below `tokens` for every sample, as [`RandomMasking`](super::RandomMasking) gives
/// them. This is the decoder's input in a masked autoencoder (He et al. 2021, arXiv 2111.06377), without first building
/// the longer sequence of visible and mask tokens.
///
/// PyTorch equivalent: `x = torch.cat([visible, fill.expand(b, n - kept, w)], 1);
/// torch.gather(x, 1, restore[:, :, None].expand(-1, -1, w))`.
///
/// # Errors
/// [`Error::Shape`] when there are not `batch * tokens` numbers, one is not below `tokens`, or the fill has another width;
/// a device out of memory.
pub fn scatter_tokens<B: Dim, K: Dim, W: Dim, N: Dim, E: Real, D: TokensOp<E>, T: Tape<E, D>>(
    visible: Tensor<(B, K, W), E, D, T>,
    fill: &Tensor<(W,), E, D>,
    restore: &[u32],
    tokens: N,
) -> Result<Tensor<(B, N, W), E, D, T>> {
    let (batch, _, width) = *visible.shape();
    if fill.shape().0 != width {
        return Err(Error::shape("mask token", width.size(), fill.shape().0.size()));
    }
    check_index("restored tokens", restore, (batch.size(), tokens.size()), tokens.size())?;
    D::scatter_tokens(visible, fill, restore, tokens)
}

fn check_index(what: &str, index: &[u32], (batch, each): (usize, usize), below: usize) -> Result<()> {
    if index.len() != batch * each {
        return Err(Error::shape(what, format!("{batch} x {each} indices"), index.len()));
    }
    match index.iter().find(|i| **i as usize >= below) {
        Some(bad) => Err(Error::shape(what, format!("indices below {below}"), bad)),
        None => Ok(()),
    }
}

/// `index` counted over the rows of all samples; [`FILL`] where it is not below `rows`.
fn over_samples(index: &[u32], each: usize, rows: usize) -> Vec<u32> {
    let row = |(i, at): (usize, &u32)| {
        let at = *at as usize;
        if at < rows {
            (i / each * rows + at) as u32
        } else {
            FILL
        }
    };
    index.iter().enumerate().map(row).collect()
}

/// [`gather_tokens`] from dfdx's operations.
pub(crate) fn composed_gather<B: Dim, N: Dim, W: Dim, K: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    x: Tensor<(B, N, W), E, D, T>,
    index: &[u32],
    kept: K,
) -> std::result::Result<Tensor<(B, K, W), E, D, T>, D::Err> {
    let (batch, tokens, width) = *x.shape();
    let from = over_samples(index, kept.size(), tokens.size());
    let rows = x.try_reshape_like(&(batch.size() * tokens.size(), width))?;
    super::embedding::composed(rows, &from)?.try_reshape_like(&(batch, kept, width))
}

/// [`scatter_tokens`] from dfdx's operations: every place takes some row, and what must not be seen is blanked out.
pub(crate) fn composed_scatter<B: Dim, K: Dim, W: Dim, N: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    visible: Tensor<(B, K, W), E, D, T>,
    fill: &Tensor<(W,), E, D>,
    restore: &[u32],
    tokens: N,
) -> std::result::Result<Tensor<(B, N, W), E, D, T>, D::Err> {
    let (batch, kept, width) = *visible.shape();
    let from = over_samples(restore, tokens.size(), kept.size());
    let dev = visible.device().clone();
    let shown: Vec<E> = from.iter().map(|f| if *f == FILL { E::zero() } else { E::one() }).collect();
    let hidden: Vec<E> = shown.iter().map(|s| E::one() - *s).collect();
    let from: Vec<u32> = from.into_iter().map(|f| if f == FILL { 0 } else { f }).collect();
    let shape = (from.len(), width);
    let hidden = dev.try_tensor_from_vec(hidden, (from.len(),))?.try_broadcast_like::<_, Axis<1>>(&shape)?;
    let (visible, tape) = visible.split_tape();
    let fill = fill.clone().put_tape(tape).try_broadcast_like::<_, Axis<0>>(&shape)?.try_mul(hidden)?;
    if kept.size() == 0 {
        return fill.try_reshape_like(&(batch, tokens, width));
    }
    let (fill, tape) = fill.split_tape();
    let rows = visible.put_tape(tape).try_reshape_like(&(batch.size() * kept.size(), width))?;
    let shown = dev.try_tensor_from_vec(shown, (from.len(),))?.try_broadcast_like::<_, Axis<1>>(&shape)?;
    let y = super::embedding::composed(rows, &from)?.try_mul(shown)?.try_add(fill)?;
    y.try_reshape_like(&(batch, tokens, width))
}

impl<E: Real> TokensOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn gather_tokens<B: Dim, N: Dim, W: Dim, K: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, N, W), E, Self, T>,
        index: &[u32],
        kept: K,
    ) -> Result<Tensor<(B, K, W), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (batch, tokens, width) = *x.shape();
        let from = over_samples(index, kept.size(), tokens.size());
        let w = width.size();
        let mut y = vec![E::zero(); from.len() * w];
        gather_rows(&values(&x), &from, &[], w, &mut y);
        let y = x.device().try_tensor_from_vec(y, (batch, kept, width)).map_err(device)?;
        let readers = Readers::new(&from, batch.size() * tokens.size());
        record(&mut tape, vec![slot(&x)], slot(&y), move |gy, g| {
            readers.add_to_source(gy, w, &mut g[0]);
        });
        Ok(y.put_tape(tape))
    }

    fn scatter_tokens<B: Dim, K: Dim, W: Dim, N: Dim, T: Tape<E, Self>>(
        visible: Tensor<(B, K, W), E, Self, T>,
        fill: &Tensor<(W,), E, Self>,
        restore: &[u32],
        tokens: N,
    ) -> Result<Tensor<(B, N, W), E, Self, T>> {
        let (visible, mut tape) = visible.split_tape();
        let (batch, kept, width) = *visible.shape();
        let from = over_samples(restore, tokens.size(), kept.size());
        let w = width.size();
        let mut y = vec![E::zero(); from.len() * w];
        gather_rows(&values(&visible), &from, &values(fill), w, &mut y);
        let y = visible.device().try_tensor_from_vec(y, (batch, tokens, width)).map_err(device)?;
        let readers = Readers::new(&from, batch.size() * kept.size());
        record(&mut tape, vec![slot(&visible), slot(fill)], slot(&y), move |gy, g| {
            readers.add_to_source(gy, w, &mut g[0]);
            readers.add_to_fill(gy, &mut g[1]);
        });
        Ok(y.put_tape(tape))
    }
}
