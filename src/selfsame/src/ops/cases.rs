//! Every operation at odd sizes, through the checks of `checks.rs`; what they refuse is in `edges.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use dfdx::prelude::*;

use super::checks::{check, check_large};
use super::gelu;
use super::selftest::cases::{Linear, *};
use super::selftest::images::*;
use super::selftest::losses::*;
use super::selftest::normal;
use super::selftest::rows::{Embedding, LogSoftmax, Softmax, *};
use super::*;

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
        patch: None,
    };
    check(&case);
    check(&Stacked { patch: Some(5), ..case });
    check(&Stacked { b: 1, n: 1, patch: Some(1), finish: false, ..case });
    check_large(&Stacked { b: 53, n: 31, w: 6, heads: 3, hidden: 11, patch: Some(7), ..case });
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
fn softmaxes() {
    for (rows, width) in [(1, 1), (3, 7), (5, 2), (2, 19)] {
        check_any(&Softmax { rows, width }, width > 1);
        check_any(&LogSoftmax { rows, width }, width > 1);
        check(&LogSumExp { rows, width });
    }
    check(&Softmax4 { x: [2, 3, 1, 5] });
    check_large(&Softmax { rows: 1031, width: 37 });
    check_large(&LogSoftmax { rows: 1031, width: 37 });
    check_large(&LogSumExp { rows: 1031, width: 37 });
}

/// A softmax of one number is constant: without `slope` only its value is looked at.
fn check_any(case: &impl selftest::Case, slope: bool) {
    if slope {
        return check(case);
    }
    let of = |how| selftest::evaluate::<f64, Cpu>(&Cpu::default(), case, how).unwrap();
    assert_eq!(of(selftest::FUSED), of(selftest::COMPOSED));
}

#[test]
fn linear_maps_with_activations() {
    for activation in [Activation::None, Activation::Relu, Activation::Gelu, Activation::GeluTanh] {
        check(&LinearAct { b: 1, ins: 1, outs: 1, activation });
        check(&LinearAct { b: 3, ins: 5, outs: 2, activation });
        check(&LinearAct { b: 7, ins: 2, outs: 11, activation });
        check_large(&LinearAct { b: 257, ins: 131, outs: 67, activation });
    }
}

#[test]
fn cross_entropy_with_everything() {
    for (rows, classes) in [(1, 2), (5, 3), (7, 11)] {
        check(&SmoothedCrossEntropy { rows, classes });
        check(&SoftCrossEntropy { rows, classes });
    }
    check_large(&SmoothedCrossEntropy { rows: 1031, classes: 17 });
    check_large(&SoftCrossEntropy { rows: 1031, classes: 17 });
    // An impossible class that is not asked for costs nothing.
    let x: Tensor<(usize, usize), f32, _> =
        Cpu::default().tensor_from_vec(vec![1.0, f32::NEG_INFINITY, 1.0], (1, 3));
    assert!((cross_entropy(x, &[0]).unwrap().array() - 2f32.ln()).abs() < 1e-6);
}

#[test]
fn losses_number_by_number() {
    let penalties = [Penalty::Squared, Penalty::Absolute, Penalty::Huber(0.5), Penalty::SmoothAbsolute(0.7)];
    for (rows, width) in [(1, 1), (3, 7), (5, 2)] {
        penalties.iter().for_each(|penalty| check(&MeanError { rows, width, penalty: *penalty }));
        check(&BceWithLogits { rows, width });
        check(&KlDiv { rows, width: width + 1 });
        check(&Silu { rows, width });
        check(&Softplus { rows, width });
        check(&LogSigmoid { rows, width });
    }
    penalties.iter().for_each(|penalty| check_large(&MeanError { rows: 211, width: 191, penalty: *penalty }));
    check_large(&BceWithLogits { rows: 211, width: 191 });
    check_large(&KlDiv { rows: 211, width: 37 });
    check_large(&Silu { rows: 211, width: 191 });
    // A tensor against itself is no error at all.
    let x = Cpu::default().tensor_from_vec(vec![1.0f32, -2.0, 3.0], (3usize,)).leaky_trace();
    let (same, tape) = x.split_tape();
    let x = same.clone().put_tape(tape);
    assert_eq!(mean_error(x, &same, Penalty::Squared).unwrap().array(), 0.0);
}

#[test]
fn rows_by_number() {
    for (rows, width, ids) in [(1, 1, 1), (3, 5, 7), (7, 2, 3), (2, 3, 11)] {
        check(&Embedding { rows, width, ids });
    }
    check_large(&Embedding { rows: 131, width: 67, ids: 1031 });
    for (b, n, w, kept) in [(1, 1, 1, 1), (2, 3, 5, 2), (3, 7, 2, 5), (2, 3, 1, 3)] {
        check(&GatherTokens { b, n, w, kept });
        check(&ScatterTokens { b, kept, w, n });
    }
    check_large(&GatherTokens { b: 13, n: 49, w: 67, kept: 11 });
    check_large(&ScatterTokens { b: 13, kept: 11, w: 67, n: 49 });
}

#[test]
fn pools() {
    let square = PoolWindow::square;
    let uneven = PoolWindow { kernel: (2, 3), stride: (1, 2), padding: (1, 0) };
    for (x, window) in [
        ([1, 1, 1, 1], square(1)),
        ([2, 3, 5, 7], square(2)),
        ([1, 2, 5, 6], square(3).stride(2).padding(1)),
        ([2, 1, 4, 3], square(3).stride(1).padding(1)),
        ([3, 2, 3, 5], uneven),
    ] {
        check(&MaxPool { x, window });
        check(&AvgPool { x, window, divisor: Divisor::Window });
        check(&AvgPool { x, window, divisor: Divisor::Inside });
    }
    for window in [PoolWindow::along(2), PoolWindow::along(3).stride(2).padding(1)] {
        check(&MaxPool1 { x: [2, 3, 7], window });
        check(&AvgPool1 { x: [2, 3, 7], window });
    }
    check_large(&MaxPool { x: [19, 3, 13, 11], window: square(3).stride(2).padding(1) });
    check_large(&AvgPool {
        x: [19, 3, 13, 11],
        window: square(3).stride(2).padding(1),
        divisor: Divisor::Inside,
    });
    for (x, out) in [([1, 1, 1, 1], (1, 1)), ([2, 3, 5, 7], (3, 2)), ([2, 1, 2, 3], (5, 3))] {
        check(&AdaptiveAvgPool { x, out });
    }
}

#[test]
fn equal_values_and_nans_in_a_pool() {
    let dev = Cpu::default();
    let x: Tensor<(usize, usize, usize), f32, _> =
        dev.tensor_from_vec(vec![2.0, 2.0, 1.0, f32::NAN], (1, 1, 4));
    let y = max_pool1d(x.leaky_trace(), PoolWindow::along(2), 2).unwrap();
    assert!(y.as_vec()[0] == 2.0 && y.as_vec()[1].is_nan());
    assert_eq!(y.sum::<Rank0, _>().backward().get(&x).as_vec(), [1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn images_of_other_sizes() {
    for how in [Resize::Nearest, Resize::Bilinear, Resize::Bicubic] {
        check(&Resized { x: [1, 1, 1, 1], how, out: (1, 1) });
        check(&Resized { x: [2, 3, 4, 5], how, out: (7, 9) });
        check(&Resized { x: [2, 1, 7, 5], how, out: (2, 3) });
        check(&Resized { x: [1, 2, 3, 3], how, out: (3, 3) });
        check_large(&Resized { x: [19, 3, 13, 11], how, out: (31, 7) });
    }
}

#[test]
fn images_from_patches() {
    check(&Unpatchify { b: 1, image: (1, 1, 1), patch: 1 });
    check(&Unpatchify { b: 2, image: (3, 2, 4), patch: 2 });
    check(&Unpatchify { b: 1, image: (2, 6, 3), patch: 3 });
    check_large(&Unpatchify { b: 11, image: (3, 10, 15), patch: 5 });
    let x = Cpu::default().tensor_from_vec(normal(2 * 3 * 4 * 6, 1), (2usize, 3usize, 4usize, 6usize));
    let y = unpatchify(patchify(x.clone(), 2).unwrap(), 2, (3, 4, 6)).unwrap();
    assert_eq!(y.as_vec(), x.as_vec());
}

#[test]
fn nt_xent_of_few_and_many_rows() {
    for (rows, width, temperature) in [(4, 3, 0.1), (6, 5, 0.5), (10, 2, 0.2)] {
        check(&NtXent { rows, width, temperature });
    }
    check_large(&NtXent { rows: 66, width: 17, temperature: 0.2 });
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
fn errors_of_some_rows() {
    for (rows, width) in [(1, 1), (3, 5), (7, 2)] {
        check(&MaskedError { rows, width });
    }
    check_large(&MaskedError { rows: 201, width: 17 });
}

#[test]
fn vicreg_of_few_and_many_rows() {
    for (rows, width) in [(2, 3), (5, 1), (7, 5)] {
        check(&VicReg { rows, width });
        // One feature that varies enough, and agrees with itself, has no gradient.
        if width > 1 {
            check(&VicRegOfItself { rows, width });
        }
    }
    check_large(&VicReg { rows: 131, width: 17 });
}
