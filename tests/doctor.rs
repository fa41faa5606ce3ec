//! doctor.

use std::fs;

use crate::program::{call, selfsame};

#[test]
fn every_check_has_a_name_a_status_and_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    let found = call(folder.path(), "doctor --json").json();
    assert_eq!(found["ok"], true);
    let checks = found["checks"].as_array().unwrap();
    let names: Vec<&str> = checks.iter().map(|c| c["name"].as_str().unwrap()).collect();
    for name in
        ["rustc", "cargo", "threads", "memory", "GPU", "runs folder", "cache folder", "free disk, runs"]
    {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    for check in checks {
        assert!(["ok", "warn", "fail"].contains(&check["status"].as_str().unwrap()), "{check}");
        assert!(!check["found"].as_str().unwrap().is_empty(), "{check}");
        assert_eq!(
            check["status"] == "ok",
            check["remedy"] == "",
            "a remedy where there is something to mend: {check}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_folder_that_cannot_be_made_fails() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let ended = call(folder.path(), "doctor --out file/runs");
    assert_eq!(ended.code, Some(1));
    let line = ended.stdout.lines().find(|line| line.contains("runs folder")).unwrap();
    assert!(line.starts_with("FAIL") && line.contains("file/runs"), "{line}");
}

#[test]
fn a_gpu_that_is_wanted_and_not_usable_fails() {
    let folder = tempfile::tempdir().unwrap();
    let ended = call(folder.path(), "doctor --device cuda --json");
    assert_eq!(ended.code, Some(1));
    let found: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let gpu = found["checks"].as_array().unwrap().iter().find(|c| c["name"] == "GPU").unwrap();
    assert_eq!((found["ok"].as_bool(), gpu["status"].as_str()), (Some(false), Some("fail")));
}

#[test]
fn a_device_that_is_named_is_tested() {
    let folder = tempfile::tempdir().unwrap();
    let found = call(folder.path(), "doctor --device cpu --json").json();
    let operations = found["operations"].as_array().unwrap();
    assert!(operations.len() > 40, "{}", operations.len());
    for operation in operations {
        assert_eq!(operation["ok"], true, "{operation}");
        assert!(operation["value"].as_f64().unwrap() < 5e-5, "{operation}");
        assert!(!operation["gradients"].as_array().unwrap().is_empty(), "{operation}");
    }
    let text = call(folder.path(), "doctor --device cpu");
    let line =
        |word: &str| text.succeeds().lines().find(|l| l.contains(word)).unwrap_or_default().to_string();
    assert!(line("operations").starts_with("ok"), "{}", text.stdout);
    for word in ["LayerNorm", "Attention", "Conv", "MaxPool", "Embedding", "ScatterTokens"] {
        assert!(line(word).contains("ok"), "{word}: {}", text.stdout);
    }
    // Without a device only the machine is looked at.
    assert!(call(folder.path(), "doctor --json").json().get("operations").is_none());
}

#[test]
fn a_device_this_build_has_not_comes_with_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let ended = call(folder.path(), "doctor --device cuda");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("--features cuda"), "{}", ended.stdout);
}

#[test]
fn a_missing_toolchain_is_a_warning_with_the_place_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = selfsame(folder.path()).arg("doctor").env("PATH", folder.path()).output().unwrap();
    let ended = crate::program::ended(out);
    assert!(ended.succeeds().contains("warn  rustc"), "{}", ended.stdout);
    assert!(ended.stdout.contains("https://rustup.rs"), "{}", ended.stdout);
}
