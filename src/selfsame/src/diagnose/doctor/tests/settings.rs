//! What is said of settings alone, and first of settings.

use super::scaffold::{falling, geometry, healthy_probe, kinds, noise, run, simclr};
use crate::diagnose::{Context, Doctor, Geometry, Missing, Probe};

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
fn a_safeguard_that_is_off_is_the_first_suspect() {
    let mut c = simclr();
    c.missing = vec![Missing::new("The stop-gradient is off.", "--set stop_gradient=true")];
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
