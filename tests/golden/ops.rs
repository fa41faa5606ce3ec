//! Families of ops.json. Layers are in `layers.rs`, windows in `windows.rs`, optimisers and schedules in `training.rs`.

use dfdx::prelude::*;
use selfsame::ops::{Engine, Real};

use crate::check::Found;
use crate::file::Entry;
use crate::graph::{tensor, wide};
use crate::{layers, training, windows};
use crate::{Family, Skipped};

/// What a family's function gives.
pub type Checked = Result<Found, String>;

/// A family computed in both number types by one generic function.
macro_rules! both {
    ($($family:literal => $function:path),* $(,)?) => {
        &[$(Family {
            name: $family,
            double: |entry| $crate::ops::checked::<f64>(entry, |op| $function(op)),
            single: Some(|entry| $crate::ops::checked::<f32>(entry, |op| $function(op))),
        }),*]
    };
}

const OPERATIONS: &[Family] = both! {
    "layer_norm" => layers::layer_norm,
    "batch_norm" => layers::batch_norm,
    "gelu" => layers::gelu,
    "silu" => layers::silu,
    "softplus" => layers::softplus,
    "log_sigmoid" => layers::log_sigmoid,
    "softmax" => layers::softmax,
    "log_softmax" => layers::log_softmax,
    "logsumexp" => layers::logsumexp,
    "l2_normalize" => layers::l2_normalize,
    "linear" => layers::linear,
    "embedding" => layers::embedding,
    "attention" => layers::attention,
    "transformer_block" => layers::transformer_block,
    "cross_entropy" => layers::cross_entropy,
    "regression" => layers::regression,
    "bce_with_logits" => layers::bce_with_logits,
    "kl_div" => layers::kl_div,
    "conv1d" => windows::convolution,
    "conv2d" => windows::convolution,
    "conv_transpose1d" => windows::transposed,
    "conv_transpose2d" => windows::transposed,
    "max_pool1d" => windows::max_pool1d,
    "max_pool2d" => windows::max_pool2d,
    "avg_pool2d" => windows::avg_pool2d,
    "global_avg_pool2d" => windows::global_avg_pool2d,
    "adaptive_avg_pool2d" => windows::adaptive_avg_pool2d,
    "resize_bilinear" => windows::resize_bilinear,
    "resize_nearest" => windows::resize_nearest,
    "resize_bicubic" => windows::resize_bicubic,
    "patchify" => windows::patchify,
    "unpatchify" => windows::unpatchify,
};

const TRAINING: &[Family] = &[
    Family::new("optim", training::optim),
    Family::new("schedule", training::schedule),
    Family::new("clip_grad_norm", training::clip_grad_norm),
    Family::new("ema", training::moving_average),
    Family::new("random_masking", training::random_masking),
];

/// Every family this program compares.
pub const FAMILIES: &[&[Family]] = &[OPERATIONS, TRAINING];

/// Families that are not compared, and why.
pub const SKIPPED: &[Skipped] = &[
    ("group_norm", "the library has no group norm; no encoder of it needs one"),
    ("gru", "the library has no recurrent layer; no encoder of it needs one"),
    ("pos_embed", "the library's position tables are learned, it makes no sine-cosine ones"),
];

/// A tensor whose axes are folded into one.
pub type Flat<E, T = NoneTape> = Tensor<(usize,), E, Cpu, T>;
/// One on its tape.
pub type Taped<E> = Flat<E, OwnedTape<E, Cpu>>;

/// Folds all axes into one.
pub fn flat<S: Shape, E: Real>(
    y: Result<Tensor<S, E, Cpu, OwnedTape<E, Cpu>>, selfsame::Error>,
) -> Result<Taped<E>, String>
where
    Cpu: Engine<E>,
{
    let y = y.map_err(|e| e.to_string())?;
    let n = y.shape().num_elements();
    y.try_reshape_like(&(n,)).map_err(|e| format!("{e:?}"))
}

/// An entry's inputs as leaves of a graph.
pub struct Operation<'e, E: Real> {
    /// The entry.
    pub entry: &'e Entry,
    leaves: std::collections::BTreeMap<&'e str, Flat<E>>,
    /// For every value of ours its place in the entry's output, where the two are ordered differently.
    pub order: Option<Vec<usize>>,
}

impl<E: Real> Operation<'_, E>
where
    Cpu: Engine<E>,
{
    /// A new tape.
    pub fn tape(&self) -> OwnedTape<E, Cpu> {
        tensor::<_, E>(&[0.0], (1,)).leaky_trace().split_tape().1
    }

    /// The sizes of an input.
    pub fn sizes(&self, name: &str) -> Result<&[usize], String> {
        Ok(&self.entry.input(name)?.shape)
    }

    /// Whether an input is there.
    pub fn has(&self, name: &str) -> bool {
        self.leaves.contains_key(name)
    }

    /// An input with all axes folded into one.
    pub fn one(&self, name: &str) -> Result<Flat<E>, String> {
        self.leaves.get(name).cloned().ok_or_else(|| format!("the entry has no input '{name}'"))
    }

    /// All axes but the last folded into one.
    pub fn two(&self, name: &str) -> Result<Tensor<(usize, usize), E, Cpu>, String> {
        let last = self.sizes(name)?.last().copied().unwrap_or(1);
        let x = self.one(name)?;
        let rows = x.shape().0 / last.max(1);
        x.try_reshape_like(&(rows, last)).map_err(|e| format!("{e:?}"))
    }

    /// All axes after the second folded into one.
    pub fn channels(&self, name: &str) -> Result<Tensor<(usize, usize, usize), E, Cpu>, String> {
        let s = self.sizes(name)?;
        let shape = (s[0], s[1], s[2..].iter().product());
        self.one(name)?.try_reshape_like(&shape).map_err(|e| format!("{e:?}"))
    }

    /// An image batch; a line is an image of height 1.
    pub fn plane(&self, name: &str) -> Result<Tensor<(usize, usize, usize, usize), E, Cpu>, String> {
        let s = self.sizes(name)?;
        let (height, width) = if s.len() == 3 { (1, s[2]) } else { (s[2], s[3]) };
        self.one(name)?.try_reshape_like(&(s[0], s[1], height, width)).map_err(|e| format!("{e:?}"))
    }
}

/// Runs `function` on an entry's inputs, forwards and backwards: the result itself where it is the value, else the entry's
/// output `y` and the value `sum(dy * y)`.
pub fn checked<E: Real>(
    entry: &Entry,
    function: impl Fn(&mut Operation<'_, E>) -> Result<Taped<E>, String>,
) -> Checked
where
    Cpu: Engine<E>,
{
    let leaf = |values: &[f64]| tensor::<_, E>(values, (values.len(),));
    let leaves = entry.inputs.iter().map(|(name, array)| (name.as_str(), leaf(&array.data))).collect();
    let mut operation = Operation { entry, leaves, order: None };
    let y = function(&mut operation)?;
    let out = wide(&y.retaped::<NoneTape>());
    let (mut found, loss) = if entry.outputs.contains_key("y") {
        let place = |i: usize| operation.order.as_ref().map_or(i, |order| order[i]);
        let (mut theirs, mut dy) = (out.clone(), out.clone());
        for (i, v) in out.iter().enumerate() {
            theirs[place(i)] = *v;
            dy[i] = entry.numbers("dy")?[place(i)];
        }
        let value = theirs.iter().zip(entry.numbers("dy")?).map(|(y, dy)| y * dy).sum();
        (Found::value(value).output("y", theirs), y * leaf(&dy))
    } else {
        (Found::value(out[0]), y)
    };
    let mut gradients = loss.sum::<Rank0, _>().backward();
    for name in entry.grads.keys() {
        let leaf = operation.one(name)?;
        gradients.try_alloc_for(&leaf).map_err(|e| format!("{e:?}"))?;
        found = found.grad(name, wide(&gradients.get(&leaf)));
    }
    Ok(found)
}
