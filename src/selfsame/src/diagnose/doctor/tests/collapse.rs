//! Embeddings that no longer differ, and views that do not.

use super::scaffold::{but, falling, geometry, healthy_probe, kinds, run, simclr};
use crate::diagnose::{thresholds, Context, Doctor, Geometry, Probe};

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
fn a_projector_that_begins_in_one_point_has_time_to_leave_it() {
    // SupCon on shapes: 0.0059 untrained, where 0.0125 counts as collapsed; the loss lingers on its plateau, then all spreads.
    let stds = [0.0131, 0.0107, 0.0097, 0.0107, 0.0107, 0.0107, 0.0192, 0.0277];
    let epoch_of = |start: Option<f64>, std: &dyn Fn(usize) -> f64, epochs: usize| {
        let probe = |epoch: usize, c: &Context| Probe {
            projector: geometry(std(epoch) * (c.projector_dim as f64).sqrt(), c.projector_dim, 20.0, 10.0),
            random_init_projector_std: start,
            ..healthy_probe(epoch, c)
        };
        let alarms = run(simclr(), epochs, falling, |_| 1.0, probe);
        assert!(kinds(&alarms).iter().all(|kind| *kind == "total-collapse"), "{alarms:?}");
        alarms.first().map(|alarm| alarm.epoch)
    };
    let lingering = |epoch: usize| stds[epoch.min(stds.len()) - 1];
    assert_eq!(epoch_of(Some(0.0059), &lingering, 30), None);
    // It is what the untrained projector says that excuses it.
    assert_eq!(epoch_of(None, &lingering, 30), Some(5));
    assert_eq!(epoch_of(Some(0.0374), &lingering, 30), Some(5));
    // Without negatives it opens, too, and loses it again.
    let lost = |epoch: usize| if epoch < 4 { 0.03 } else { 0.0107 };
    assert_eq!(epoch_of(Some(0.0059), &lost, 30), Some(5));
    // Nor does it have for ever: 300 steps are 50 epochs.
    assert_eq!(epoch_of(Some(0.0059), &|_| 0.0107, 60), Some(50));
}

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
    let supcon = Context { sees_labels: true, ..simclr() };
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
