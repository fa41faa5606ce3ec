//! Building and calling the program.

use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::OnceLock;
use std::time::Duration;

use assert_cmd::Command;

/// The program, brought up to date first. Cargo builds a package's program for its own integration tests only, and an
/// old one would test yesterday's code, so we ask it to; that costs a moment when nothing has changed.
pub fn path() -> &'static Path {
    static PATH: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PATH.get_or_init(build) {
        Ok(path) => path,
        Err(why) => panic!("{why}"),
    }
}

fn build() -> Result<PathBuf, String> {
    let mut cargo = Process::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // By the program's name and not its package's: cargo would choose other features for that one alone, and compile most
    // of what it stands on a second time.
    cargo.args(["build", "--quiet", "--bin", "selfsame", "--message-format", "json-render-diagnostics"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    // What cargo tells this test of its own package; dependencies that listen to it would be compiled anew.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "OUT_DIR"]
            .iter()
            .any(|own| name.starts_with(own))
        {
            cargo.env_remove(&*name);
        }
    }
    let out = cargo.output().map_err(|e| format!("cargo does not run: {e}"))?;
    if !out.status.success() {
        return Err(format!("cargo could not build the program:\n{}", String::from_utf8_lossy(&out.stderr)));
    }
    String::from_utf8_lossy(&out.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "selfsame")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or("cargo does not name the program it built".to_string())
}

/// A call of the program in `folder`, without colour and without the surroundings' settings.
pub fn selfsame(folder: &Path) -> Command {
    let mut command = Command::new(path());
    command
        .current_dir(folder)
        .env_remove("RAYON_NUM_THREADS")
        .env("NO_COLOR", "1")
        .timeout(Duration::from_secs(600));
    command
}

/// What a call came to, as text.
#[derive(Debug, Clone)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Calls the program with the words of `line` and waits.
pub fn call(folder: &Path, line: &str) -> Ended {
    ended(selfsame(folder).args(line.split_whitespace()).output().unwrap())
}

/// The text of an output; no call may ever end in a panic.
pub fn ended(out: std::process::Output) -> Ended {
    let ended = Ended {
        code: out.status.code(),
        stdout: String::from_utf8(out.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(out.stderr).expect("stderr is UTF-8"),
    };
    assert!(!ended.stderr.contains("panicked"), "a panic:\n{}", ended.stderr);
    ended
}

impl Ended {
    /// Checks the code and that stderr holds all of `parts`, whatever their case; a failure shows both streams.
    #[track_caller]
    pub fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        let said = self.stderr.to_lowercase();
        for part in parts {
            assert!(said.contains(&part.to_lowercase()), "no '{part}' in stderr:\n{}", self.stderr);
        }
        assert_eq!(self.stdout, "", "a failure prints nothing on stdout");
    }

    /// Checks that the call succeeded, and hands back stdout.
    #[track_caller]
    pub fn succeeds(&self) -> &str {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        &self.stdout
    }

    /// Stdout as the one JSON object it must be.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let value = self.one_value();
        assert!(value.is_object(), "not an object: {value}");
        value
    }

    /// Stdout as the one JSON list of objects it must be.
    #[track_caller]
    pub fn json_list(&self) -> Vec<serde_json::Value> {
        match self.one_value() {
            serde_json::Value::Array(list) => {
                assert!(list.iter().all(serde_json::Value::is_object), "not objects: {list:?}");
                list
            }
            other => panic!("not a list: {other}"),
        }
    }

    #[track_caller]
    fn one_value(&self) -> serde_json::Value {
        serde_json::from_str(self.succeeds()).expect("stdout is one JSON value")
    }
}
