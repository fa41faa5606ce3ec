//! Teachers, prototypes and their momentum.

use super::scaffold::{but, kinds};

#[test]
fn teachers_that_say_nothing_are_named_by_what_they_say() {
    let teacher = |entropy: f64, used: Option<f64>| {
        but(move |_, p| {
            p.statistics.teacher_entropy = Some(entropy);
            p.statistics.teacher_entropy_max = Some(64.0_f64.ln());
            p.statistics.prototype_perplexity = used;
        })
    };
    assert_eq!(kinds(&teacher(64.0_f64.ln() - 1e-3, None)), ["uniform-teacher"]);
    assert_eq!(kinds(&teacher(0.01, None)), ["one-hot-teacher"]);
    assert_eq!(kinds(&teacher(0.01, Some(1.0))), ["one-hot-teacher"]);
    // Sure of itself and of different things for different images: clustering, not collapse.
    assert_eq!(kinds(&teacher(0.01, Some(20.0))), [""; 0]);
    assert_eq!(kinds(&teacher(2.0, Some(20.0))), [""; 0]);
    let alarm = &teacher(64.0_f64.ln(), None)[0];
    assert!(alarm.try_this.contains("--set teacher_temperature=0.04"), "{alarm:?}");
    assert_eq!(alarm.link(), "book/diagnostics.html#uniform-teacher");
}

#[test]
fn prototypes_that_lie_idle_are_named_unless_more_come_into_use() {
    let used = |of: fn(usize) -> f64| {
        but(move |epoch, p| {
            p.statistics.prototypes = Some(100);
            p.statistics.prototype_perplexity = Some(of(epoch));
        })
    };
    assert_eq!(kinds(&used(|_| 3.0)), ["prototype-starvation"]);
    assert_eq!(kinds(&used(|_| 30.0)), [""; 0]);
    assert_eq!(kinds(&used(|epoch| 1.2_f64.powi(epoch as i32))), [""; 0]);
}

#[test]
fn a_copy_that_follows_at_once_or_never_is_named_and_one_that_slows_down_is_not() {
    let momentum = |of: fn(usize) -> f64| but(move |epoch, p| p.statistics.momentum = Some(of(epoch)));
    assert_eq!(kinds(&momentum(|_| 0.0)), ["teacher-without-memory"]);
    assert_eq!(kinds(&momentum(|_| 1.0)), ["teacher-frozen"]);
    assert_eq!(kinds(&momentum(|_| 0.996)), [""; 0]);
    assert_eq!(kinds(&momentum(|epoch| 1.0 - 0.004 * (30 - epoch) as f64 / 29.0)), [""; 0]);
}
