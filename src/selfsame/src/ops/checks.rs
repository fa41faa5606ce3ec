//! What every operation is held to, said once; the operations are listed in `cases.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use dfdx::prelude::*;

use super::selftest::{data, normal, tensor, Case, Flat, Found, How, Inputs, Layout, COMPOSED, FUSED};
use super::{selftest, Engine, Real};
use crate::tape::gradcheck;

fn evaluate<E: Real>(case: &impl Case, how: How) -> Found<E>
where
    Cpu: Engine<E>,
{
    selftest::evaluate(&Cpu::default(), case, how).unwrap()
}

/// Values and all gradients within `tolerance` of the largest, at least of 1.
fn assert_near<A: Real, B: Real>(what: &str, found: &Found<A>, expected: &Found<B>, tolerance: f64) {
    let pairs = std::iter::once((&found.0, &expected.0)).chain(found.1.iter().zip(&expected.1));
    for (i, (a, b)) in pairs.enumerate() {
        assert_eq!(a.len(), b.len(), "{what}");
        let largest = b.iter().fold(1.0, |m: f64, v| m.max(v.wide().abs()));
        for (at, (a, b)) in a.iter().zip(b).enumerate() {
            let off = (a.wide() - b.wide()).abs();
            let part = if i == 0 { "value".into() } else { format!("gradient {}", i - 1) };
            assert!(off <= tolerance * largest, "{what}: {part} at {at} is {a:?}, expected {b:?}");
        }
    }
}

fn cpu(v: &[f64]) -> Flat<f64, Cpu> {
    tensor(&Cpu::default(), v).unwrap()
}

fn gradients_match_differences(case: &impl Case) {
    let data = data(case, Layout::Plain);
    let weights = {
        let (out, _) = evaluate::<f64>(case, FUSED);
        cpu(&normal(out.len(), 99))
    };
    for (at, v) in data.iter().enumerate() {
        let check = gradcheck(&cpu(v), |x| {
            let (x, tape) = x.split_tape();
            let leaf = |(i, v): (usize, &Vec<f64>)| if i == at { x.clone() } else { cpu(v) };
            let leaves: Vec<Flat<f64, Cpu>> = data.iter().enumerate().map(leaf).collect();
            let shapes = case.shapes().into_iter();
            let inputs = Inputs { flat: leaves.iter(), shapes, tape, layout: Layout::Plain, copied: false };
            Ok((case.run(inputs, true)? * weights.clone()).sum())
        })
        .unwrap();
        assert!(check.worst < 1e-6, "{case:?}, input {at}: {check:?}");
    }
}

fn threads_change_no_bit<E: Real>(case: &impl Case)
where
    Cpu: Engine<E>,
{
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| evaluate::<E>(case, FUSED))
    };
    let one = with(1);
    for threads in [2, 5] {
        assert!(with(threads) == one, "{case:?}: {threads} threads give other bits than one");
    }
}

/// Everything above at a size where finite differences are affordable.
pub(crate) fn check(case: &impl Case) {
    gradients_match_differences(case);
    check_large(case);
    for layout in [Layout::Permuted, Layout::Broadcast] {
        let view = evaluate::<f64>(case, How { layout, ..FUSED });
        let copy = evaluate::<f64>(case, How { layout, copied: true, ..FUSED });
        assert_near(&format!("{case:?} {layout:?}"), &view, &copy, 1e-12);
        let composed = evaluate::<f64>(case, How { layout, ..COMPOSED });
        assert_near(&format!("{case:?} {layout:?}, composed"), &composed, &copy, 1e-9);
    }
}

/// Fused against composed, float32 against float64, and the same bits for any number of threads.
pub(crate) fn check_large(case: &impl Case) {
    let fused = evaluate::<f64>(case, FUSED);
    assert!(fused.1.iter().flatten().any(|g| *g != 0.0), "{case:?}: no gradient at all");
    assert_near(&format!("{case:?}, composed"), &evaluate::<f64>(case, COMPOSED), &fused, 1e-9);
    assert_near(&format!("{case:?}, float32"), &evaluate::<f32>(case, FUSED), &fused, 5e-5);
    assert_near(&format!("{case:?}, composed in float32"), &evaluate::<f32>(case, COMPOSED), &fused, 5e-5);
    threads_change_no_bit::<f32>(case);
    threads_change_no_bit::<f64>(case);
}
