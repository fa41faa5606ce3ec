//! SIGINT, SIGKILL, damaged checkpoints, changed settings: a run is never lost.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::program::{self, call};
use crate::runs::{self, EPOCHS, TRAIN};

/// A copy of the interrupted run, in a folder that is removed with the first value.
fn interrupted_copy() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    runs::copy(runs::interrupted(), &run);
    (folder, run)
}

#[test]
fn a_run_that_was_killed_again_and_again_gives_the_same_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("runs/killed");
    // Before its first checkpoint: nothing is done yet, and the same command goes on.
    let mut process = runs::start(folder.path(), &format!("{TRAIN} --name killed"));
    let begun = Instant::now();
    while !run.join("config.json").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no run folder after a minute");
        thread::sleep(Duration::from_millis(1));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let line = "train --resume runs/killed";
    // At the end of an epoch, and somewhere inside the next ones.
    for (epochs, later) in [(1, 0), (2, 40), (4, 90)] {
        let mut process = runs::start(folder.path(), line);
        runs::wait_for_epochs(&mut process, &run, epochs);
        thread::sleep(Duration::from_millis(later));
        process.kill().unwrap();
        let status = process.wait().unwrap();
        assert!(status.code().is_none(), "it was over before it was killed: {status}");
    }
    assert!(!run.join("report.json").exists());
    let ended = call(folder.path(), &format!("{line} --json"));
    assert_eq!(runs::metrics(&run), runs::metrics(&runs::finished().folder));
    assert_eq!(runs::timeless(ended.json()), runs::timeless(runs::finished().ended.json()));
}

#[test]
fn a_run_that_is_going_on_is_not_resumed_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = runs::start(folder.path(), "train simclr digits --epochs 60 --name busy");
    let run = folder.path().join("runs/busy");
    runs::wait_for_epochs(&mut process, &run, 1);
    let who = format!("process {} is training in it", process.id());
    call(folder.path(), "train --resume runs/busy").fails(1, &["runs/busy", &who]);
    assert!(process.try_wait().unwrap().is_none(), "the first goes on");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn ctrl_c_saves_and_prints_the_command_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = runs::start(folder.path(), &format!("{TRAIN} --out mine --name stopped"));
    let run = folder.path().join("mine/stopped");
    runs::wait_for_epochs(&mut process, &run, 2);
    runs::signal(&process, "INT");
    let ended = program::ended(process.wait_with_output().unwrap());
    ended.fails(130, &["finishing this step, then saving", "again to stop at once", "train --resume"]);
    assert!(runs::epochs_done(&run) < EPOCHS, "it was over before it was stopped");

    let command = ended.stderr.lines().find(|line| line.contains("train --resume")).unwrap().trim();
    assert!(command.ends_with("train --resume mine/stopped"), "{command}");
    let out = Command::new("sh").args(["-c", command]).current_dir(folder.path()).output().unwrap();
    program::ended(out).succeeds();
    assert_eq!(runs::metrics(&run), runs::metrics(&runs::finished().folder));
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(run.join("report.json")).unwrap()).unwrap();
    assert_eq!(runs::timeless(report), runs::timeless(runs::finished().ended.json()));
}

#[test]
fn json_prints_nothing_on_stdout_when_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = runs::start(folder.path(), &format!("{TRAIN} --json --name stopped"));
    runs::wait_for_epochs(&mut process, &folder.path().join("runs/stopped"), 1);
    runs::signal(&process, "TERM");
    program::ended(process.wait_with_output().unwrap()).fails(130, &["train --resume"]);
}

/// `nohup` ignores SIGHUP for the program it starts, and we must leave it at that.
#[test]
fn a_run_under_nohup_outlives_its_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "trap '' HUP; exec {} train simclr digits --encoder mlp --epochs 9 --name hup",
        program::path().display()
    );
    let mut command = Command::new("sh");
    command.args(["-c", &line]).current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    runs::wait_for_epochs(&mut process, &folder.path().join("runs/hup"), 1);
    runs::signal(&process, "HUP");
    program::ended(process.wait_with_output().unwrap()).succeeds();
}

#[test]
fn a_setting_that_differs_from_the_run_s_is_refused() {
    let (folder, run) = interrupted_copy();
    let before = runs::metrics(&run);
    for (flag, name) in [
        ("--lr 0.5", "lr"),
        ("--seed 99", "seed"),
        ("--batch-size 32", "batch"),
        ("--encoder mlp", "encoder"),
    ] {
        call(folder.path(), &format!("train --resume run {flag}"))
            .fails(2, &[name, flag.split(' ').next_back().unwrap()]);
    }
    call(folder.path(), "train simclr shapes --resume run").fails(2, &["data", "shapes", "digits"]);
    assert_eq!(runs::metrics(&run), before);
}

#[test]
fn a_configuration_that_was_edited_is_refused() {
    let (folder, run) = interrupted_copy();
    let file = run.join("config.json");
    let mut config: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    config["temperature"] = serde_json::json!(0.987);
    fs::write(&file, config.to_string()).unwrap();
    let before = runs::metrics(&run);
    let ended = call(folder.path(), "train --resume run");
    ended.fails(
        1,
        &["checkpoint was made with other settings", "temperature is 0.987, was 0.1", "config.json"],
    );
    assert_eq!(runs::metrics(&run), before);
}

/// The files below `folder`, with its own.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn a_checkpoint_cut_or_flipped_by_one_byte_is_refused() {
    let original = runs::interrupted();
    let files = files(&original.join("checkpoint"));
    assert!(!files.is_empty());
    for file in files {
        let inside = file.strip_prefix(original).unwrap();
        let bytes = fs::read(&file).unwrap();
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        let cut = bytes[..bytes.len() - 1].to_vec();
        for (how, damaged) in [("flipped", flipped), ("cut", cut)] {
            eprintln!("{} {how}", inside.display());
            let (folder, run) = interrupted_copy();
            let before = runs::metrics(&run);
            fs::write(run.join(inside), &damaged).unwrap();
            call(folder.path(), "train --resume run").fails(1, &["checkpoint"]);
            call(folder.path(), "eval run").fails(1, &["checkpoint"]);
            assert_eq!(runs::metrics(&run), before, "the run folder is as it was");
            assert_eq!(fs::read(run.join(inside)).unwrap(), damaged, "the checkpoint is as it was");
        }
    }
}

#[test]
fn what_is_no_run_is_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    call(folder.path(), "train --resume nowhere").fails(1, &["nowhere"]);
    call(folder.path(), "eval nowhere").fails(1, &["nowhere", "no such folder"]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    call(folder.path(), "train --resume empty").fails(1, &["empty"]);
    call(folder.path(), "eval empty").fails(1, &["empty", "config.json"]);
    assert_eq!(fs::read_dir(folder.path().join("empty")).unwrap().count(), 0);
    assert!(!folder.path().join("nowhere").exists());
}

#[test]
fn an_interrupted_run_can_be_scored_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let run = runs::interrupted().display().to_string();
    let found = call(folder.path(), &format!("eval {run} --json")).json();
    assert!(found["knn"]["k20"].as_f64().unwrap() > 0.1);
    let compared = call(folder.path(), &format!("compare {run} --json")).json();
    assert_eq!(compared["runs"][0]["finished"], false);
    assert!(!compared["runs"][0]["metrics"].as_array().unwrap().is_empty());
}
