//! The operation: shapes in, kernels inside, a tape entry out.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::backward::{backward, BackwardScratch};
use super::forward::{forward, ForwardScratch, StackValues};
use super::plan::Plan;
use super::weights::{add, BlockValues};
use crate::error::{device, Error, Result};
use crate::ops::mask::OwnedMask;
use crate::ops::{self, Activation, ActivationOp, AddOp, AttentionOp, LayerNormOp, LinearOp, Mask, Real};
use crate::tape::{record, slot, values, Scratch, Slot};

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

/// Devices with [`transformer`].
pub trait StackOp<E: Real>:
    ActivationOp<E> + AddOp<E> + AttentionOp<E> + LayerNormOp<E> + LinearOp<E>
{
    /// See [`transformer`]; sizes are already checked.
    fn transformer<B: Dim, N: Dim, W: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, N, W), E, Self, T>,
        stack: &StackParameters<'_, W, E, Self>,
        mask: Mask<'_>,
    ) -> Result<Tensor<(B, N, W), E, Self, T>> {
        composed(x, stack, mask)
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
    D::transformer(x, stack, mask)
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
        let plan = Plan {
            tokens: x.shape().1.size(),
            width: x.shape().2.size(),
            heads: stack.heads,
            hidden: stack.blocks.first().map_or(0, |b| b.fc1.shape().0),
            depth: stack.blocks.len(),
            causal: mask == Mask::Causal,
            activation: stack.activation,
            finish: stack.norm.is_some(),
            eps: stack.eps,
        };
        let work = Work { plan, values: read(stack, &plan), mask: mask.to_owned() };
        let mut y = values(&x);
        let kept = work.forward(&mut y, T::OWNS_TAPE);
        let y = x.device().try_tensor_from_vec(y, *x.shape()).map_err(device)?;
        if T::OWNS_TAPE {
            let mut kept = kept;
            record(&mut tape, slots(&x, stack), slot(&y), move |gy, g| work.backward(gy, &mut kept, g));
        }
        Ok(y.put_tape(tape))
    }
}

/// One call: sizes, parameters, mask.
struct Work<E> {
    plan: Plan,
    values: StackValues<E>,
    mask: OwnedMask,
}

impl<E: Real> Work<E> {
    /// Everything through the stack, in place; what backward needs is returned, or nothing where there is no backward.
    fn forward(&self, x: &mut [E], keep: bool) -> Scratch<E> {
        let Work { plan, values, .. } = self;
        let (group, sample) = (plan.group(), plan.sample().max(1));
        let batch = x.len() / sample;
        let mask = self.mask.as_mask();
        if !keep {
            // One block after the other keeps it in the same place.
            let per = plan.kept_by_block().max(plan.tokens * (plan.width + 1));
            x.par_chunks_mut(group * sample).enumerate().for_each_init(
                || (ForwardScratch::new(plan), Scratch::any(group * per)),
                |(scratch, kept), (i, x)| {
                    forward(plan, values, mask, i * group, x, kept, true, scratch);
                },
            );
            return Scratch::any(0);
        }
        let mut kept = Scratch::any(batch * plan.kept());
        x.par_chunks_mut(group * sample)
            .zip(kept.par_chunks_mut((group * plan.kept()).max(1)))
            .enumerate()
            .for_each_init(
                || ForwardScratch::new(plan),
                |scratch, (i, (x, kept))| forward(plan, values, mask, i * group, x, kept, false, scratch),
            );
        kept
    }

    /// Adds the gradients of the input and of every parameter to `g`, in the order of [`slots`].
    fn backward(&self, gy: &[E], kept: &mut [E], g: &mut [Vec<E>]) {
        let Work { plan, values, .. } = self;
        let Some((gx, parameters)) = g.split_first_mut() else { return };
        let (group, sample) = (plan.group(), plan.sample().max(1));
        let span = plan.span(gy.len() / sample);
        let mask = self.mask.as_mask();
        let partial = plan.gradient_len();
        let parts = gy.len().div_ceil(span * sample).max(1);
        let mut sums = Scratch::zeros(parts * partial);
        gx.par_chunks_mut(span * sample)
            .zip(gy.par_chunks(span * sample))
            .zip(kept.par_chunks_mut((span * plan.kept()).max(1)))
            .zip(sums.par_chunks_mut(partial.max(1)))
            .enumerate()
            .for_each_init(
                || BackwardScratch::new(plan),
                |scratch, (part, (((gx, gy), kept), sums))| {
                    let groups = gx.chunks_mut(group * sample).zip(gy.chunks(group * sample));
                    let kept = kept.chunks_mut((group * plan.kept()).max(1));
                    for (i, ((gx, gy), kept)) in groups.zip(kept).enumerate() {
                        let first = part * span + i * group;
                        backward(plan, values, mask, first, (gy, gx), kept, sums, scratch);
                    }
                },
            );
        let (total, others) = sums.split_at_mut(partial);
        for other in others.chunks_exact(partial.max(1)) {
            add(total, other);
        }
        let (blocks, norm) = parameters.split_at_mut(12 * plan.depth);
        for (i, (g, (block, folded))) in blocks.chunks_exact_mut(12).zip(&values.blocks).enumerate() {
            block.unfold(plan, folded, &plan.block_sums(i, total), g);
        }
        if let [scale, shift] = norm {
            let (gs, gt) = plan.norm_sums(total);
            add(scale, gs);
            add(shift, gt);
        }
    }
}

fn read<W: Dim, E: Real>(stack: &StackParameters<'_, W, E, Cpu>, plan: &Plan) -> StackValues<E>
where
    Cpu: Device<E>,
{
    let block = |b: &BlockParameters<'_, W, E, Cpu>| {
        let v = BlockValues {
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
        let folded = v.fold(plan);
        (v, folded)
    };
    StackValues {
        blocks: stack.blocks.iter().map(block).collect(),
        norm: stack.norm.map(|[scale, shift]| (values(scale), values(shift))),
    }
}

/// The gradients a stack gives: of its input, of each block's parameters in the order of [`BlockValues`], of the norm's.
fn slots<B: Dim, N: Dim, W: Dim, E: Real>(
    x: &Tensor<(B, N, W), E, Cpu>,
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
    all
}
