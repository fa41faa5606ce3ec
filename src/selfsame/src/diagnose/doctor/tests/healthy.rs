//! Silence on healthy runs.

use super::scaffold::{falling, geometry, healthy_probe, kinds, noise, run, simclr};
use crate::diagnose::{Context, Doctor, Probe};

#[test]
fn a_healthy_run_hears_nothing() {
    let gradient = |s: u64| 1.0 + 0.5 * noise(s);
    assert_eq!(kinds(&run(simclr(), 30, falling, gradient, healthy_probe)), [""; 0]);
    // Other settings in use, each with its own chance value.
    for (temperature, batch, lr, optimizer, d) in [
        (0.5, 512, 3e-3, "adamw", 64),
        (0.07, 128, 5e-4, "adamw", 2048),
        (0.1, 32, 1e-2, "adamw", 256),
        (1.0, 256, 0.3, "lars", 128),
        (0.5, 512, 1.0, "sgd", 512),
        (0.1, 4096, 4.8, "lars", 2048),
    ] {
        let mut c = simclr();
        c.plateaus[0].value = (2.0 * batch as f64 - 1.0).ln();
        (c.temperature, c.batch, c.lr, c.encoder_dim) = (Some(temperature), batch, lr, d);
        c.optimizer = optimizer.into();
        let start = c.plateaus[0].value;
        let probe = |epoch, c: &Context| {
            let mut probe = healthy_probe(epoch, c);
            probe.encoder.rankme = 0.1 * c.encoder_dim as f64;
            probe
        };
        let alarms = run(c.clone(), 30, |s| start - 6.22 + falling(s), gradient, probe);
        assert_eq!(kinds(&alarms), [""; 0], "{c:?}");
    }
}

#[test]
fn a_slow_start_that_recovers_hears_nothing() {
    // Nearly identical embeddings of low rank at first, kNN below random-init's and catching up.
    let probe = |epoch: usize, c: &Context| {
        let e = epoch as f64;
        Probe {
            encoder: geometry((0.02 * e).min(0.6), c.encoder_dim, 1.5 + 0.5 * e, 1.4 + 0.4 * e),
            projector: geometry((0.05 * e).min(0.9), c.projector_dim, 1.2 + 0.6 * e, 1.1 + 0.5 * e),
            knn: Some(0.5 + 0.02 * e),
            ..healthy_probe(epoch, c)
        }
    };
    assert_eq!(kinds(&run(simclr(), 30, falling, |_| 1.0, probe)), [""; 0]);
}

#[test]
fn a_resumed_doctor_says_the_same() {
    let loss = |s: u64| 6.236 + 0.004 * noise(s);
    let mut whole = Doctor::new(simclr());
    let mut parts = Doctor::new(simclr());
    for s in 1..=60 {
        let expected = whole.after_step(1, s, loss(s), 1.0);
        parts = serde_json::from_str(&serde_json::to_string(&parts).unwrap()).unwrap();
        assert_eq!(parts.after_step(1, s, loss(s), 1.0), expected);
    }
    assert!(whole.after_probe(&healthy_probe(1, &simclr())).is_empty());
}
