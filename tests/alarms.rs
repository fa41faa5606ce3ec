//! Settings that spoil a run are noticed, with a cause and a remedy.

use crate::program::call;

/// Trains with `flags` and wants alarms that say what was seen, what it means and what to change; the kinds raised.
/// A run that leaves the numbers behind may also stop at once, if it says as much.
#[track_caller]
fn alarms(flags: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let ended = call(folder.path(), &format!("train simclr digits --epochs 4 --seed 7 --json {flags}"));
    if ended.code == Some(1) {
        ended.fails(1, &["training stopped at epoch", "Try:"]);
        return vec!["stopped".to_string()];
    }
    let report = ended.json();
    let alarms = report["alarms"].as_array().unwrap();
    assert!(!alarms.is_empty(), "silence with {flags}:\n{}", ended.stderr);
    for alarm in alarms {
        for key in ["kind", "seen", "means", "try"] {
            assert!(alarm[key].as_str().is_some_and(|text| !text.is_empty()), "no {key} in {alarm}");
        }
        assert!((1..=4).contains(&alarm["epoch"].as_u64().unwrap()), "{alarm}");
        assert!(
            ended.stderr.contains(alarm["means"].as_str().unwrap()),
            "not said while it went on: {alarm}"
        );
    }
    alarms.iter().map(|alarm| alarm["kind"].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_temperature_far_too_high() {
    let kinds = alarms("--temperature 1000 --encoder mlp");
    assert!(kinds.iter().any(|kind| kind == "temperature-too-high"), "{kinds:?}");
}

/// The convolutional network's silence is checked with the run that most tests look at.
#[test]
fn usual_settings_raise_none() {
    let folder = tempfile::tempdir().unwrap();
    for line in ["--encoder mlp --epochs 12 --seed 8", "--encoder vit --epochs 2 --seed 9"] {
        let ended = call(folder.path(), &format!("train simclr digits --json {line}"));
        assert_eq!(ended.json()["alarms"], serde_json::json!([]), "{line}");
        assert!(!ended.stderr.contains("alarm"), "{}", ended.stderr);
    }
}

#[test]
fn a_temperature_far_too_low() {
    alarms("--temperature 1e-4 --encoder mlp");
}

#[test]
fn a_learning_rate_far_too_high() {
    alarms("--lr 10");
}

#[test]
fn a_projector_of_width_one() {
    let kinds = alarms("--projector-dim 1 --encoder mlp");
    assert!(kinds.iter().any(|kind| kind.contains("projector") || kind.contains("collapse")), "{kinds:?}");
}
