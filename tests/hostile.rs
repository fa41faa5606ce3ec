//! Names, folders and files made to harm whoever looks at them.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::program::{self, call, ended, selfsame};

const EVIL: &str = "cat\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}5A";

/// No terminal obeys anything in what was said but colours, which calls here have none of.
#[track_caller]
fn harmless(text: &str) {
    assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
}

/// A run folder as another program's user might send one: two epochs, not finished.
fn received(folder: &Path, name: &str) {
    let run = folder.join("runs").join(name);
    fs::create_dir_all(&run).unwrap();
    let config = serde_json::json!({"method": name, "data": name, "encoder": name, "epochs": 2});
    fs::write(run.join("config.json"), config.to_string()).unwrap();
    fs::write(run.join("metrics.jsonl"), "{\"epoch\":1,\"loss\":5.0}\n{\"epoch\":2,\"loss\":4.0}\n").unwrap();
}

#[test]
fn no_terminal_obeys_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for class in [EVIL, "dog"] {
        fs::create_dir_all(at.join("pets").join(class)).unwrap();
        for i in 0..10 {
            let file = at.join("pets").join(class).join(format!("{i}.png"));
            image::RgbImage::from_pixel(4, 4, image::Rgb([i * 20, 99, 7])).save(file).unwrap();
        }
    }
    let info = call(at, "data info folder:pets");
    assert!(info.succeeds().contains(r"cat\u{1b}[2J"), "{}", info.stdout);
    harmless(&info.stdout);
    let json = call(at, "data info folder:pets --json");
    harmless(&json.stdout);
    assert_eq!(json.json()["classes"][0]["name"], EVIL);

    received(at, EVIL);
    received(at, "plain");
    let both = [format!("runs/{EVIL}"), "runs/plain".to_string()];
    let calls: [&[&str]; 8] = [
        &["runs"],
        &["runs", "--json"],
        &["compare", &both[0], &both[1]],
        &["compare", &both[0], &both[1], "--json"],
        &["plot", &both[0], &both[1]],
        &["eval", &both[0]],
        &["train", "--resume", &both[0]],
        &["train", EVIL, EVIL],
    ];
    for words in calls {
        let said = ended(selfsame(at).args(words).output().unwrap());
        harmless(&said.stdout);
        harmless(&said.stderr);
        assert!((said.stdout + &said.stderr).contains("[2J"), "{words:?} names it");
    }
}

#[test]
fn a_received_folder_leads_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("precious"), "keep").unwrap();
    fs::create_dir(at.join("elsewhere")).unwrap();
    call(at, "train simclr digits --encoder mlp --epochs 1 --name run").succeeds();
    for (name, leads) in [("lock", "precious"), ("figures", "elsewhere"), ("checkpoint", "elsewhere")] {
        let inside = at.join("runs/run").join(name);
        fs::rename(&inside, at.join("aside")).unwrap();
        symlink(at.join(leads), &inside).unwrap();
        // The report is made anew, which writes into all of them.
        let _ = fs::remove_file(at.join("runs/run/report.json"));
        call(at, "train --resume runs/run")
            .fails(1, &[&format!("{name}: it is a link"), "nothing was written"]);
        fs::remove_file(&inside).unwrap();
        fs::rename(at.join("aside"), &inside).unwrap();
    }
    assert_eq!(fs::read_to_string(at.join("precious")).unwrap(), "keep");
    assert_eq!(fs::read_dir(at.join("elsewhere")).unwrap().count(), 0);
    let again = at.join("runs/run/figures/.map.svg.4294967295.tmp");
    fs::write(&again, "").unwrap();
    call(at, "train --resume runs/run").succeeds();
    assert!(!again.exists(), "what a killed process left is removed");
}

#[test]
fn commands_in_a_report_can_be_copied_and_a_limit_on_files_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let words = [
        "train",
        "simclr",
        "digits",
        "--encoder",
        "mlp",
        "--epochs",
        "1",
        "--out",
        "my runs; x",
        "--name",
        "a'b",
    ];
    // Blocks of 1,024 bytes: enough for the settings, not for the weights.
    let limited = Command::new("bash")
        .args(["-c", "ulimit -f 16; exec \"$@\"", "bash"])
        .arg(program::path())
        .args(words)
        .current_dir(at)
        .output()
        .unwrap();
    ended(limited)
        .fails(1, &["cannot write my runs; x/a'b/checkpoint/weights-0.safetensors: File too large"]);
    let left = fs::read_dir(at.join("my runs; x/a'b/checkpoint")).unwrap().count();
    assert_eq!(left, 0, "no half of a file is left");

    // Nothing is lost: the run goes on.
    let resumed = ended(selfsame(at).args(["train", "--resume", "my runs; x/a'b"]).output().unwrap());
    let quoted = r"'my runs; x/a'\''b/config.json'";
    assert!(resumed.succeeds().contains(quoted), "{}", resumed.stdout);
    let report = fs::read_to_string(at.join("my runs; x/a'b/report.html")).unwrap();
    let report = report.replace("&#39;", "'").replace("&apos;", "'");
    assert!(report.contains(&format!(r"selfsame train --config {quoted} --name 'a'\''b-again'")));
    assert!(report.contains(r"selfsame train --resume 'my runs; x/a'\''b'"));
}

#[test]
fn what_never_ends_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let pipe = |name: &str| {
        assert!(Command::new("mkfifo").arg(at.join(name)).status().unwrap().success());
    };
    call(at, "train --config /dev/zero").fails(1, &["/dev/zero: it is a device"]);
    pipe("pipe");
    call(at, "train --config pipe").fails(1, &["pipe: it is a pipe"]);
    call(at, "run pipe").fails(1, &["pipe: it is a pipe"]);
    call(at, "notebook pipe").fails(1, &["pipe: it is a pipe"]);
    call(at, "kernel run pipe").fails(1, &["pipe: it is a pipe"]);
    received(at, "simclr");
    fs::remove_file(at.join("runs/simclr/metrics.jsonl")).unwrap();
    pipe("runs/simclr/metrics.jsonl");
    call(at, "compare runs/simclr").fails(1, &["metrics.jsonl: it is a pipe"]);
    fs::create_dir(at.join("runs/simclr/checkpoint")).unwrap();
    pipe("runs/simclr/checkpoint/latest.json");
    fs::write(at.join("runs/simclr/config.json"), "{\"method\": \"simclr\", \"data\": \"digits\"}").unwrap();
    call(at, "train --resume runs/simclr").fails(1, &["latest.json: it is a pipe"]);
    fs::remove_file(at.join("runs/simclr/metrics.jsonl")).unwrap();
    call(at, "eval runs/simclr").fails(1, &["latest.json: it is a pipe"]);
}

#[test]
fn every_list_has_a_form_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let json = |line: &str| call(folder.path(), line).json();
    let lists = json("methods --json");
    for (list, names) in [
        ("methods", selfsame::presets::METHODS),
        ("encoders", selfsame::presets::ENCODERS),
        ("data", selfsame::presets::DATA),
    ] {
        let listed: Vec<&str> =
            lists[list].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap()).collect();
        assert_eq!(listed, names);
    }
    let sets = json("data list --json");
    assert_eq!(sets["train"][0]["name"], selfsame::presets::DATA[0]);
    assert!(sets["fetch"]
        .as_array()
        .unwrap()
        .iter()
        .any(|set| set["name"] == "cifar10" && set["bytes"] == 170_052_171));
    let views = json("views digits --json --index 3");
    let row = &views["images"][0];
    assert_eq!(row["image"]["size"], serde_json::json!([1, 8, 8]));
    assert!(row["views"]
        .as_array()
        .unwrap()
        .iter()
        .all(|view| view["pixels"].as_array().unwrap().len() == 64));
    assert!(json("kernel list --json")["kernels"].is_array());
}

#[test]
fn a_toolchain_that_is_not_there_is_named() {
    if Command::new("rustup").arg("--version").output().is_err() {
        crate::skip::skip("there is no rustup here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let said = ended(
        selfsame(folder.path()).args(["-c", "1 + 1"]).env("RUSTUP_TOOLCHAIN", "nope-1").output().unwrap(),
    );
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stderr.contains("RUSTUP_TOOLCHAIN is 'nope-1'"), "{}", said.stderr);
    assert!(!said.stderr.contains("Install Rust"), "{}", said.stderr);
}
