//! Closed pipes, full disks, terminals.
#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};

use crate::program::{self, call};

/// A pipe into which nobody listens.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_reader_of_stdout_that_has_gone_is_no_failure() {
    for line in ["methods", "data list", "doctor", "--help"] {
        let out = Command::new(program::path()).args(line.split(' ')).stdout(closed_pipe()).output().unwrap();
        assert_eq!(program::ended(out).code, Some(0), "{line}");
    }
}

#[test]
fn a_reader_of_stderr_that_has_gone_changes_no_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let code = |line: &str| {
        let mut command = Command::new(program::path());
        command.args(line.split(' ')).current_dir(folder.path());
        command.stdout(Stdio::piped()).stderr(closed_pipe()).output().unwrap().status.code()
    };
    assert_eq!(code("compare nowhere"), Some(1));
    assert_eq!(code("train simcrl digits"), Some(2));
    assert_eq!(code("train simclr digits --encoder mlp --epochs 1"), Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_behind_stdout_is_a_failure() {
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    let out = Command::new(program::path()).arg("methods").stdout(full()).output().unwrap();
    program::ended(out).fails(1, &["cannot write", "No space left"]);
}

#[test]
fn an_output_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "keep").unwrap();
    call(folder.path(), "train simclr digits --epochs 1 --out file/runs").fails(1, &["file/runs"]);
    call(folder.path(), "train simclr digits --epochs 1 --out file").fails(1, &["file"]);
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "keep");
}

/// `/proc` takes no folders from anybody, root included.
#[test]
#[cfg(target_os = "linux")]
fn an_output_folder_that_is_read_only_is_named() {
    let folder = tempfile::tempdir().unwrap();
    call(folder.path(), "train simclr digits --epochs 1 --out /proc/runs")
        .fails(1, &["cannot create", "/proc/runs"]);
}

/// A limit on the size of files stands in for a full disk: writing past it fails in the same way.
#[test]
fn a_disk_that_fills_up_while_training_is_an_error_and_no_half_file_stays() {
    // In blocks of 512 bytes: nothing fits, the configuration fits, a part of the checkpoint fits.
    for blocks in [0, 8, 200] {
        let folder = tempfile::tempdir().unwrap();
        let line = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec {} train simclr digits --encoder mlp --epochs 1 --name full",
            program::path().display()
        );
        let out = Command::new("sh").args(["-c", &line]).current_dir(folder.path()).output().unwrap();
        program::ended(out).fails(1, &["cannot write", "runs/full"]);
        let run = folder.path().join("runs/full");
        if blocks == 0 {
            assert!(!run.exists(), "a folder without a configuration");
            continue;
        }
        let text = |name: &str| fs::read_to_string(run.join(name)).unwrap();
        let whole = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
        assert!(whole(&text("config.json")));
        assert!(text("metrics.jsonl").lines().all(whole) && text("metrics.jsonl").ends_with('\n'));
        assert_eq!(fs::read_dir(run.join("checkpoint")).unwrap().count(), 0, "cut files");
        assert!(!run.join("report.json").exists() && !run.join("report.html").exists());
        // With room again the run goes on.
        call(folder.path(), "train --resume runs/full").succeeds();
    }
}

/// What `line` writes when its streams are a terminal, as `script` makes one; `None` where there is no such program.
#[cfg(target_os = "linux")]
fn on_a_terminal(line: &str, no_color: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{} {line}", program::path().display());
    let out = Command::new("script")
        .args(["--quiet", "--command", &line, "/dev/null"])
        .current_dir(folder.path())
        .env("NO_COLOR", no_color)
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output();
    match out {
        Ok(out) => Some(String::from_utf8_lossy(&out.stdout).into_owned()),
        Err(e) => {
            crate::skip::skip(format_args!("the program 'script' does not run: {e}"));
            None
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn colour_is_for_terminals_that_want_it() {
    let line = "train simcrl digits";
    if let (Some(coloured), Some(plain)) = (on_a_terminal(line, ""), on_a_terminal(line, "1")) {
        assert!(coloured.contains("\x1b[1;31merror:\x1b[0m unknown method"), "{coloured:?}");
        assert!(plain.contains("error: unknown method") && !plain.contains('\x1b'), "{plain:?}");
    }
    let piped = call(std::path::Path::new("."), line);
    assert!(piped.stderr.starts_with("error: unknown method"), "{}", piped.stderr);
}

#[test]
#[cfg(target_os = "linux")]
fn on_a_terminal_a_bar_moves_and_every_epoch_has_its_line() {
    // Epochs long enough that the bar, which moves a few times a second, is seen in the middle of one. `script` gives its
    // terminal no size.
    let Some(seen) = on_a_terminal("train simclr digits --encoder vit --epochs 3 --seed 1", "1") else {
        return;
    };
    for words in ["images/s", "to go", "1/3", "2/3", "3/3", "kNN %", "this run", "supervised", "report.html"]
    {
        assert!(seen.contains(words), "no '{words}' in\n{seen}");
    }
}
