//! The program `golden`: the library against the shared goldens, and what it does with files that are none.

use std::path::{Path, PathBuf};

use assert_cmd::Command;

use crate::skip::skip;

/// What it ends with, and what it prints.
fn golden(args: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_golden")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

/// The folder of goldens, beside the checkout or in `SELFSAME_GOLDEN`; `None`, said on stderr, where there is none.
fn shared(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SELFSAME_GOLDEN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden"), PathBuf::from);
    let path = folder.join(file);
    if !path.exists() {
        skip(format_args!("{} is not there; SELFSAME_GOLDEN may name its folder", path.display()));
        return None;
    }
    Some(path)
}

/// Compared, skipped and failed, from the last line.
fn counts(stdout: &str) -> [usize; 3] {
    let last = stdout.lines().last().unwrap();
    let numbers: Vec<usize> =
        last.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    assert_eq!(last, format!("{} compared, {} skipped, {} failed", numbers[0], numbers[1], numbers[2]));
    [numbers[0], numbers[1], numbers[2]]
}

#[test]
fn the_losses_are_those_of_the_shared_file_in_both_number_types() {
    let Some(path) = shared("losses.json") else { return };
    for flags in [&[][..], &["--f32"]] {
        let (code, out, _) = golden(&[&[path.to_str().unwrap()], flags].concat());
        let [compared, skipped, failed] = counts(&out);
        assert!(code == 0 && failed == 0, "{out}");
        assert_eq!((compared, compared + skipped), (100, 117));
    }
}

/// A file with one entry: the negative cosine of (3, 4) and (1, 0), 0.6 less than nothing, with its gradient.
fn entry(value: f64) -> String {
    format!(
        r#"{{"format": "selfsame-golden/1", "kind": "losses", "entries": [{{
            "name": "negative_cosine/by_hand", "family": "negative_cosine", "params": {{}},
            "inputs": {{"p0": {{"shape": [1, 2], "dtype": "f64", "data": [3.0, 4.0]}},
                        "z1": {{"shape": [1, 2], "dtype": "f64", "data": [1.0, 0.0]}}}},
            "value": {value},
            "grads": {{"p0": {{"shape": [1, 2], "dtype": "f64", "data": [-0.128, 0.096]}},
                       "z1": {{"shape": [1, 2], "dtype": "f64", "data": [0.0, 0.0]}}}},
            "tol_f32": {{"value": 1e-6, "grads": {{"p0": 1e-6, "z1": 1e-6}}}}}}]}}"#
    )
}

#[test]
fn a_number_that_is_off_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.json");
    let path = path.to_str().unwrap();
    for flags in [&[][..], &["--f32"]] {
        std::fs::write(path, entry(-0.6)).unwrap();
        let (code, out, _) = golden(&[&[path], flags].concat());
        assert_eq!((code, counts(&out)), (0, [1, 0, 0]), "{out}");
        std::fs::write(path, entry(-0.60001)).unwrap();
        let (code, out, _) = golden(&[&[path], flags].concat());
        assert_eq!((code, counts(&out)), (1, [1, 0, 1]), "{out}");
        assert!(out.contains("FAIL  negative_cosine/by_hand") && out.contains("value: "), "{out}");
    }
    std::fs::write(path, entry(-0.6).replace("0.096", "0.097")).unwrap();
    let (code, out, _) = golden(&[path]);
    assert!(code == 1 && out.contains("d/d p0: "), "{out}");
    std::fs::write(
        path,
        entry(-0.6).replace(
            r#""z1": {"shape": [1, 2], "dtype": "f64", "data": [1.0, 0.0]}"#,
            r#""y": {"shape": [], "dtype": "f64", "data": [1.0]}"#,
        ),
    )
    .unwrap();
    let (code, out, _) = golden(&[path]);
    assert!(code == 1 && out.contains("no input 'z1'"), "{out}");
}

#[test]
fn what_is_no_file_of_goldens_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.json");
    let path = path.to_str().unwrap();
    let good = entry(-0.6);
    for (text, message) in [
        (good[..good.len() / 2].to_string(), "is not a file of goldens"),
        (String::new(), "is not a file of goldens"),
        (good.replace("golden/1", "golden/2"), "has format 'selfsame-golden/2'"),
        (good.replace(r#""kind": "losses""#, r#""kind": "poems""#), "has kind 'poems'"),
        (
            good.replace("[1, 2]", "[1, 3]"),
            "entry 'negative_cosine/by_hand': input 'p0': 2 numbers do not make",
        ),
        (good.replace("f64", "f16"), "dtype 'f16'"),
    ] {
        std::fs::write(path, text).unwrap();
        let (code, out, err) = golden(&[path]);
        assert!(code == 2 && out.is_empty() && err.contains(message) && err.contains("bad.json"), "{err}");
    }
    assert_eq!(golden(&["nowhere.json"]).0, 2);
    std::fs::write(path, good).unwrap();
    assert!(golden(&[path, "simclr"]).2.contains("no entry's name begins with 'simclr'"));
    for args in [&[][..], &["--f64", path], &[path, "a", "b"]] {
        let (code, _, err) = golden(args);
        assert!(code == 2 && err.starts_with("usage: golden FILE"), "{err}");
    }
}
