//! The operations and losses against numbers from independent implementations: values and gradients.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use dfdx::prelude::*;
use serde_json::Value;

use super::selftest;
use super::*;
use super::{add, bce_with_logits, gelu, gelu_tanh, log_softmax, softmax};
use crate::golden::{assert_close, assert_within, entries, goldens, numbers, sizes};
use crate::losses::{nt_xent, vicreg, VicRegWeights};
use crate::nn::{self, Mode};
use crate::tape::{values, Parameters};

type Flat<E, T = NoneTape> = selftest::Flat<E, Cpu, T>;
type Taped<E> = selftest::Taped<E, Cpu>;

fn flat<S: Shape, E: Real, T: Tape<E, Cpu>>(y: Tensor<S, E, Cpu, T>) -> Flat<E, T>
where
    Cpu: Device<E>,
{
    selftest::flat(y).unwrap()
}

/// The inputs of an entry as leaves of a graph, and the tape that goes through it.
struct Graph<'v, E: Real> {
    entry: &'v Value,
    leaves: BTreeMap<String, Flat<E>>,
}

type Axis2 = (usize, usize);
type Axis3 = (usize, usize, usize);
type Axis4 = (usize, usize, usize, usize);

impl<'v, E: Real> Graph<'v, E>
where
    Cpu: Engine<E>,
{
    fn new(entry: &'v Value) -> Self {
        let leaf = |array: &Value| row(&numbers(array));
        let inputs = entry["inputs"].as_object().unwrap();
        Graph { entry, leaves: inputs.iter().map(|(k, v)| (k.clone(), leaf(v))).collect() }
    }

    fn tape(&self) -> OwnedTape<E, Cpu> {
        row::<E>(&[0.0]).leaky_trace().split_tape().1
    }

    fn sizes(&self, name: &str) -> Vec<usize> {
        sizes(&self.entry["inputs"][name])
    }

    fn one(&self, name: &str) -> Flat<E> {
        self.leaves[name].clone()
    }

    /// All axes but the last folded into one.
    fn two(&self, name: &str) -> Tensor<Axis2, E, Cpu> {
        let last = *self.sizes(name).last().unwrap();
        let t = self.one(name);
        let rows = t.shape().0 / last;
        t.reshape_like(&(rows, last))
    }

    /// All axes after the second folded into one.
    fn channels(&self, name: &str) -> Tensor<Axis3, E, Cpu> {
        let s = self.sizes(name);
        self.one(name).reshape_like(&(s[0], s[1], s[2..].iter().product()))
    }

    fn four(&self, name: &str) -> Tensor<Axis4, E, Cpu> {
        let s = self.sizes(name);
        self.one(name).reshape_like(&(s[0], s[1], s[2], s[3]))
    }

    fn linear<T: Tape<E, Cpu>>(
        &self,
        x: Tensor<Axis2, E, Cpu, T>,
        weight: &str,
        bias: &str,
    ) -> Tensor<Axis2, E, Cpu, T> {
        linear(x, &self.two(weight), Some(&self.one(bias))).unwrap()
    }

    /// Projection, attention, projection, on folded rows.
    fn attention<T: Tape<E, Cpu>>(
        &self,
        x: Tensor<Axis2, E, Cpu, T>,
        prefix: &str,
    ) -> Tensor<Axis2, E, Cpu, T> {
        let s = self.sizes("x");
        let heads = self.entry["params"]["heads"].as_u64().unwrap() as usize;
        let name = |part: &str| format!("{prefix}{part}");
        let qkv = self.linear(x, &name("in_weight"), &name("in_bias"));
        let y = attention(qkv.reshape_like(&(s[0], s[1], 3 * s[2])), s[2], heads, self.mask()).unwrap();
        self.linear(y.reshape_like(&(s[0] * s[1], s[2])), &name("out_weight"), &name("out_bias"))
    }

    fn mask(&self) -> Mask<'static> {
        match self.entry["params"].get("causal") {
            Some(_) => Mask::Causal,
            None => Mask::None,
        }
    }

    /// The block as one operation.
    fn stack(&self, eps: f64) -> Taped<E> {
        let (one, two) = (|name: &str| self.one(name), |name: &str| self.two(name));
        let norms = [one("norm1.weight"), one("norm1.bias"), one("norm2.weight"), one("norm2.bias")];
        let maps = ["attn.in_weight", "attn.out_weight", "mlp.fc1.weight", "mlp.fc2.weight"].map(two);
        let biases = ["attn.in_bias", "attn.out_bias", "mlp.fc1.bias", "mlp.fc2.bias"].map(one);
        let block = BlockParameters {
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
        let heads = self.entry["params"]["heads"].as_u64().unwrap() as usize;
        let stack =
            StackParameters { blocks: vec![block], norm: None, heads, activation: Activation::Gelu, eps };
        let s = self.sizes("x");
        let x = self.one("x").put_tape(self.tape()).reshape_like(&(s[0], s[1], s[2]));
        flat(transformer(x, &stack, self.mask()).unwrap())
    }

    fn block(&self, eps: f64) -> Taped<E> {
        let norm = |x, part: &str| {
            let (scale, shift) = (self.one(&format!("{part}.weight")), self.one(&format!("{part}.bias")));
            layer_norm(x, &scale, &shift, eps).unwrap()
        };
        let x = self.two("x");
        let y = self.attention(norm(x.clone().put_tape(self.tape()), "norm1"), "attn.");
        let (x, tape) = add(y, &x).unwrap().split_tape();
        let y = self.linear(norm(x.clone().put_tape(tape), "norm2"), "mlp.fc1.weight", "mlp.fc1.bias");
        flat(add(self.linear(gelu(y).unwrap(), "mlp.fc2.weight", "mlp.fc2.bias"), &x).unwrap())
    }

    fn batch_norm(&self) -> Taped<E> {
        let x = self.channels("x");
        let c = x.shape().1;
        let (scale, shift) = match self.leaves.contains_key("weight") {
            true => (self.one("weight"), self.one("bias")),
            false => (row(&vec![1.0; c]), row(&vec![0.0; c])),
        };
        let stats = BatchStats {
            mean: values(&self.one("running_mean")),
            variance: values(&self.one("running_var")),
            count: 0,
        };
        let norm = if self.entry["params"]["train"] == 1 { Norm::Batch } else { Norm::Fixed(&stats) };
        let eps = self.entry["params"]["eps"].as_f64().unwrap();
        flat(batch_norm(x.put_tape(self.tape()), &scale, &shift, norm, eps).unwrap().0)
    }

    /// Sizes padded to those of an image of height 1, where the entry is about a line.
    fn plane(&self, name: &str) -> Tensor<Axis4, E, Cpu> {
        let s = self.sizes(name);
        let (height, width) = if s.len() == 3 { (1, s[2]) } else { (s[2], s[3]) };
        self.one(name).reshape_like(&(s[0], s[1], height, width))
    }

    /// A setting given once, or for both axes; along a line the height's is the default.
    fn pair(&self, name: &str, default: usize) -> (usize, usize) {
        let number = |v: &Value| v.as_u64().unwrap() as usize;
        match self.entry["params"].get(name) {
            None => (default, default),
            Some(Value::Array(v)) => (number(&v[0]), number(&v[1])),
            Some(v) if self.sizes("x").len() == 3 => (default, number(v)),
            Some(v) => (number(v), number(v)),
        }
    }

    fn convolution(&self, transposed: bool) -> Taped<E> {
        let (x, weight) = (self.plane("x"), self.plane("weight"));
        let (stride, padding, dilation) =
            (self.pair("stride", 1), self.pair("padding", 0), self.pair("dilation", 1));
        let groups = self.entry["params"].get("groups").map_or(1, |g| g.as_u64().unwrap() as usize);
        let (&(_, _, height, width), &(_, _, kh, kw)) = (x.shape(), weight.shape());
        let window = ConvWindow::new(kh, kw)
            .stride(stride.0, stride.1)
            .padding(padding.0, padding.1)
            .dilation(dilation.0, dilation.1)
            .groups(groups);
        let bias = self.leaves.get("bias");
        let x = x.put_tape(self.tape());
        let line = self.sizes("x").len() == 3;
        if transposed {
            let extra = self.pair("output_padding", 0);
            let out = window.transposed_output((height, width), extra).unwrap();
            let outs = weight.shape().1 * groups;
            if line {
                let (x, w) = (squeezed(x), squeezed(weight.put_tape(NoneTape)));
                return flat(conv_transpose1d(x, &w, bias, window, (outs, out.1)).unwrap());
            }
            return flat(conv_transpose2d(x, &weight, bias, window, (outs, out.0, out.1)).unwrap());
        }
        let out = window.output((height, width)).unwrap();
        if line {
            let (x, w) = (squeezed(x), squeezed(weight.put_tape(NoneTape)));
            return flat(conv1d(x, &w, bias, window, out.1).unwrap());
        }
        flat(conv2d(x, &weight, bias, window, out).unwrap())
    }

    /// The entry's result, or `None` where it is about something we have not.
    fn run(&self, whole: bool) -> Option<Taped<E>> {
        let params = &self.entry["params"];
        let name = self.entry["name"].as_str().unwrap();
        let eps = || params["eps"].as_f64().unwrap();
        Some(match self.entry["family"].as_str().unwrap() {
            "layer_norm" => {
                let x = self.two("x").put_tape(self.tape());
                flat(layer_norm(x, &self.one("weight"), &self.one("bias"), eps()).unwrap())
            }
            "batch_norm" => self.batch_norm(),
            "gelu" if name == "gelu/exact" => gelu(self.one("x").put_tape(self.tape())).unwrap(),
            "gelu" => gelu_tanh(self.one("x").put_tape(self.tape())).unwrap(),
            "l2_normalize" => flat(l2_normalize(self.two("x").put_tape(self.tape())).unwrap()),
            "linear" => flat(self.linear(self.two("x").put_tape(self.tape()), "weight", "bias")),
            "attention" => flat(self.attention(self.two("x").put_tape(self.tape()), "")),
            "transformer_block" if whole => self.stack(eps()),
            "transformer_block" => self.block(eps()),
            "conv1d" | "conv2d" => self.convolution(false),
            "conv_transpose1d" | "conv_transpose2d" => self.convolution(true),
            "patchify" => {
                let patch = params["patch"].as_u64().unwrap() as usize;
                flat(patchify(self.four("x").put_tape(self.tape()), patch).unwrap())
            }
            "cross_entropy" => flat(self.cross_entropy()),
            "softmax" => flat(softmax(self.two("x").put_tape(self.tape())).unwrap()),
            "log_softmax" => flat(log_softmax(self.two("x").put_tape(self.tape())).unwrap()),
            "logsumexp" => logsumexp(self.two("x").put_tape(self.tape())).unwrap(),
            "silu" => silu(self.one("x").put_tape(self.tape())).unwrap(),
            "softplus" => softplus(self.one("x").put_tape(self.tape())).unwrap(),
            "log_sigmoid" => log_sigmoid(self.one("x").put_tape(self.tape())).unwrap(),
            "regression" => {
                let penalty = match name {
                    "regression/mse" => Penalty::Squared,
                    "regression/l1" => Penalty::Absolute,
                    "regression/smooth_l1_beta1" => Penalty::SmoothAbsolute(1.0),
                    "regression/huber_delta0.5" => Penalty::Huber(0.5),
                    other => panic!("no penalty for {other}"),
                };
                let x = self.one("pred").put_tape(self.tape());
                flat(mean_error(x, &self.one("target"), penalty).unwrap())
            }
            "bce_with_logits" => {
                let x = self.one("logits").put_tape(self.tape());
                flat(bce_with_logits(x, &self.one("target")).unwrap())
            }
            "kl_div" => {
                let x = self.two("logits").put_tape(self.tape());
                flat(kl_div(x, &self.two("target_logits")).unwrap())
            }
            "embedding" => {
                let ids: Vec<u32> = numbers(&self.entry["inputs"]["ids"]).iter().map(|i| *i as u32).collect();
                flat(embedding(self.two("table").put_tape(self.tape()), &ids).unwrap())
            }
            family if family.contains("pool") || family.starts_with("resize") => self.window(family),
            "unpatchify" => {
                let (p, s) = (params["patch"].as_u64().unwrap() as usize, sizes(&self.entry["outputs"]["y"]));
                let x = reordered(self.one("x").put_tape(self.tape()), &patch_order(self.entry));
                let x = x.reshape_like(&(s[0], s[2] / p * (s[3] / p), s[1] * p * p));
                flat(unpatchify(x, p, (s[1], s[2], s[3])).unwrap())
            }
            "ntxent" => {
                // Both views as one leaf, as the loss takes them; see `gradient`.
                let z = self.one("z").reshape_like(&(2 * self.sizes("z0")[0], self.sizes("z0")[1]));
                flat(nt_xent(z.put_tape(self.tape()), params["tau"].as_f64().unwrap()).unwrap())
            }
            "vicreg" => {
                let weight = |name: &str| params[name].as_f64().unwrap();
                let weights = VicRegWeights {
                    invariance: weight("lambda"),
                    variance: weight("mu"),
                    covariance: weight("nu"),
                };
                flat(vicreg(self.two("z0").put_tape(self.tape()), self.two("z1"), weights).unwrap())
            }
            _ => return None,
        })
    }

    fn cross_entropy(&self) -> Tensor<Rank0, E, Cpu, OwnedTape<E, Cpu>> {
        let (params, inputs) = (&self.entry["params"], &self.entry["inputs"]);
        let logits = self.two("logits").put_tape(self.tape());
        if inputs.get("target").is_some() {
            return soft_cross_entropy(logits, &numbers(&inputs["target"])).unwrap();
        }
        let ignored = params.get("ignore_index").map(|i| i.as_f64().unwrap());
        let label = |l: &f64| if Some(*l) == ignored { u32::MAX } else { *l as u32 };
        let labels: Vec<u32> = numbers(&inputs["labels"]).iter().map(label).collect();
        let weights = inputs.get("weight").map(numbers);
        let settings = CrossEntropySettings {
            smoothing: params.get("label_smoothing").map_or(0.0, |s| s.as_f64().unwrap()),
            ignore: ignored.map(|_| u32::MAX),
            weights: weights.as_deref(),
        };
        cross_entropy_with(logits, &labels, settings).unwrap()
    }

    /// Pools and changes of size.
    fn window(&self, family: &str) -> Taped<E> {
        let params = &self.entry["params"];
        let number = |name: &str| params.get(name).map(|v| v.as_u64().unwrap() as usize);
        let kernel = number("kernel_size").unwrap_or(1);
        let (stride, padding) = (number("stride").unwrap_or(kernel), number("padding").unwrap_or(0));
        let window = PoolWindow::square(kernel).stride(stride).padding(padding);
        let s = self.sizes("x");
        if family == "max_pool1d" {
            let window = PoolWindow::along(kernel).stride(stride).padding(padding);
            let x = self.channels("x").put_tape(self.tape());
            return flat(max_pool1d(x, window, window.output((1, s[2])).1).unwrap());
        }
        if family == "global_avg_pool2d" {
            return flat(mean_last(self.channels("x").put_tape(self.tape())).unwrap());
        }
        let x = self.four("x").put_tape(self.tape());
        let asked = sizes(&self.entry["outputs"]["y"]);
        let asked = (asked[2], asked[3]);
        let out = window.output((s[2], s[3]));
        let divisor = if number("count_include_pad") == Some(0) { Divisor::Inside } else { Divisor::Window };
        flat(match family {
            "max_pool2d" => max_pool2d(x, window, out).unwrap(),
            "avg_pool2d" => avg_pool2d(x, window, divisor, out).unwrap(),
            "adaptive_avg_pool2d" => adaptive_avg_pool2d(x, asked).unwrap(),
            "resize_bilinear" => resize(x, Resize::Bilinear, asked).unwrap(),
            "resize_nearest" => resize(x, Resize::Nearest, asked).unwrap(),
            "resize_bicubic" => resize(x, Resize::Bicubic, asked).unwrap(),
            other => panic!("no operation for {other}"),
        })
    }

    fn with_stacked_views(mut self) -> Self {
        if let (Some(a), Some(b)) = (self.leaves.get("z0"), self.leaves.get("z1")) {
            let z: Vec<f64> = a.as_vec().iter().chain(&b.as_vec()).map(|v| v.wide()).collect();
            self.leaves.insert("z".into(), row(&z));
        }
        self
    }
}

/// An image of height 1 as a line.
fn squeezed<E: Real, T: Tape<E, Cpu>>(x: Tensor<Axis4, E, Cpu, T>) -> Tensor<Axis3, E, Cpu, T>
where
    Cpu: Engine<E>,
{
    let (a, b, _, width) = *x.shape();
    x.reshape_like(&(a, b, width))
}

fn row<E: Real>(v: &[f64]) -> Flat<E>
where
    Cpu: Engine<E>,
{
    Cpu::default().tensor_from_vec(v.iter().map(|v| E::of(*v)).collect(), (v.len(),))
}

fn wide<E: Real>(v: Vec<E>) -> Vec<f64> {
    v.into_iter().map(Real::wide).collect()
}

/// Values of `x` in another order.
fn reordered<E: Real>(x: Taped<E>, order: &[usize]) -> Taped<E>
where
    Cpu: Engine<E>,
{
    let index: Tensor<(usize,), usize, Cpu> = Cpu::default().tensor_from_vec(order.to_vec(), (order.len(),));
    let n = order.len();
    let x: Tensor<(usize, usize), E, Cpu, _> = x.reshape_like(&(n, 1)).gather(index);
    x.reshape_like(&(n,))
}

/// The goldens' patches have their channels last, ours first: the golden position of each of our values.
fn patch_order(entry: &Value) -> Vec<usize> {
    let image = if entry["family"] == "patchify" { &entry["inputs"]["x"] } else { &entry["outputs"]["y"] };
    let s = sizes(image);
    let (c, p) = (s[1], entry["params"]["patch"].as_u64().unwrap() as usize);
    let len = c * p * p;
    (0..s.iter().product()).map(|i| (i / len) * len + (i % (p * p)) * c + (i % len) / (p * p)).collect()
}

/// Values and gradients of an entry in number type `E`; whether we have its operation.
fn checked<E: Real>(entry: &Value, single: bool, whole: bool) -> bool
where
    Cpu: Engine<E>,
{
    let name = entry["name"].as_str().unwrap();
    let graph = Graph::<E>::new(entry).with_stacked_views();
    let Some(y) = graph.run(whole) else { return false };
    let assert = |what: &str, tolerance: &Value, found: Vec<E>, expected: &[f64]| {
        let what = format!("{name}, {what}, {}", std::any::type_name::<E>());
        match single {
            true => assert_within(&what, &wide(found), expected, tolerance.as_f64().unwrap()),
            false => assert_close(&what, &wide(found), expected),
        }
    };
    let tolerances = &entry["tol_f32"];
    let order = if entry["family"] == "patchify" { Some(patch_order(entry)) } else { None };
    let ordered = |array: &Value| match &order {
        None => numbers(array),
        Some(order) => order.iter().map(|at| numbers(array)[*at]).collect(),
    };
    let out = values(&y.retaped::<NoneTape>());
    let y = match entry["outputs"].get("y") {
        Some(expected) => {
            assert("y", &tolerances["outputs"]["y"], out, &ordered(expected));
            y * row::<E>(&ordered(&entry["inputs"]["dy"]))
        }
        None => {
            assert("value", &tolerances["value"], out, &[entry["value"].as_f64().unwrap()]);
            y
        }
    };
    let mut grads = y.sum::<Rank0, _>().backward();
    for (input, expected) in entry["grads"].as_object().into_iter().flatten() {
        // NT-Xent takes both views as one tensor.
        let stacked = entry["family"] == "ntxent";
        let leaf = &graph.leaves[if stacked { "z" } else { input.as_str() }];
        grads.try_alloc_for(leaf).unwrap();
        let mut found = values(&grads.get(leaf));
        let expected = numbers(expected);
        if stacked && input == "z0" {
            found.truncate(expected.len());
        } else if stacked && input == "z1" {
            found.drain(..expected.len());
        }
        assert(&format!("gradient of {input}"), &tolerances["grads"][input.as_str()], found, &expected);
    }
    true
}

#[test]
fn every_golden_of_an_operation_we_have_matches() {
    for (file, expected) in [
        (
            "ops.json",
            vec![
                ("adaptive_avg_pool2d", 1),
                ("attention", 3),
                ("avg_pool2d", 3),
                ("batch_norm", 10),
                ("bce_with_logits", 1),
                ("conv1d", 6),
                ("conv2d", 11),
                ("conv_transpose1d", 1),
                ("conv_transpose2d", 5),
                ("cross_entropy", 5),
                ("embedding", 1),
                ("gelu", 2),
                ("global_avg_pool2d", 1),
                ("kl_div", 1),
                ("l2_normalize", 3),
                ("layer_norm", 5),
                ("linear", 1),
                ("log_sigmoid", 1),
                ("log_softmax", 2),
                ("logsumexp", 2),
                ("max_pool1d", 1),
                ("max_pool2d", 2),
                ("patchify", 1),
                ("regression", 4),
                ("resize_bicubic", 1),
                ("resize_bilinear", 3),
                ("resize_nearest", 3),
                ("silu", 1),
                ("softmax", 2),
                ("softplus", 1),
                ("transformer_block", 2),
                ("unpatchify", 1),
            ],
        ),
        ("losses.json", vec![("ntxent", 9), ("vicreg", 5)]),
    ] {
        let Some(file) = goldens(file) else { continue };
        let mut count = BTreeMap::new();
        for entry in entries(&file).iter().filter(|e| e.get("inputs").is_some()) {
            if checked::<f64>(entry, false, false) {
                assert!(checked::<f32>(entry, true, false));
                // The same once more where one operation stands for several.
                assert!(checked::<f64>(entry, false, true) && checked::<f32>(entry, true, true));
                *count.entry(entry["family"].as_str().unwrap()).or_insert(0) += 1;
            }
        }
        assert_eq!(count.into_iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_layer_follows_running_statistics_as_torch_does() {
    let Some(file) = goldens("ops.json") else { return };
    let mut checked = 0;
    for entry in entries(&file).iter().filter(|e| e["family"] == "batch_norm") {
        let name = entry["name"].as_str().unwrap();
        let single = |key: &str| numbers(&entry["inputs"][key]).iter().map(|v| *v as f32).collect::<Vec<_>>();
        let dev = Cpu::default();
        let s = sizes(&entry["inputs"]["x"]);
        let mut layer = nn::BatchNorm::new(&dev, s[1]).unwrap();
        layer.visit_mut("", &mut |name, _, t| {
            let key = match name {
                "scale" => "weight",
                "shift" => "bias",
                "running_variance" => "running_var",
                other => other,
            };
            if entry["inputs"].get(key).is_some() {
                t.write(&single(key)).unwrap();
            }
        });
        let mode = if entry["params"]["train"] == 1 { Mode::Train } else { Mode::Eval };
        let shape = (s[0], s[1], s[2..].iter().product::<usize>());
        let y = layer.forward(dev.tensor_from_vec(single("x"), shape), mode).unwrap();
        let near = |key: &str, found: Vec<f32>| {
            let tolerance = entry["tol_f32"]["outputs"][key].as_f64().unwrap();
            assert_within(
                &format!("{name}, {key}"),
                &wide(found),
                &numbers(&entry["outputs"][key]),
                tolerance,
            );
        };
        near("y", y.as_vec());
        layer.visit("", &mut |name, _, t| match name {
            "running_mean" => near("running_mean_after", t.read()),
            "running_variance" => near("running_var_after", t.read()),
            _ => (),
        });
        checked += 1;
    }
    assert_eq!(checked, 10);
}
