//! The operations the harness and the self-test know: their sizes, their inputs, how they are called.

use dfdx::prelude::*;

use super::inputs::{flat, normal, Case, Inputs, Taped};
use crate::error::{device, Result};
use crate::losses::{self, nt_xent};
use crate::ops::*;
use crate::ops::{activation, add, attention, batch_norm, cross_entropy, gelu, gelu_tanh};
use crate::ops::{l2_normalize, layer_norm, linear, patchify, pool, relu, stack};

/// A case: its fields are sizes, its body gives the fused and the composed result.
macro_rules! case {
    ($name:ident($($field:ident: $type:ty),*), $shapes:expr, |$i:ident, $tape:ident| { $($take:stmt;)* } $fused:expr, $composed:expr) => {
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $name { $(pub(crate) $field: $type),* }
        // A case needs some of its sizes here and others there.
        #[allow(unused_variables)]
        impl Case for $name {
            fn shapes(&self) -> Vec<Vec<usize>> {
                let $name { $($field),* } = *self;
                $shapes
            }
            fn run<E: Real, D: Engine<E>>(&self, mut $i: Inputs<'_, E, D>, fused: bool) -> Result<Taped<E, D>> {
                let $name { $($field),* } = *self;
                $($take)*
                let $tape = $i.tape();
                if fused { flat($fused?) } else { flat($composed.map_err(device)?) }
            }
        }
    };
}
pub(super) use case;

case!(Relu(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two()?; } relu(x.put_tape(t)), activation::composed_relu(x.put_tape(t)));
case!(Gelu(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two()?; } gelu(x.put_tape(t)), activation::composed_gelu(x.put_tape(t)));
case!(Add(a: usize, b: usize, c: usize), vec![vec![a, b, c]; 2],
    |i, t| { let x = i.three()?; let y = i.three()?; }
    add(x.put_tape(t), &y), add::composed_add(x.put_tape(t), &y));
case!(AddItself(a: usize, b: usize), vec![vec![a, b]],
    |i, t| { let x = i.two()?; } add(x.clone().put_tape(t), &x), add::composed_add(x.clone().put_tape(t), &x));
case!(AddTransposed(n: usize), vec![vec![n, n]],
    |i, t| { let x = i.two()?; let y = x.clone().try_permute::<(usize, usize), Axes2<1, 0>>().map_err(device)?; }
    add(x.put_tape(t), &y), add::composed_add(x.put_tape(t), &y));
case!(AddToEach(b: usize, n: usize, w: usize), vec![vec![b, n, w], vec![n, w]],
    |i, t| { let x = i.three()?; let table = i.two()?; }
    add_to_each(x.put_tape(t), &table), add::composed_add_to_each(x.put_tape(t), &table));
case!(GeluTanh(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two()?; } gelu_tanh(x.put_tape(t)), activation::composed_gelu_tanh(x.put_tape(t)));
case!(Attention(b: usize, n: usize, w: usize, heads: usize, hide: Hide), vec![vec![b, n, 3 * w]],
    |i, t| { let x = i.three()?; let keys = hide.keys(b, n); }
    attention(x.put_tape(t), w, heads, hide.mask(&keys)),
    attention::composed(x.put_tape(t), w, heads, hide.mask(&keys)));
case!(BatchNorm2(b: usize, c: usize), vec![vec![b, c], vec![c], vec![c]],
    |i, t| { let x = i.two()?; let s = i.one()?; let u = i.one()?; }
    batch_norm(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0),
    batch_norm::composed(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0));
case!(BatchNorm3(b: usize, c: usize, l: usize), vec![vec![b, c, l], vec![c], vec![c]],
    |i, t| { let x = i.three()?; let s = i.one()?; let u = i.one()?; }
    batch_norm(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0),
    batch_norm::composed(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0));
case!(BatchNorm4(b: usize, c: usize, h: usize, w: usize), vec![vec![b, c, h, w], vec![c], vec![c]],
    |i, t| { let x = i.four()?; let s = i.one()?; let u = i.one()?; }
    batch_norm(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0),
    batch_norm::composed(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0));
case!(BatchNormFixed(b: usize, c: usize, l: usize), vec![vec![b, c, l], vec![c], vec![c]],
    |i, t| { let x = i.three()?; let s = i.one()?; let u = i.one()?; let stats = fixed::<E>(c); }
    batch_norm(x.put_tape(t), &s, &u, Norm::Fixed(&stats), 1e-5).map(|y| y.0),
    batch_norm::composed(x.put_tape(t), &s, &u, Norm::Fixed(&stats), 1e-5).map(|y| y.0));
case!(CrossEntropy(rows: usize, classes: usize), vec![vec![rows, classes]],
    |i, t| { let x = i.two()?; let labels = (0..rows).map(|r| (r * 7 % classes) as u32).collect::<Vec<_>>(); }
    cross_entropy(x.put_tape(t), &labels), cross_entropy::composed(x.put_tape(t), plain(&labels)));
case!(L2Normalize(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two()?; } l2_normalize(x.put_tape(t)), l2_normalize::composed(x.put_tape(t)));
case!(LayerNorm(rows: usize, width: usize), vec![vec![rows, width], vec![width], vec![width]],
    |i, t| { let x = i.two()?; let s = i.one()?; let u = i.one()?; }
    layer_norm(x.put_tape(t), &s, &u, 1e-5), layer_norm::composed(x.put_tape(t), &s, &u, 1e-5));
case!(Linear(b: usize, ins: usize, outs: usize), vec![vec![b, ins], vec![outs, ins], vec![outs]],
    |i, t| { let x = i.two()?; let w = i.two()?; let bias = i.one()?; }
    linear(x.put_tape(t), &w, Some(&bias)), linear::composed(x.put_tape(t), &w, Some(&bias)));
case!(LinearUnbiased(b: usize, ins: usize, outs: usize), vec![vec![b, ins], vec![outs, ins]],
    |i, t| { let x = i.two()?; let w = i.two()?; }
    linear(x.put_tape(t), &w, None), linear::composed(x.put_tape(t), &w, None));
case!(Gram(n: usize, w: usize), vec![vec![n, w]],
    |i, t| { let x = i.two()?; }
    linear(x.clone().put_tape(t), &x, None),
    linear::composed(x.clone().put_tape(t), &x, None));
case!(Patchify(x: [usize; 4], patch: usize), vec![x.to_vec()],
    |i, t| { let image = i.four()?; }
    patchify(image.put_tape(t), patch), patchify::composed(image.put_tape(t), patch));
case!(MeanMiddle(b: usize, n: usize, w: usize), vec![vec![b, n, w]],
    |i, t| { let x = i.three()?; } mean_middle(x.put_tape(t)), pool::composed_mean_middle(x.put_tape(t)));
case!(MeanLast(b: usize, c: usize, n: usize), vec![vec![b, c, n]],
    |i, t| { let x = i.three()?; } mean_last(x.put_tape(t)), pool::composed_mean_last(x.put_tape(t)));
case!(NtXent(rows: usize, width: usize, temperature: f64), vec![vec![rows, width]],
    |i, t| { let z = i.two()?; }
    nt_xent(z.put_tape(t), temperature), losses::composed_nt_xent(z.put_tape(t), temperature));

/// What attention may not see.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hide {
    Nothing,
    Future,
    SomeKeys,
}

impl Hide {
    pub(crate) const ALL: [Hide; 3] = [Hide::Nothing, Hide::Future, Hide::SomeKeys];

    /// Every sample sees another number of keys, at least one, and not only the first.
    pub(crate) fn keys(self, batch: usize, tokens: usize) -> Vec<bool> {
        (0..batch).flat_map(|b| (0..tokens).map(move |t| t == b % tokens || (t * 3 + b) % 4 == 0)).collect()
    }

    pub(crate) fn mask(self, keys: &[bool]) -> Mask<'_> {
        match self {
            Hide::Nothing => Mask::None,
            Hide::Future => Mask::Causal,
            Hide::SomeKeys => Mask::Keys(keys),
        }
    }
}

/// A transformer stack, with a norm after it where `finish`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stacked {
    pub(crate) b: usize,
    pub(crate) n: usize,
    pub(crate) w: usize,
    pub(crate) heads: usize,
    pub(crate) hidden: usize,
    pub(crate) depth: usize,
    pub(crate) finish: bool,
    pub(crate) activation: Activation,
    pub(crate) hide: Hide,
    /// Values of a patch, where the stack begins with patches and ends with a mean.
    pub(crate) patch: Option<usize>,
}

impl Case for Stacked {
    fn shapes(&self) -> Vec<Vec<usize>> {
        let Stacked { b, n, w, hidden, depth, finish, .. } = *self;
        let v = |n: usize| vec![n];
        let block = [
            [v(w), v(w), vec![3 * w, w], v(3 * w), vec![w, w], v(w)],
            [v(w), v(w), vec![hidden, w], v(hidden), vec![w, hidden], v(w)],
        ];
        let blocks = std::iter::repeat_n(block.concat(), depth).flatten();
        let norm = [v(w), v(w)].into_iter().take(if finish { 2 } else { 0 });
        let embedding = self.patch.into_iter().flat_map(|patch| [vec![w, patch], v(w), vec![n, w]]);
        let x = vec![b, n, self.patch.unwrap_or(w)];
        std::iter::once(x).chain(blocks).chain(norm).chain(embedding).collect()
    }

    fn run<E: Real, D: Engine<E>>(&self, mut i: Inputs<'_, E, D>, fused: bool) -> Result<Taped<E, D>> {
        let x = i.three()?;
        let mut tensors = Vec::new();
        for _ in 0..self.depth {
            let (norm1, qkv, qkv_bias) = ([i.one()?, i.one()?], i.two()?, i.one()?);
            let (proj, proj_bias, norm2) = (i.two()?, i.one()?, [i.one()?, i.one()?]);
            let (fc1, fc2) = ((i.two()?, i.one()?), (i.two()?, i.one()?));
            tensors.push((norm1, (qkv, qkv_bias), (proj, proj_bias), norm2, fc1, fc2));
        }
        let blocks = tensors.iter().map(|(norm1, qkv, proj, norm2, fc1, fc2)| BlockParameters {
            norm1: [&norm1[0], &norm1[1]],
            qkv: &qkv.0,
            qkv_bias: &qkv.1,
            proj: &proj.0,
            proj_bias: &proj.1,
            norm2: [&norm2[0], &norm2[1]],
            fc1: &fc1.0,
            fc1_bias: &fc1.1,
            fc2: &fc2.0,
            fc2_bias: &fc2.1,
        });
        let norm = if self.finish { Some([i.one()?, i.one()?]) } else { None };
        let stack = StackParameters {
            blocks: blocks.collect(),
            norm: norm.as_ref().map(|[s, t]| [s, t]),
            heads: self.heads,
            activation: self.activation,
            eps: 1e-5,
        };
        if self.patch.is_some() {
            let (weight, bias, positions) = (i.two()?, i.one()?, i.two()?);
            let embedding = PatchEmbedding { weight: &weight, bias: &bias, positions: &positions };
            let x = x.put_tape(i.tape());
            return flat(if fused {
                vision_transformer(x, embedding, &stack)?
            } else {
                stack::composed_vision(x, embedding, &stack).map_err(device)?
            });
        }
        let keys = self.hide.keys(self.b, self.n);
        let mask = self.hide.mask(&keys);
        if self.patch.is_some() {
            let (weight, bias, positions) = (i.two()?, i.one()?, i.two()?);
            let embedding = PatchEmbedding { weight: &weight, bias: &bias, positions: &positions };
            let x = x.put_tape(i.tape());
            return flat(match fused {
                true => vision_transformer(x, embedding, &stack)?,
                false => stack::composed_vision(x, embedding, &stack).map_err(device)?,
            });
        }
        let x = x.put_tape(i.tape());
        flat(if fused {
            transformer(x, &stack, mask)?
        } else {
            stack::composed(x, &stack, mask).map_err(device)?
        })
    }
}

/// Class ids and nothing else.
fn plain(labels: &[u32]) -> cross_entropy::Targets<'_> {
    cross_entropy::Targets::Classes(labels, CrossEntropySettings::default())
}

/// Statistics that are not the batch's.
pub(crate) fn fixed<E: Real>(channels: usize) -> BatchStats<E> {
    let mean = normal(channels, 5).into_iter().map(E::of).collect();
    let variance = normal(channels, 6).into_iter().map(|v| E::of(0.3 + v * v)).collect();
    BatchStats { mean, variance, count: 0 }
}
