//! Every collapse is named, no healthy twin is accused.

#![allow(clippy::unwrap_used)]

use super::course::course;
use super::{find, list};
use crate::presets::data::{open, DataKind};

/// The spoilt run alone; what is raised before it is named is shown where the test fails.
fn is_named(name: &str) {
    let entry = find(name).unwrap();
    let data = open(DataKind::Digits, "").unwrap();
    let course = course(entry.method, &entry.spoilt(), entry.kinds, 0, &data).unwrap();
    let raised: Vec<(&str, usize)> = course.alarms.iter().map(|a| (a.kind.as_str(), a.epoch)).collect();
    let last =
        course.history.last().map(|row| (row.epoch, row.loss, row.knn, &row.projector, &row.statistics));
    assert!(
        raised.iter().any(|(kind, _)| entry.kinds.contains(kind)),
        "{name}: {raised:?}, at the end {last:?}"
    );
    eprintln!("{name}: {raised:?}");
}

/// The healthy twin of an entry hears nothing.
fn is_silent(name: &str) {
    let entry = find(name).unwrap();
    let data = open(DataKind::Digits, "").unwrap();
    let course = course(entry.method, entry.shared, &[], 0, &data).unwrap();
    assert!(course.alarms.is_empty(), "{name}: {:#?}", course.alarms);
}

macro_rules! named {
    ($($test:ident $name:literal),* $(,)?) => {
        $(#[test] fn $test() { is_named($name); })*

        #[test]
        fn every_entry_has_a_test() {
            let tested = [$($name),*];
            assert_eq!(list().iter().map(|e| e.name).collect::<Vec<_>>(), tested);
            assert!(tested.len() >= 12);
        }
    };
}
named! {
    simsiam_no_stop_gradient "simsiam-no-stop-gradient",
    simsiam_no_predictor "simsiam-no-predictor",
    byol_no_predictor "byol-no-predictor",
    byol_momentum_0 "byol-momentum-0",
    byol_momentum_1 "byol-momentum-1",
    vicreg_no_variance "vicreg-no-variance",
    vicreg_no_covariance "vicreg-no-covariance",
    barlow_no_decorrelation "barlow-no-decorrelation",
    dino_no_centring "dino-no-centring",
    dino_no_sharpening "dino-no-sharpening",
    swav_epsilon_1 "swav-epsilon-1",
    simclr_temperature_1000 "simclr-temperature-1000",
    simclr_temperature_0_0001 "simclr-temperature-0.0001",
    simclr_no_negatives "simclr-no-negatives",
    simclr_identity_views "simclr-identity-views",
    simclr_projector_1 "simclr-projector-1",
    simclr_learning_rate_10 "simclr-learning-rate-10",
}

macro_rules! silent {
    ($($test:ident $name:literal),* $(,)?) => {
        $(#[test] fn $test() { is_silent($name); })*

        #[test]
        fn every_healthy_twin_has_a_test() {
            let of = |name: &str| find(name).map(|e| (e.method, e.shared())).unwrap();
            let mut tested = [$($name),*].map(of).to_vec();
            let mut twins: Vec<_> = list().iter().map(|e| (e.method, e.shared())).collect();
            (tested.sort(), twins.sort());
            twins.dedup();
            assert_eq!(tested, twins);
        }
    };
}
silent! {
    healthy_simsiam "simsiam-no-predictor",
    healthy_byol "byol-no-predictor",
    healthy_vicreg "vicreg-no-variance",
    healthy_barlow "barlow-no-decorrelation",
    healthy_dino "dino-no-centring",
    healthy_swav "swav-epsilon-1",
    healthy_simclr "simclr-no-negatives",
}

#[test]
fn what_twins_share_is_said_as_train_would_be_told() {
    assert_eq!(find("simsiam-no-predictor").unwrap().shared(), "--batch-size 64");
    assert_eq!(find("simclr-no-negatives").unwrap().shared(), "");
}

#[test]
fn an_unknown_name_says_what_there_is() {
    let message = find("simsiam-no-stop-gradien").unwrap_err().to_string();
    assert!(message.contains("did you mean 'simsiam-no-stop-gradient'?"), "{message}");
}
