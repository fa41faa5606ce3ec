//! All samples through the stack, shared out among threads.

use rayon::prelude::*;

use super::backward::BackwardScratch;
use super::forward::{ForwardScratch, Group, StackValues};
use super::plan::{split, Plan};
use super::rows::{add_rows, add_to_rows};
use super::weights::{add, transpose};
use crate::ops::mask::OwnedMask;
use crate::ops::{matmul, vectorized, Matrix, Real, Threads};
use crate::tape::Scratch;

/// Numbers a task adds up.
const CHUNK: usize = 1 << 14;

/// One call: sizes, parameters, mask, and what stands before and after the blocks.
pub(super) struct Work<E> {
    pub(super) plan: Plan,
    pub(super) values: StackValues<E>,
    pub(super) mask: OwnedMask,
    pub(super) ends: Ends<E>,
}

/// What goes in and what comes out.
pub(super) enum Ends<E> {
    /// Tokens, both.
    Tokens,
    /// Patches in; the mean over tokens out.
    PatchesToMean(Embedding<E>),
}

/// The map from patches to tokens and the tokens' positions.
pub(super) struct Embedding<E> {
    weight: Vec<E>,
    weight_t: Vec<E>,
    bias: Vec<E>,
    positions: Vec<E>,
    /// Values of a patch.
    numbers: usize,
}

/// Sums from which the embedding's gradients follow.
struct EmbeddingSums<'g, E> {
    weight: &'g mut [E],
    bias: &'g mut [E],
    positions: &'g mut [E],
}

impl<E: Real> Embedding<E> {
    /// `weight` is (width, patch values), `positions` (tokens, width).
    pub(super) fn new(weight: Vec<E>, bias: Vec<E>, positions: Vec<E>) -> Self {
        let numbers = weight.len() / bias.len().max(1);
        Embedding { weight_t: transpose(&weight, numbers), weight, bias, positions, numbers }
    }

    fn sums<'g>(&self, mut all: &'g mut [E]) -> EmbeddingSums<'g, E> {
        EmbeddingSums {
            weight: split(&mut all, self.weight.len()),
            bias: split(&mut all, self.bias.len()),
            positions: split(&mut all, self.positions.len()),
        }
    }

    fn sums_len(&self) -> usize {
        self.weight.len() + self.bias.len() + self.positions.len()
    }

    /// Patches of some samples to their tokens.
    fn forward(&self, patches: &[E], x: &mut [E]) {
        let d = self.bias.len();
        let (rows, v) = (x.len() / d.max(1), self.numbers);
        let (lp, lx) = (Matrix::new(rows, v), Matrix::new(rows, d));
        matmul(patches, lp, &self.weight_t, Matrix::new(v, d), x, lx, false, Threads::One);
        add_to_rows(x, d, &self.bias);
        add_to_rows(x, self.positions.len(), &self.positions);
    }

    /// Adds to the patches' gradient and to `sums`, given that of the tokens.
    fn backward(&self, patches: &[E], g: &[E], g_patches: &mut [E], sums: EmbeddingSums<'_, E>) {
        let d = self.bias.len();
        let (rows, v) = (g.len() / d.max(1), self.numbers);
        let (lp, lx, lw) = (Matrix::new(rows, v), Matrix::new(rows, d), Matrix::new(d, v));
        matmul(g, lx.t(), patches, lp, sums.weight, lw, true, Threads::One);
        matmul(g, lx, &self.weight, lw, g_patches, lp, true, Threads::One);
        add_rows(g, d, sums.bias);
        add_rows(g, self.positions.len(), sums.positions);
    }
}

impl<E: Real> Work<E> {
    /// Numbers of one sample that go in, and that come out.
    fn sample(&self) -> (usize, usize) {
        let Plan { tokens, width, .. } = self.plan;
        let (x, y) = match &self.ends {
            Ends::Tokens => (tokens * width, tokens * width),
            Ends::PatchesToMean(e) => (tokens * e.numbers, width),
        };
        // An empty sample still has to be counted.
        (x.max(1), y.max(1))
    }

    /// From `x` to `y`, all samples; what backward needs is returned, or nothing unless it is to be kept.
    pub(super) fn forward(&self, x: &[E], y: &mut [E], keep: bool) -> Scratch<E> {
        let plan = &self.plan;
        let (sample_x, sample_y) = self.sample();
        let (group, _) = plan.shares(y.len() / sample_y);
        let per = if keep {
            plan.kept()
        } else {
            // One block after the other keeps it in the same place.
            plan.kept_by_block().max(plan.tokens * (plan.width + 1))
        };
        let samples = y.len() / sample_y;
        let mut kept = Scratch::any(if keep { samples * per } else { 0 });
        let work = || (ForwardScratch::new(plan, group), Scratch::any(if keep { 0 } else { group * per }));
        let inputs = x.par_chunks(group * sample_x).zip(y.par_chunks_mut(group * sample_y)).enumerate();
        if keep {
            inputs
                .zip(kept.par_chunks_mut((group * per).max(1)))
                .for_each_init(work, |(scratch, _), ((i, (x, y)), kept)| {
                    self.forward_group(i * group, x, y, kept, false, scratch)
                });
        } else {
            inputs.for_each_init(work, |(scratch, kept), (i, (x, y))| {
                self.forward_group(i * group, x, y, kept, true, scratch);
            });
        }
        kept
    }

    /// Some samples, from number `first` on.
    fn group(&self, first: usize) -> Group<'_, E> {
        Group { plan: &self.plan, values: &self.values, mask: self.mask.as_mask(), first }
    }

    fn forward_group(
        &self,
        first: usize,
        x: &[E],
        y: &mut [E],
        kept: &mut [E],
        reuse: bool,
        scratch: &mut ForwardScratch<E>,
    ) {
        let plan = &self.plan;
        let samples = self.group(first);
        match &self.ends {
            Ends::Tokens => {
                y.copy_from_slice(x);
                samples.forward(y, kept, reuse, scratch);
            }
            Ends::PatchesToMean(embedding) => {
                let n = y.len() / plan.width.max(1) * plan.tokens * plan.width;
                let mut tokens = std::mem::replace(&mut scratch.tokens, Scratch::any(0));
                embedding.forward(x, &mut tokens[..n]);
                samples.forward(&mut tokens[..n], kept, reuse, scratch);
                mean(&tokens[..n], plan.width, y);
                scratch.tokens = tokens;
            }
        }
    }

    /// Adds the gradients of the input and of every parameter to `g`, given what went in and the gradient of what came out.
    pub(super) fn backward(&self, x: &[E], gy: &[E], kept: &mut [E], g: &mut [Vec<E>]) {
        let plan = &self.plan;
        let Some((gx, parameters)) = g.split_first_mut() else { return };
        let (sample_x, sample_y) = self.sample();
        let (group, span) = plan.shares(gy.len() / sample_y);
        let partial = plan.gradient_len() + self.embedding().map_or(0, Embedding::sums_len);
        let parts = gy.len().div_ceil(span * sample_y).max(1);
        let mut sums = Scratch::zeros(parts * partial);
        gx.par_chunks_mut(span * sample_x)
            .zip(x.par_chunks(span * sample_x))
            .zip(gy.par_chunks(span * sample_y))
            .zip(kept.par_chunks_mut((span * plan.kept()).max(1)))
            .zip(sums.par_chunks_mut(partial.max(1)))
            .enumerate()
            .for_each_init(
                || BackwardScratch::new(plan, group),
                |scratch, (part, ((((gx, x), gy), kept), sums))| {
                    self.backward_span((part * span, group), (x, gy, gx), kept, sums, scratch);
                },
            );
        let (total, others) = sums.split_at_mut(partial);
        let others = &*others;
        total.par_chunks_mut(CHUNK).enumerate().for_each(|(i, total)| {
            for other in others.chunks_exact(partial.max(1)) {
                let at = i * CHUNK;
                add(total, &other[at..at + total.len()]);
            }
        });
        self.share_out(total, parameters);
    }

    /// The samples whose weight gradients are summed together, group by group.
    fn backward_span(
        &self,
        (first, group): (usize, usize),
        (x, gy, gx): (&[E], &[E], &mut [E]),
        kept: &mut [E],
        sums: &mut [E],
        scratch: &mut BackwardScratch<E>,
    ) {
        let plan = &self.plan;
        let (sample_x, sample_y) = self.sample();
        let (sums, embedding_sums) = sums.split_at_mut(plan.gradient_len());
        let groups = gx
            .chunks_mut(group * sample_x)
            .zip(x.chunks(group * sample_x))
            .zip(gy.chunks(group * sample_y))
            .zip(kept.chunks_mut((group * plan.kept()).max(1)));
        for (i, (((gx, x), gy), kept)) in groups.enumerate() {
            let rows = gy.len() / sample_y * plan.tokens;
            match &self.ends {
                Ends::Tokens => scratch.upstream(rows, plan.width).copy_from_slice(gy),
                Ends::PatchesToMean(_) => {
                    mean_backward(gy, plan.width, plan.tokens, scratch.upstream(rows, plan.width));
                }
            }
            let g = self.group(first + i * group).backward(rows, kept, sums, scratch);
            match &self.ends {
                Ends::Tokens => gx.iter_mut().zip(g).for_each(|(gx, g)| *gx += *g),
                Ends::PatchesToMean(e) => e.backward(x, g, gx, e.sums(&mut *embedding_sums)),
            }
        }
    }

    fn embedding(&self) -> Option<&Embedding<E>> {
        match &self.ends {
            Ends::Tokens => None,
            Ends::PatchesToMean(e) => Some(e),
        }
    }

    /// Adds the sums over all samples to the parameters' gradients.
    fn share_out(&self, total: &mut [E], parameters: &mut [Vec<E>]) {
        let Work { plan, values, .. } = self;
        let (total, embedding_sums) = total.split_at_mut(plan.gradient_len());
        let (blocks, rest) = parameters.split_at_mut(12 * plan.depth);
        blocks
            .par_chunks_exact_mut(12)
            .zip(total.par_chunks_exact_mut(plan.block_gradient_len()))
            .zip(&values.blocks)
            .for_each(|((g, sums), (block, folded))| block.unfold(plan, folded, &plan.sums_of(sums), g));
        let (norm, rest) = rest.split_at_mut(if plan.finish { 2 } else { 0 });
        if let [scale, shift] = norm {
            let (gs, gt) = plan.norm_sums(total);
            add(scale, gs);
            add(shift, gt);
        }
        if let (Some(e), [weight, bias, positions]) = (self.embedding(), rest) {
            let sums = e.sums(embedding_sums);
            add(weight, sums.weight);
            add(bias, sums.bias);
            add(positions, sums.positions);
        }
    }
}

/// The mean of each sample's tokens.
fn mean<E: Real>(tokens: &[E], width: usize, y: &mut [E]) {
    let samples = y.len() / width.max(1);
    let each = tokens.len() / samples.max(1);
    let over = E::of(width as f64 / each.max(1) as f64);
    for (y, tokens) in y.chunks_exact_mut(width.max(1)).zip(tokens.chunks_exact(each.max(1))) {
        y.fill(E::zero());
        add_rows(tokens, width, y);
        y.iter_mut().for_each(|y| *y *= over);
    }
}

/// The gradient of each token, given that of the mean.
fn mean_backward<E: Real>(gy: &[E], width: usize, tokens: usize, up: &mut [E]) {
    let over = E::of(1.0 / tokens.max(1) as f64);
    let samples = gy.chunks_exact(width.max(1)).zip(up.chunks_exact_mut((width * tokens).max(1)));
    for (gy, up) in samples {
        vectorized(
            #[inline(always)]
            move || {
                for up in up.chunks_exact_mut(width) {
                    for i in 0..width {
                        up[i] = gy[i] * over;
                    }
                }
            },
        );
    }
}
