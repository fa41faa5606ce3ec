//! The same seed gives the same run, on any number of threads.

use crate::program::call;
use crate::runs::{self, timeless, TRAIN};

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
    let [one, other] = [8, 9].map(|seed| {
        let line = format!("train simclr digits --encoder mlp --epochs 1 --seed {seed} --json");
        call(folder.path(), &line).json()["loss"][0].clone()
    });
    assert_ne!(one, other);
}
