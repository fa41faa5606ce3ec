//! Each alarm on the run that deserves it, and silence on those that do not.

#![allow(clippy::unwrap_used)]

use crate::diagnose::{thresholds, Alarm, Context, Doctor, Geometry, Plateau, Probe, Statistics};

fn simclr() -> Context {
    let n = 256.0_f64;
    Context {
        method: "simclr".into(),
        optimizer: "adamw".into(),
        batch: 256,
        accumulate: 1,
        temperature: Some(0.2),
        lr: 1e-3,
        encoder_dim: 128,
        projector_dim: 64,
        plateaus: vec![Plateau {
            name: "ln(2N-1)".into(),
            value: (2.0 * n - 1.0).ln(),
            means: "All similarities are equal.".into(),
            try_this: "--lr 1e-3.".into(),
        }],
        moving_targets: false,
        missing: Vec::new(),
    }
}

/// A number in -1..1 that looks like noise and is the same every time.
fn noise(i: u64) -> f64 {
    (i as f64 * 12.9898).sin()
}

fn geometry(std_share: f64, d: usize, rankme: f64, effective_rank: f64) -> Geometry {
    let std = std_share / (d as f64).sqrt();
    let mean_cosine = 1.0 - std_share * std_share;
    Geometry {
        std,
        mean_cosine,
        rankme,
        effective_rank,
        alignment: 0.4,
        uniformity: -2.0,
        ..Default::default()
    }
}

fn healthy_probe(epoch: usize, c: &Context) -> Probe {
    Probe {
        epoch,
        loss: 5.0,
        encoder: geometry(0.6, c.encoder_dim, 14.0, 7.0),
        projector: geometry(0.9, c.projector_dim, 30.0, 20.0),
        knn: Some(0.93),
        random_init_knn: Some(0.95),
        asked: 500,
        train_eval_cosine: Some(0.98),
        statistics: Statistics::default(),
    }
}

/// A run of `epochs` of 6 steps; losses and gradients from functions of the step.
fn run(
    context: Context,
    epochs: usize,
    loss: impl Fn(u64) -> f64,
    gradient: impl Fn(u64) -> f64,
    probe: impl Fn(usize, &Context) -> Probe,
) -> Vec<Alarm> {
    let mut doctor = Doctor::new(context.clone());
    let mut alarms = Vec::new();
    for epoch in 1..=epochs {
        for s in 1..=6 {
            let step = (epoch as u64 - 1) * 6 + s;
            alarms.extend(doctor.after_step(epoch, step, loss(step), gradient(step)));
        }
        alarms.extend(doctor.after_probe(&probe(epoch, &context)));
    }
    alarms
}

/// Near chance while the rate warms up, then falling: SimCLR on small images.
fn falling(step: u64) -> f64 {
    let s = step as f64;
    6.22 - 1.8 * (1.0 - (-(s - 12.0).max(0.0) / 60.0).exp()) + 0.02 * noise(step)
}

fn kinds(alarms: &[Alarm]) -> Vec<&str> {
    for alarm in alarms {
        assert!(
            !alarm.seen.is_empty() && alarm.means.ends_with('.') && alarm.try_this.ends_with('.'),
            "{alarm:?}"
        );
    }
    alarms.iter().map(|a| a.kind.as_str()).collect()
}

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
fn an_absurdly_high_temperature_is_named_once_and_with_its_floor() {
    let c = Context { temperature: Some(1000.0), ..simclr() };
    let plateau = c.plateaus[0].value;
    let alarms = run(c, 30, |s| plateau - 1e-4 + 1e-5 * noise(s), |_| 1e-4, healthy_probe);
    assert_eq!(kinds(&alarms), ["temperature-too-high"]);
    assert_eq!(alarms[0].epoch, 1);
    assert!(
        alarms[0].seen.starts_with("temperature 1000, loss 6.236 at the first step"),
        "{}",
        alarms[0].seen
    );
    assert!(alarms[0].seen.contains("ln(2N-1) = 6.2364"), "{}", alarms[0].seen);
    assert!(alarms[0].try_this.contains("--temperature 0.2"));
}

#[test]
fn an_absurdly_low_temperature_is_named_from_the_setting_or_from_the_loss() {
    let c = Context { temperature: Some(1e-4), ..simclr() };
    let alarms = run(c, 2, |s| 900.0 + 50.0 * noise(s), |_| 1e4, healthy_probe);
    assert_eq!(kinds(&alarms), ["temperature-too-low"]);
    assert!(alarms[0].means.contains("10000"), "{}", alarms[0].means);
    let c = Context { temperature: Some(0.02), ..simclr() };
    let alarms = run(c.clone(), 2, |s| 14.0 + noise(s), |_| 50.0, healthy_probe);
    assert_eq!(kinds(&alarms), ["temperature-too-low"]);
    assert_eq!(kinds(&run(c, 2, |s| 8.0 + noise(s), |_| 50.0, healthy_probe)), [""; 0]);
}

#[test]
fn an_absurd_learning_rate_is_named_at_once_for_every_optimizer() {
    for (optimizer, flag) in [("adamw", "--lr 1e-3"), ("sgd", "--lr 0.06"), ("lars", "--lr 0.3")] {
        let c = Context { lr: 10.0, optimizer: optimizer.into(), ..simclr() };
        let alarms = Doctor::new(c).after_step(1, 1, 6.1, 1.0);
        assert_eq!(kinds(&alarms), ["learning-rate-too-high"], "{optimizer}");
        assert!(
            alarms[0].try_this.starts_with(flag) && alarms[0].seen.contains("learning rate 10"),
            "{:?}",
            alarms[0]
        );
    }
}

#[test]
fn a_projector_of_width_one_has_its_own_alarm() {
    let c = Context { projector_dim: 1, ..simclr() };
    let probe = |epoch, c: &Context| Probe {
        projector: Geometry {
            std: 1.0,
            mean_cosine: 0.0,
            rankme: 1.0,
            effective_rank: 1.0,
            alignment: 0.1,
            uniformity: -0.7,
            ..Default::default()
        },
        ..healthy_probe(epoch, c)
    };
    let alarms = run(c, 5, |s| 5.6 + 0.01 * noise(s), |_| 0.1, probe);
    assert_eq!(kinds(&alarms), ["projector-bottleneck"]);
    assert!(alarms[0].try_this.contains("--projector-dim 64"));
}

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
fn total_collapse_is_named_from_either_side_of_the_projector() {
    let collapsed = |share: f64| {
        move |epoch, c: &Context| Probe {
            projector: geometry(share, c.projector_dim, 20.0, 10.0),
            ..healthy_probe(epoch, c)
        }
    };
    let alarms = run(simclr(), 10, falling, |_| 1.0, collapsed(0.05));
    assert_eq!(kinds(&alarms), ["total-collapse"]);
    assert_eq!(alarms[0].epoch, 4);
    assert!(
        alarms[0].seen.starts_with("projector output: std 0.00625 (0.125 is healthy at width 64)"),
        "{}",
        alarms[0].seen
    );
    assert_eq!(kinds(&run(simclr(), 10, falling, |_| 1.0, collapsed(0.2))), [""; 0]);
    let encoder = |epoch, c: &Context| Probe {
        encoder: geometry(0.001, c.encoder_dim, 1.0, f64::NAN),
        ..healthy_probe(epoch, c)
    };
    assert_eq!(kinds(&run(simclr(), 10, falling, |_| 1.0, encoder)), ["total-collapse"]);
    // One probe is enough at the end of a longer run that was probed only once.
    let mut doctor = Doctor::new(simclr());
    for s in 1..=SETTLED {
        doctor.after_step(1, s, falling(s), 1.0);
    }
    assert_eq!(kinds(&doctor.after_probe(&collapsed(0.05)(1, &simclr()))), ["total-collapse"]);
}

const SETTLED: u64 = thresholds::SETTLED_STEPS;

#[test]
fn dimensional_collapse_is_named_on_each_side_of_the_projector() {
    let encoder = |epoch, c: &Context| Probe {
        encoder: geometry(0.6, c.encoder_dim, 2.4, 2.0),
        ..healthy_probe(epoch, c)
    };
    let alarms = run(simclr(), 10, falling, |_| 1.0, encoder);
    assert_eq!(kinds(&alarms), ["dimensional-collapse"]);
    assert!(
        alarms[0].seen.starts_with("encoder features: RankMe 2.4 and effective rank 2.0 of 128"),
        "{}",
        alarms[0].seen
    );
    let projector = |epoch, c: &Context| Probe {
        projector: geometry(0.9, c.projector_dim, 2.4, 2.0),
        ..healthy_probe(epoch, c)
    };
    let alarms = run(simclr(), 10, falling, |_| 1.0, projector);
    assert_eq!(kinds(&alarms), ["projector-dimensional-collapse"]);
    assert!(alarms[0].try_this.contains("--projector-dim 128"), "{:?}", alarms[0]);
    // One direction with nearly all of the variance, and a tail that RankMe still counts.
    let tail =
        |effective_rank: f64| but(move |_, p| p.projector = geometry(0.9, 64, 14.0, effective_rank)).len();
    assert_eq!((tail(1.2), tail(2.0)), (1, 0));
    // With labels that is a stage; few directions in all are not.
    let supcon = Context { method: "supcon".into(), ..simclr() };
    let labels = |rankme: f64| {
        let projector = move |epoch: usize, c: &Context| Probe {
            projector: geometry(0.9, 64, rankme, 1.4),
            ..healthy_probe(epoch, c)
        };
        kinds(&run(supcon.clone(), 10, falling, |_| 1.0, projector)).len()
    };
    assert_eq!((labels(8.8), labels(2.4)), (0, 1));
}

#[test]
fn features_worse_than_random_are_named_only_when_they_stay_so() {
    let stuck = |epoch, c: &Context| Probe { knn: Some(0.6), ..healthy_probe(epoch, c) };
    assert_eq!(kinds(&run(simclr(), 20, falling, |_| 1.0, stuck)), ["worse-than-random-init"]);
    let unlabelled = |epoch, c: &Context| Probe { knn: None, ..healthy_probe(epoch, c) };
    assert_eq!(kinds(&run(simclr(), 20, falling, |_| 1.0, unlabelled)), [""; 0]);
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

/// A healthy run but for what `change` does to its probes.
fn but(change: impl Fn(usize, &mut Probe)) -> Vec<Alarm> {
    let probe = |epoch: usize, c: &Context| {
        let mut probe = healthy_probe(epoch, c);
        change(epoch, &mut probe);
        probe
    };
    run(simclr(), 30, falling, |_| 1.0, probe)
}

#[test]
fn identical_views_are_named_at_the_first_probe() {
    let alarms = but(|_, p| p.encoder.alignment = 0.0);
    assert_eq!(kinds(&alarms), ["identical-views"]);
    assert_eq!(alarms[0].epoch, 1);
    // Where every embedding is the same, views agree for another reason.
    let collapsed = but(|_, p| {
        p.encoder = Geometry { alignment: 0.0, ..geometry(1e-4, 128, 1.0, f64::NAN) };
    });
    assert_eq!(kinds(&collapsed), ["total-collapse"]);
}

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

#[test]
fn a_safeguard_that_is_off_is_the_first_suspect() {
    let mut c = simclr();
    c.missing = vec![crate::diagnose::Missing::new("The stop-gradient is off.", "--set stop_gradient=true")];
    c.lr = 10.0;
    let collapsed = |epoch, c: &Context| Probe {
        projector: geometry(0.01, c.projector_dim, 20.0, 10.0),
        ..healthy_probe(epoch, c)
    };
    let alarms = run(c, 10, falling, |_| 1.0, collapsed);
    let total = alarms.iter().find(|a| a.kind == "total-collapse").unwrap();
    assert!(total.means.ends_with("The stop-gradient is off."), "{total:?}");
    assert_eq!(total.try_this, "--set stop_gradient=true.");
}
