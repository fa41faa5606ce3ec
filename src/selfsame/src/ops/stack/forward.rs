//! A group of samples through all blocks.

use super::plan::{split, Kept, Plan};
use super::rows::{activate, add_normalize, add_to_rows, scale_shift};
use super::weights::{BlockValues, Folded};
use crate::ops::attend::Attend;
use crate::ops::{matmul, Mask, Matrix, Real, Threads};
use crate::tape::Scratch;

/// All parameters of a stack.
pub(super) struct StackValues<E> {
    pub(super) blocks: Vec<(BlockValues<E>, Folded<E>)>,
    /// Scale and shift of the norm after the last block.
    pub(super) norm: Option<(Vec<E>, Vec<E>)>,
}

/// Work memory of one thread.
pub(super) struct ForwardScratch<E: Send + 'static> {
    /// Tokens on their way, where the output has no room for them.
    pub(super) tokens: Scratch<E>,
    hidden: Scratch<E>,
    scores: Scratch<E>,
}

impl<E: Real> ForwardScratch<E> {
    pub(super) fn new(plan: &Plan, group: usize) -> Self {
        let rows = group * plan.tokens;
        ForwardScratch {
            tokens: Scratch::any(rows * plan.width),
            hidden: Scratch::any(rows * plan.hidden),
            scores: Scratch::any(plan.attend(None).scratch()),
        }
    }
}

/// Samples that pass through all blocks together.
#[derive(Clone, Copy)]
pub(super) struct Group<'a, E> {
    pub(super) plan: &'a Plan,
    pub(super) values: &'a StackValues<E>,
    pub(super) mask: Mask<'a>,
    /// The number of the first of them in the batch.
    pub(super) first: usize,
}

impl<'a, E: Real> Group<'a, E> {
    /// The attention of the group's `i`th sample.
    pub(super) fn attend(&self, i: usize) -> Attend<'a> {
        self.plan.attend(self.mask.of_sample(self.first + i, self.plan.tokens))
    }

    /// `x` through the stack, in place; `kept` receives what backward needs, `Plan::kept` for each sample. Without backward
    /// (`reuse`) every block keeps it in the same place.
    pub(super) fn forward(&self, x: &mut [E], kept: &mut [E], reuse: bool, scratch: &mut ForwardScratch<E>) {
        let Group { plan, values, .. } = *self;
        let rows = x.len() / plan.width.max(1);
        let eps = E::of(plan.eps);
        let mut rest = &mut *kept;
        let mut bias: Option<&[E]> = None;
        for (block, folded) in &values.blocks {
            let mut k = plan.cut(rows, &mut rest);
            self.block_forward(folded, bias, x, &mut k, scratch);
            bias = Some(&block.fc2_bias);
            if reuse {
                rest = &mut *kept;
            }
        }
        match &values.norm {
            Some((scale, shift)) => {
                let (hat, inverse) = (split(&mut rest, rows * plan.width), split(&mut rest, rows));
                add_normalize(x, bias, eps, hat, inverse);
                scale_shift(hat, scale, shift, x);
            }
            None => {
                if let Some(bias) = bias {
                    add_to_rows(x, plan.width, bias);
                }
            }
        }
    }

    /// One block, but for the bias of its last map, which the next norm adds; `bias` is that of the block before.
    fn block_forward(
        &self,
        w: &Folded<E>,
        bias: Option<&[E]>,
        x: &mut [E],
        k: &mut Kept<'_, E>,
        scratch: &mut ForwardScratch<E>,
    ) {
        let plan = self.plan;
        let (d, f, n) = (plan.width, plan.hidden, plan.tokens);
        let rows = x.len() / d.max(1);
        let (wide, eps) = (Matrix::new(rows, d), E::of(plan.eps));
        add_normalize(x, bias, eps, k.hat1, k.inverse1);
        matmul(
            k.hat1,
            wide,
            &w.qkv_t,
            Matrix::new(d, 3 * d),
            k.qkv,
            Matrix::new(rows, 3 * d),
            false,
            Threads::One,
        );
        add_to_rows(k.qkv, 3 * d, &w.query_bias);
        for i in 0..rows / n.max(1) {
            let attend = self.attend(i);
            let logs = &mut k.log_sums[i * n * plan.heads..(i + 1) * n * plan.heads];
            let (qkv, mixed) =
                (&k.qkv[i * n * 3 * d..(i + 1) * n * 3 * d], &mut k.mixed[i * n * d..(i + 1) * n * d]);
            attend.forward(qkv, logs, mixed, &mut scratch.scores);
        }
        matmul(k.mixed, wide, &w.proj_t, Matrix::new(d, d), x, wide, true, Threads::One);
        add_normalize(x, Some(&w.proj_bias), eps, k.hat2, k.inverse2);
        let tall = Matrix::new(rows, f);
        matmul(k.hat2, wide, &w.fc1_t, Matrix::new(d, f), k.pre, tall, false, Threads::One);
        let hidden = &mut scratch.hidden[..rows * f];
        activate(plan.activation, k.pre, &w.fc1_bias, hidden);
        matmul(hidden, tall, &w.fc2_t, Matrix::new(f, d), x, wide, true, Threads::One);
    }
}
