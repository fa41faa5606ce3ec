//! Where gradients go and where they must not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use dfdx::prelude::*;

use super::*;
use crate::losses::nt_xent;
use crate::methods::{Method, MicroBatch, SimClr, SimClrConfig};
use crate::nn::{BatchNorm, ConvNet, Encoder, Images, Linear, Mode, Vit};
use crate::ops;
use crate::random::stream;
use crate::shape::Image;

type Tiny = Image<1, 4, 6>;
type TinyVit = Vit<Tiny, 2, 8, 2, 2, Cpu>;

fn images(n: usize, seed: u64) -> Images<Tiny, Cpu> {
    Cpu::seed_from_u64(seed).sample_normal_like(&(n, Const, Const, Const))
}

fn all(m: &dyn Parameters<Cpu>) -> Vec<(String, Vec<f32>)> {
    let mut found = Vec::new();
    m.visit("", &mut |name, _, t| found.push((name.to_string(), t.read())));
    found
}

fn flat(m: &dyn Parameters<Cpu>, grads: dfdx::tensor::Gradients<f32, Cpu>) -> Vec<f32> {
    let mut flat = FlatGradient::new();
    flat.add(m, grads).unwrap();
    flat.mean().to_vec()
}

#[test]
fn a_target_receives_no_gradient() {
    let dev = Cpu::default();
    let (x, w): (Tensor<Rank1<2>, f64, _>, Tensor<Rank1<2>, f64, _>) =
        (dev.tensor([1.0, 2.0]), dev.tensor([3.0, 5.0]));
    // The stopped branch is the only way to w.
    let (xt, tape) = x.leaky_trace().split_tape();
    let target = w.clone().put_tape(tape).try_mul(2.0).unwrap();
    let fixed = stop_gradient(&target).unwrap();
    let (_, tape) = target.split_tape();
    let mut grads = (xt.put_tape(tape) * fixed).sum::<Rank0, _>().backward();
    grads.try_alloc_for(&w).unwrap();
    assert_eq!(grads.get(&w).array(), [0.0, 0.0]);
    assert_eq!(grads.get(&x).array(), [6.0, 10.0]);
}

#[test]
fn one_value_as_prediction_and_as_target_of_simsiam() {
    // y = 2x, h = 5y, loss = h * stop(y): the gradient is 10 * 2x, and 20 * 2x where the stop leaks.
    let dev = Cpu::default();
    let x: Tensor<Rank1<2>, f32, _> = dev.tensor([3.0, -1.0]);
    let (y, tape) = (x.leaky_trace() * 2.0).split_tape();
    let fixed = stop_gradient(&y).unwrap();
    let loss = (y.put_tape(tape) * 5.0 * fixed).sum::<Rank0, _>();
    assert_eq!(loss.backward().get(&x).array(), [60.0, -20.0]);
}

#[test]
fn views_of_one_tensor_share_its_gradient() {
    // loss = sum(c * (x + x')), through a custom operation whose second input is a view of the first.
    let dev = Cpu::default();
    let x: Tensor<Rank2<2, 2>, f64, _> = dev.tensor([[1.0, 2.0], [3.0, 4.0]]);
    let c: Tensor<Rank2<2, 2>, f64, _> = dev.tensor([[1.0, 10.0], [100.0, 1000.0]]);
    let view = x.clone().permute::<Rank2<2, 2>, Axes2<1, 0>>();
    for (a, b) in [(&x, &view), (&view, &x)] {
        let y = ops::add(a.leaky_trace(), b).unwrap();
        assert_eq!(y.retaped::<NoneTape>().array(), [[2.0, 5.0], [5.0, 8.0]]);
        let grads = (y * c.clone()).sum::<Rank0, _>().backward();
        assert_eq!(grads.get(&x).array(), [[2.0, 110.0], [110.0, 2000.0]]);
    }
    let row: Tensor<Rank1<2>, f64, _> = dev.tensor([1.0, 2.0]);
    let y = ops::add(row.leaky_trace().broadcast::<Rank2<2, 2>, Axis<0>>(), &x).unwrap();
    let grads = (y * c).sum::<Rank0, _>().backward();
    assert_eq!(grads.get(&row).array(), [101.0, 1010.0]);
    assert_eq!(grads.get(&x).array(), [[1.0, 10.0], [100.0, 1000.0]]);
}

#[test]
fn a_copy_has_its_own_gradients() {
    let dev = Cpu::default();
    let new =
        |seed| Linear::<Const<3>, Const<2>, Cpu>::new(&dev, Const, Const, &mut stream(&[seed])).unwrap();
    let (online, mut target) = (new(1), new(2));
    copy_parameters(&online, &mut target).unwrap();
    assert_eq!(all(&online), all(&target));
    let x: Tensor<(usize, Const<3>), f32, _> = dev.tensor_from_vec(vec![1.0, 2.0, 3.0], (1, Const));
    // Both on one tape, without a stop: each keeps its own gradient, three times as large in the target.
    let (y, tape) = online.forward(x.leaky_trace()).unwrap().split_tape();
    let (z, tape) = target.forward(x.clone().put_tape(tape)).unwrap().split_tape();
    let loss = ops::add(y.put_tape(tape), &z).unwrap();
    let loss = ops::add(ops::add(loss, &z).unwrap(), &z).unwrap().sum::<Rank0, _>();
    let grads = loss.backward();
    let (of_online, of_target) = (flat(&online, grads.clone()), flat(&target, grads));
    assert_eq!(of_online, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 1.0]);
    assert_eq!(of_target, of_online.iter().map(|g| 3.0 * g).collect::<Vec<_>>());
}

#[test]
fn a_copy_has_the_buffers_and_then_goes_its_own_way() {
    let dev = Cpu::default();
    let new = || BatchNorm::new(&dev, Const::<2>).unwrap();
    let (online, mut target) = (new(), new());
    let x: Tensor<(usize, Const<2>), f32, _> = dev.tensor_from_vec(vec![1.0, 2.0, 3.0, 8.0], (2, Const));
    online.forward(x.clone(), Mode::Train).unwrap();
    assert_ne!(all(&online), all(&target));
    copy_parameters(&online, &mut target).unwrap();
    assert_eq!(all(&online), all(&target));
    assert_eq!(all(&target)[2], ("running_mean".into(), vec![0.2, 0.5]));
    online.forward(x, Mode::Train).unwrap();
    assert_ne!(all(&online), all(&target));
}

#[test]
fn a_copy_between_unlike_modules_is_refused() {
    let dev = Cpu::default();
    let narrow = Linear::<usize, usize, Cpu>::new(&dev, 3, 2, &mut stream(&[1])).unwrap();
    let mut wide = Linear::<usize, usize, Cpu>::new(&dev, 4, 2, &mut stream(&[2])).unwrap();
    assert!(copy_parameters(&narrow, &mut wide).is_err());
    let mut fewer = BatchNorm::new(&dev, 2usize).unwrap();
    assert!(copy_parameters(&narrow, &mut fewer).is_err());
    let more: Vec<_> = (0..2).map(|_| BatchNorm::new(&dev, 2usize).unwrap()).collect();
    assert!(copy_parameters(&more, &mut fewer).is_err(), "tensors left over");
}

#[test]
fn micro_batches_add_up_to_the_large_batch_without_batch_norm() {
    let vit = TinyVit::new(&Cpu::default(), &mut stream(&[5])).unwrap();
    let (x, labels) = (images(6, 1), [0, 3, 7, 2, 2, 5]);
    let loss = |x: Images<Tiny, Cpu>, labels: &[u32]| {
        let y = vit.forward(x.leaky_trace(), Mode::Train).unwrap();
        ops::cross_entropy(y, labels).unwrap().backward()
    };
    let whole = flat(&vit, loss(x.clone(), &labels));
    let mut parts = FlatGradient::new();
    for part in 0..3 {
        let pixels = x.as_vec()[part * 48..(part + 1) * 48].to_vec();
        let x = Cpu::default().tensor_from_vec(pixels, (2, Const, Const, Const));
        parts.add(&vit, loss(x, &labels[2 * part..2 * part + 2])).unwrap();
    }
    let largest = whole.iter().fold(0.0f32, |m, g| m.max(g.abs()));
    assert!(largest > 0.01);
    for (a, b) in parts.mean().iter().zip(&whole) {
        assert!((a - b).abs() < 1e-5 * largest.max(1.0), "{a} {b}");
    }
    // Cleared, it starts again; before that it would still hold the last step.
    parts.clear();
    parts.add(&vit, loss(x, &labels)).unwrap();
    assert_eq!(parts.mean(), whole);
}

#[test]
fn micro_batches_of_simclr_are_another_objective() {
    let simclr = SimClr::<ConvNet<Tiny, 8, 2, Cpu>, 4, Cpu>::new(&Cpu::default(), SimClrConfig::default());
    let mut simclr = simclr.unwrap();
    let (first, second) = (images(4, 1).as_vec(), images(4, 2).as_vec());
    let mut gradients = [(0, 4), (0, 2), (2, 4)].map(|(from, to)| {
        let views = [first[from * 24..to * 24].to_vec(), second[from * 24..to * 24].to_vec()];
        let (dev, zeros) = (Cpu::default(), vec![0; to - from]);
        let batch = MicroBatch::new(&dev, Tiny::default(), &views, &zeros, &zeros, [0; 3]).unwrap();
        Some(simclr.loss(&batch).unwrap().total.backward())
    });
    let mut batch = |i: usize| gradients[i].take().unwrap();
    let whole = flat(&simclr, batch(0));
    let mut parts = FlatGradient::new();
    parts.add(&simclr, batch(1)).unwrap();
    parts.add(&simclr, batch(2)).unwrap();
    let apart: f32 = parts.mean().iter().zip(&whole).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
    let size = whole.iter().map(|g| g * g).sum::<f32>().sqrt();
    assert!(apart > 0.1 * size, "{apart} of {size}");
    assert!(simclr.about(2).accumulation.is_some());
}

#[test]
fn gradcheck_finds_a_wrong_gradient() {
    let dev = Cpu::default();
    let x: Tensor<(usize, usize), f64, _> =
        dev.tensor_from_vec((0..8).map(|i| f64::from(i).sin()).collect(), (4, 2));
    let right = gradcheck(&x, |x| nt_xent(x, 0.5)).unwrap();
    assert!(right.worst < 1e-7, "{right:?}");
    let wrong = gradcheck(&x, |x| {
        let fixed = stop_gradient(&x)?;
        Ok((x * fixed).sum())
    });
    assert!(wrong.unwrap().worst > 0.1);
}
