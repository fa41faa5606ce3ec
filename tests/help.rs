//! --help, --version, methods.

use std::path::Path;

use selfsame::presets::{DATA, ENCODERS, METHODS};

use crate::program::call;

/// The commands that take something.
const COMMANDS: [&str; 13] = [
    "train",
    "eval",
    "compare",
    "runs",
    "plot",
    "diagnose",
    "embed",
    "neighbors",
    "views",
    "data",
    "doctor",
    "bench",
    "encoders",
];

#[test]
fn the_help_has_every_command_examples_and_the_exit_codes() {
    let help = call(Path::new("."), "--help");
    for word in COMMANDS.iter().chain(&["methods", "Examples:", "130 interrupted"]) {
        assert!(help.succeeds().contains(word), "{word}");
    }
}

#[test]
fn every_command_has_help_with_examples() {
    for command in COMMANDS {
        let help = call(Path::new("."), &format!("{command} --help"));
        assert!(help.succeeds().contains("Examples:\n  selfsame"), "{command}:\n{}", help.stdout);
        assert_eq!(help.stderr, "");
    }
}

#[test]
fn the_help_of_train_has_every_setting_of_the_configuration() {
    let help = call(Path::new("."), "train --help");
    let spec = serde_json::to_value(selfsame::presets::TrainSpec::default()).unwrap();
    for key in spec.as_object().unwrap().keys() {
        let flag = match key.as_str() {
            "method" | "data" => format!("[{}]", key.to_uppercase()),
            "settings" => "--set <".to_string(),
            // What the processor was, which nobody sets.
            "simd" => continue,
            key => format!("--{} <", key.replace('_', "-")),
        };
        assert!(help.succeeds().contains(&flag), "no {flag} in\n{}", help.stdout);
    }
}

#[test]
fn the_version_is_the_package_s() {
    assert_eq!(
        call(Path::new("."), "--version").succeeds(),
        concat!("selfsame ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn without_a_command_and_a_terminal_a_script_is_read() {
    // There is nothing on standard input here.
    assert_eq!(call(Path::new("."), "").succeeds(), "");
    call(Path::new("."), "trian").fails(2, &["train"]);
}

#[test]
fn methods_lists_what_the_library_has() {
    let listing = call(Path::new("."), "methods");
    for name in METHODS.iter().chain(ENCODERS).chain(DATA) {
        assert!(listing.succeeds().contains(name), "{name}");
    }
}
