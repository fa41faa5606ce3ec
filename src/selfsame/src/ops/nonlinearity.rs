//! Non-linearities with their slopes, one number at a time, for kernels that have them inside.

use super::Real;

/// What follows an affine map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activation {
    /// Nothing.
    None,
    /// `max(x, 0)`.
    Relu,
    /// `x * Phi(x)`, exact.
    #[default]
    Gelu,
    /// GELU's approximation by tanh, as in GPT-2.
    GeluTanh,
}

/// `max(x, 0)` and its slope; a NaN comes through.
#[inline(always)]
pub(crate) fn relu_with_slope<E: Real>(x: E) -> (E, E) {
    // Not `max`: that would turn a NaN into 0 and hide a diverged run.
    (if x < E::zero() { E::zero() } else { x }, if x > E::zero() { E::one() } else { E::zero() })
}

/// `x Phi(x)` and `Phi(x) + x density(x)`.
#[inline(always)]
pub(crate) fn gelu_with_slope<E: Real>(x: E) -> (E, E) {
    x.gelu_fast()
}

/// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2` and its slope.
#[inline(always)]
pub(crate) fn gelu_tanh_with_slope<E: Real>(x: E) -> (E, E) {
    let (root, cubic, half) = (E::of(0.797_884_560_802_865_4), E::of(0.044_715), E::of(0.5));
    let square = x * x;
    let t = (root * x * (E::one() + cubic * square)).tanh_fast();
    let inner = root * (E::one() + E::of(3.0) * cubic * square);
    (half * x * (E::one() + t), half * (E::one() + t) + half * x * (E::one() - t * t) * inner)
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
fn sigmoid<E: Real>(x: E) -> E {
    (E::one() + (-x).exp_fast()).recip()
}

/// `x sigmoid(x)` and its slope.
#[inline(always)]
pub(crate) fn silu_with_slope<E: Real>(x: E) -> (E, E) {
    let s = sigmoid(x);
    (x * s, s * (E::one() + x * (E::one() - s)))
}

/// `log(1 + exp(x))`, stable on both sides, and its slope.
#[inline(always)]
pub(crate) fn softplus_with_slope<E: Real>(x: E) -> (E, E) {
    // Not `max`: see `relu_with_slope`.
    (relu_with_slope(x).0 + (-x.abs()).exp_down_fast().ln_1p(), sigmoid(x))
}

/// `-log(1 + exp(-x))`, stable on both sides, and its slope.
#[inline(always)]
pub(crate) fn log_sigmoid_with_slope<E: Real>(x: E) -> (E, E) {
    let (y, slope) = softplus_with_slope(-x);
    (-y, slope)
}
