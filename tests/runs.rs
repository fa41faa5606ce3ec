//! Runs that several tests look at, each trained once and never changed afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use crate::program::{self, Ended};

/// Epochs of the runs here: enough to be stopped in the middle, few enough to stay quick.
pub const EPOCHS: usize = 6;
/// The command of [`finished`], without its output folder and name.
pub const TRAIN: &str = "train simclr digits --epochs 6 --seed 7";

/// A run that went through undisturbed, and what `--json` printed.
pub struct Finished {
    pub folder: PathBuf,
    pub ended: Ended,
}

/// The undisturbed run.
pub fn finished() -> &'static Finished {
    static RUN: OnceLock<Finished> = OnceLock::new();
    RUN.get_or_init(|| {
        let out = fresh("finished");
        let ended = program::call(&out, &format!("{TRAIN} --json --out runs --name whole"));
        ended.succeeds();
        Finished { folder: out.join("runs/whole"), ended }
    })
}

/// A run that was stopped by SIGINT in the middle; its folder.
#[cfg(unix)]
pub fn interrupted() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| {
        let out = fresh("interrupted");
        let mut run = start(&out, &format!("{TRAIN} --out runs --name stopped"));
        let folder = out.join("runs/stopped");
        wait_for_epochs(&mut run, &folder, 2);
        signal(&run, "INT");
        let ended = program::ended(run.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(130), "{}", ended.stderr);
        folder
    })
}

/// An empty folder in Cargo's folder for tests' files, where it can be looked at after a failure.
fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Starts the program with the words of `line` and does not wait.
pub fn start(folder: &Path, line: &str) -> Child {
    Command::new(program::path())
        .args(line.split_whitespace())
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the run in `folder` has written the metrics of `epochs` epochs.
pub fn wait_for_epochs(run: &mut Child, folder: &Path, epochs: usize) {
    let start = Instant::now();
    while epochs_done(folder) < epochs {
        assert!(start.elapsed() < Duration::from_secs(300), "no epoch {epochs} after five minutes");
        if let Some(status) = run.try_wait().unwrap() {
            panic!("the run ended before epoch {epochs}: {status}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Epochs whose metrics are written. The line being written is not counted, nor is epoch 0, the encoder untrained.
pub fn epochs_done(folder: &Path) -> usize {
    let metrics = metrics(folder);
    let whole = metrics.rfind('\n').map_or("", |end| &metrics[..end]);
    whole.lines().last().map_or(0, |line| {
        let row: serde_json::Value = serde_json::from_str(line).expect("a whole line is whole JSON");
        row["epoch"].as_u64().expect("a line has its epoch") as usize
    })
}

/// `metrics.jsonl` of a run; empty while there is none.
pub fn metrics(folder: &Path) -> String {
    fs::read_to_string(folder.join("metrics.jsonl")).unwrap_or_default()
}

/// A report without what may differ between two runs of the same thing.
pub fn timeless(mut report: serde_json::Value) -> serde_json::Value {
    for key in ["run", "images_per_second", "peak_memory_bytes", "seconds"] {
        assert!(report.as_object_mut().unwrap().remove(key).is_some(), "no {key}");
    }
    report
}

/// Sends a signal.
#[cfg(unix)]
pub fn signal(run: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), run.id().to_string()]).status().unwrap();
    assert!(sent.success(), "kill -{name}");
}

/// Copies a run folder, to be damaged.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
