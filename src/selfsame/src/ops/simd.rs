//! Loops compiled for the widest vectors of the machine at hand.

/// Runs `f` compiled for the machine's best instruction set, chosen while running: AVX-512, AVX2 with FMA, NEON, or what
/// every machine of the architecture has.
///
/// Only what is inlined into `f` is compiled so: the functions it calls carry `#[inline(always)]`. The choice costs a few
/// nanoseconds, so call it around a whole loop, not inside one.
#[inline(always)]
pub(crate) fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}

/// The sum of `f` over `0..n`, in sixteen running sums, so that a compiler can keep them in one vector.
///
/// The order of the additions depends on `n` alone.
#[inline(always)]
pub(crate) fn sum<E: super::Real>(n: usize, f: impl Fn(usize) -> E) -> E {
    let mut lanes = [E::zero(); LANES];
    let whole = n - n % LANES;
    for start in (0..whole).step_by(LANES) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += f(start + lane);
        }
    }
    for (lane, i) in (whole..n).enumerate() {
        lanes[lane] += f(i);
    }
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            let upper = lanes[i + half];
            lanes[i] += upper;
        }
        half /= 2;
    }
    lanes[0]
}

/// Running sums in [`sum`] and [`largest`].
const LANES: usize = 16;

/// The largest of `values`, negative infinity for none; a NaN among them is not reported.
#[inline(always)]
pub(crate) fn largest<E: super::Real>(values: &[E]) -> E {
    let mut lanes = [E::neg_infinity(); LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane = if *v > *lane { *v } else { *lane };
        }
    }
    rest.iter().chain(&lanes).copied().fold(E::neg_infinity(), |a, b| if b > a { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_maxima_of_every_length() {
        for n in 0..70usize {
            let v: Vec<f64> = (0..n).map(|i| ((i * 37 + 11) % 71) as f64 - 30.0).collect();
            assert_eq!(vectorized(|| sum(n, |i| v[i])), v.iter().sum::<f64>(), "{n}");
            let want = v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(vectorized(|| largest(&v)), want, "{n}");
        }
    }
}
