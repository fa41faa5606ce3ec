//! What operations refuse, and inputs at the edge of what they take: NaNs, zeros, nothing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use dfdx::prelude::*;

use super::selftest::cases::fixed;
use super::selftest::flat;
use super::*;
use super::{add, bce_with_logits, gelu, log_softmax, relu, softmax};
use crate::losses::{masked_error, nt_xent, vicreg, VicRegWeights};

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
fn more_sizes_that_do_not_fit_are_errors() {
    assert!(refusal(softmax(zeros(()))).contains("at least one axis"));
    assert!(refusal(log_softmax(zeros(()))).contains("at least one axis"));
    let (w, gelu) = (zeros((5, 3)), Activation::Gelu);
    assert!(refusal(linear_act(zeros((4, 2)), &w, &zeros((5,)), gelu)).contains("expected 3, found 2"));
    assert!(refusal(linear_act(zeros((4, 3)), &w, &zeros((2,)), gelu)).contains("expected 5, found 2"));
    assert!(refusal(embedding(zeros((3, 2)), &[0, 3])).contains("ids below 3"));
    assert!(refusal(gather_tokens(zeros((2, 3, 1)), &[0, 1, 2], 2usize)).contains("2 x 2 indices"));
    assert!(refusal(gather_tokens(zeros((1, 3, 1)), &[0, 3], 2usize)).contains("indices below 3"));
    let mask = zeros((4,));
    assert!(refusal(scatter_tokens(zeros((1, 2, 3)), &mask, &[0, 1], 2)).contains("mask token"));
    assert!(refusal(scatter_tokens(zeros((1, 2, 4)), &mask, &[0, 1], 3)).contains("1 x 3 indices"));
    assert!(refusal(scatter_tokens(zeros((1, 2, 4)), &mask, &[0, 3, 1], 3)).contains("indices below 3"));
    assert!(refusal(RandomMasking::of_noise(&[0.5; 6], 3, 4)).contains("4 of 3"));
    assert!(refusal(RandomMasking::of_noise(&[0.5; 5], 3, 1)).contains("5 numbers"));
    assert!(refusal(unpatchify(zeros((1, 2, 12)), 2, (3, 4, 3))).contains("found 4x3"));
    assert!(refusal(unpatchify(zeros((1, 3, 12)), 2, (3, 4, 2))).contains("2 patches of 12"));
    let smooth = CrossEntropySettings { smoothing: 1.5, ..Default::default() };
    assert!(refusal(cross_entropy_with(zeros((1, 2)), &[0], smooth)).contains("between 0 and 1"));
    let ignoring = CrossEntropySettings { ignore: Some(7), ..Default::default() };
    assert!(refusal(cross_entropy_with(zeros((1, 2)), &[7], ignoring)).contains("a label that counts"));
    let weights = CrossEntropySettings { weights: Some(&[1.0]), ..Default::default() };
    assert!(refusal(cross_entropy_with(zeros((1, 2)), &[0], weights)).contains("each of 2 classes"));
    assert!(refusal(soft_cross_entropy(zeros((1, 2)), &[0.5])).contains("1 x 2 targets"));
    assert!(refusal(mean_error(zeros((3,)), &zeros((2,)), Penalty::Squared)).contains("[3]"));
    assert!(refusal(mean_error(zeros((0,)), &zeros((0,)), Penalty::Squared)).contains("at least one"));
    assert!(refusal(bce_with_logits(zeros((3,)), &zeros((2,)))).contains("[3]"));
    assert!(refusal(kl_div(zeros((3, 2)), &zeros((2, 2)))).contains("3x2"));
    for distance in [0.0, -1.0, f64::NAN] {
        let e = mean_error(zeros((3,)), &zeros((3,)), Penalty::Huber(distance)).err().unwrap();
        assert!(matches!(e, crate::Error::Setting { .. }), "{e}");
    }
    let image = || zeros((1, 1, 4, 4));
    let square = PoolWindow::square;
    assert!(refusal(max_pool2d(image(), square(2), (2, 3))).contains("expected 2x2, found 2x3"));
    assert!(refusal(max_pool2d(image(), square(5), (0, 0))).contains("an image that holds one"));
    assert!(refusal(max_pool2d(image(), square(2).stride(0), (1, 1))).contains("an image that holds one"));
    assert!(refusal(max_pool2d(zeros((1, 1, 0, 0)), square(2).padding(1), (1, 1))).contains("found 0x0"));
    assert!(refusal(avg_pool2d(image(), square(2).padding(2), Divisor::Window, (4, 4))).contains("half"));
    assert!(refusal(adaptive_avg_pool2d(zeros((1, 1, 0, 4)), (2, 2))).contains("side of 0"));
    assert!(refusal(resize(zeros((1, 1, 4, 0)), Resize::Bilinear, (2, 2))).contains("side of 0"));
}

#[test]
fn a_nan_comes_through() {
    let x = Cpu::default().tensor_from_vec(vec![1.0, f32::NAN, 2.0, -1.0], (2usize, 2usize));
    for y in [softmax(x.clone()).unwrap(), log_softmax(x.clone()).unwrap()] {
        assert!(y.as_vec()[0].is_nan() && y.as_vec()[1].is_nan() && !y.as_vec()[2].is_nan());
    }

    let dev = Cpu::default();
    let x: Tensor<(usize, usize), f32, _> = dev.tensor_from_vec(vec![1.0, f32::NAN, 2.0, -1.0], (2, 2));
    assert!(relu(x.clone()).unwrap().as_vec()[1].is_nan());
    assert!(gelu(x.clone()).unwrap().as_vec()[1].is_nan());
    assert!(l2_normalize(x.clone()).unwrap().as_vec()[1].is_nan());
    assert!(cross_entropy(x.clone(), &[0, 0]).unwrap().array().is_nan());
    let z: Tensor<(usize, usize), f32, _> = dev.tensor_from_vec([x.as_vec(), vec![1.0; 4]].concat(), (4, 2));
    assert!(nt_xent(z, 0.5).unwrap().array().is_nan());
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
        flat(relu(empty((0, 2, 3))).unwrap()).unwrap(),
        flat(add_to_each(empty((0, 2, 3)), &zeros((2, 3))).unwrap()).unwrap(),
        flat(attention(empty((0, 2, 3)), 1usize, 1, Mask::None).unwrap()).unwrap(),
        flat(batch_norm(empty((0, 2, 3)), &two, &two, Norm::Fixed(&stats), 1e-5).unwrap().0).unwrap(),
        flat(mean_middle(empty((0, 2, 3))).unwrap()).unwrap(),
        flat(mean_last(empty((0, 2, 3))).unwrap()).unwrap(),
        flat(layer_norm(zeros((0, 2)).leaky_trace(), &two, &two, 1e-5).unwrap()).unwrap(),
        flat(l2_normalize(zeros((0, 2)).leaky_trace()).unwrap()).unwrap(),
        flat(linear(zeros((0, 2)).leaky_trace(), &zeros((3, 2)), Some(&zeros((3,)))).unwrap()).unwrap(),
        flat(softmax(zeros((0, 2)).leaky_trace()).unwrap()).unwrap(),
        flat(logsumexp(zeros((0, 2)).leaky_trace()).unwrap()).unwrap(),
        flat(gather_tokens(empty((0, 2, 3)), &[], 1).unwrap()).unwrap(),
        flat(max_pool1d(empty((0, 2, 3)), PoolWindow::along(3), 1).unwrap()).unwrap(),
        flat(resize(zeros((0, 1, 2, 2)).leaky_trace(), Resize::Bicubic, (3, 3)).unwrap()).unwrap(),
        flat(patchify(zeros((0, 1, 2, 2)).leaky_trace(), 1).unwrap()).unwrap(),
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

#[test]
fn sizes_that_do_not_fit_an_objective_are_errors() {
    assert!(refusal(masked_error(zeros((2, 3)), &[0.0; 5], &[true; 2])).contains("2 x 3 values"));
    assert!(refusal(masked_error(zeros((2, 3)), &[0.0; 6], &[true; 3])).contains("each of 2 rows"));
    assert!(refusal(masked_error(zeros((2, 3)), &[0.0; 6], &[false; 2])).contains("one of them true"));
    let weights = VicRegWeights::default();
    assert!(refusal(vicreg(zeros((1, 2)), zeros((1, 2)), weights)).contains("at least two rows"));
    assert!(refusal(vicreg(zeros((2, 0)), zeros((2, 0)), weights)).contains("at least one feature"));
    assert!(refusal(vicreg(zeros((2, 3)), zeros((3, 2)), weights)).contains("expected 2x3, found 3x2"));
}
