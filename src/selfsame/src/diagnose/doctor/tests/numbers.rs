//! Numbers that grow, vanish or are none.

use super::scaffold::{but, falling, healthy_probe, kinds, run, simclr};
use crate::diagnose::{Context, Geometry, Probe};

#[test]
fn a_nan_is_named_once_wherever_it_shows() {
    let nan = |from: u64| move |s: u64| if s >= from { f64::NAN } else { falling(s) };
    assert_eq!(kinds(&run(simclr(), 10, nan(20), |_| 1.0, healthy_probe)), ["not-finite"]);
    assert_eq!(
        kinds(&run(simclr(), 10, falling, |s| if s > 9 { f64::INFINITY } else { 1.0 }, healthy_probe)),
        ["not-finite"]
    );
    let probe = |epoch, c: &Context| Probe {
        encoder: Geometry { std: f64::NAN, ..healthy_probe(epoch, c).encoder },
        ..healthy_probe(epoch, c)
    };
    assert_eq!(kinds(&run(simclr(), 10, falling, |_| 1.0, probe)), ["not-finite"]);
    let alarm = &run(Context { lr: 10.0, ..simclr() }, 10, nan(1), |_| 1.0, healthy_probe)[1];
    assert_eq!(alarm.kind, "not-finite");
    assert!(alarm.means.contains("learning rate 10 ") && alarm.try_this.contains("--lr 1e-3"), "{alarm:?}");
}

#[test]
fn explosions_and_dead_gradients_are_named() {
    let up = |s: u64| if s > 30 { 14.0 } else { falling(s) };
    assert_eq!(kinds(&run(simclr(), 10, up, |_| 1.0, healthy_probe)), ["loss-exploding"]);
    let gradient = |s: u64| if s > 40 { 5e3 } else { 1.0 };
    assert_eq!(kinds(&run(simclr(), 10, falling, gradient, healthy_probe)), ["gradient-exploding"]);
    let spike = |s: u64| if s == 40 { 5e3 } else { 1.0 };
    assert_eq!(kinds(&run(simclr(), 10, falling, spike, healthy_probe)), [""; 0]);
    assert_eq!(
        kinds(&run(simclr(), 10, falling, |s| if s > 20 { 0.0 } else { 1.0 }, healthy_probe)),
        ["gradient-vanishing"]
    );
}

#[test]
fn embeddings_that_grow_and_batch_norm_that_leaks_are_named() {
    let growing = but(|epoch, p| p.encoder.norm = 10f64.powi(epoch as i32));
    assert_eq!(kinds(&growing), ["norm-exploding"]);
    assert_eq!(growing[0].epoch, 6);
    assert_eq!(kinds(&but(|epoch, p| p.encoder.norm = epoch as f64)), [""; 0]);
    let leak = but(|_, p| p.train_eval_cosine = Some(0.2));
    assert_eq!(kinds(&leak), ["batch-norm-leak"]);
    assert!(leak[0].seen.contains("0.200") && leak[0].try_this.contains("--batch-size"), "{leak:?}");
    // Running statistics lag behind at first.
    assert_eq!(
        kinds(&but(|epoch, p| p.train_eval_cosine = Some(if epoch < 17 { 0.3 } else { 0.9 }))),
        [""; 0]
    );
}
