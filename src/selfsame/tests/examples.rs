//! The examples do what they say: each is run, and asserts of itself what it shows.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs of ours that take minutes, or arguments; the rest are for readers.
const TOOLS: [&str; 2] = ["collapse", "diagnostics"];
/// What a reader looks through without scrolling much.
const LINES: usize = 100;

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| !TOOLS.contains(&path.file_stem().unwrap().to_str().unwrap()));
    found.sort();
    found
}

#[test]
fn every_example_is_short_and_asserts_something() {
    let found = examples();
    assert!(found.len() >= 7, "{found:?}");
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        assert!(lines < LINES, "{} has {lines} lines", path.display());
        assert!(text.contains("assert!"), "{} asserts nothing", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            text.contains(&format!("--example {name}`")),
            "{} does not say how it is run",
            path.display()
        );
    }
}

#[test]
fn every_example_runs() {
    // Cargo builds them before the tests of the package, beside this program's folder.
    let built = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples");
    let folder = tempfile::tempdir().unwrap();
    for path in examples() {
        let name = path.file_stem().unwrap();
        let program = built.join(name).with_extension(std::env::consts::EXE_EXTENSION);
        assert!(
            program.is_file(),
            "no {}: run all tests of the package, `cargo test -p selfsame`",
            program.display()
        );
        let ran =
            Command::new(&program).current_dir(folder.path()).env("TMPDIR", folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{}: {said}", program.display());
        assert!(!ran.stdout.is_empty(), "{} prints nothing", program.display());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "an example left something behind");
}
