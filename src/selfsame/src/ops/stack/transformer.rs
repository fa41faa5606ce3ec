//! The operation: shapes in, kernels inside, a tape entry out.

use dfdx::prelude::*;

use super::kernel::Call;
use super::plan::Plan;
use super::weights::BlockValues;
use crate::error::{device, Error, Result};
use crate::ops::mask::OwnedMask;
use crate::ops::{
    self, Activation, ActivationOp, AddOp, AttentionOp, LayerNormOp, LinearOp, Mask, PoolOp, Real,
};
use crate::tape::{profile::op, record, slot, values, Slot};

/// The parameters of one pre-norm block, maps as (out, in).
#[derive(Debug, Clone, Copy)]
pub struct BlockParameters<'p, W: Dim, E: Real, D: Device<E>> {
    /// Scale and shift of the norm before attention.
    pub norm1: [&'p Tensor<(W,), E, D>; 2],
    /// Weight (3 width, width) of queries, keys and values, in this order.
    pub qkv: &'p Tensor<(usize, W), E, D>,
    /// Its bias.
    pub qkv_bias: &'p Tensor<(usize,), E, D>,
    /// Weight (width, width) of the projection after attention.
    pub proj: &'p Tensor<(W, W), E, D>,
    /// Its bias.
    pub proj_bias: &'p Tensor<(W,), E, D>,
    /// Scale and shift of the norm before the MLP.
    pub norm2: [&'p Tensor<(W,), E, D>; 2],
    /// Weight (hidden, width) of the MLP's first map.
    pub fc1: &'p Tensor<(usize, W), E, D>,
    /// Its bias.
    pub fc1_bias: &'p Tensor<(usize,), E, D>,
    /// Weight (width, hidden) of the MLP's second map.
    pub fc2: &'p Tensor<(W, usize), E, D>,
    /// Its bias.
    pub fc2_bias: &'p Tensor<(W,), E, D>,
}

/// The parameters of a stack and how it computes.
#[derive(Debug, Clone)]
pub struct StackParameters<'p, W: Dim, E: Real, D: Device<E>> {
    /// The blocks, first to last.
    pub blocks: Vec<BlockParameters<'p, W, E, D>>,
    /// Scale and shift of a norm after the last block.
    pub norm: Option<[&'p Tensor<(W,), E, D>; 2]>,
    /// Attention heads; they must divide the width.
    pub heads: usize,
    /// Between the MLP's two maps (GELU).
    pub activation: Activation,
    /// Added to the variances (1e-5 in GPT, 1e-6 in ViT).
    pub eps: f64,
}

/// How patches become tokens.
#[derive(Debug, Clone, Copy)]
pub struct PatchEmbedding<'p, W: Dim, E: Real, D: Device<E>> {
    /// (width, patch values).
    pub weight: &'p Tensor<(W, usize), E, D>,
    /// (width).
    pub bias: &'p Tensor<(W,), E, D>,
    /// (tokens, width), added to the tokens of every sample.
    pub positions: &'p Tensor<(usize, W), E, D>,
}

/// Devices with [`transformer`] and [`vision_transformer`].
pub trait StackOp<E: Real>:
    ActivationOp<E> + AddOp<E> + AttentionOp<E> + LayerNormOp<E> + LinearOp<E> + PoolOp<E>
{
    /// See [`transformer`]; sizes are already checked.
    fn transformer<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, N, W), E, Self, T>,
        stack: &StackParameters<'_, W, E, Self>,
        mask: Mask<'_>,
    ) -> Result<Tensor<(B, N, W), E, Self, T>> {
        composed(x, stack, mask)
    }
    /// See [`vision_transformer`]; sizes are already checked.
    fn vision_transformer<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        patches: Tensor<(B, N, usize), E, Self, T>,
        embedding: PatchEmbedding<'_, W, E, Self>,
        stack: &StackParameters<'_, W, E, Self>,
    ) -> Result<Tensor<(B, W), E, Self, T>> {
        composed_vision(patches, embedding, stack)
    }
}

/// A stack of pre-norm transformer blocks, (batch, tokens, width) to the same (Vaswani et al. 2017, arXiv 1706.03762; the
/// order of norms is that of GPT-2 and ViT).
///
/// Each block is `x + attention(norm(x))`, then `x + mlp(norm(x))`; see [`attention`](crate::ops::attention) for the mask. An
/// encoder that sees only some tokens gets only those; a decoder-only language model has [`Mask::Causal`].
///
/// PyTorch equivalent: `for b in blocks: x = x + b.attn(b.norm1(x)); x = x + b.mlp(b.norm2(x))`, then `norm(x)`.
///
/// # Errors
/// [`Error::Shape`] where sizes known only at run time differ or heads do not divide the width, or a mask leaves a query
/// without keys; a device out of memory.
pub fn transformer<B: Dim, N: Dim, W: Dim, E: Real, D: StackOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, N, W), E, D, T>,
    stack: &StackParameters<'_, W, E, D>,
    mask: Mask<'_>,
) -> Result<Tensor<(B, N, W), E, D, T>> {
    let (batch, tokens, width) = *x.shape();
    mask.check(batch.size(), tokens.size())?;
    check(stack, width)?;
    let _timed = op("transformer");
    D::transformer(x, stack, mask)
}

/// A vision transformer's features: patches to tokens by an affine map, plus a learned position each, through the stack, and
/// the mean over tokens: (batch, tokens, patch values) to (batch, width) (Dosovitskiy et al. 2021, arXiv 2010.11929).
///
/// Equal to [`linear`](crate::ops::linear), [`add_to_each`](crate::ops::add_to_each), [`transformer`] and
/// [`mean_middle`](crate::ops::mean_middle) in a row, up to rounding.
///
/// PyTorch equivalent: `norm(blocks(patches @ weight.T + bias + positions)).mean(1)`.
///
/// # Errors
/// As [`transformer`], and [`Error::Shape`] where the embedding does not fit the patches.
pub fn vision_transformer<B: Dim, N: Dim, W: Dim, E: Real, D: StackOp<E>, T: Tape<E, D>>(
    patches: Tensor<(B, N, usize), E, D, T>,
    embedding: PatchEmbedding<'_, W, E, D>,
    stack: &StackParameters<'_, W, E, D>,
) -> Result<Tensor<(B, W), E, D, T>> {
    let (_, tokens, numbers) = *patches.shape();
    let width = embedding.bias.shape().0;
    let (weight, positions) = (*embedding.weight.shape(), *embedding.positions.shape());
    if weight != (width, numbers) || positions != (tokens.size(), width) {
        let expected = format!("{} tokens of {numbers} values", tokens.size());
        let found = format!("{} positions and a map of {} values", positions.0, weight.1);
        return Err(Error::shape("patch embedding", expected, found));
    }
    check(stack, width)?;
    let _timed = op("vision_transformer");
    D::vision_transformer(patches, embedding, stack)
}

/// Whether the parameters fit each other and the width.
fn check<W: Dim, E: Real, D: StackOp<E>>(stack: &StackParameters<'_, W, E, D>, width: W) -> Result<()> {
    let w = width.size();
    if stack.heads == 0 || !w.is_multiple_of(stack.heads) {
        let expected = format!("heads that divide width {w}");
        return Err(Error::shape("transformer", expected, format!("{} heads", stack.heads)));
    }
    let hidden = stack.blocks.first().map_or(0, |b| b.fc1.shape().0);
    for b in &stack.blocks {
        let found =
            [b.qkv.shape().0, b.qkv_bias.shape().0, b.fc1.shape().0, b.fc1_bias.shape().0, b.fc2.shape().1];
        let widths = [b.qkv.shape().1, b.fc1.shape().1, b.fc2.shape().0, b.proj.shape().0, b.proj.shape().1];
        let vectors = [b.norm1[0], b.norm1[1], b.norm2[0], b.norm2[1], b.proj_bias, b.fc2_bias];
        let whole = widths.into_iter().chain(vectors.map(|v| v.shape().0)).all(|d| d == width);
        if !whole || found != [3 * w, 3 * w, hidden, hidden, hidden] {
            let expected =
                format!("width {w}, queries, keys and values of {} and {hidden} hidden units", 3 * w);
            return Err(Error::shape("parameters of a transformer block", expected, format!("{found:?}")));
        }
    }
    Ok(())
}

/// The same from small operations.
pub(crate) fn composed<B: Dim, N: Dim, W: Dim, E: Real, D, T: Tape<E, D>>(
    x: Tensor<(B, N, W), E, D, T>,
    stack: &StackParameters<'_, W, E, D>,
    mask: Mask<'_>,
) -> Result<Tensor<(B, N, W), E, D, T>>
where
    D: ActivationOp<E> + AddOp<E> + AttentionOp<E> + LayerNormOp<E> + LinearOp<E>,
{
    let (batch, tokens, width) = *x.shape();
    let rows = (batch.size() * tokens.size(), width);
    let mut x = x.try_reshape_like(&rows).map_err(device)?;
    for b in &stack.blocks {
        let (residual, tape) = x.split_tape();
        let y = ops::layer_norm(residual.clone().put_tape(tape), b.norm1[0], b.norm1[1], stack.eps)?;
        let y = ops::linear(y, b.qkv, Some(b.qkv_bias))?;
        let y = y.try_reshape_like(&(batch, tokens, 3 * width.size())).map_err(device)?;
        let y = ops::attention(y, width, stack.heads, mask)?;
        let y = ops::linear(y.try_reshape_like(&rows).map_err(device)?, b.proj, Some(b.proj_bias))?;
        let (residual, tape) = ops::add(y, &residual)?.split_tape();
        let y = ops::layer_norm(residual.clone().put_tape(tape), b.norm2[0], b.norm2[1], stack.eps)?;
        let y = ops::activate(ops::linear(y, b.fc1, Some(b.fc1_bias))?, stack.activation)?;
        x = ops::add(ops::linear(y, b.fc2, Some(b.fc2_bias))?, &residual)?;
    }
    if let Some([scale, shift]) = stack.norm {
        x = ops::layer_norm(x, scale, shift, stack.eps)?;
    }
    x.try_reshape_like(&(batch, tokens, width)).map_err(device)
}

/// [`vision_transformer`] from small operations.
pub(crate) fn composed_vision<B: Dim, N: Dim, W: Dim, E: Real, D, T: Tape<E, D>>(
    patches: Tensor<(B, N, usize), E, D, T>,
    embedding: PatchEmbedding<'_, W, E, D>,
    stack: &StackParameters<'_, W, E, D>,
) -> Result<Tensor<(B, W), E, D, T>>
where
    D: ActivationOp<E> + AddOp<E> + AttentionOp<E> + LayerNormOp<E> + LinearOp<E> + PoolOp<E>,
{
    let (batch, tokens, numbers) = *patches.shape();
    let (n, width) = (tokens.size(), embedding.bias.shape().0);
    let rows = patches.try_reshape_like(&(batch.size() * n, numbers)).map_err(device)?;
    let x = ops::linear(rows, embedding.weight, Some(embedding.bias))?;
    let x = x.try_reshape_like(&(batch, n, width)).map_err(device)?;
    ops::mean_middle(composed(ops::add_to_each(x, embedding.positions)?, stack, Mask::None)?)
}

impl<E: Real> StackOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn transformer<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, N, W), E, Self, T>,
        stack: &StackParameters<'_, W, E, Self>,
        mask: Mask<'_>,
    ) -> Result<Tensor<(B, N, W), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let plan = plan(x.shape().1.size(), x.shape().2.size(), stack, mask);
        let call = Call { plan, mask: mask.to_owned(), embedding: None, keep: T::OWNS_TAPE };
        let inputs = slots(&x, None, stack);
        run(call, stack, &x, inputs, *x.shape(), &mut tape).map(|y| y.put_tape(tape))
    }

    fn vision_transformer<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        patches: Tensor<(B, N, usize), E, Self, T>,
        embedding: PatchEmbedding<'_, W, E, Self>,
        stack: &StackParameters<'_, W, E, Self>,
    ) -> Result<Tensor<(B, W), E, Self, T>> {
        let (x, mut tape) = patches.split_tape();
        let (batch, tokens, _) = *x.shape();
        let width = embedding.bias.shape().0;
        let plan = plan(tokens.size(), width.size(), stack, Mask::None);
        let values = [values(embedding.weight), values(embedding.bias), values(embedding.positions)];
        let call = Call { plan, mask: OwnedMask::None, embedding: Some(values), keep: T::OWNS_TAPE };
        let inputs = slots(&x, Some(embedding), stack);
        run(call, stack, &x, inputs, (batch, width), &mut tape).map(|y| y.put_tape(tape))
    }
}

/// The sizes of a call.
fn plan<W: Dim, E: Real>(
    tokens: usize,
    width: usize,
    stack: &StackParameters<'_, W, E, Cpu>,
    mask: Mask<'_>,
) -> Plan
where
    Cpu: Device<E>,
{
    Plan {
        tokens,
        width,
        heads: stack.heads,
        hidden: stack.blocks.first().map_or(0, |b| b.fc1.shape().0),
        depth: stack.blocks.len(),
        causal: mask == Mask::Causal,
        activation: stack.activation,
        finish: stack.norm.is_some(),
        eps: stack.eps,
    }
}

/// `x` through the kernels, and their backward onto the tape.
fn run<S: Shape, O: Shape, W: Dim, E: Real, T: Tape<E, Cpu>>(
    call: Call<E>,
    stack: &StackParameters<'_, W, E, Cpu>,
    x: &Tensor<S, E, Cpu>,
    inputs: Vec<Slot<E>>,
    shape: O,
    tape: &mut T,
) -> Result<Tensor<O, E, Cpu>>
where
    Cpu: Device<E>,
{
    let block = |b: &BlockParameters<'_, W, E, Cpu>| BlockValues {
        scale1: values(b.norm1[0]),
        shift1: values(b.norm1[1]),
        qkv: values(b.qkv),
        qkv_bias: values(b.qkv_bias),
        proj: values(b.proj),
        proj_bias: values(b.proj_bias),
        scale2: values(b.norm2[0]),
        shift2: values(b.norm2[1]),
        fc1: values(b.fc1),
        fc1_bias: values(b.fc1_bias),
        fc2: values(b.fc2),
        fc2_bias: values(b.fc2_bias),
    };
    let blocks = stack.blocks.iter().map(block).collect();
    let norm = stack.norm.map(|[scale, shift]| (values(scale), values(shift)));
    let (y, backward) = E::transformer(call, blocks, norm, values(x), shape.num_elements());
    let y = x.device().try_tensor_from_vec(y, shape).map_err(device)?;
    record(tape, inputs, slot(&y), backward);
    Ok(y)
}

/// The gradients a stack gives: of its input, of each block's parameters in the order of [`BlockValues`], of the norm's, of
/// the embedding's.
fn slots<S: Shape, W: Dim, E: Real>(
    x: &Tensor<S, E, Cpu>,
    embedding: Option<PatchEmbedding<'_, W, E, Cpu>>,
    stack: &StackParameters<'_, W, E, Cpu>,
) -> Vec<Slot<E>>
where
    Cpu: Device<E>,
{
    let mut all = vec![slot(x)];
    for b in &stack.blocks {
        all.extend(b.norm1.map(slot));
        all.extend([slot(b.qkv), slot(b.qkv_bias), slot(b.proj), slot(b.proj_bias)]);
        all.extend(b.norm2.map(slot));
        all.extend([slot(b.fc1), slot(b.fc1_bias), slot(b.fc2), slot(b.fc2_bias)]);
    }
    all.extend(stack.norm.iter().flat_map(|n| n.map(slot)));
    if let Some(e) = embedding {
        all.extend([slot(e.weight), slot(e.bias), slot(e.positions)]);
    }
    all
}
