//! --config.

use std::fs;

use crate::program::call;
use crate::runs;

#[test]
fn what_is_wrong_in_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let cases: &[(&str, &[&str])] = &[
        (r#"{"epohcs": 2}"#, &["unknown key", "'epohcs'", "did you mean 'epochs'"]),
        (r#"{"epochs": "two"}"#, &["epochs is \"two\"", "a whole number", "c.json"]),
        (r#"{"epochs": 2.5}"#, &["epochs is 2.5", "a whole number"]),
        (r#"{"lr": "fast"}"#, &["lr is \"fast\"", "a number"]),
        (r#"{"lr": NaN}"#, &["--config is c.json", "line 1"]),
        ("{\"epochs\": 2,\n \"seed\": }", &["--config is c.json", "line 2"]),
        (r#"["epochs", 2]"#, &["--config is c.json", "one JSON object"]),
        ("", &["--config is c.json", "one JSON object"]),
        (r#"{"temperature": 0}"#, &["temperature is 0"]),
        (r#"{"encoder": "convet"}"#, &["did you mean 'convnet'"]),
    ];
    for (text, parts) in cases {
        eprintln!("{text}");
        fs::write(folder.path().join("c.json"), text).unwrap();
        call(folder.path(), "train simclr digits --config c.json").fails(2, parts);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the file we wrote");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    call(folder.path(), "train simclr digits --config nowhere.json").fails(1, &["cannot read nowhere.json"]);
}

#[test]
fn the_configuration_of_a_run_gives_the_run_again_and_flags_win_over_it() {
    let whole = &runs::finished().folder;
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "train --config {} --out again --name shorter --epochs 1",
        whole.join("config.json").display()
    );
    let report = crate::program::call(folder.path(), &format!("{line} --json")).json();
    assert_eq!(report["epochs"], 1);
    assert_eq!(report["seed"], 7);
    let kept: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("again/shorter/config.json")).unwrap())
            .unwrap();
    let original: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(whole.join("config.json")).unwrap()).unwrap();
    for (key, value) in original.as_object().unwrap() {
        if !["epochs", "out", "name"].contains(&key.as_str()) {
            assert_eq!(&kept[key], value, "{key}");
        }
    }
}
