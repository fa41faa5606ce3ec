//! Loops compiled for the widest vectors of the machine at hand.

use super::Real;

/// Runs `f` compiled for the machine's best instruction set, chosen while running: AVX-512, AVX2 with FMA, NEON, or what
/// every machine of the architecture has.
///
/// Only what is inlined into `f` is compiled so: the functions it calls carry `#[inline(always)]`. The choice costs a few
/// nanoseconds, so call it around a whole loop, not inside one. Give it a `move` closure: what it holds by reference might, as
/// far as the compiler knows, change with every number written.
#[inline(always)]
pub(crate) fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}

/// The sum of `values`, in sixteen running sums, so that a compiler can keep them in one vector.
///
/// The order of the additions depends on the length alone.
#[inline(always)]
pub(crate) fn sum<E: Real>(values: &[E]) -> E {
    let mut lanes = [E::zero(); LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += *v;
        }
    }
    for (lane, v) in lanes.iter_mut().zip(rest) {
        *lane += *v;
    }
    fold(lanes)
}

/// The sum of the products of `a` and `b`, as [`sum`] does it.
#[inline(always)]
pub(crate) fn dot<E: Real>(a: &[E], b: &[E]) -> E {
    let mut lanes = [E::zero(); LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let (rest_a, rest_b) = (a.remainder(), b.remainder());
    for (a, b) in a.zip(b) {
        for i in 0..LANES {
            lanes[i] += a[i] * b[i];
        }
    }
    for (lane, (a, b)) in lanes.iter_mut().zip(rest_a.iter().zip(rest_b)) {
        *lane += *a * *b;
    }
    fold(lanes)
}

/// The sum of `f` of all values, as [`sum`] does it.
#[inline(always)]
pub(crate) fn sum_map<A: Copy, E: Real>(values: &[A], f: impl Fn(A) -> E) -> E {
    let mut lanes = [E::zero(); LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += f(*v);
        }
    }
    for (lane, v) in lanes.iter_mut().zip(rest) {
        *lane += f(*v);
    }
    fold(lanes)
}

/// The sum of `f` of all pairs from `a` and `b`, as [`sum`] does it.
#[inline(always)]
pub(crate) fn sum_zip<A: Copy, E: Real>(a: &[A], b: &[A], f: impl Fn(A, A) -> E) -> E {
    let mut lanes = [E::zero(); LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let (rest_a, rest_b) = (a.remainder(), b.remainder());
    for (a, b) in a.zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += f(*a, *b);
        }
    }
    for (lane, (a, b)) in lanes.iter_mut().zip(rest_a.iter().zip(rest_b)) {
        *lane += f(*a, *b);
    }
    fold(lanes)
}

/// The lanes added up, halves first.
#[inline(always)]
fn fold<E: Real>(mut lanes: [E; LANES]) -> E {
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

/// Running sums side by side.
const LANES: usize = 16;

/// The largest of `values`, negative infinity for none; a NaN among them is not reported.
#[inline(always)]
pub(crate) fn largest<E: Real>(values: &[E]) -> E {
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
            assert_eq!(vectorized(|| sum(&v)), v.iter().sum::<f64>(), "{n}");
            assert_eq!(vectorized(|| dot(&v, &v)), v.iter().map(|v| v * v).sum::<f64>(), "{n}");
            assert_eq!(vectorized(|| sum_map(&v, |v| 3.0 * v)), 3.0 * v.iter().sum::<f64>(), "{n}");
            let apart = v.iter().rev().zip(&v).map(|(a, b)| a * a - b).sum::<f64>();
            let back: Vec<f64> = v.iter().rev().copied().collect();
            assert_eq!(vectorized(|| sum_zip(&back, &v, |a, b| a * a - b)), apart, "{n}");
            let want = v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(vectorized(|| largest(&v)), want, "{n}");
        }
    }
}
