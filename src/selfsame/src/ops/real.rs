//! The number types kernels work in, and the functions kernels need of them.

use dfdx::dtypes::Dtype;

/// float32 or float64: what dfdx computes in, with the functions of the standard library.
///
/// The functions that end in `_fast` are for loops inside `simd::vectorized`: for float32 they are polynomials a compiler
/// turns into vectors, for float64 the standard library's.
pub trait Real: Dtype + num_traits::Float + std::iter::Sum + Into<f64> {
    /// The nearest value to `x`.
    fn of(x: f64) -> Self;
    /// As float64.
    fn wide(self) -> f64;
    /// The error function.
    fn erf(self) -> Self;
    /// `e` to this power: relative error below 3e-7 in float32; 0 below -87, infinite above 88.7, NaN for NaN.
    fn exp_fast(self) -> Self;
    /// The normal distribution function and its density at this point: `(P(X <= x), density(x))`. In float32 the relative
    /// error of each is below `5e-7 + 6e-8 x^2`: the square's own rounding, passed through the exponential.
    fn normal_fast(self) -> (Self, Self);
    /// The hyperbolic tangent; absolute error below 3e-7 in float32.
    fn tanh_fast(self) -> Self;
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
        // x = k ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, so that k ln 2 is exact in the first. Adding and
        // subtracting 1.5 * 2^23 rounds to an integer.
        const ROUND: f32 = 12_582_912.0;
        let x = if self < -87.3 { -87.3 } else { self };
        let x = if x > 88.7 { 88.7 } else { x };
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let k = shifted - ROUND;
        let r = (x - k * 0.693_359_4) + k * 2.121_944_4e-4;
        let p = 1.0 / 720.0 + r * (1.0 / 5040.0);
        let p = 1.0 / 24.0 + r * (1.0 / 120.0 + r * p);
        let p = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * p)));
        // 2^k in two factors, because 2^128 is not a number.
        let bits = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
        let half = bits >> 1;
        let power = |k: i32| f32::from_bits(((k + 127) << 23) as u32);
        let y = p * power(half) * power(bits - half);
        let y = if self < -87.3 { 0.0 } else { y };
        if self > 88.7 {
            f32::INFINITY
        } else {
            y
        }
    }
    #[inline(always)]
    fn normal_fast(self) -> (f32, f32) {
        // P(X <= -a) = exp(-a^2 / 2) q(t), t = 1 / (1 + 0.3 a): q is a polynomial fitted for the least relative error
        // over 0 <= a <= 13.
        let a = self.abs();
        let t = 1.0 / (1.0 + 0.3 * a);
        let q = -0.158_933_67 + t * 0.036_088_824;
        let q = 0.130_032_57 + t * (-0.056_45 + t * (0.209_346_28 + t * q));
        let q = t * (0.119_624_54 + t * (0.120_826_31 + t * (0.099_465_08 + t * q)));
        let e = (-0.5 * self * self).exp_fast();
        let tail = q * e;
        const DENSITY: f32 = 0.398_942_3; // 1 / sqrt(2 pi)
                                          // A NaN fails the comparison and comes through.
        (if self < 0.0 { tail } else { 1.0 - tail }, DENSITY * e)
    }
    #[inline(always)]
    fn tanh_fast(self) -> f32 {
        1.0 - 2.0 / ((2.0 * self).exp_fast() + 1.0)
    }
}

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
    fn normal_fast(self) -> (f64, f64) {
        let density = (-0.5 * self * self).exp() * 0.398_942_280_401_432_7;
        (0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2), density)
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
        let normal = |x: f32| {
            let ((cdf, density), (cdf64, density64)) = (x.normal_fast(), x.wide().normal_fast());
            relative(cdf, cdf64).max(relative(density, density64)) / (5e-7 + 6e-8 * x.wide() * x.wide())
        };
        let worst_normal = worst(-11.0, 11.0, normal);
        assert!(worst_normal < 1.0, "normal {worst_normal}");
        let tanh = worst(-50.0, 50.0, |x| (x.tanh_fast().wide() - x.wide().tanh()).abs());
        assert!(tanh < 3e-7, "tanh {tanh}");
    }

    #[test]
    fn fast_functions_at_their_ends() {
        assert_eq!([0f32.exp_fast(), (-200f32).exp_fast(), f32::NEG_INFINITY.exp_fast()], [1.0, 0.0, 0.0]);
        assert_eq!([100f32.exp_fast(), f32::INFINITY.exp_fast()], [f32::INFINITY; 2]);
        assert_eq!([40f32.tanh_fast(), (-40f32).tanh_fast(), 100f32.tanh_fast()], [1.0, -1.0, 1.0]);
        assert_eq!([40f32.normal_fast(), (-40f32).normal_fast()], [(1.0, 0.0), (0.0, 0.0)]);
        assert!(f32::NAN.exp_fast().is_nan() && f32::NAN.tanh_fast().is_nan());
        assert!(f32::NAN.normal_fast().0.is_nan() && f32::NAN.normal_fast().1.is_nan());
    }
}
