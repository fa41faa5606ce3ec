//! What every loss is held to.

use dfdx::prelude::*;
use rand_distr::{Distribution, StandardNormal};

use crate::error::Result;
use crate::losses::attach::composed;
use crate::random::stream;
use crate::tape::{gradcheck, values};

/// Rows of run-time sizes.
pub type Rows<T = NoneTape> = Tensor<(usize, usize), f64, Cpu, T>;
/// Rows on their tape.
pub type Taped = Rows<OwnedTape<f64, Cpu>>;
/// A loss on its tape.
pub type Loss = Tensor<Rank0, f64, Cpu, OwnedTape<f64, Cpu>>;

/// Numbers from a normal distribution, the same for the same seed.
pub fn normal(n: usize, seed: u64) -> Vec<f64> {
    let mut rng = stream(&[seed]);
    (0..n).map(|_| StandardNormal.sample(&mut rng)).collect()
}

/// Rows of `width` values.
pub fn rows(v: &[f64], width: usize) -> Rows {
    Cpu::default().tensor_from_vec(v.to_vec(), (v.len() / width, width))
}

/// Row `i`.
pub fn row(v: &[f64], width: usize, i: usize) -> &[f64] {
    &v[i * width..][..width]
}

/// The inner product.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The cosine.
pub fn cosine(a: &[f64], b: &[f64]) -> f64 {
    dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
}

/// `-log(exp(own) / sum exp(all))`.
pub fn cross_entropy(own: f64, all: impl IntoIterator<Item = f64>) -> f64 {
    -(own.exp() / all.into_iter().map(f64::exp).sum::<f64>()).ln()
}

/// Holds a loss of `v` (rows of `width`) to a value worked out otherwise, to central differences, and to the same in
/// float32.
pub fn holds(what: &str, v: &[f64], width: usize, expected: f64, loss: impl Fn(Taped) -> Result<Loss>) {
    let x = rows(v, width);
    let found = loss(x.leaky_trace()).unwrap().array();
    assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{what}: {found}, expected {expected}");
    let check = gradcheck(&x, &loss).unwrap();
    assert!(check.worst < 1e-6, "{what}: {check:?}");
    assert_ne!(slope(&x, &loss).iter().map(|g| g.abs()).sum::<f64>(), 0.0, "{what}: no gradient at all");
}

/// The gradient with respect to `x`.
pub fn slope(x: &Rows, loss: impl Fn(Taped) -> Result<Loss>) -> Vec<f64> {
    loss(x.leaky_trace()).unwrap().backward().get(x).as_vec()
}

/// The gradient with respect to a leaf that has to receive none.
pub fn none_reaches<S: Shape>(leaf: &Tensor<S, f64, Cpu>, loss: Loss) {
    let mut grads = loss.backward();
    grads.try_alloc_for(leaf).unwrap();
    assert!(grads.get(leaf).as_vec().iter().all(|g| *g == 0.0), "a target received a gradient");
}

/// Two views from a linear congruential generator, so that any language can make them: A is (8, 4), B
/// is A with noise.
pub fn agreed() -> (Vec<f64>, Vec<f64>) {
    let mut state = 42u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / 2f64.powi(31) * 2.0 - 1.0
    };
    let a: Vec<f64> = (0..32).map(|_| next()).collect();
    let b = a.iter().map(|a| 0.8 * a + 0.3 * next()).collect();
    (a, b)
}

/// A value to the six decimals it is known to.
pub fn assert_value(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
}

#[test]
fn what_other_devices_do_is_what_the_cpu_does() {
    let dev = Cpu::default();
    let x = rows(&normal(6, 1), 2);
    let gradient = normal(6, 2);
    let start: Tensor<Rank0, f64, _> = dev.tensor(0.1);
    let (start, tape) = start.leaky_trace().split_tape();
    // Permuted, so that the order in memory is another.
    let view = x.clone().permute::<(usize, usize), Axes2<1, 0>>();
    let y = composed(start.clone().put_tape(tape), &view, gradient.clone()).unwrap();
    assert_eq!(y.array(), 0.1);
    let grads = (y * 3.0).backward();
    assert_eq!(grads.get(&start).array(), 3.0);
    let fused = super::super::attach::attach(start.leaky_trace(), &view, gradient).unwrap();
    let fused = (fused * 3.0).backward();
    assert_eq!(grads.get(&x).as_vec(), fused.get(&x).as_vec());
    assert_eq!(values(&fused.get(&start))[0], 3.0);
}
