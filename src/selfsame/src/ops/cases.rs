//! Every operation at odd sizes, through the checks of `checks.rs`, and every size error.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use dfdx::prelude::*;

use super::checks::{check, check_large, flat, normal, Case, Inputs, Taped};
use super::*;
use super::{add, gelu, gelu_tanh, relu};
use crate::losses::{self, nt_xent};

/// A case: its fields are sizes, its body gives the fused and the composed result.
macro_rules! case {
    ($name:ident($($field:ident: $type:ty),*), $shapes:expr, |$i:ident, $tape:ident| { $($take:stmt;)* } $fused:expr, $composed:expr) => {
        #[derive(Debug, Clone, Copy)]
        struct $name { $($field: $type),* }
        // A case needs some of its sizes here and others there.
        #[allow(unused_variables)]
        impl Case for $name {
            fn shapes(&self) -> Vec<Vec<usize>> {
                let $name { $($field),* } = *self;
                $shapes
            }
            fn run<E: Real>(&self, mut $i: Inputs<'_, E>, fused: bool) -> Taped<E>
            where
                Cpu: Engine<E>,
            {
                let $name { $($field),* } = *self;
                $($take)*
                let $tape = $i.tape();
                if fused { flat($fused.unwrap()) } else { flat($composed.unwrap()) }
            }
        }
    };
}
pub(super) use case;

case!(Relu(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two(); } relu(x.put_tape(t)), activation::composed_relu(x.put_tape(t)));
case!(Gelu(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two(); } gelu(x.put_tape(t)), activation::composed_gelu(x.put_tape(t)));
case!(Add(a: usize, b: usize, c: usize), vec![vec![a, b, c]; 2],
    |i, t| { let x = i.three(); let y = i.three(); }
    add(x.put_tape(t), &y), add::composed_add(x.put_tape(t), &y));
case!(AddItself(a: usize, b: usize), vec![vec![a, b]],
    |i, t| { let x = i.two(); } add(x.clone().put_tape(t), &x), add::composed_add(x.clone().put_tape(t), &x));
case!(AddTransposed(n: usize), vec![vec![n, n]],
    |i, t| { let x = i.two(); let y = x.clone().permute::<(usize, usize), Axes2<1, 0>>(); }
    add(x.put_tape(t), &y), add::composed_add(x.put_tape(t), &y));
case!(AddToEach(b: usize, n: usize, w: usize), vec![vec![b, n, w], vec![n, w]],
    |i, t| { let x = i.three(); let table = i.two(); }
    add_to_each(x.put_tape(t), &table), add::composed_add_to_each(x.put_tape(t), &table));
case!(GeluTanh(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two(); } gelu_tanh(x.put_tape(t)), activation::composed_gelu_tanh(x.put_tape(t)));
case!(Attention(b: usize, n: usize, w: usize, heads: usize, hide: Hide), vec![vec![b, n, 3 * w]],
    |i, t| { let x = i.three(); let keys = hide.keys(b, n); }
    attention(x.put_tape(t), w, heads, hide.mask(&keys)),
    attention::composed(x.put_tape(t), w, heads, hide.mask(&keys)));
case!(BatchNorm2(b: usize, c: usize), vec![vec![b, c], vec![c], vec![c]],
    |i, t| { let x = i.two(); let s = i.one(); let u = i.one(); }
    batch_norm(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0),
    batch_norm::composed(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0));
case!(BatchNorm3(b: usize, c: usize, l: usize), vec![vec![b, c, l], vec![c], vec![c]],
    |i, t| { let x = i.three(); let s = i.one(); let u = i.one(); }
    batch_norm(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0),
    batch_norm::composed(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0));
case!(BatchNorm4(b: usize, c: usize, h: usize, w: usize), vec![vec![b, c, h, w], vec![c], vec![c]],
    |i, t| { let x = i.four(); let s = i.one(); let u = i.one(); }
    batch_norm(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0),
    batch_norm::composed(x.put_tape(t), &s, &u, Norm::Batch, 1e-5).map(|y| y.0));
case!(BatchNormFixed(b: usize, c: usize, l: usize), vec![vec![b, c, l], vec![c], vec![c]],
    |i, t| { let x = i.three(); let s = i.one(); let u = i.one(); let stats = fixed::<E>(c); }
    batch_norm(x.put_tape(t), &s, &u, Norm::Fixed(&stats), 1e-5).map(|y| y.0),
    batch_norm::composed(x.put_tape(t), &s, &u, Norm::Fixed(&stats), 1e-5).map(|y| y.0));
case!(CrossEntropy(rows: usize, classes: usize), vec![vec![rows, classes]],
    |i, t| { let x = i.two(); let labels = (0..rows).map(|r| (r * 7 % classes) as u32).collect::<Vec<_>>(); }
    cross_entropy(x.put_tape(t), &labels), cross_entropy::composed(x.put_tape(t), &labels));
case!(L2Normalize(rows: usize, width: usize), vec![vec![rows, width]],
    |i, t| { let x = i.two(); } l2_normalize(x.put_tape(t)), l2_normalize::composed(x.put_tape(t)));
case!(LayerNorm(rows: usize, width: usize), vec![vec![rows, width], vec![width], vec![width]],
    |i, t| { let x = i.two(); let s = i.one(); let u = i.one(); }
    layer_norm(x.put_tape(t), &s, &u, 1e-5), layer_norm::composed(x.put_tape(t), &s, &u, 1e-5));
case!(Linear(b: usize, ins: usize, outs: usize), vec![vec![b, ins], vec![outs, ins], vec![outs]],
    |i, t| { let x = i.two(); let w = i.two(); let bias = i.one(); }
    linear(x.put_tape(t), &w, Some(&bias)), linear::composed(x.put_tape(t), &w, Some(&bias)));
case!(LinearUnbiased(b: usize, ins: usize, outs: usize), vec![vec![b, ins], vec![outs, ins]],
    |i, t| { let x = i.two(); let w = i.two(); }
    linear(x.put_tape(t), &w, None), linear::composed(x.put_tape(t), &w, None));
case!(Gram(n: usize, w: usize), vec![vec![n, w]],
    |i, t| { let x = i.two(); }
    linear(x.clone().put_tape(t), &x, None),
    linear::composed(x.clone().put_tape(t), &x, None));
case!(Patchify(x: [usize; 4], patch: usize), vec![x.to_vec()],
    |i, t| { let image = i.four(); }
    patchify(image.put_tape(t), patch), patchify::composed(image.put_tape(t), patch));
case!(MeanMiddle(b: usize, n: usize, w: usize), vec![vec![b, n, w]],
    |i, t| { let x = i.three(); } mean_middle(x.put_tape(t)), pool::composed_mean_middle(x.put_tape(t)));
case!(MeanLast(b: usize, c: usize, n: usize), vec![vec![b, c, n]],
    |i, t| { let x = i.three(); } mean_last(x.put_tape(t)), pool::composed_mean_last(x.put_tape(t)));
case!(NtXent(rows: usize, width: usize, temperature: f64), vec![vec![rows, width]],
    |i, t| { let z = i.two(); }
    nt_xent(z.put_tape(t), temperature), losses::composed_nt_xent(z.put_tape(t), temperature));

/// What attention may not see.
#[derive(Debug, Clone, Copy)]
enum Hide {
    Nothing,
    Future,
    SomeKeys,
}

impl Hide {
    const ALL: [Hide; 3] = [Hide::Nothing, Hide::Future, Hide::SomeKeys];

    /// Every sample sees another number of keys, at least one, and not only the first.
    fn keys(self, batch: usize, tokens: usize) -> Vec<bool> {
        (0..batch).flat_map(|b| (0..tokens).map(move |t| t == b % tokens || (t * 3 + b) % 4 == 0)).collect()
    }

    fn mask(self, keys: &[bool]) -> Mask<'_> {
        match self {
            Hide::Nothing => Mask::None,
            Hide::Future => Mask::Causal,
            Hide::SomeKeys => Mask::Keys(keys),
        }
    }
}

/// A transformer stack, with a norm after it where `finish`.
#[derive(Debug, Clone, Copy)]
struct Stacked {
    b: usize,
    n: usize,
    w: usize,
    heads: usize,
    hidden: usize,
    depth: usize,
    finish: bool,
    activation: Activation,
    hide: Hide,
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
        std::iter::once(vec![b, n, w])
            .chain(blocks)
            .chain([v(w), v(w)].into_iter().take(if finish { 2 } else { 0 }))
            .collect()
    }

    fn run<E: Real>(&self, mut i: Inputs<'_, E>, fused: bool) -> Taped<E>
    where
        Cpu: Engine<E>,
    {
        let x = i.three();
        let tensors: Vec<_> = (0..self.depth)
            .map(|_| {
                let (norm1, qkv, qkv_bias) = ([i.one(), i.one()], i.two(), i.one());
                let (proj, proj_bias, norm2) = (i.two(), i.one(), [i.one(), i.one()]);
                (norm1, (qkv, qkv_bias), (proj, proj_bias), norm2, (i.two(), i.one()), (i.two(), i.one()))
            })
            .collect();
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
        let norm = self.finish.then(|| [i.one(), i.one()]);
        let stack = StackParameters {
            blocks: blocks.collect(),
            norm: norm.as_ref().map(|[s, t]| [s, t]),
            heads: self.heads,
            activation: self.activation,
            eps: 1e-5,
        };
        let keys = self.hide.keys(self.b, self.n);
        let (x, mask) = (x.put_tape(i.tape()), self.hide.mask(&keys));
        flat(if fused { transformer(x, &stack, mask) } else { stack::composed(x, &stack, mask) }.unwrap())
    }
}

/// Statistics that are not the batch's.
pub(super) fn fixed<E: Real>(channels: usize) -> BatchStats<E> {
    let mean = normal(channels, 5).into_iter().map(E::of).collect();
    let variance = normal(channels, 6).into_iter().map(|v| E::of(0.3 + v * v)).collect();
    BatchStats { mean, variance, count: 0 }
}

#[test]
fn relu_and_gelu() {
    for (rows, width) in [(1, 1), (3, 7), (13, 2)] {
        check(&Relu { rows, width });
        check(&Gelu { rows, width });
        check(&GeluTanh { rows, width });
    }
    check_large(&Relu { rows: 211, width: 191 });
    check_large(&Gelu { rows: 211, width: 191 });
    check_large(&GeluTanh { rows: 211, width: 191 });
}

#[test]
fn sums() {
    for (a, b, c) in [(1, 1, 1), (2, 3, 5), (7, 1, 2)] {
        check(&Add { a, b, c });
        check(&AddToEach { b: a, n: b, w: c });
    }
    check(&AddItself { a: 3, b: 5 });
    check(&AddTransposed { n: 3 });
    check_large(&AddToEach { b: 37, n: 17, w: 11 });
}

#[test]
fn attention_of_one_to_four_heads() {
    for hide in Hide::ALL {
        for (b, n, w, heads) in [(1, 1, 1, 1), (2, 3, 4, 2), (1, 5, 6, 3), (3, 2, 4, 4), (2, 7, 5, 1)] {
            check(&Attention { b, n, w, heads, hide });
        }
        check_large(&Attention { b: 19, n: 17, w: 24, heads: 3, hide });
        // More queries than one tile.
        check_large(&Attention { b: 2, n: 71, w: 10, heads: 2, hide });
    }
}

#[test]
fn a_transformer_is_its_small_operations() {
    let case = Stacked {
        b: 2,
        n: 3,
        w: 4,
        heads: 2,
        hidden: 5,
        depth: 2,
        finish: true,
        activation: Activation::Gelu,
        hide: Hide::Nothing,
    };
    check(&case);
    check(&Stacked { hide: Hide::Future, finish: false, activation: Activation::GeluTanh, ..case });
    check(&Stacked { hide: Hide::SomeKeys, depth: 1, activation: Activation::None, ..case });
    check(&Stacked { b: 1, n: 1, w: 2, heads: 1, hidden: 1, ..case });
    check(&Stacked { depth: 0, ..case });
    check(&Stacked { b: 3, n: 5, w: 3, heads: 3, hidden: 7, depth: 1, activation: Activation::Relu, ..case });
    // Several groups, several partial gradients, the last of each smaller than the others; several tiles of queries.
    for hide in Hide::ALL {
        check_large(&Stacked { b: 41, n: 37, w: 6, heads: 3, hidden: 11, hide, ..case });
        check_large(&Stacked { b: 3, n: 83, w: 6, heads: 2, hidden: 19, hide, finish: false, ..case });
    }
}

#[test]
fn batch_norm_of_every_rank() {
    for (b, c) in [(2, 1), (5, 3), (7, 2)] {
        check(&BatchNorm2 { b, c });
    }
    check(&BatchNorm3 { b: 1, c: 3, l: 5 });
    check(&BatchNorm3 { b: 3, c: 2, l: 1 });
    check(&BatchNorm4 { b: 2, c: 3, h: 1, w: 5 });
    check(&BatchNorm4 { b: 3, c: 1, h: 3, w: 2 });
    check(&BatchNormFixed { b: 1, c: 1, l: 1 });
    check(&BatchNormFixed { b: 3, c: 5, l: 2 });
    check_large(&BatchNorm4 { b: 23, c: 7, h: 5, w: 9 });
}

#[test]
fn batch_norm_reports_its_statistics() {
    let dev = Cpu::default();
    let x: Tensor<(usize, usize, usize), f64, _> = dev.tensor_from_vec(normal(3 * 2 * 5, 1), (3, 2, 5));
    let (s, t) = (dev.tensor_from_vec(vec![1.0; 2], (2,)), dev.tensor_from_vec(vec![0.0; 2], (2,)));
    let (_, fused) = batch_norm(x.clone(), &s, &t, Norm::Batch, 1e-5).unwrap();
    let (_, composed) = batch_norm::composed(x.clone(), &s, &t, Norm::Batch, 1e-5).unwrap();
    assert_eq!((fused.count, composed.count), (15, 15));
    for channel in 0..2 {
        let of: Vec<f64> = (0..30).filter(|i| i / 5 % 2 == channel).map(|i| x.as_vec()[i]).collect();
        let mean = of.iter().sum::<f64>() / 15.0;
        let variance = of.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 15.0;
        for stats in [&fused, &composed] {
            assert!((stats.mean[channel] - mean).abs() < 1e-12);
            assert!((stats.variance[channel] - variance).abs() < 1e-12);
        }
    }
    // A constant channel: the variance is 0 and the output the shift, not a NaN.
    let x: Tensor<(usize, usize), f64, _> = dev.tensor_from_vec(vec![4.0; 6], (3, 2));
    let (y, stats) = batch_norm(x, &s, &t, Norm::Batch, 1e-5).unwrap();
    assert_eq!((y.as_vec(), stats.variance), (vec![0.0; 6], vec![0.0; 2]));
}

#[test]
fn cross_entropy_of_class_ids() {
    for (rows, classes) in [(1, 2), (5, 3), (7, 11)] {
        check(&CrossEntropy { rows, classes });
    }
    check_large(&CrossEntropy { rows: 131, classes: 17 });
    // A single class leaves nothing to get wrong.
    let dev = Cpu::default();
    let x: Tensor<(usize, usize), f64, _> = dev.tensor_from_vec(vec![3.0, -5.0], (2, 1));
    assert_eq!(cross_entropy(x, &[0, 0]).unwrap().array(), 0.0);
}

#[test]
fn norms_of_rows() {
    for (rows, width) in [(1, 2), (3, 5), (7, 3)] {
        check(&L2Normalize { rows, width });
        check(&LayerNorm { rows, width });
    }
    check_large(&L2Normalize { rows: 131, width: 17 });
    check_large(&LayerNorm { rows: 131, width: 17 });
}

#[test]
fn linear_maps() {
    for (b, ins, outs) in [(1, 1, 1), (3, 5, 2), (7, 2, 11)] {
        check(&Linear { b, ins, outs });
        check(&LinearUnbiased { b, ins, outs });
    }
    check(&Gram { n: 3, w: 5 });
    check_large(&Linear { b: 257, ins: 131, outs: 67 });
}

#[test]
fn patches() {
    check(&Patchify { x: [1, 1, 1, 1], patch: 1 });
    check(&Patchify { x: [2, 3, 2, 4], patch: 2 });
    check(&Patchify { x: [1, 2, 6, 3], patch: 3 });
    check_large(&Patchify { x: [11, 3, 10, 15], patch: 5 });
}

#[test]
fn means() {
    for (b, n, w) in [(1, 1, 1), (2, 3, 5), (7, 5, 1)] {
        check(&MeanMiddle { b, n, w });
        check(&MeanLast { b, c: n, n: w });
    }
    check_large(&MeanMiddle { b: 31, n: 13, w: 17 });
    check_large(&MeanLast { b: 31, c: 13, n: 17 });
}

#[test]
fn nt_xent_of_few_and_many_rows() {
    for (rows, width, temperature) in [(4, 3, 0.1), (6, 5, 0.5), (10, 2, 0.2)] {
        check(&NtXent { rows, width, temperature });
    }
    check_large(&NtXent { rows: 66, width: 17, temperature: 0.2 });
}

/// The message of an error that must be about shapes.
pub(super) fn refusal<T>(result: crate::error::Result<T>) -> String {
    match result {
        Err(e @ crate::Error::Shape { .. }) => e.to_string(),
        Err(e) => panic!("another error: {e}"),
        Ok(_) => panic!("no error"),
    }
}

pub(super) fn zeros<S: Shape>(shape: S) -> Tensor<S, f32, Cpu> {
    Cpu::default().tensor_from_vec(vec![0.0; shape.num_elements()], shape)
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    assert!(refusal(add(zeros((2, 3)), &zeros((3, 2)))).contains("sum"));
    assert!(refusal(add_to_each(zeros((2, 3, 4)), &zeros((4, 3)))).contains("expected 3x4"));
    assert!(refusal(attention(zeros((1, 2, 11)), 4, 2, Mask::None)).contains("3 x 4"));
    assert!(refusal(attention(zeros((1, 2, 12)), 4, 3, Mask::None)).contains("3 heads"));
    assert!(refusal(attention(zeros((1, 2, 12)), 4, 0, Mask::None)).contains("0 heads"));
    let two = zeros((2,));
    for bad in [
        batch_norm(zeros((4, 3)), &two, &two, Norm::Batch, 1e-5),
        batch_norm(zeros((4, 2)), &two, &zeros((3,)), Norm::Batch, 1e-5),
        batch_norm(zeros((4, 2)), &two, &two, Norm::Fixed(&fixed(3)), 1e-5),
    ] {
        assert!(refusal(bad).contains("expected 2, found 3"));
    }
    assert!(refusal(batch_norm(zeros((4,)), &two, &two, Norm::Batch, 1e-5)).contains("found 0"));
    assert!(refusal(cross_entropy(zeros((2, 3)), &[0])).contains("one label for each of 2 rows"));
    assert!(refusal(cross_entropy(zeros((0, 3)), &[])).contains("one label"));
    assert!(refusal(cross_entropy(zeros((2, 3)), &[0, 3])).contains("labels below 3"));
    assert!(refusal(layer_norm(zeros((4, 3)), &two, &zeros((3,)), 1e-5)).contains("layer norm"));
    assert!(refusal(layer_norm(zeros((4, 3)), &zeros((3,)), &two, 1e-5)).contains("layer norm"));
    assert!(refusal(linear(zeros((4, 3)), &zeros((5, 2)), None)).contains("expected 2, found 3"));
    assert!(refusal(linear(zeros((4, 3)), &zeros((5, 3)), Some(&two))).contains("expected 5, found 2"));
    assert!(refusal(patchify(zeros((1, 1, 4, 6)), 4)).contains("found 4x6"));
    assert!(refusal(patchify(zeros((1, 1, 4, 6)), 0)).contains("patch 0"));
    assert!(refusal(nt_xent(zeros((5, 2)), 0.5)).contains("even number"));
    assert!(refusal(nt_xent(zeros((2, 2)), 0.5)).contains("at least two samples"));
}

#[test]
fn a_nan_comes_through() {
    let dev = Cpu::default();
    let x: Tensor<(usize, usize), f32, _> = dev.tensor_from_vec(vec![1.0, f32::NAN, 2.0, -1.0], (2, 2));
    assert!(relu(x.clone()).unwrap().as_vec()[1].is_nan());
    assert!(gelu(x.clone()).unwrap().as_vec()[1].is_nan());
    assert!(l2_normalize(x.clone()).unwrap().as_vec()[1].is_nan());
    assert!(cross_entropy(x.clone(), &[0, 0]).unwrap().array().is_nan());
    let z: Tensor<(usize, usize), f32, _> = dev.tensor_from_vec([x.as_vec(), vec![1.0; 4]].concat(), (4, 2));
    assert!(nt_xent(z, 0.5).unwrap().array().is_nan());
}

/// Always checked, also where the goldens are not at hand.
#[test]
fn values_by_hand() {
    let dev = Cpu::default();
    let near = |found: Vec<f64>, expected: &[f64]| {
        assert_eq!(found.len(), expected.len());
        found.iter().zip(expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{found:?}"));
    };
    // x Phi(x) and Phi(x) + x phi(x), with Phi(1) = 0.8413447460685429 and phi(1) = 0.2419707245191434.
    let x: Tensor<(usize,), f64, _> = dev.tensor_from_vec(vec![1.0, -1.0, 0.0], (3,));
    let y = gelu(x.leaky_trace()).unwrap();
    near(y.as_vec(), &[0.8413447460685429, -0.1586552539314571, 0.0]);
    let slope = y.sum::<Rank0, _>().backward().get(&x).as_vec();
    near(slope, &[1.0833154705876863, -0.0833154705876863, 0.5]);
    // Each output counts the pixels its kernel sees.
    let ones =
        |shape: (usize, usize, usize, usize)| dev.tensor_from_vec(vec![1.0; shape.num_elements()], shape);
    let window = ConvWindow::square(3).padding(1, 1);
    let y = conv2d(ones((1, 1, 3, 4)), &ones((1, 1, 3, 3)), None, window, (3, 4)).unwrap();
    near(y.as_vec(), &[4.0, 6.0, 6.0, 4.0, 6.0, 9.0, 9.0, 6.0, 4.0, 6.0, 6.0, 4.0]);
    // Equal keys: every token gets the mean of the values.
    let qkv = vec![9.0, 1.0, 2.0, -3.0, 1.0, 6.0];
    let y = attention(dev.tensor_from_vec(qkv, (1, 2, 3)), 1usize, 1, Mask::None).unwrap();
    near(y.as_vec(), &[4.0, 4.0]);
    let x = dev.tensor_from_vec(vec![1.0, 3.0], (1, 2));
    let (scale, shift) =
        (dev.tensor_from_vec(vec![2.0, 5.0], (2,)), dev.tensor_from_vec(vec![0.5, 0.0], (2,)));
    near(layer_norm(x.clone(), &scale, &shift, 0.0).unwrap().as_vec(), &[-1.5, 5.0]);
    near(vec![cross_entropy(x, &[0]).unwrap().array()], &[(1.0 + 2f64.exp()).ln()]);
}

#[test]
fn a_row_of_zeros_has_no_direction_and_no_nan() {
    let x: Tensor<(usize, usize), f32, _> = Cpu::default().tensor_from_vec(vec![0.0, 0.0, 3.0, 4.0], (2, 2));
    let fused = l2_normalize(x.leaky_trace()).unwrap();
    let composed = l2_normalize::composed(x.leaky_trace()).unwrap();
    for y in [fused, composed] {
        assert_eq!(y.as_vec(), [0.0, 0.0, 0.6, 0.8]);
        let g = y.sum::<Rank0, _>().backward().get(&x).as_vec();
        assert!(g.iter().all(|g| g.is_finite()), "{g:?}");
    }
}

#[test]
fn an_empty_batch_stays_empty() {
    let empty = |sizes: (usize, usize, usize)| zeros(sizes).leaky_trace();
    let two = zeros((2,));
    let stats = fixed(2);
    let flats = [
        flat(relu(empty((0, 2, 3))).unwrap()),
        flat(add_to_each(empty((0, 2, 3)), &zeros((2, 3))).unwrap()),
        flat(attention(empty((0, 2, 3)), 1usize, 1, Mask::None).unwrap()),
        flat(batch_norm(empty((0, 2, 3)), &two, &two, Norm::Fixed(&stats), 1e-5).unwrap().0),
        flat(mean_middle(empty((0, 2, 3))).unwrap()),
        flat(mean_last(empty((0, 2, 3))).unwrap()),
        flat(layer_norm(zeros((0, 2)).leaky_trace(), &two, &two, 1e-5).unwrap()),
        flat(l2_normalize(zeros((0, 2)).leaky_trace()).unwrap()),
        flat(linear(zeros((0, 2)).leaky_trace(), &zeros((3, 2)), Some(&zeros((3,)))).unwrap()),
        flat(patchify(zeros((0, 1, 2, 2)).leaky_trace(), 1).unwrap()),
    ];
    for y in flats {
        assert_eq!(y.shape().0, 0);
        // dfdx cannot sum nothing; any number with this tape runs the backward functions.
        let number = zeros(()).put_tape(y.split_tape().1);
        let mut grads = number.backward();
        grads.try_alloc_for(&two).unwrap();
        assert_eq!(grads.get(&two).as_vec(), [0.0, 0.0]);
    }
}
