//! A loss that stays where it is.

use super::scaffold::{healthy_probe, kinds, noise, run, simclr};
use crate::diagnose::{Alarm, Context};

#[test]
fn a_loss_on_its_plateau_is_named() {
    let plateau = simclr().plateaus[0].value;
    let alarms = run(simclr(), 30, |s| plateau + 0.004 * noise(s), |_| 0.1, healthy_probe);
    assert_eq!(kinds(&alarms), ["loss-plateau"]);
    assert!(alarms[0].seen.contains("of ln(2N-1) = 6.2364 for 50 steps"), "{}", alarms[0].seen);
    assert_eq!(alarms[0].epoch, 9);
    // Falling through it slowly is not sitting on it.
    let slow = run(simclr(), 15, |s| plateau + 0.005 - 1e-4 * s as f64, |_| 0.1, healthy_probe);
    assert_eq!(kinds(&slow), [""; 0]);
}

#[test]
fn a_loss_that_does_not_fall_is_named_after_a_while() {
    let alarms = run(simclr(), 30, |s| 5.5 + 0.05 * noise(s), |_| 0.1, healthy_probe);
    assert_eq!(kinds(&alarms), ["loss-not-falling"]);
    assert_eq!(alarms[0].epoch, 17);
}

/// DINO with 100 prototypes: a loss of the step, entropy of the targets of the epoch, and how many prototypes are used.
fn teacher(loss: impl Fn(u64) -> f64 + Copy, entropy: impl Fn(usize) -> f64) -> Vec<Alarm> {
    let mut c = simclr();
    (c.method, c.temperature, c.moving_targets) = ("dino".into(), None, true);
    (c.plateaus[0].name, c.plateaus[0].value) = ("ln K".into(), 100f64.ln());
    let probe = |epoch: usize, c: &Context| {
        let mut probe = healthy_probe(epoch, c);
        probe.loss = loss(6 * epoch as u64);
        let s = &mut probe.statistics;
        (s.teacher_entropy, s.teacher_entropy_max) = (Some(entropy(epoch)), Some(100f64.ln()));
        (s.prototypes, s.prototype_perplexity) = (Some(100), Some(40.0));
        probe
    };
    run(c, 30, loss, |_| 1.0, probe)
}

#[test]
fn a_loss_that_rises_while_a_teacher_is_centred_and_sharpens_is_not_accused() {
    // From 2.4 to just below ln K = 4.605 within ten epochs, then slowly down: what DINO does on digits.
    let usual = |s: u64| {
        let s = s as f64;
        2.4 + 2.17 * (1.0 - (-s / 12.0).exp()) - 0.002 * (s - 60.0).max(0.0) + 0.02 * noise(s as u64)
    };
    assert_eq!(kinds(&teacher(usual, |epoch| (2.5 + 0.2 * epoch as f64).min(4.1))), [""; 0]);
    // Above ln K while the teacher sharpens.
    let above = |s: u64| 4.66 + 0.01 * noise(s);
    assert_eq!(kinds(&teacher(above, |epoch| 4.5 - 0.1 * epoch as f64)), [""; 0]);
    // The same loss with a teacher that has long settled.
    let alarms = teacher(above, |_| 3.9);
    assert_eq!(kinds(&alarms), ["loss-not-falling"]);
    assert!(alarms[0].epoch == 19 && alarms[0].seen.contains("ln K = 4.6052"), "{alarms:?}");
    // Beyond what guessing costs it explodes as any loss does.
    let up = |s: u64| if s > 30 { 8.0 } else { 4.0 };
    assert_eq!(kinds(&teacher(up, |_| 3.9)), ["loss-exploding"]);
}
