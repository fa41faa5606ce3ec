//! Norms, activations, maps, attention and losses on rows.

use dfdx::prelude::*;
use selfsame::ops::{self, Activation, BatchStats, CrossEntropySettings, Engine, Mask, Norm, Penalty, Real};

use crate::graph::tensor;
use crate::ops::{flat, Flat, Operation, Taped};

type Result<T> = std::result::Result<T, String>;
type Matrix<E, T = NoneTape> = Tensor<(usize, usize), E, Cpu, T>;

fn text(e: selfsame::Error) -> String {
    e.to_string()
}

macro_rules! on_rows {
    ($($name:ident),*) => {$(
        pub fn $name<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>> where Cpu: Engine<E> {
            flat(ops::$name(op.two("x")?.put_tape(op.tape())))
        }
    )*};
}
on_rows!(softmax, log_softmax, logsumexp, l2_normalize);

macro_rules! on_each {
    ($($name:ident),*) => {$(
        pub fn $name<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>> where Cpu: Engine<E> {
            flat(ops::$name(op.one("x")?.put_tape(op.tape())))
        }
    )*};
}
on_each!(silu, softplus, log_sigmoid);

pub fn gelu<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let x = op.one("x")?.put_tape(op.tape());
    match op.entry.name.as_str() {
        "gelu/exact" => flat(ops::gelu(x)),
        "gelu/tanh" => flat(ops::gelu_tanh(x)),
        other => Err(format!("no GELU for {other}")),
    }
}

pub fn layer_norm<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let x = op.two("x")?.put_tape(op.tape());
    flat(ops::layer_norm(x, &op.one("weight")?, &op.one("bias")?, op.entry.number("eps")?))
}

pub fn batch_norm<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let x = op.channels("x")?;
    let channels = x.shape().1;
    let constant = |v: f64| tensor(&vec![v; channels], (channels,));
    let (scale, shift): (Flat<E>, Flat<E>) = match op.has("weight") {
        true => (op.one("weight")?, op.one("bias")?),
        false => (constant(1.0), constant(0.0)),
    };
    let numbers = |name: &str| Ok::<_, String>(op.entry.numbers(name)?.iter().map(|v| E::of(*v)).collect());
    let stats = BatchStats { mean: numbers("running_mean")?, variance: numbers("running_var")?, count: 0 };
    let norm = if op.entry.number("train")? == 1.0 { Norm::Batch } else { Norm::Fixed(&stats) };
    let y = ops::batch_norm(x.put_tape(op.tape()), &scale, &shift, norm, op.entry.number("eps")?);
    flat(y.map(|(y, _)| y))
}

fn affine<E: Real, T: Tape<E, Cpu>>(
    op: &Operation<'_, E>,
    x: Matrix<E, T>,
    weight: &str,
    bias: &str,
) -> Result<Matrix<E, T>>
where
    Cpu: Engine<E>,
{
    ops::linear(x, &op.two(weight)?, Some(&op.one(bias)?)).map_err(text)
}

pub fn linear<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    flat(Ok(affine(op, op.two("x")?.put_tape(op.tape()), "weight", "bias")?))
}

pub fn embedding<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let ids: Vec<u32> = op.entry.integers("ids")?.iter().map(|i| *i as u32).collect();
    flat(ops::embedding(op.two("table")?.put_tape(op.tape()), &ids))
}

fn mask<E: Real>(op: &Operation<'_, E>) -> Mask<'static> {
    if op.entry.params.contains_key("causal") {
        Mask::Causal
    } else {
        Mask::None
    }
}

pub fn attention<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let [batch, tokens, width] = op.entry.sizes("x")?;
    let qkv = affine(op, op.two("x")?.put_tape(op.tape()), "in_weight", "in_bias")?;
    let qkv = qkv.reshape_like(&(batch, tokens, 3 * width));
    let y = ops::attention(qkv, width, op.entry.count("heads")?, mask(op)).map_err(text)?;
    flat(Ok(affine(op, y.reshape_like(&(batch * tokens, width)), "out_weight", "out_bias")?))
}

/// The block as the one operation that the encoders use.
pub fn transformer_block<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let one = |name: &str| op.one(name);
    let norms = [one("norm1.weight")?, one("norm1.bias")?, one("norm2.weight")?, one("norm2.bias")?];
    let maps = [
        op.two("attn.in_weight")?,
        op.two("attn.out_weight")?,
        op.two("mlp.fc1.weight")?,
        op.two("mlp.fc2.weight")?,
    ];
    let biases = [one("attn.in_bias")?, one("attn.out_bias")?, one("mlp.fc1.bias")?, one("mlp.fc2.bias")?];
    let block = ops::BlockParameters {
        norm1: [&norms[0], &norms[1]],
        qkv: &maps[0],
        qkv_bias: &biases[0],
        proj: &maps[1],
        proj_bias: &biases[1],
        norm2: [&norms[2], &norms[3]],
        fc1: &maps[2],
        fc1_bias: &biases[2],
        fc2: &maps[3],
        fc2_bias: &biases[3],
    };
    let stack = ops::StackParameters {
        blocks: vec![block],
        norm: None,
        heads: op.entry.count("heads")?,
        activation: Activation::Gelu,
        eps: op.entry.number("eps")?,
    };
    let [batch, tokens, width] = op.entry.sizes("x")?;
    let x = op.one("x")?.put_tape(op.tape()).reshape_like(&(batch, tokens, width));
    flat(ops::transformer(x, &stack, mask(op)))
}

pub fn cross_entropy<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let logits = op.two("logits")?.put_tape(op.tape());
    if op.has("target") {
        return flat(ops::soft_cross_entropy(logits, op.entry.numbers("target")?));
    }
    let ignored = op.entry.params.get("ignore_index").and_then(|v| v.as_i64());
    let label = |l: &i64| if Some(*l) == ignored { u32::MAX } else { *l as u32 };
    let labels: Vec<u32> = op.entry.integers("labels")?.iter().map(label).collect();
    let settings = CrossEntropySettings {
        smoothing: op.entry.number("label_smoothing").unwrap_or(0.0),
        ignore: ignored.map(|_| u32::MAX),
        weights: op.entry.numbers("weight").ok(),
    };
    flat(ops::cross_entropy_with(logits, &labels, settings))
}

pub fn regression<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    let penalty = match op.entry.name.as_str() {
        "regression/mse" => Penalty::Squared,
        "regression/l1" => Penalty::Absolute,
        "regression/smooth_l1_beta1" => Penalty::SmoothAbsolute(1.0),
        "regression/huber_delta0.5" => Penalty::Huber(0.5),
        other => return Err(format!("no penalty for {other}")),
    };
    flat(ops::mean_error(op.one("pred")?.put_tape(op.tape()), &op.one("target")?, penalty))
}

pub fn bce_with_logits<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    flat(ops::bce_with_logits(op.one("logits")?.put_tape(op.tape()), &op.one("target")?))
}

pub fn kl_div<E: Real>(op: &mut Operation<'_, E>) -> Result<Taped<E>>
where
    Cpu: Engine<E>,
{
    flat(ops::kl_div(op.two("logits")?.put_tape(op.tape()), &op.two("target_logits")?))
}
