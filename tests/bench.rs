//! bench. That a number is fast enough is not tested here: no test asserts a time.

use std::fs;

use crate::program::call;

#[test]
fn a_workload_is_timed_and_set_beside_the_peak() {
    let folder = tempfile::tempdir().unwrap();
    let found = call(folder.path(), "bench vicreg-mlp --steps 2 --threads 2 --profile --json").json();
    assert_eq!((found["workload"].as_str(), found["unit"].as_str()), (Some("vicreg-mlp"), Some("images/s")));
    assert_eq!((found["steps"].as_u64(), found["threads"].as_u64()), (Some(2), Some(2)));
    let number = |key: &str| found[key].as_f64().unwrap_or_else(|| panic!("no {key} in {found}"));
    assert!(number("best") >= number("median") && number("median") > 0.0);
    assert!((number("step_ms") * number("median") / 1e3 - 512.0).abs() < 1e-6);
    // Two views through 64-512-512-512-512, three times each product but the first, and the loss's 512 x 512 x 512.
    let view = 2.0 * 2.0 * (512 * 64 * 512) as f64 + 4.0 * 3.0 * 2.0 * 512f64.powi(3);
    assert_eq!(number("flop_per_step"), 2.0 * view);
    let share = number("share_of_peak");
    assert!(
        share > 0.0
            && (share - number("flop_per_second") / number("sgemm_peak_flop_per_second")).abs() < 1e-9
    );
    let ops = found["ops"].as_array().unwrap();
    assert!(ops
        .iter()
        .any(|op| op["name"] == "linear" && op["calls"] == 8.0 && op["backward_ms"].as_f64() > Some(0.0)));
    assert!((ops.iter().map(|op| op["share"].as_f64().unwrap()).sum::<f64>() - 1.0).abs() < 0.02, "{ops:?}");
}

#[test]
fn every_number_is_shown_with_its_unit() {
    let folder = tempfile::tempdir().unwrap();
    let shown = call(folder.path(), "bench augment --steps 1 --threads 1");
    for words in ["views/s, best", " ms", "GFLOP/s", "1 thread, 1 step", "memory"] {
        assert!(shown.succeeds().contains(words), "no '{words}' in\n{}", shown.stdout);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn an_exported_step_is_a_file_that_names_its_tensors() {
    let folder = tempfile::tempdir().unwrap();
    call(folder.path(), "bench gpt-char --export step.safetensors").succeeds();
    let bytes = fs::read(folder.path().join("step.safetensors")).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    assert_eq!(header["gradient.network.tokens"]["shape"], serde_json::json!([65, 128]));
    assert_eq!(header["input.text"]["shape"], serde_json::json!([4, 129]));
    assert_eq!(header["loss"]["dtype"], "F32");
}

#[test]
fn what_cannot_be_timed_or_exported_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    call(folder.path(), "bench simclr-vlt").fails(2, &["did you mean 'simclr-vit'?", "e2e-simclr", "probe"]);
    call(folder.path(), "bench augment --steps 0").fails(2, &["steps is 0"]);
    call(folder.path(), "bench knn --export step.safetensors").fails(2, &["workload is knn", "simclr-vit"]);
    call(folder.path(), "bench vicreg-mlp --export none/step").fails(1, &["none/step"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}
