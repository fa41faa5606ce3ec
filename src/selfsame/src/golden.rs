//! Reading goldens: numbers from independent implementations, kept beside the repository.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A file of goldens, or `None` (said on stderr) where there is none: beside this checkout, or in `SELFSAME_GOLDEN`.
pub(crate) fn goldens(file: &str) -> Option<Value> {
    let folder = std::env::var_os("SELFSAME_GOLDEN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden"), PathBuf::from);
    let path = folder.join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(e) => {
            skip(format_args!("{}: {e}; SELFSAME_GOLDEN may name another folder", path.display()));
            None
        }
    }
}

/// Says that the test which calls it was skipped, and why. It goes to the process's standard error itself: what `eprintln!`
/// prints in a test that passes is never shown. The lines are counted where all tests are run.
pub(crate) fn skip(why: impl Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Where nobody listens nothing is lost.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// The entries of a file.
pub(crate) fn entries(file: &Value) -> &[Value] {
    file["entries"].as_array().unwrap()
}

/// The entry of that name.
pub(crate) fn entry<'v>(file: &'v Value, name: &str) -> &'v Value {
    entries(file).iter().find(|e| e["name"] == name).unwrap()
}

/// An array's values, row-major.
pub(crate) fn numbers(array: &Value) -> Vec<f64> {
    array["data"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// An array's sizes.
pub(crate) fn sizes(array: &Value) -> Vec<usize> {
    array["shape"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

/// `|a - b| <= 1e-9 + 1e-9 max|b|`, the goldens' tolerance for f64.
pub(crate) fn assert_close(name: &str, found: &[f64], expected: &[f64]) {
    let largest = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    assert_within(name, found, expected, 1e-9 + 1e-9 * largest);
}

/// `|a - b| <= tolerance`.
pub(crate) fn assert_within(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (at, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance, "{name}, at {at}: {a} is not {b} to {tolerance:e}");
    }
}
