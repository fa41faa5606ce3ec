//! Convolutions of every kind at odd sizes, through the checks of `checks.rs`, and every size error.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use dfdx::prelude::*;

use super::checks::{check, check_large};
use super::edges::{refusal, zeros};
use super::selftest::cases::fixed;
use super::selftest::convolutions::*;
use super::selftest::{flat, normal};
use super::*;

fn square(kernel: usize, stride: usize, padding: usize) -> ConvWindow {
    ConvWindow::square(kernel).stride(stride, stride).padding(padding, padding)
}

#[test]
fn convolution_with_every_window() {
    for kernel in [1, 3, 5] {
        for stride in 1..=3 {
            for padding in 0..=2 {
                // 2 rows are fewer than a kernel of 3 or 5, but padding can make room.
                let rows = if kernel > 2 && 2 + 2 * padding >= kernel { 2 } else { 5 };
                check(&Conv { x: [2, 2, rows, 7], outs: 3, window: square(kernel, stride, padding) });
            }
        }
    }
    check(&Conv { x: [1, 1, 1, 1], outs: 1, window: square(1, 1, 0) });
    check(&Conv { x: [1, 3, 1, 2], outs: 2, window: square(5, 2, 2) });
    // Padding wider than the kernel, so that whole outputs see only padding.
    check(&Conv { x: [2, 1, 3, 2], outs: 2, window: square(1, 1, 2) });
    // More samples than one group of weight gradients.
    check_large(&Conv { x: [37, 3, 6, 5], outs: 4, window: square(3, 2, 1) });
    // Enough pixels for groups of few samples and several blocks.
    check_large(&Conv { x: [5, 2, 41, 37], outs: 3, window: square(3, 1, 1) });
    // An image too large for its columns to stay in cache, which is done in parts.
    check_large(&Conv { x: [2, 7, 83, 71], outs: 3, window: square(3, 1, 1) });
}

#[test]
fn convolution_with_oblong_and_holed_kernels_groups_and_bias() {
    let oblong = ConvWindow::new(3, 2).stride(2, 1).padding(1, 0);
    check(&ConvBiased { x: [2, 2, 6, 5], outs: 3, window: oblong });
    check(&ConvBiased { x: [3, 1, 3, 7], outs: 2, window: ConvWindow::new(1, 5).stride(1, 3).padding(0, 4) });
    let holed = ConvWindow::square(3).dilation(2, 3).padding(2, 3);
    check(&ConvBiased { x: [2, 2, 6, 5], outs: 3, window: holed });
    check(&Conv { x: [1, 2, 7, 9], outs: 1, window: ConvWindow::new(2, 3).dilation(5, 4).stride(2, 1) });
    check(&ConvBiased { x: [2, 4, 5, 3], outs: 6, window: square(3, 2, 1).groups(2) });
    check(&Conv { x: [2, 6, 4, 3], outs: 3, window: square(1, 1, 0).groups(3) });
    // Depthwise, with one output channel for each and with two.
    check(&ConvBiased { x: [2, 5, 4, 3], outs: 5, window: square(3, 1, 1).groups(5) });
    check(&Conv { x: [2, 3, 4, 5], outs: 6, window: square(3, 2, 1).dilation(1, 2).groups(3) });
    check_large(&ConvBiased { x: [37, 6, 6, 5], outs: 12, window: oblong.groups(3) });
    check_large(&ConvBiased { x: [19, 33, 7, 5], outs: 33, window: square(3, 1, 1).groups(33) });
}

#[test]
fn convolution_along_a_line() {
    check(&Line { x: [2, 3, 8], outs: 2, window: ConvWindow::new(1, 3).stride(1, 2).padding(0, 1) });
    check(&Line { x: [1, 4, 9], outs: 6, window: ConvWindow::new(1, 2).dilation(1, 3).groups(2) });
    check(&LineTransposed {
        x: [2, 3, 5],
        outs: 2,
        window: ConvWindow::new(1, 4).stride(1, 2).padding(0, 1),
    });
    check(&LineTransposed { x: [1, 4, 3], outs: 2, window: ConvWindow::new(1, 3).groups(2) });
    check_large(&Line { x: [37, 3, 41], outs: 5, window: ConvWindow::new(1, 5).padding(0, 2) });
}

#[test]
fn transposed_convolution_with_every_window() {
    for kernel in 1..=4 {
        for stride in 1..=3 {
            for padding in 0..=1 {
                let window = square(kernel, stride, padding);
                if window.transposed_output((3, 2), (0, 0)).is_some() {
                    check(&Transposed { x: [2, 2, 3, 2], outs: 3, window, extra: (0, 0) });
                }
                if stride > 1 && window.transposed_output((3, 2), (0, 1)).is_some() {
                    check(&Transposed { x: [2, 2, 3, 2], outs: 3, window, extra: (stride - 1, 1) });
                }
            }
        }
    }
    let oblong = ConvWindow::new(3, 2).stride(2, 1).padding(1, 0);
    check(&Transposed { x: [1, 4, 3, 2], outs: 6, window: oblong.groups(2), extra: (1, 0) });
    // As far as a dilation allows, which is further than the stride does.
    let holed = ConvWindow::square(2).dilation(3, 2);
    check(&Transposed { x: [2, 3, 2, 3], outs: 2, window: holed, extra: (2, 1) });
    check(&Transposed { x: [2, 3, 4, 3], outs: 3, window: square(3, 2, 1).groups(3), extra: (0, 1) });
    check_large(&Transposed { x: [2, 3, 43, 37], outs: 20, window: square(3, 2, 1), extra: (1, 0) });
    check_large(&Transposed { x: [37, 3, 6, 5], outs: 4, window: square(4, 2, 1), extra: (0, 0) });
}

#[test]
fn conv_stage_is_its_three_operations() {
    for batch in [true, false] {
        check(&ConvRelu { x: [3, 2, 5, 7], outs: 3, window: square(3, 2, 1), batch });
        check(&ConvRelu { x: [2, 1, 4, 3], outs: 5, window: square(1, 1, 0), batch });
        check(&ConvRelu { x: [5, 3, 3, 2], outs: 1, window: square(5, 3, 2), batch });
        check(&ConvRelu {
            x: [3, 4, 4, 3],
            outs: 2,
            window: square(3, 1, 2).dilation(2, 2).groups(2),
            batch,
        });
        check_large(&ConvRelu { x: [37, 3, 6, 5], outs: 4, window: square(3, 1, 1), batch });
    }
}

#[test]
fn conv_stack_is_its_stages_and_a_mean() {
    for batch in [true, false] {
        check(&ConvStack {
            x: [3, 2, 5, 7],
            widths: [3, 5],
            windows: [square(3, 1, 1), square(3, 2, 1)],
            batch,
        });
        check(&ConvStack {
            x: [2, 1, 4, 3],
            widths: [2, 3],
            windows: [square(3, 2, 1), square(3, 1, 1)],
            batch,
        });
        check_large(&ConvStack {
            x: [37, 3, 9, 8],
            widths: [7, 20],
            windows: [square(3, 1, 1), square(3, 2, 1)],
            batch,
        });
        check_large(&ConvStack { x: [35, 5, 3, 3], widths: [40, 6], windows: [square(1, 1, 0); 2], batch });
    }
}

/// Gradients of a stack's first weight and of its image, if that has one.
fn stack_gradients(images: ImageGradient) -> (Vec<f64>, Option<Vec<f64>>) {
    let dev = Cpu::default();
    let tensor = |shape: (usize, usize, usize, usize), key| {
        dev.tensor_from_vec(normal(shape.num_elements(), key), shape)
    };
    let (x, weight) = (tensor((3, 2, 5, 4), 1), tensor((3, 2, 3, 3), 2));
    let (scale, shift) = (dev.tensor_from_vec(vec![1.0; 3], (3,)), dev.tensor_from_vec(vec![0.1; 3], (3,)));
    let stage = Stage { weight: &weight, scale: &scale, shift: &shift, window: square(3, 1, 1), eps: 1e-5 };
    let (y, _) = conv_stack(x.leaky_trace(), &[(stage, Norm::Batch)], 3usize, images).unwrap();
    let grads = y.square().sum::<Rank0, _>().backward();
    let image = (images == ImageGradient::Wanted).then(|| grads.get(&x).as_vec());
    if images == ImageGradient::Unwanted {
        let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| grads.get(&x)));
        assert!(asked.is_err(), "images that are data have no gradient, not even zeros");
    }
    (grads.get(&weight).as_vec(), image)
}

#[test]
fn images_that_are_data_cost_no_gradient_and_change_none() {
    let ((data, none), (learned, some)) =
        (stack_gradients(ImageGradient::Unwanted), stack_gradients(ImageGradient::Wanted));
    assert_eq!(data, learned);
    assert!(none.is_none() && some.unwrap().iter().any(|g| *g != 0.0));
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    let conv = |x: [usize; 4], weight: [usize; 4], window: ConvWindow, out: (usize, usize)| {
        let weight = zeros((weight[0], weight[1], weight[2], weight[3]));
        refusal(conv2d(zeros((x[0], x[1], x[2], x[3])), &weight, None, window, out))
    };
    let three = ConvWindow::square(3);
    assert!(conv([1, 1, 2, 9], [1, 1, 3, 3], three, (1, 7)).contains("found 2x9"));
    assert!(conv([1, 1, 9, 2], [1, 1, 3, 3], three, (7, 1)).contains("found 9x2"));
    assert!(conv([1, 1, 9, 9], [1, 1, 3, 3], three.dilation(5, 1), (1, 7)).contains("dilation: (5, 1)"));
    assert!(conv([1, 1, 9, 9], [1, 1, 3, 3], three.stride(0, 1), (7, 7)).contains("stride: (0, 1)"));
    assert!(conv([1, 1, 9, 9], [1, 1, 3, 3], three.dilation(1, 0), (7, 7)).contains("dilation: (1, 0)"));
    assert!(conv([1, 1, 9, 9], [1, 1, 3, 3], ConvWindow::square(5), (5, 5)).contains("a kernel of 3x3"));
    assert!(conv([1, 1, 9, 9], [1, 1, 0, 3], ConvWindow::new(0, 3), (9, 7)).contains("room"));
    assert!(conv([1, 1, 9, 9], [1, 1, 3, 3], three, (7, 6)).contains("expected 7x7, found 7x6"));
    assert!(conv([1, 1, 9, 9], [1, 2, 3, 3], three, (7, 7)).contains("channels"));
    assert!(conv([1, 4, 9, 9], [3, 2, 3, 3], three.groups(2), (7, 7)).contains("2 for 4 channels to 3"));
    assert!(conv([1, 4, 9, 9], [3, 2, 3, 3], three.groups(0), (7, 7)).contains("groups"));
    assert!(conv([1, 4, 9, 9], [2, 4, 3, 3], three.groups(2), (7, 7)).contains("8 (4 in each of 2 groups)"));
    let (x, weight) = (zeros((1, 1, 9, 9)), zeros((1, 1, 3, 3)));
    assert!(refusal(conv2d(x.clone(), &weight, Some(&zeros((2,))), three, (7, 7))).contains("bias"));

    let transposed = |weight: [usize; 4], window: ConvWindow, out: (usize, usize, usize)| {
        let weight = zeros((weight[0], weight[1], weight[2], weight[3]));
        refusal(conv_transpose2d(zeros((1, weight.shape().0, 3, 3)), &weight, None, window, out))
    };
    let two = ConvWindow::square(2).stride(2, 2);
    assert!(transposed([1, 1, 2, 2], two, (1, 6, 8)).contains("expected 6x6, or larger by less"));
    assert!(transposed([1, 1, 2, 2], two, (1, 5, 6)).contains("found 5x6"));
    assert!(transposed([1, 1, 2, 2], two.padding(9, 9), (1, 1, 1)).contains("makes of 3x3"));
    assert!(transposed([1, 2, 2, 2], two, (3, 6, 6)).contains("channels"));
    assert!(transposed([2, 1, 2, 2], two.groups(2), (3, 6, 6)).contains("groups"));

    let (one, three_channels) = (zeros((1,)), zeros((3,)));
    let stage = Stage { weight: &weight, scale: &one, shift: &one, window: three, eps: 1e-5 };
    let wrong = Stage { scale: &one, shift: &three_channels, ..stage };
    assert!(refusal(conv_stage(x.clone(), wrong, Norm::Batch, (7, 7))).contains("expected 1, found 3"));
    let stats = fixed(3);
    assert!(refusal(conv_stage(x.clone(), stage, Norm::Fixed(&stats), (7, 7))).contains("found 3"));
    let stack = |stages: Stages<'_, '_, usize, f32, Cpu>, features: usize| {
        refusal(conv_stack(x.clone(), stages, features, ImageGradient::Unwanted))
    };
    assert!(stack(&[], 1).contains("last convolution"));
    assert!(stack(&[(stage, Norm::Batch)], 2).contains("expected 2, found 1"));
    let small = (Stage { window: three.stride(9, 9), ..stage }, Norm::Batch);
    assert!(stack(&[small, (stage, Norm::Batch)], 1).contains("found 1x1"));
}

#[test]
fn an_empty_batch_stays_empty() {
    let stats = fixed(3);
    let (weight, three) = (zeros((3, 2, 3, 3)), zeros((3,)));
    let empty = || zeros((0, 2, 5, 4)).leaky_trace();
    let window = square(3, 1, 1);
    let stage = Stage { weight: &weight, scale: &three, shift: &three, window, eps: 1e-5 };
    let transposable = zeros((2, 3, 3, 3));
    let fixed = Norm::Fixed(&stats);
    let flats = [
        flat(conv2d(empty(), &weight, Some(&three), window, (5, 4)).unwrap()),
        flat(conv_transpose2d(empty(), &transposable, Some(&three), window, (3, 5, 4)).unwrap()),
        flat(conv_stage(empty(), stage, fixed, (5, 4)).unwrap().0),
        flat(conv_stack(empty(), &[(stage, fixed)], 3usize, ImageGradient::Wanted).unwrap().0),
    ];
    for y in flats {
        let y = y.unwrap();
        assert_eq!(y.shape().0, 0);
        let mut grads = zeros(()).put_tape(y.split_tape().1).backward();
        grads.try_alloc_for(&three).unwrap();
        assert_eq!(grads.get(&three).as_vec(), [0.0; 3]);
    }
}
