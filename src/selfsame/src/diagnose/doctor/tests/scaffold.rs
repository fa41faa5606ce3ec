//! A healthy run, and one that is healthy but for what is changed.

use crate::diagnose::{Alarm, Context, Doctor, Geometry, Plateau, Probe, Statistics};

pub(super) fn simclr() -> Context {
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
        sees_labels: false,
        missing: Vec::new(),
    }
}

/// A number in -1..1 that looks like noise and is the same every time.
pub(super) fn noise(i: u64) -> f64 {
    (i as f64 * 12.9898).sin()
}

pub(super) fn geometry(std_share: f64, d: usize, rankme: f64, effective_rank: f64) -> Geometry {
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

pub(super) fn healthy_probe(epoch: usize, c: &Context) -> Probe {
    Probe {
        epoch,
        loss: 5.0,
        encoder: geometry(0.6, c.encoder_dim, 14.0, 7.0),
        projector: geometry(0.9, c.projector_dim, 30.0, 20.0),
        knn: Some(0.93),
        random_init_knn: Some(0.95),
        random_init_projector_std: Some(0.02),
        asked: 500,
        train_eval_cosine: Some(0.98),
        statistics: Statistics::default(),
    }
}

/// A run of `epochs` of 6 steps; losses and gradients from functions of the step.
pub(super) fn run(
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
pub(super) fn falling(step: u64) -> f64 {
    let s = step as f64;
    6.22 - 1.8 * (1.0 - (-(s - 12.0).max(0.0) / 60.0).exp()) + 0.02 * noise(step)
}

pub(super) fn kinds(alarms: &[Alarm]) -> Vec<&str> {
    for alarm in alarms {
        assert!(
            !alarm.seen.is_empty() && alarm.means.ends_with('.') && alarm.try_this.ends_with('.'),
            "{alarm:?}"
        );
    }
    alarms.iter().map(|a| a.kind.as_str()).collect()
}

/// A healthy run but for what `change` does to its probes.
pub(super) fn but(change: impl Fn(usize, &mut Probe)) -> Vec<Alarm> {
    let probe = |epoch: usize, c: &Context| {
        let mut probe = healthy_probe(epoch, c);
        change(epoch, &mut probe);
        probe
    };
    run(simclr(), 30, falling, |_| 1.0, probe)
}
