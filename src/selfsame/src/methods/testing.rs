//! What the tests of objectives have in common.

use dfdx::prelude::*;

use super::{Loss, Method, MicroBatch};
use crate::nn::{ConvNet, Encoder};
use crate::optim::{Optimizer, Rule};
use crate::shape::{Image, ImageShape, Input};
use crate::tape::{AnyTensor, FlatGradient, Parameters, Role};

/// Images of the tests.
pub(super) type Tiny = Image<1, 8, 8>;
/// Their encoder.
pub(super) type Net = ConvNet<Tiny, 32, 3, Cpu>;
/// Images a micro-batch.
pub(super) const IMAGES: usize = 16;

/// `views` views of [`IMAGES`] images: patterns, each view a little brighter and noisier than the one before.
pub(super) fn views(views: usize, which: usize) -> Vec<Vec<f32>> {
    let value = |view: usize, image: usize, i: usize| {
        let wave = ((i * (image + 2) + which * 31) as f32 * 0.37).sin();
        wave + 0.1 * view as f32 + 0.1 * ((i * 7 + image * 13 + view * 5) as f32).cos()
    };
    (0..views)
        .map(|view| (0..IMAGES * Tiny::LEN).map(|at| value(view, at / Tiny::LEN, at % Tiny::LEN)).collect())
        .collect()
}

/// Calls `f` with a micro-batch; labels go 0, 1, 2, 3 and round again.
pub(super) fn with_batch<I: ImageShape, R>(
    shape: I,
    count: usize,
    which: usize,
    f: impl FnOnce(&MicroBatch<'_, I, Cpu>) -> R,
) -> R {
    let (dev, views) = (Cpu::default(), views(count, which));
    let labels: Vec<u32> = (0..IMAGES as u32).map(|i| i % 4).collect();
    let indices: Vec<u32> = (0..IMAGES as u32).collect();
    f(&MicroBatch::new(&dev, shape, &views, &labels, &indices, [0, 1, which as u64]).unwrap())
}

/// The loss of one micro-batch.
pub(super) fn loss<M: Method<Cpu>>(method: &mut M, which: usize) -> Loss<Cpu> {
    let (shape, views) = (method.encoder().input(), method.views());
    with_batch(shape, views, which, |batch| method.loss(batch).unwrap())
}

/// One optimiser step of `parts` micro-batches.
pub(super) fn step<M: Method<Cpu>>(
    method: &mut M,
    optimizer: &mut Optimizer,
    lr: f64,
    number: u64,
    parts: &[usize],
) -> f64 {
    let (mut gradient, mut sum) = (FlatGradient::new(), 0.0);
    for which in parts {
        let loss = loss(method, *which);
        sum += loss.value() / parts.len() as f64;
        gradient.add(&*method, loss.total.backward()).unwrap();
    }
    optimizer.step(method, gradient.mean(), lr).unwrap();
    method.after_step(number, 100).unwrap();
    sum
}

/// Losses of a few optimiser steps on one micro-batch.
pub(super) fn losses<M: Method<Cpu>>(method: &mut M, steps: u64, lr: f64) -> Vec<f64> {
    let mut optimizer = Optimizer::new(Rule::ADAMW, 0.0);
    (1..=steps).map(|number| step(method, &mut optimizer, lr, number, &[0])).collect()
}

/// Values of the tensors whose name starts with `prefix`.
pub(super) fn values(module: &dyn Parameters<Cpu>, prefix: &str) -> Vec<f32> {
    let mut all = Vec::new();
    module.visit("", &mut |name, _, t| {
        if name.starts_with(prefix) {
            all.extend(t.read());
        }
    });
    assert!(!all.is_empty(), "nothing is called {prefix}");
    all
}

/// Names of the tensors whose gradient in one micro-batch is not zero, and of those that have none; buffers included.
pub(super) fn reached<M: Method<Cpu>>(method: &mut M) -> (Vec<String>, Vec<String>) {
    let mut grads = loss(method, 0).total.backward();
    let (mut some, mut none) = (Vec::new(), Vec::new());
    method.visit("", &mut |name, _: Role, t: &dyn AnyTensor<Cpu>| {
        let mut sum = vec![0.0; t.numel()];
        t.add_gradient(&mut grads, &mut sum).unwrap();
        match sum.iter().any(|g| *g != 0.0) {
            true => some.push(name.to_string()),
            false => none.push(name.to_string()),
        }
    });
    (some, none)
}
