//! Loops compiled for the widest vectors of the machine at hand.

use std::sync::OnceLock;

use super::Real;
use crate::error::{Error, Result};

/// The environment variable that takes a narrower instruction set than the machine's widest: one of [`SIMD_KINDS`].
///
/// It is for finding out what another machine would compute. Loops obey it; matrix products do not, whose library chooses by
/// itself and cannot be told.
pub const SIMD: &str = "SELFSAME_SIMD";

/// What [`simd_kind`] speaks of, widest first.
pub const SIMD_KINDS: &[&str] = &["avx512", "avx2", "neon", "scalar"];

/// Which vector instructions this process computes with: one of [`SIMD_KINDS`], or two of them as in `avx2, products avx512`
/// where loops and matrix products differ.
///
/// Sums are added up in another order, and products with or without an intermediate rounding, on another kind: a run has the
/// same bytes on machines of one kind alone.
///
/// # Errors
/// [`Error::Unknown`] where [`SIMD`] holds another word.
pub fn simd_kind() -> Result<String> {
    if let Some(asked) = asked().filter(|asked| !SIMD_KINDS.contains(&asked.as_str())) {
        return Err(Error::unknown("kind of vector instructions in SELFSAME_SIMD", asked, SIMD_KINDS));
    }
    let (loops, products) = (name(arch()), products());
    Ok(if loops == products { loops.into() } else { format!("{loops}, products {products}") })
}

fn asked() -> Option<String> {
    std::env::var(SIMD).ok().filter(|asked| !asked.is_empty())
}

/// Chosen once, when the first loop runs.
#[inline(always)]
fn arch() -> pulp::Arch {
    static ARCH: OnceLock<pulp::Arch> = OnceLock::new();
    *ARCH.get_or_init(|| narrowed(asked().as_deref()))
}

/// The widest that the machine has and that is no wider than `asked`.
#[cold]
fn narrowed(asked: Option<&str>) -> pulp::Arch {
    match asked {
        Some("scalar") => pulp::Arch::Scalar,
        #[cfg(target_arch = "x86_64")]
        Some("avx2") => pulp::x86::V3::try_new().map_or(pulp::Arch::Scalar, pulp::Arch::V3),
        _ => pulp::Arch::new(),
    }
}

fn name(arch: pulp::Arch) -> &'static str {
    match arch {
        #[cfg(target_arch = "x86_64")]
        pulp::Arch::V4(_) => "avx512",
        #[cfg(target_arch = "x86_64")]
        pulp::Arch::V3(_) => "avx2",
        pulp::Arch::Scalar => "scalar",
        #[allow(unreachable_patterns)] // those of other architectures
        _ => "neon",
    }
}

/// What `gemm` 0.19 chooses: it asks the same questions of the processor, once, and takes no orders.
fn products() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            "avx512"
        } else if std::arch::is_x86_feature_detected!("fma") {
            "avx2"
        } else {
            "scalar"
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        if cfg!(target_arch = "aarch64") {
            "neon"
        } else {
            "scalar"
        }
    }
}

/// Runs `f` compiled for the machine's best instruction set, chosen while running: AVX-512, AVX2 with FMA, NEON, or what
/// every machine of the architecture has; a narrower one where [`SIMD`] says so.
///
/// Only what is inlined into `f` is compiled so: the functions it calls carry `#[inline(always)]`. The choice costs a few
/// nanoseconds, so call it around a whole loop, not inside one. Give it a `move` closure: what it holds by reference might, as
/// far as the compiler knows, change with every number written.
#[inline(always)]
pub(crate) fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    arch().dispatch(f)
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::front::child::{command, is_child};

    #[test]
    fn a_narrower_kind_is_taken_when_asked_for_and_said() {
        let this = "ops::simd::tests::a_narrower_kind_is_taken_when_asked_for_and_said";
        if is_child() {
            let v: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.37).sin()).collect();
            println!("kind {:?}", simd_kind().map_err(|e| e.to_string()));
            println!("sum {}", vectorized(|| sum_map(&v, |v: f32| v.exp_fast())));
            return;
        }
        let told = |asked: &str| {
            let output = command(this).env(SIMD, asked).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let after = |word: &str| {
                let at = text.find(word).unwrap() + word.len();
                text[at..].lines().next().unwrap().to_string()
            };
            (after("kind "), after("sum ").parse::<f32>().unwrap())
        };
        let (widest, sum) = told("");
        assert_eq!(widest, format!("Ok({:?})", simd_kind().unwrap()));
        let (scalar, other) = told("scalar");
        assert!(scalar.starts_with("Ok(\"scalar"), "{scalar}");
        assert!((sum - other).abs() < 1e-3 * sum, "{sum} {other}");
        if cfg!(target_arch = "x86_64") && !widest.starts_with("Ok(\"scalar") {
            assert!(told("avx2").0.starts_with("Ok(\"avx2"));
        }
        assert!(told("avx3").0.contains("did you mean 'avx2'?"));
    }

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
