//! The number types kernels work in, and the functions kernels need of them.

use dfdx::dtypes::Dtype;

/// float32 or float64: what dfdx computes in, with the functions of the standard library.
///
/// The functions that end in `_fast` are for loops inside `simd::vectorized`: for float32 they are polynomials a compiler
/// turns into vectors, for float64 the standard library's.
///
/// Sealed: kernels are written for these two, and there will be more of them.
pub trait Real:
    sealed::Sealed
    + Dtype
    + num_traits::Float
    + std::iter::Sum
    + Into<f64>
    + super::activation::ActivationKernels
    + super::add::AddKernels
    + super::attention::AttentionKernel
    + super::batch_norm::BatchNormKernel
    + super::conv2d::Conv2dKernel
    + super::conv_stage::ConvStagesKernel
    + super::conv_transpose2d::ConvTranspose2dKernel
    + super::cross_entropy::CrossEntropyKernel
    + super::l2_normalize::L2NormalizeKernel
    + super::layer_norm::LayerNormKernel
    + super::linear::LinearKernel
    + super::linear_act::LinearActKernel
    + super::max_pool::MaxPoolKernel
    + super::patchify::PatchifyKernel
    + super::pool::PoolKernels
    + super::softmax::SoftmaxKernels
    + super::stack::StackKernel
    + super::unpatchify::UnpatchifyKernel
    + crate::losses::AttachKernel
    + crate::losses::NtXentKernel
    + crate::losses::VicRegKernels
{
    /// The nearest value to `x`.
    fn of(x: f64) -> Self;
    /// As float64.
    fn wide(self) -> f64;
    /// The error function.
    fn erf(self) -> Self;
    /// `e` to this power: relative error below 3e-7 in float32; 0 below -87.3, infinite above 88.7, NaN for NaN.
    fn exp_fast(self) -> Self;
    /// [`Real::exp_fast`] for a number that is not positive, in fewer steps.
    fn exp_down_fast(self) -> Self;
    /// GELU, `x Phi(x)` with the normal distribution function, and its slope. In float32 `Phi` is off by less than 3e-7, the
    /// slope by less than 5e-7.
    fn gelu_fast(self) -> (Self, Self);
    /// The hyperbolic tangent; absolute error below 3e-7 in float32.
    fn tanh_fast(self) -> Self;
}

/// What keeps [`Real`] to the number types it is for.
mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

impl Real for f32 {
    #[inline(always)]
    fn of(x: f64) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn erf(self) -> f32 {
        libm::erff(self)
    }
    #[inline(always)]
    fn exp_fast(self) -> f32 {
        let x = if self < -87.3 { -87.3 } else { self };
        let x = if x > 88.7 { 88.7 } else { x };
        let (p, k) = exp_parts(x);
        // 2^k in two factors, because 2^128 is not a number.
        let half = k >> 1;
        let y = p * power_of_2(half) * power_of_2(k.wrapping_sub(half));
        let y = if self < -87.3 { 0.0 } else { y };
        if self > 88.7 {
            f32::INFINITY
        } else {
            y
        }
    }
    #[inline(always)]
    fn exp_down_fast(self) -> f32 {
        let x = if self < -87.3 { -87.3 } else { self };
        let (p, k) = exp_parts(x);
        let y = p * power_of_2(k);
        if self < -87.3 {
            0.0
        } else {
            y
        }
    }
    #[inline(always)]
    fn gelu_fast(self) -> (f32, f32) {
        // Phi - 1/2 and the slope - 1/2 are odd: x times a polynomial in x^2, shifted to -1..1, fitted for the least
        // absolute error. Beyond the ends they are constant to the last digit that counts. A NaN fails all comparisons and
        // comes through.
        let below = 0.5 + self.clamped(CDF_END) * polynomial(self.clamped(CDF_END).squared(CDF_END), &CDF);
        let slope =
            0.5 + self.clamped(SLOPE_END) * polynomial(self.clamped(SLOPE_END).squared(SLOPE_END), &SLOPE);
        let ends = |end: f32, low: f32, high: f32, mid: f32| {
            let y = if self < -end { low } else { mid };
            if self > end {
                high
            } else {
                y
            }
        };
        (ends(CDF_END, 0.0, self, self * below), ends(SLOPE_END, 0.0, 1.0, slope))
    }
    #[inline(always)]
    fn tanh_fast(self) -> f32 {
        1.0 - 2.0 / ((2.0 * self).exp_fast() + 1.0)
    }
}

/// `e^x = p 2^k`, for `x` within -87.3 to 88.7.
#[inline(always)]
fn exp_parts(x: f32) -> (f32, i32) {
    // x = k ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, so that k ln 2 is exact in the first. Adding and subtracting
    // 1.5 * 2^23 rounds to an integer.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = k.mul_add(2.121_944_4e-4, k.mul_add(-0.693_359_4, x));
    let p = polynomial(r, &[1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0]);
    (p, shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32)
}

/// `2^k`, for `k` within -126 to 127.
#[inline(always)]
fn power_of_2(k: i32) -> f32 {
    f32::from_bits((k.wrapping_add(127) << 23) as u32)
}

/// `c[0] + c[1] x + c[2] x^2 + ...` by Horner's rule. The fused multiply-add is one instruction on every machine of the last
/// ten years; an older one computes the same, slowly.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, c: &[f32; N]) -> f32 {
    let mut y = c[N - 1];
    for i in (0..N - 1).rev() {
        y = y.mul_add(x, c[i]);
    }
    y
}

/// What a fit on an interval needs of its argument.
trait Fitted {
    fn clamped(self, end: f32) -> f32;
    fn squared(self, end: f32) -> f32;
}

impl Fitted for f32 {
    /// Not further from 0 than `end`; NaN stays.
    #[inline(always)]
    fn clamped(self, end: f32) -> f32 {
        let x = if self > end { end } else { self };
        if x < -end {
            -end
        } else {
            x
        }
    }
    /// The square, from 0 to `end^2` moved to -1 to 1.
    #[inline(always)]
    fn squared(self, end: f32) -> f32 {
        (self * self).mul_add(2.0 / (end * end), -1.0)
    }
}

const CDF_END: f32 = 5.2;
const CDF: [f32; 14] = [
    0.135_95,
    -0.067_743_67,
    0.050_024_52,
    -0.039_929_82,
    0.031_989_958,
    -0.024_723_63,
    0.017_954_787,
    -0.012_505_121,
    0.008_559_968,
    -0.004_789_039_5,
    0.001_800_122,
    -0.001_221_493_2,
    0.001_268_511_3,
    -0.000_481_277_27,
];
const SLOPE_END: f32 = 5.6;
const SLOPE: [f32; 17] = [
    0.126_416_64,
    -0.064_282_306,
    0.051_807_96,
    -0.050_972_424,
    0.056_684_878,
    -0.064_882_3,
    0.071_629_584,
    -0.073_751_174,
    0.066_610_724,
    -0.051_653_27,
    0.042_660_33,
    -0.038_161_77,
    0.020_423_13,
    -0.002_595_311_3,
    0.004_184_611_6,
    -0.008_000_638,
    0.003_167_119_3,
];

impl Real for f64 {
    #[inline(always)]
    fn of(x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
    fn erf(self) -> f64 {
        libm::erf(self)
    }
    fn exp_fast(self) -> f64 {
        self.exp()
    }
    fn exp_down_fast(self) -> f64 {
        self.exp()
    }
    fn gelu_fast(self) -> (f64, f64) {
        let density = (-0.5 * self * self).exp() * 0.398_942_280_401_432_7;
        let below = 0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2);
        (self * below, below + self * density)
    }
    fn tanh_fast(self) -> f64 {
        self.tanh()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(from: f32, to: f32, off: impl Fn(f32) -> f64) -> f64 {
        (0..=200_000).map(|i| off(from + (to - from) * i as f32 / 200_000.0)).fold(0.0, f64::max)
    }

    #[test]
    fn fast_functions_are_as_near_as_they_say() {
        let relative = |found: f32, want: f64| (found.wide() - want).abs() / want.abs().max(1e-30);
        let e = worst(-87.0, 88.6, |x| relative(x.exp_fast(), x.wide().exp()));
        assert!(e < 3e-7, "exp {e}");
        let down = worst(-87.0, 0.0, |x| relative(x.exp_down_fast(), x.wide().exp()));
        assert!(down < 3e-7, "exp of what is not positive {down}");
        let gelu = |x: f32| {
            let (found, exact) = (x.gelu_fast(), x.wide().gelu_fast());
            let value = (found.0.wide() - exact.0).abs() / x.wide().abs().max(1.0);
            (value / 3e-7).max((found.1.wide() - exact.1).abs() / 5e-7)
        };
        let gelu = worst(-9.0, 9.0, gelu);
        assert!(gelu < 1.0, "GELU {gelu}");
        let tanh = worst(-50.0, 50.0, |x| (x.tanh_fast().wide() - x.wide().tanh()).abs());
        assert!(tanh < 3e-7, "tanh {tanh}");
    }

    #[test]
    fn fast_functions_at_their_ends() {
        assert_eq!([0f32.exp_fast(), (-200f32).exp_fast(), f32::NEG_INFINITY.exp_fast()], [1.0, 0.0, 0.0]);
        assert_eq!([100f32.exp_fast(), f32::INFINITY.exp_fast()], [f32::INFINITY; 2]);
        assert_eq!([40f32.tanh_fast(), (-40f32).tanh_fast(), 100f32.tanh_fast()], [1.0, -1.0, 1.0]);
        assert_eq!([40f32.gelu_fast(), (-40f32).gelu_fast()], [(40.0, 1.0), (0.0, 0.0)]);
        assert_eq!([0f32.exp_down_fast(), (-200f32).exp_down_fast()], [1.0, 0.0]);
        assert_eq!(f32::NEG_INFINITY.exp_down_fast(), 0.0);
        assert!(f32::NAN.exp_fast().is_nan() && f32::NAN.tanh_fast().is_nan());
        assert!(f32::NAN.gelu_fast().0.is_nan() && f32::NAN.gelu_fast().1.is_nan());
        assert!(f32::NAN.exp_down_fast().is_nan());
    }
}
