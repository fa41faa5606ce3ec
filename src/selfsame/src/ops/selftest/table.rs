//! Which cases the self-test runs: every operation once or twice, at sizes with nothing round about them.

use super::cases::*;
use super::convolutions::*;
use super::images::*;
use super::losses::{MaskedError, VicReg, VicRegOfItself};
use super::rows::*;
use super::run::Visitor;
use crate::ops::{Activation, ConvWindow, Divisor, Penalty, PoolWindow, Resize};

/// Shows `visitor` every case.
pub(crate) fn every(visitor: &mut impl Visitor) {
    elementwise(visitor);
    rows(visitor);
    images(visitor);
    convolutions(visitor);
    networks(visitor);
}

fn elementwise(v: &mut impl Visitor) {
    v.case(&Relu { rows: 211, width: 191 });
    v.case(&Gelu { rows: 211, width: 191 });
    v.case(&GeluTanh { rows: 211, width: 191 });
    v.case(&Silu { rows: 211, width: 191 });
    v.case(&Softplus { rows: 211, width: 191 });
    v.case(&LogSigmoid { rows: 211, width: 191 });
    for penalty in [Penalty::Squared, Penalty::Absolute, Penalty::Huber(0.5), Penalty::SmoothAbsolute(0.7)] {
        v.case(&MeanError { rows: 67, width: 37, penalty });
    }
    v.case(&BceWithLogits { rows: 67, width: 37 });
    v.case(&Add { a: 7, b: 5, c: 31 });
    v.case(&AddItself { a: 31, b: 17 });
    v.case(&AddTransposed { n: 31 });
    v.case(&AddToEach { b: 37, n: 17, w: 11 });
}

fn rows(v: &mut impl Visitor) {
    v.case(&Linear { b: 67, ins: 131, outs: 37 });
    v.case(&LinearUnbiased { b: 67, ins: 131, outs: 37 });
    v.case(&Gram { n: 31, w: 47 });
    v.case(&LayerNorm { rows: 131, width: 67 });
    v.case(&L2Normalize { rows: 131, width: 67 });
    v.case(&CrossEntropy { rows: 131, classes: 17 });
    v.case(&NtXent { rows: 66, width: 17, temperature: 0.2 });
    v.case(&VicReg { rows: 131, width: 17 });
    v.case(&VicRegOfItself { rows: 131, width: 17 });
    v.case(&MaskedError { rows: 201, width: 17 });
    v.case(&Softmax { rows: 131, width: 37 });
    v.case(&Softmax4 { x: [3, 5, 7, 11] });
    v.case(&LogSoftmax { rows: 131, width: 37 });
    v.case(&LogSumExp { rows: 131, width: 37 });
    v.case(&LinearAct { b: 67, ins: 131, outs: 37, activation: Activation::Gelu });
    v.case(&SmoothedCrossEntropy { rows: 131, classes: 17 });
    v.case(&SoftCrossEntropy { rows: 131, classes: 17 });
    v.case(&KlDiv { rows: 131, width: 17 });
    v.case(&Embedding { rows: 31, width: 67, ids: 131 });
    v.case(&GatherTokens { b: 13, n: 49, w: 17, kept: 11 });
    v.case(&ScatterTokens { b: 13, kept: 11, w: 17, n: 49 });
    v.case(&MeanMiddle { b: 31, n: 13, w: 17 });
    v.case(&MeanLast { b: 31, c: 13, n: 17 });
}

fn images(v: &mut impl Visitor) {
    v.case(&BatchNorm2 { b: 67, c: 13 });
    v.case(&BatchNorm3 { b: 13, c: 5, l: 7 });
    v.case(&BatchNorm4 { b: 23, c: 7, h: 5, w: 9 });
    v.case(&BatchNormFixed { b: 13, c: 5, l: 7 });
    let window = PoolWindow::square(3).stride(2).padding(1);
    v.case(&MaxPool { x: [7, 3, 13, 11], window });
    v.case(&AvgPool { x: [7, 3, 13, 11], window, divisor: Divisor::Inside });
    v.case(&MaxPool1 { x: [7, 3, 31], window: PoolWindow::along(3).stride(2).padding(1) });
    v.case(&AvgPool1 { x: [7, 3, 31], window: PoolWindow::along(4) });
    v.case(&AdaptiveAvgPool { x: [7, 3, 13, 11], out: (4, 3) });
    for how in [Resize::Nearest, Resize::Bilinear, Resize::Bicubic] {
        v.case(&Resized { x: [7, 3, 13, 11], how, out: (31, 7) });
    }
    v.case(&Unpatchify { b: 11, image: (3, 10, 15), patch: 5 });
    v.case(&Patchify { x: [11, 3, 10, 15], patch: 5 });
}

fn convolutions(v: &mut impl Visitor) {
    let (plain, halving) =
        (ConvWindow::square(3).padding(1, 1), ConvWindow::square(3).stride(2, 2).padding(1, 1));
    v.case(&Conv { x: [11, 3, 14, 13], outs: 4, window: halving });
    v.case(&Conv { x: [7, 2, 9, 13], outs: 5, window: ConvWindow::square(5).padding(2, 2) });
    v.case(&Conv { x: [7, 33, 9, 13], outs: 33, window: plain.groups(33) });
    let holed = ConvWindow::new(3, 2).dilation(2, 3).padding(1, 2);
    v.case(&ConvBiased { x: [11, 6, 9, 13], outs: 4, window: holed.groups(2) });
    v.case(&Line { x: [11, 3, 41], outs: 5, window: ConvWindow::new(1, 5).padding(0, 2) });
    v.case(&LineTransposed { x: [11, 3, 41], outs: 5, window: ConvWindow::new(1, 4).stride(1, 2) });
    v.case(&Transposed { x: [11, 4, 6, 5], outs: 6, window: halving.groups(2), extra: (1, 0) });
    for batch in [true, false] {
        v.case(&ConvRelu { x: [11, 3, 14, 13], outs: 4, window: plain, batch });
        v.case(&ConvStack { x: [37, 3, 9, 8], widths: [7, 20], windows: [plain, halving], batch });
    }
}

fn networks(v: &mut impl Visitor) {
    let stack = Stacked {
        b: 5,
        n: 19,
        w: 12,
        heads: 3,
        hidden: 23,
        depth: 2,
        finish: true,
        activation: Activation::Gelu,
        hide: Hide::Nothing,
        patch: None,
    };
    for hide in Hide::ALL {
        v.case(&Attention { b: 5, n: 37, w: 24, heads: 3, hide });
        v.case(&Stacked { hide, ..stack });
    }
    v.case(&Stacked { patch: Some(29), ..stack });
}
