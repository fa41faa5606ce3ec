//! A group's gradient back through all blocks.

use super::forward::Group;
use super::plan::{split, BlockSums, Kept, Plan};
use super::rows::{activate_with_slope, add_rows, normalize_backward, scale_shift_backward, times_slope};
use super::weights::{BlockValues, Folded};
use crate::ops::{matmul, Matrix, Real, Threads};
use crate::tape::Scratch;

/// Work memory of one thread.
pub(super) struct BackwardScratch<E: Send + 'static> {
    /// Gradient of a block's output, then of its input.
    gx: Scratch<E>,
    narrow: Scratch<E>,
    qkv: Scratch<E>,
    hidden: Scratch<E>,
    slope: Scratch<E>,
    scores: Scratch<E>,
}

impl<E: Real> BackwardScratch<E> {
    pub(super) fn new(plan: &Plan, group: usize) -> Self {
        let rows = group * plan.tokens;
        BackwardScratch {
            gx: Scratch::any(rows * plan.width),
            narrow: Scratch::any(rows * plan.width),
            qkv: Scratch::any(rows * 3 * plan.width),
            hidden: Scratch::any(rows * plan.hidden),
            slope: Scratch::any(rows * plan.hidden),
            scores: Scratch::any(plan.attend(None).scratch()),
        }
    }
}

impl<E: Real> BackwardScratch<E> {
    /// Where [`backward`] expects the gradient of the stack's output.
    pub(super) fn upstream(&mut self, rows: usize, width: usize) -> &mut [E] {
        &mut self.narrow[..rows * width]
    }
}

impl<E: Real> Group<'_, E> {
    /// From the gradient of the stack's output in `scratch.upstream` to that of its input, which is returned; adds to `sums` what
    /// the parameters' gradients are made from. `kept` is what `forward` left.
    pub(super) fn backward<'s>(
        &self,
        rows: usize,
        kept: &mut [E],
        sums: &mut [E],
        scratch: &'s mut BackwardScratch<E>,
    ) -> &'s [E] {
        let Group { plan, values, .. } = *self;
        let n = rows * plan.width;
        let mut rest = kept;
        let blocks: Vec<Kept<'_, E>> = values.blocks.iter().map(|_| plan.cut(rows, &mut rest)).collect();
        let (g, up) = (&mut scratch.gx[..n], &mut scratch.narrow[..n]);
        // Where the rows of `g` are summed: the gradient of the bias that was added last.
        let mut ignored = vec![E::zero(); plan.width];
        let last = plan.depth.checked_sub(1);
        if let Some((scale, _)) = &values.norm {
            let (hat, inverse) = (split(&mut rest, n), split(&mut rest, rows));
            let (gs, gt) = plan.norm_sums(sums);
            scale_shift_backward(up, hat, scale, gs, gt);
            let total = match last {
                Some(last) => plan.block_sums(last, sums).fc2_bias,
                None => &mut ignored,
            };
            normalize_backward(up, hat, inverse, g, false, total);
        } else {
            g.copy_from_slice(up);
            if let Some(last) = last {
                add_rows(g, plan.width, plan.block_sums(last, sums).fc2_bias);
            }
        }
        for (i, ((block, folded), k)) in values.blocks.iter().zip(&blocks).enumerate().rev() {
            self.block_backward((block, folded), k, plan.block_sums(i, sums), rows, scratch);
            let total = if i > 0 { plan.block_sums(i - 1, sums).fc2_bias } else { &mut ignored };
            normalize_backward(&scratch.narrow[..n], k.hat1, k.inverse1, &mut scratch.gx[..n], true, total);
        }
        &scratch.gx[..n]
    }

    /// From the gradient of a block's output in `scratch.gx` to that of its first norm's output in `scratch.narrow`; what goes
    /// round attention stays in `scratch.gx`.
    fn block_backward(
        &self,
        (block, w): (&BlockValues<E>, &Folded<E>),
        k: &Kept<'_, E>,
        sums: BlockSums<'_, E>,
        rows: usize,
        scratch: &mut BackwardScratch<E>,
    ) {
        let plan = self.plan;
        let (d, f, n) = (plan.width, plan.hidden, plan.tokens);
        let (wide, tall, square) = (Matrix::new(rows, d), Matrix::new(rows, f), Matrix::new(d, d));
        let (down, fan) = (Matrix::new(d, f), Matrix::new(f, d));
        let g = &mut scratch.gx[..rows * d];
        let narrow = &mut scratch.narrow[..rows * d];
        let (hidden, slope) = (&mut scratch.hidden[..rows * f], &mut scratch.slope[..rows * f]);
        activate_with_slope(plan.activation, k.pre, &w.fc1_bias, hidden, slope);
        matmul(g, wide.t(), hidden, tall, sums.fc2, down, true, Threads::One);
        matmul(g, wide, &block.fc2, down, hidden, tall, false, Threads::One);
        times_slope(hidden, slope, sums.fc1_bias);
        matmul(hidden, tall.t(), k.hat2, wide, sums.fc1, fan, true, Threads::One);
        matmul(hidden, tall, &w.fc1, fan, narrow, wide, false, Threads::One);
        normalize_backward(narrow, k.hat2, k.inverse2, g, true, sums.proj_bias);

        matmul(g, wide.t(), k.mixed, wide, sums.proj, square, true, Threads::One);
        matmul(g, wide, &block.proj, square, narrow, wide, false, Threads::One);
        let qkv = &mut scratch.qkv[..rows * 3 * d];
        for i in 0..rows / n.max(1) {
            let attend = self.attend(i);
            let (of, of3) = (i * n * d..(i + 1) * n * d, i * n * 3 * d..(i + 1) * n * 3 * d);
            let logs = &k.log_sums[i * n * plan.heads..(i + 1) * n * plan.heads];
            let (up, mixed) = (&narrow[of.clone()], &k.mixed[of]);
            attend.backward(&k.qkv[of3.clone()], logs, mixed, up, &mut qkv[of3], &mut scratch.scores);
        }
        add_rows(qkv, 3 * d, sums.query_bias);
        let three = Matrix::new(rows, 3 * d);
        matmul(qkv, three.t(), k.hat1, wide, sums.qkv, Matrix::new(3 * d, d), true, Threads::One);
        matmul(qkv, three, &w.qkv, Matrix::new(3 * d, d), narrow, wide, false, Threads::One);
    }
}
