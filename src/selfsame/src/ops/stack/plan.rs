//! The sizes of a transformer stack, and where everything lies.

use crate::ops::attend::Attend;
use crate::ops::Activation;

/// Numbers of queries, keys, values and hidden units that pass through all blocks together, about: enough for matrix
/// products to run near their peak, few enough that what passes from one product to the next stays in the second-level cache.
const NUMBERS: usize = 400_000;
/// Rows that are worth a partial weight gradient of their own.
const SPAN_ROWS: usize = 512;
/// Numbers in all partial weight gradients together, which is what splitting a batch costs.
const PARTIAL: usize = 1 << 24;

/// The sizes of one call, for the kernels.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub(super) tokens: usize,
    pub(super) width: usize,
    pub(super) heads: usize,
    pub(super) hidden: usize,
    pub(super) depth: usize,
    pub(super) causal: bool,
    pub(super) activation: Activation,
    /// Whether a norm follows the last block.
    pub(super) finish: bool,
    pub(super) eps: f64,
}

impl Plan {
    /// How a batch is shared out: samples that pass through all blocks together, and samples (a multiple of those) that
    /// share one partial weight gradient. Neither depends on the number of threads.
    pub(super) fn shares(&self, batch: usize) -> (usize, usize) {
        // Few partial gradients share a small batch out unevenly, many cost memory and additions; a power of 2, like the
        // number of threads of most machines.
        let most = (PARTIAL / self.gradient_len().max(1)).clamp(2, 16);
        let parts = 1 << (batch * self.tokens / SPAN_ROWS).clamp(1, most).ilog2();
        let span = batch.div_ceil(parts).max(1);
        let rows = (NUMBERS / (4 * self.width + 2 * self.hidden).max(1)).max(1);
        let groups = ((span * self.tokens + rows / 2) / rows).clamp(1, span);
        let group = span.div_ceil(groups);
        (group, group * span.div_ceil(group))
    }

    /// The attention of one sample, with the keys it may see.
    pub(super) fn attend<'m>(&self, keys: Option<&'m [bool]>) -> Attend<'m> {
        Attend::new((self.tokens, self.width, self.heads), self.causal, keys)
    }

    /// What one block keeps of one sample.
    pub(super) fn kept_by_block(&self) -> usize {
        self.tokens * (6 * self.width + self.hidden + self.heads + 2)
    }

    /// What the whole stack keeps of one sample.
    pub(super) fn kept(&self) -> usize {
        self.depth * self.kept_by_block() + usize::from(self.finish) * self.tokens * (self.width + 1)
    }

    /// Numbers in one block's partial gradient; see [`BlockSums`].
    pub(super) fn block_gradient_len(&self) -> usize {
        let (d, f) = (self.width, self.hidden);
        4 * d * d + 2 * d * f + 3 * d + f
    }

    /// Numbers in one partial gradient: all blocks, then the scale and shift of the last norm.
    pub(super) fn gradient_len(&self) -> usize {
        self.depth * self.block_gradient_len() + 2 * self.width
    }

    /// One block's part of a partial gradient.
    pub(super) fn block_sums<'g, E>(&self, block: usize, all: &'g mut [E]) -> BlockSums<'g, E> {
        let len = self.block_gradient_len();
        self.sums_of(&mut all[block * len..(block + 1) * len])
    }

    /// The same, given that part.
    pub(super) fn sums_of<'g, E>(&self, mut rest: &'g mut [E]) -> BlockSums<'g, E> {
        let (d, f) = (self.width, self.hidden);
        let mut next = |n| split(&mut rest, n);
        BlockSums {
            qkv: next(3 * d * d),
            proj: next(d * d),
            fc1: next(f * d),
            fc2: next(d * f),
            query_bias: next(d),
            proj_bias: next(d),
            fc1_bias: next(f),
            fc2_bias: next(d),
        }
    }

    /// The last norm's part: scale, shift.
    pub(super) fn norm_sums<'g, E>(&self, all: &'g mut [E]) -> (&'g mut [E], &'g mut [E]) {
        let at = all.len() - 2 * self.width;
        all[at..].split_at_mut(self.width)
    }

    /// What block after block keeps of `rows` rows, then what the last norm keeps, cut from one piece of memory.
    pub(super) fn cut<'s, E>(&self, rows: usize, rest: &mut &'s mut [E]) -> Kept<'s, E> {
        let (d, f, h) = (self.width, self.hidden, self.heads);
        let mut next = |n| split(rest, n * rows);
        Kept {
            hat1: next(d),
            inverse1: next(1),
            qkv: next(3 * d),
            log_sums: next(h),
            mixed: next(d),
            hat2: next(d),
            inverse2: next(1),
            pre: next(f),
        }
    }
}

/// The first `n` numbers of `rest`, which keeps the others.
pub(super) fn split<'s, E>(rest: &mut &'s mut [E], n: usize) -> &'s mut [E] {
    let (first, others) = std::mem::take(rest).split_at_mut(n);
    *rest = others;
    first
}

/// What a block's backward needs of its forward, row by row.
pub(super) struct Kept<'s, E> {
    /// The input, centred and scaled to variance 1.
    pub(super) hat1: &'s mut [E],
    /// The inverse standard deviation of each row.
    pub(super) inverse1: &'s mut [E],
    /// Queries (with their bias), keys and values (without theirs).
    pub(super) qkv: &'s mut [E],
    /// Per sample, head and query: the logarithm of the sum of exponentials of the scores.
    pub(super) log_sums: &'s mut [E],
    /// Attention's output, before the bias of the values is added.
    pub(super) mixed: &'s mut [E],
    /// What the second norm centred and scaled.
    pub(super) hat2: &'s mut [E],
    /// Its inverse standard deviations.
    pub(super) inverse2: &'s mut [E],
    /// The MLP before its bias and activation.
    pub(super) pre: &'s mut [E],
}

/// Sums over rows from which the gradients of a block's parameters follow; see `weights.rs`.
pub(super) struct BlockSums<'g, E> {
    pub(super) qkv: &'g mut [E],
    pub(super) proj: &'g mut [E],
    pub(super) fc1: &'g mut [E],
    pub(super) fc2: &'g mut [E],
    pub(super) query_bias: &'g mut [E],
    pub(super) proj_bias: &'g mut [E],
    pub(super) fc1_bias: &'g mut [E],
    pub(super) fc2_bias: &'g mut [E],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_a_batch_and_spans_are_whole_groups() {
        let plan = |tokens| Plan {
            tokens,
            width: 128,
            heads: 4,
            hidden: 256,
            depth: 4,
            causal: false,
            activation: Activation::Gelu,
            finish: true,
            eps: 1e-5,
        };
        for tokens in [1, 2, 16, 31, 49, 128, 700] {
            for batch in [0, 1, 2, 3, 17, 32, 53, 100, 256, 512] {
                let (group, span) = plan(tokens).shares(batch);
                assert!(group > 0 && span % group == 0 && span < batch.max(1) + group, "{tokens} {batch}");
            }
        }
        assert_eq!(plan(128).shares(32), (4, 4));
        assert_eq!(plan(49).shares(512), (8, 32));
    }
}
