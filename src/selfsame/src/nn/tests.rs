//! What holds for every encoder.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use dfdx::prelude::*;

use super::{Conv1d, ConvNet, ConvTranspose2d, Encoder, Images, Linear, Mlp, Mode, ResNet, Vit};
use crate::ops;
use crate::optim::{self, Rule};
use crate::random::stream;
use crate::shape::{Image, Picture};
use crate::tape::{count_parameters, FlatGradient, Parameters, Role};

/// Higher than wide, so that a swap of the two cannot hide.
type Tall = Image<2, 12, 8>;

fn images<P: Picture>(n: usize, seed: u64) -> Images<P, Cpu> {
    Cpu::seed_from_u64(seed).sample_normal_like(&(n, P::C::default(), P::H::default(), P::W::default()))
}

fn rows<P: Picture>(x: &Images<P, Cpu>, from: usize, to: usize) -> Images<P, Cpu> {
    let pixels = x.as_vec()[from * P::LEN..to * P::LEN].to_vec();
    let shape = (to - from, P::C::default(), P::H::default(), P::W::default());
    Cpu::default().tensor_from_vec(pixels, shape)
}

/// Shapes, finite and differing features, every parameter used, evaluation sample by sample, seeds.
fn holds_for<E: Encoder<Cpu, Recipe = (), Input: Picture, Features: ConstDim>>(features: usize) {
    let dev = Cpu::default();
    let encoder = E::new(&dev, &mut stream(&[1])).unwrap();
    let x = images::<E::Input>(5, 1);
    for mode in [Mode::Train, Mode::Eval] {
        let y = encoder.forward(x.clone(), mode).unwrap();
        assert_eq!((y.shape().0, y.shape().1.size()), (5, features), "{}", encoder.describe());
        let v = y.as_vec();
        assert!(v.iter().all(|v| v.is_finite()));
        assert_ne!(v[..features], v[features..2 * features], "{}: every image alike", encoder.describe());
    }

    // In evaluation a sample's features do not depend on its company, to the bit.
    let together = encoder.forward(x.clone(), Mode::Eval).unwrap().as_vec();
    for i in 0..5 {
        let alone = encoder.forward(rows::<E::Input>(&x, i, i + 1), Mode::Eval).unwrap().as_vec();
        let largest = together.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        for (a, b) in alone.iter().zip(&together[i * features..(i + 1) * features]) {
            assert!((a - b).abs() <= 1e-6 * largest, "{}: {a} alone, {b} in company", encoder.describe());
        }
    }

    // Every trained tensor takes part. (Squares, so that no norm's constant sum hides a gradient.)
    let y = encoder.forward(x.leaky_trace(), Mode::Train).unwrap();
    let weights: Tensor<(usize, E::Features), f32, _> =
        Cpu::seed_from_u64(9).sample_normal_like(&(5, Default::default()));
    let mut grads = (y.square() * weights).sum::<Rank0, _>().backward();
    encoder.visit("", &mut |name, role, t| {
        let mut sum = vec![0.0; t.numel()];
        t.add_gradient(&mut grads, &mut sum).unwrap();
        let some = sum.iter().any(|g| *g != 0.0);
        assert_eq!(some, role != Role::Buffer, "{}: gradient of {name}", encoder.describe());
    });

    let tensors = |seed: u64| {
        let mut all = Vec::new();
        E::new(&dev, &mut stream(&[seed])).unwrap().visit("", &mut |_, _, t| all.extend(t.read()));
        all
    };
    assert_eq!(tensors(1), tensors(1));
    assert_ne!(tensors(1), tensors(2));
}

#[test]
fn every_encoder_keeps_its_promises() {
    holds_for::<Mlp<Tall, 24, 10, Cpu>>(10);
    holds_for::<ConvNet<Tall, 12, 3, Cpu>>(12);
    holds_for::<ConvNet<Image<1, 5, 3>, 4, 1, Cpu>>(4);
    holds_for::<ResNet<Tall, 16, 1, Cpu>>(16);
    holds_for::<ResNet<Image<1, 5, 3>, 8, 2, Cpu>>(8);
    holds_for::<Vit<Tall, 4, 12, 2, 3, Cpu>>(12);
    holds_for::<Vit<Image<3, 6, 6>, 3, 8, 1, 1, Cpu>>(8);
}

#[test]
fn sizes_of_the_encoders() {
    let dev = Cpu::default();
    let rng = &mut stream(&[1]);
    let mlp = Mlp::<Tall, 24, 10, Cpu>::new(&dev, rng).unwrap();
    assert_eq!(count_parameters(&mlp), 192 * 24 + 24 + 2 * 24 + 24 * 10 + 10 + 2 * 10);
    let conv = ConvNet::<Tall, 12, 3, Cpu>::new(&dev, rng).unwrap();
    assert_eq!(count_parameters(&conv), 9 * (2 * 3 + 3 * 6 + 6 * 12) + 2 * (3 + 6 + 12));
    let vit = Vit::<Tall, 4, 12, 2, 3, Cpu>::new(&dev, rng).unwrap();
    let block = 4 * 12 + (12 * 36 + 36) + (12 * 12 + 12) + (12 * 24 + 24) + (24 * 12 + 12);
    assert_eq!(count_parameters(&vit), 6 * 12 + (32 * 12 + 12) + 2 * block + 2 * 12);
}

#[test]
fn initial_weights_have_the_spread_of_torch() {
    let dev = Cpu::default();
    let layer = Linear::<usize, usize, Cpu>::new(&dev, 400, 100, &mut stream(&[3])).unwrap();
    layer.visit("", &mut |name, _, t| {
        // Uniform within 1/sqrt(400): standard deviation 0.05 / sqrt(3).
        let v = t.read();
        let mean = v.iter().sum::<f32>() / v.len() as f32;
        let std = (v.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / v.len() as f32).sqrt();
        let near = if name == "weight" { 0.0005 } else { 0.006 };
        assert!(v.iter().all(|v| v.abs() <= 0.05), "{name}");
        assert!(mean.abs() < 2.0 * near && (std - 0.05 / 3f32.sqrt()).abs() < near, "{name}: {mean} {std}");
    });
    let vit = Vit::<Image<1, 28, 28>, 4, 64, 1, 4, Cpu>::new(&dev, &mut stream(&[3])).unwrap();
    vit.visit("", &mut |name, role, t| {
        let v = t.read();
        if name == "positions" {
            let std = (v.iter().map(|v| v * v).sum::<f32>() / v.len() as f32).sqrt();
            assert!((std - 0.02).abs() < 0.001, "{std}");
        }
        if name.contains("norm") {
            let start = if name.ends_with("scale") { 1.0 } else { 0.0 };
            assert!(v.iter().all(|v| *v == start), "{name}");
        }
        assert_eq!(role == Role::Weight, t.sizes().len() > 1 && name != "positions", "{name}");
    });
}

#[test]
fn a_vit_learns_where_the_light_is() {
    // One bright quadrant in noise: the label is which.
    type Square = Image<1, 8, 8>;
    let dev = Cpu::seed_from_u64(4);
    let n = 32;
    let labels: Vec<u32> = (0..n as u32).map(|i| i % 4).collect();
    let mut pixels = images::<Square>(n, 4).as_vec();
    for (i, v) in pixels.iter_mut().enumerate() {
        let (image, y, x) = (i / 64, i % 64 / 8, i % 8);
        *v = 0.3 * *v + if labels[image] as usize == y / 4 * 2 + x / 4 { 1.0 } else { 0.0 };
    }
    let x: Images<Square, Cpu> = dev.tensor_from_vec(pixels, (n, Const, Const, Const));
    let mut vit = Vit::<Square, 4, 8, 2, 2, Cpu>::new(&dev, &mut stream(&[4])).unwrap();
    let mut optimizer = optim::Optimizer::new(Rule::ADAMW, 0.0);
    let mut gradient = FlatGradient::new();
    let mut losses = Vec::new();
    for _ in 0..40 {
        // The eight features serve as logits; four of them have no images.
        let y = vit.forward(x.leaky_trace(), Mode::Train).unwrap();
        let loss = ops::cross_entropy(y, &labels).unwrap();
        losses.push(loss.array());
        gradient.clear();
        gradient.add(&vit, loss.backward()).unwrap();
        optimizer.step(&mut vit, gradient.mean(), 2e-2).unwrap();
    }
    let y = vit.forward(x, Mode::Eval).unwrap().as_vec();
    let right = y
        .chunks_exact(8)
        .zip(&labels)
        .filter(|(row, label)| row.iter().all(|v| *v <= row[**label as usize]))
        .count();
    assert!(losses[39] < 0.5 * losses[0] && right >= 28, "{right} of 32 right, losses {losses:?}");
}

#[test]
fn convolution_layers_of_fixed_and_run_time_sizes_agree() {
    let dev = Cpu::seed_from_u64(3);
    let rng = &mut stream(&[5]);
    let line = Conv1d::<Const<2>, Const<3>, 5, 2, 2, Cpu>::new(&dev, Const, Const, rng).unwrap();
    let x: Tensor<(usize, Const<2>, Const<11>), f32, _> = dev.sample_normal_like(&(3, Const, Const));
    let fixed: Tensor<(usize, Const<3>, Const<6>), f32, _> = line.forward(x.clone()).unwrap();
    let any = line.forward_any(x.reshape_like(&(3, Const::<2>, 11))).unwrap();
    assert_eq!((any.shape().2, any.as_vec()), (6, fixed.as_vec()));
    assert_eq!(count_parameters(&line), 3 * 2 * 5 + 3);
    let short: Tensor<(usize, Const<2>, usize), f32, _> = dev.zeros_like(&(3, Const, 0));
    assert!(line.forward_any(short).is_err());

    let larger = ConvTranspose2d::<Const<3>, Const<2>, 3, 2, 1, Cpu>::new(&dev, Const, Const, rng).unwrap();
    let x: Tensor<(usize, Const<3>, Const<4>, Const<5>), f32, _> =
        dev.sample_normal_like(&(2, Const, Const, Const));
    let fixed: Tensor<(usize, Const<2>, Const<8>, Const<9>), f32, _> = larger.forward(x.clone()).unwrap();
    let any = larger.forward_any(x.clone().reshape_like(&(2, Const::<3>, 4, 5)), (1, 0)).unwrap();
    assert_eq!((any.shape().2, any.shape().3, any.as_vec()), (8, 9, fixed.as_vec()));
    assert!(larger.forward_any(x.reshape_like(&(2, Const::<3>, 4, 5)), (2, 0)).is_err());
    assert_eq!(count_parameters(&larger), 3 * 2 * 9 + 2);
}

#[test]
fn a_convnet_gives_images_a_gradient_only_when_asked() {
    let dev = Cpu::default();
    let net = ConvNet::<Tall, 12, 3, Cpu>::new(&dev, &mut stream(&[1])).unwrap();
    let x = images::<Tall>(4, 2);
    let weights = |images: ops::ImageGradient| {
        let y = net.forward_with(x.leaky_trace(), Mode::Eval, images).unwrap();
        let mut grads = y.square().sum::<Rank0, _>().backward();
        let mut all = Vec::new();
        net.visit("", &mut |_, role, t| {
            if role != Role::Buffer {
                let mut sum = vec![0.0; t.numel()];
                t.add_gradient(&mut grads, &mut sum).unwrap();
                all.extend(sum);
            }
        });
        grads.try_alloc_for(&x).unwrap();
        (all, grads.get(&x).as_vec())
    };
    let ((with, image), (without, none)) =
        (weights(ops::ImageGradient::Wanted), weights(ops::ImageGradient::Unwanted));
    assert_eq!(with, without);
    assert!(image.iter().any(|g| *g != 0.0) && none.iter().all(|g| *g == 0.0));
}
