//! Objectives with teachers and clusters learn more than nothing on the digits.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{train, TrainSpec};
use crate::train::{Outcome, Scores};

/// Mean accuracy of a linear probe on 1 % of the labels: the encoder's, and that of the same encoder without
/// training.
fn one_percent(method: &str, epochs: usize) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let spec = TrainSpec {
        method: method.into(),
        data: "digits".into(),
        epochs: Some(epochs),
        seed: Some(7),
        out: Some(folder.path().to_path_buf()),
        ..Default::default()
    };
    let Outcome::Done { report, .. } = train(&spec, &mut ()).unwrap() else {
        panic!("{method} was interrupted")
    };
    let score = |scores: &Scores| scores.linear.by_labels["1%"];
    let (ours, random) = (score(&report.scores), score(&report.baselines.random_init));
    eprintln!(
        "{method}, {epochs} epochs: 1 % {ours:.3} (random init {random:.3}), kNN {:.3} (random init {:.3}), loss {:?}, {:.0} s, alarms {}",
        report.scores.knn.k20,
        report.baselines.random_init.knn.k20,
        report.loss,
        report.seconds,
        report.alarms.len(),
    );
    (ours, random)
}

#[test]
fn each_beats_an_untrained_encoder_on_one_percent_of_the_labels() {
    for (method, epochs) in
        [("dino", 20), ("swav", 20), ("deepcluster", 20), ("deepcluster-v2", 20), ("ibot", 30)]
    {
        let (ours, random) = one_percent(method, epochs);
        assert!(ours > random + 0.02, "{method}: {ours} with, {random} without training");
    }
}
