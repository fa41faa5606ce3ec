//! The same seed gives the same run, on any number of threads.

use serde_json::Value;

use crate::program::call;
use crate::runs::{self, TRAIN};

/// The report without what may differ between two runs of the same thing.
fn timeless(mut report: Value) -> Value {
    for key in ["run", "images_per_second", "peak_memory_bytes", "seconds"] {
        assert!(report.as_object_mut().unwrap().remove(key).is_some(), "no {key}");
    }
    report
}

#[test]
fn threads_change_nothing() {
    let whole = runs::finished();
    let folder = tempfile::tempdir().unwrap();
    for threads in ["1", "2"] {
        let again = call(folder.path(), &format!("{TRAIN} --threads {threads} --json --name on-{threads}"));
        assert_eq!(timeless(again.json()), timeless(whole.ended.json()), "{threads} threads");
        let metrics = runs::metrics(&folder.path().join(format!("runs/on-{threads}")));
        assert_eq!(metrics, runs::metrics(&whole.folder), "{threads} threads");
    }
}

#[test]
fn another_seed_is_another_run() {
    let folder = tempfile::tempdir().unwrap();
    let other = call(folder.path(), "train simclr digits --epochs 1 --seed 8 --json");
    let first = &runs::finished().ended.json()["loss"][0];
    assert_ne!(&other.json()["loss"][0], first);
}
