//! The passes of a stack of convolution stages over the batch: the core of [`conv_stack`](super::conv_stack).
//!
//! Between stages only the convolutions' results are kept, channels last and not yet normalised. Normalising, ReLU, taking
//! out a kernel's runs and the matrix product happen for a few samples at a time, while they are in cache. Batch norm
//! needs sums over the whole batch, so that is where one pass ends and the next begins, forward and backward.

use rayon::prelude::*;

use super::conv_norm::{Affine, Correction, Moments, Sums};
use super::conv_plan::{add_channels_first, channels_first, channels_last, Plan};
use super::{vectorized, BatchStats, Real};
use crate::tape::Scratch;

/// One stage before its batch is seen.
pub struct Layer<E> {
    pub(super) plan: Plan,
    /// (out, in, taps).
    pub(super) weight: Vec<E>,
    pub(super) scale: Vec<E>,
    pub(super) shift: Vec<E>,
    pub(super) eps: f64,
    /// Statistics to use instead of the batch's.
    pub(super) fixed: Option<BatchStats<E>>,
}

/// One stage after the forward pass.
struct Stage<E: Real> {
    plan: Plan,
    /// The weights as (out, taps, in).
    by_output: Vec<E>,
    affine: Affine<E>,
    fixed: bool,
    /// The convolution's result (batch, pixels, out), before the norm. Empty where backward is not wanted.
    conv: Scratch<E>,
}

/// A stack after the forward pass.
pub(super) struct Stack<E: Real> {
    batch: usize,
    channels: usize,
    /// (batch, channels, places).
    image: Scratch<E>,
    stages: Vec<Stage<E>>,
}

/// What a stack's output is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Output {
    /// The last stage's images, channels first.
    Images,
    /// Their means over all places.
    Means,
}

/// Gradients of a stage's parameters, to be added to.
pub(super) struct StageGradient<'g, E> {
    pub(super) weight: &'g mut [E],
    pub(super) scale: &'g mut [E],
    pub(super) shift: &'g mut [E],
}

impl<E: Real> Stack<E> {
    /// Convolves and normalises, stage by stage; also the statistics that normalised each. Keeps what backward needs only
    /// with `keep`.
    pub(super) fn forward(
        image: Scratch<E>,
        batch: usize,
        layers: Vec<Layer<E>>,
        keep: bool,
    ) -> (Stack<E>, Vec<BatchStats<E>>) {
        let channels = layers.first().map_or(0, |layer| layer.plan.channels);
        let mut stack = Stack { batch, channels, image, stages: Vec::with_capacity(layers.len()) };
        let mut found = Vec::with_capacity(layers.len());
        for layer in layers {
            let plan = layer.plan;
            let by_output = plan.by_output(&layer.weight);
            let by_tap = plan.by_tap(&by_output);
            let mut conv = Scratch::any(batch * plan.out_len());
            let moments: Vec<Moments> = conv
                .par_chunks_mut((plan.group() * plan.out_len()).max(1))
                .enumerate()
                .map_init(
                    || Work::new(&plan),
                    |work, (group, conv)| {
                        stack.convolve(group, &plan, &by_tap, conv, layer.fixed.is_none(), work)
                    },
                )
                .collect();
            let stats = layer.fixed.clone().unwrap_or_else(|| {
                let mut all = Moments::default();
                moments.iter().for_each(|part| all.merge(part));
                all.stats(plan.outs)
            });
            let affine = Affine::new(&stats, &layer.scale, &layer.shift, layer.eps);
            if !keep {
                // Only the next stage reads it.
                stack.stages.iter_mut().for_each(|stage| stage.conv = Scratch::any(0));
            }
            let fixed = layer.fixed.is_some();
            stack.stages.push(Stage { plan, by_output, affine, fixed, conv });
            found.push(stats);
        }
        (stack, found)
    }

    /// One group of samples through one convolution, and the moments of the result if wanted.
    fn convolve(
        &self,
        group: usize,
        plan: &Plan,
        by_tap: &[E],
        conv: &mut [E],
        measured: bool,
        Work { x, columns }: &mut Work<E>,
    ) -> Moments {
        let block = plan.block();
        let mut moments = Moments::default();
        for (i, conv) in conv.chunks_mut((block * plan.out_len()).max(1)).enumerate() {
            let x = &mut x[..conv.len() / plan.out_len().max(1) * plan.image_len()];
            self.input(self.stages.len(), group * plan.group() + i * block, x);
            plan.forward(x, by_tap, columns, conv);
            if measured {
                moments.merge(&Moments::of(conv, plan.outs));
            }
        }
        moments
    }

    /// What stage number `stage` reads, channels last, for samples from number `first` on.
    fn input(&self, stage: usize, first: usize, x: &mut [E]) {
        match stage.checked_sub(1).map(|below| &self.stages[below]) {
            Some(below) => below.affine.relu(&below.conv[first * below.plan.out_len()..][..x.len()], x),
            None => {
                let sample = self.image.len() / self.batch.max(1);
                let image = &self.image[first * sample..][..x.len()];
                channels_last(image, (self.channels, sample / self.channels.max(1)), x);
            }
        }
    }

    /// The last stage's result after norm and ReLU, as `output` says.
    pub(super) fn output(&self, output: Output) -> Vec<E> {
        let Some(last) = self.stages.last() else { return Vec::new() };
        let (outs, pixels, len) = (last.plan.outs, last.plan.pixels(), last.plan.out_len());
        let sample = if output == Output::Means { outs } else { len };
        let mut y = vec![E::zero(); self.batch * sample];
        let share = E::of(1.0 / pixels as f64);
        y.par_chunks_mut(sample.max(1)).zip(last.conv.par_chunks(len.max(1))).for_each_init(
            || Scratch::any(len),
            |after, (y, conv)| {
                last.affine.relu(conv, after);
                match output {
                    Output::Images => channels_first(after, (outs, pixels), y),
                    Output::Means => vectorized(|| {
                        for pixel in after.chunks_exact(outs.max(1)) {
                            y.iter_mut().zip(pixel).for_each(|(y, v)| *y += *v * share);
                        }
                    }),
                }
            },
        );
        y
    }

    /// Adds the gradients of every stage's parameters, and of the image where it is wanted, given that of the output.
    pub(super) fn backward(
        mut self,
        output: Output,
        gy: &[E],
        gradients: &mut [StageGradient<'_, E>],
        mut image: Option<&mut [E]>,
    ) {
        let Some((mut g, mut sums)) = self.output_gradient(output, gy) else { return };
        for number in (0..self.stages.len()).rev() {
            let (stage, gradient) = (&self.stages[number], &mut gradients[number]);
            gradient.shift.iter_mut().zip(&sums.total).for_each(|(g, s)| *g += E::of(*s));
            gradient.scale.iter_mut().zip(&sums.dot).for_each(|(g, s)| *g += E::of(*s));
            let plan = stage.plan;
            let correction = stage.affine.correction(&sums, self.batch * plan.pixels(), stage.fixed);
            let mut below = Scratch::any(if number > 0 { self.batch * plan.image_len() } else { 0 });
            let chunk = (plan.group() * plan.image_len()).max(1);
            let mut parts: Vec<Below<'_, E>> = match image.as_deref_mut() {
                _ if number > 0 => below.chunks_mut(chunk).map(Below::Stage).collect(),
                Some(image) => image.chunks_mut(chunk).map(Below::Image).collect(),
                None => Vec::new(),
            };
            parts.resize_with(self.batch.div_ceil(plan.group()), || Below::Unwanted);
            let groups: Vec<(Scratch<E>, Sums)> = g
                .par_chunks_mut((plan.group() * plan.out_len()).max(1))
                .zip(parts)
                .enumerate()
                .map_init(
                    || Work::new(&plan),
                    |work, (group, (g, below))| {
                        self.group_backward(number, group * plan.group(), g, below, &correction, work)
                    },
                )
                .collect();
            let (weights, below_sums): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
            plan.add_parts(&weights, gradient.weight);
            sums = Sums::zeros(plan.channels);
            below_sums.iter().for_each(|part| sums.merge(part));
            g = below;
            self.stages[number].conv = Scratch::any(0);
        }
    }

    /// The gradient of the last stage's norm, channels last, and its sums.
    fn output_gradient(&self, output: Output, gy: &[E]) -> Option<(Scratch<E>, Sums)> {
        let last = self.stages.last()?;
        let (outs, pixels, len) = (last.plan.outs, last.plan.pixels(), last.plan.out_len());
        let sample = if output == Output::Means { outs } else { len };
        let share = E::of(1.0 / pixels as f64);
        let mut g = Scratch::any(self.batch * len);
        let chunk = (last.plan.group() * len).max(1);
        let parts: Vec<Sums> = g
            .par_chunks_mut(chunk)
            .zip(last.conv.par_chunks(chunk))
            .zip(gy.par_chunks((last.plan.group() * sample).max(1)))
            .map(|((g, conv), gy)| {
                let mut sums = Sums::zeros(outs);
                for (g, gy) in g.chunks_exact_mut(len.max(1)).zip(gy.chunks_exact(sample.max(1))) {
                    match output {
                        Output::Images => channels_last(gy, (outs, pixels), g),
                        Output::Means => {
                            for pixel in g.chunks_exact_mut(outs.max(1)) {
                                pixel.iter_mut().zip(gy).for_each(|(g, gy)| *g = *gy * share);
                            }
                        }
                    }
                }
                last.affine.through_relu(conv, g, &mut sums);
                sums
            })
            .collect();
        let mut sums = Sums::zeros(outs);
        parts.iter().for_each(|part| sums.merge(part));
        Some((g, sums))
    }

    /// The gradients of a group of samples from number `first` on: of the weights by tap, of what the stage read, and the latter's sums if it is a stage's.
    fn group_backward(
        &self,
        number: usize,
        first: usize,
        g: &mut [E],
        mut below: Below<'_, E>,
        correction: &Correction<E>,
        Work { x, columns }: &mut Work<E>,
    ) -> (Scratch<E>, Sums) {
        let stage = &self.stages[number];
        let plan = stage.plan;
        let block = plan.block();
        let mut weight = Scratch::any(plan.weight_len());
        let mut sums = Sums::zeros(plan.channels);
        for (i, g) in g.chunks_mut((block * plan.out_len()).max(1)).enumerate() {
            let first = first + i * block;
            let x = &mut x[..g.len() / plan.out_len().max(1) * plan.image_len()];
            let part = i * block * plan.image_len()..i * block * plan.image_len() + x.len();
            stage.affine.through_norm(&stage.conv[first * plan.out_len()..][..g.len()], g, correction);
            self.input(number, first, x);
            plan.weight_gradient(x, g, columns, &mut weight, i > 0);
            match (&mut below, number.checked_sub(1).map(|below| &self.stages[below])) {
                (Below::Stage(below), Some(before)) => {
                    let below = &mut below[part];
                    plan.image_gradient(g, &stage.by_output, columns, below);
                    let conv = &before.conv[first * plan.image_len()..][..below.len()];
                    before.affine.through_relu(conv, below, &mut sums);
                }
                (Below::Image(image), _) => {
                    plan.image_gradient(g, &stage.by_output, columns, x);
                    add_channels_first(x, (plan.channels, plan.places()), &mut image[part]);
                }
                _ => (),
            }
        }
        (weight, sums)
    }
}

/// Room for a few samples of what a stage reads, and for their columns.
struct Work<E: Real> {
    x: Scratch<E>,
    columns: Scratch<E>,
}

impl<E: Real> Work<E> {
    fn new(plan: &Plan) -> Work<E> {
        let block = plan.block();
        Work { x: Scratch::any(block * plan.image_len()), columns: Scratch::any(plan.columns_len(block)) }
    }
}

/// Where the gradient of what a group read goes.
enum Below<'g, E> {
    /// To the stage below, channels last.
    Stage(&'g mut [E]),
    /// To the image, channels first.
    Image(&'g mut [E]),
    /// Nowhere: the image is data.
    Unwanted,
}
