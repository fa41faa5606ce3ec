//! What a probe with labels sees.

use super::scaffold::{but, falling, healthy_probe, kinds, run, simclr};
use crate::diagnose::{Context, Probe};

#[test]
fn features_worse_than_random_are_named_only_when_they_stay_so() {
    let stuck = |epoch, c: &Context| Probe { knn: Some(0.6), ..healthy_probe(epoch, c) };
    assert_eq!(kinds(&run(simclr(), 20, falling, |_| 1.0, stuck)), ["worse-than-random-init"]);
    let unlabelled = |epoch, c: &Context| Probe { knn: None, ..healthy_probe(epoch, c) };
    assert_eq!(kinds(&run(simclr(), 20, falling, |_| 1.0, unlabelled)), [""; 0]);
}

#[test]
fn a_probe_that_falls_is_named_with_the_epoch_that_was_best() {
    let alarms = but(|epoch, p| p.knn = Some(if epoch < 10 { 0.97 } else { 0.91 }));
    assert_eq!(kinds(&alarms), ["probe-falling"]);
    assert!(alarms[0].epoch == 12 && alarms[0].try_this.contains("--epochs"), "{alarms:?}");
    assert_eq!(kinds(&but(|epoch, p| p.knn = Some(0.95 - 0.03 * (epoch % 2) as f64))), [""; 0]);
}

#[test]
fn what_chance_does_on_few_images_is_no_fall() {
    // iBOT on digits, whose accuracy on 145 images wavers for many epochs before it rises.
    let wavering = |asked| {
        but(|epoch, p| {
            (p.knn, p.random_init_knn) = (Some(if epoch == 7 { 0.462 } else { 0.4 }), Some(0.42));
            p.asked = asked;
        })
    };
    assert_eq!(kinds(&wavering(145)), [""; 0]);
    assert_eq!(kinds(&wavering(2000)), ["probe-falling"]);
    // Below the untrained encoder's, by as much.
    let below = |asked| {
        but(|_, p| {
            (p.knn, p.random_init_knn) = (Some(0.38), Some(0.46));
            p.asked = asked;
        })
    };
    assert_eq!(kinds(&below(145)), [""; 0]);
    assert_eq!(kinds(&below(2000)), ["worse-than-random-init"]);
}

#[test]
fn a_loss_that_falls_for_nothing_is_a_shortcut() {
    let alarms = but(|epoch, p| {
        p.loss = 6.0 * 0.9_f64.powi(epoch as i32);
        p.knn = Some(0.91);
    });
    assert_eq!(kinds(&alarms), ["shortcut"]);
    // A loss that hardly falls has other verdicts.
    assert_eq!(kinds(&but(|_, p| p.knn = Some(0.91))), [""; 0]);
}
