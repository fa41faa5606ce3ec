//! Runs side by side, from folders as they are found in practice. The folders are written here: what compare reads is
//! the documented form of a run folder, and a training run would only make the test slower.

use std::fs;
use std::path::Path;

use serde_json::{json, Value};

use crate::program::call;

fn scores(one_percent: f64) -> Value {
    json!({
        "knn": {"k20": one_percent + 0.1, "k200": one_percent},
        "linear": {"accuracy": 0.95, "by_labels": {"1%": one_percent, "10%": 0.9, "100%": 0.95}}
    })
}

/// Writes a run folder with `epochs` lines of metrics, and a report when `finished`.
fn write_run(folder: &Path, data: &str, epochs: usize, one_percent: f64, finished: bool) {
    let name = folder.file_name().unwrap().to_str().unwrap();
    fs::create_dir_all(folder).unwrap();
    let config = json!({"method": "simclr", "data": data, "encoder": "convnet", "epochs": 4, "lr": 0.003});
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let line = |epoch: usize| {
        let epoch = epoch as f64;
        json!({"epoch": epoch as u64, "loss": 6.0 - epoch, "knn": 0.5 + 0.1 * epoch, "std": 0.1, "rankme": 9.5}).to_string()
    };
    let metrics: String = (1..=epochs).map(|epoch| line(epoch) + "\n").collect();
    fs::write(folder.join("metrics.jsonl"), metrics).unwrap();
    if finished {
        let mut report = json!({
            "run": name, "method": "simclr", "data": data, "encoder": "convnet", "seed": 7, "epochs": epochs,
            "loss": [5.0, 4.0, 3.0, 2.0],
            "baselines": {
                "random_init": scores(0.5), "pixels": scores(0.6), "pca": scores(0.61), "supervised": scores(0.9)
            },
            "diagnostics": {
                "std": 0.1, "mean_cosine": 0.2, "rankme": 23.4, "effective_rank": 20.0, "alignment": 0.3, "uniformity": -2.0
            },
            "alarms": [], "images_per_second": 1000.0, "peak_memory_bytes": 100_000_000, "seconds": 12.0
        });
        report.as_object_mut().unwrap().extend(scores(one_percent).as_object().unwrap().clone());
        fs::write(folder.join("report.json"), report.to_string()).unwrap();
    }
}

#[test]
fn the_table_has_a_row_a_run_and_the_gain_over_the_untrained_encoder() {
    let folder = tempfile::tempdir().unwrap();
    write_run(&folder.path().join("a"), "digits", 4, 0.7571, true);
    write_run(&folder.path().join("b"), "digits", 4, 0.45, true);
    let ended = call(folder.path(), "compare a b/");
    let text = ended.succeeds();
    let row =
        |name: &str| text.lines().find(|l| l.split_whitespace().next() == Some(name)).unwrap().to_string();
    assert!(text.starts_with("method simclr, data digits, encoder convnet\n"), "{text}");
    for cell in ["4/4", "2.000", "85.7", "75.7", "90.0", "95.0", "+25.7", "23.4"] {
        assert!(row("a").contains(cell), "no '{cell}' in {}", row("a"));
    }
    assert!(row("b").contains("-5.0"), "{}", row("b"));
    assert!(text.contains("loss, from 2.00 to 5.00") && text.contains('█'), "{text}");
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_run_that_is_still_going_on_shows_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    write_run(&folder.path().join("a"), "digits", 4, 0.75, true);
    write_run(&folder.path().join("b"), "mnist:m", 2, 0.0, false);
    let mut metrics = fs::read_to_string(folder.path().join("b/metrics.jsonl")).unwrap();
    metrics.push_str("{\"epoch\":3,\"lo");
    fs::write(folder.path().join("b/metrics.jsonl"), metrics).unwrap();
    let ended = call(folder.path(), "compare a b");
    assert!(ended.succeeds().contains("2/4"), "{}", ended.stdout);
    assert!(ended.stdout.starts_with("method simclr, encoder convnet\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("mnist:m"), "settings that differ have a column: {}", ended.stdout);
    assert!(
        ended.stderr.contains("different data")
            && ended.stderr.contains("not finished, so without scores: b")
    );
}

#[test]
fn the_json_has_every_run_with_its_metrics() {
    let folder = tempfile::tempdir().unwrap();
    write_run(&folder.path().join("a"), "digits", 4, 0.75, true);
    write_run(&folder.path().join("b"), "digits", 2, 0.0, false);
    let found = call(folder.path(), "compare a b --json").json();
    let runs = found["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!((&runs[0]["finished"], &runs[1]["finished"]), (&json!(true), &json!(false)));
    assert_eq!(runs[0]["linear"]["by_labels"]["1%"], 0.75);
    let last = &runs[1]["metrics"][1];
    for (key, value) in
        json!({"epoch": 2, "loss": 4.0, "knn": 0.7, "std": 0.1, "rankme": 9.5}).as_object().unwrap()
    {
        assert_eq!(&last[key], value, "{key}");
    }
    assert_eq!(runs[1]["run"], "b");
}

#[test]
fn the_curves_are_saved_as_svg_and_png() {
    let folder = tempfile::tempdir().unwrap();
    write_run(&folder.path().join("first-run"), "digits", 4, 0.75, true);
    write_run(&folder.path().join("second-run"), "digits", 3, 0.0, false);
    call(folder.path(), "compare first-run second-run --save curves.svg").succeeds();
    let svg = fs::read_to_string(folder.path().join("curves.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("first-run") && svg.contains("second-run"));
    call(folder.path(), "compare first-run second-run --save curves.png").succeeds();
    let picture = image::open(folder.path().join("curves.png")).unwrap();
    assert!(folder.path().join("curves-knn.svg").exists() && folder.path().join("curves-knn.png").exists());
    assert!(picture.width() >= 400 && picture.height() >= 300);
}

#[test]
fn a_figure_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_run(&folder.path().join("a"), "digits", 4, 0.75, true);
    let ended = call(folder.path(), "compare a --save curves.gif");
    assert!(matches!(ended.code, Some(1 | 2)), "{}", ended.stderr);
    assert!(ended.stderr.contains("svg") && ended.stderr.contains("png"), "{}", ended.stderr);
    assert!(!folder.path().join("curves.gif").exists());
}

#[test]
fn what_is_damaged_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("a");
    write_run(&run, "digits", 4, 0.75, true);
    let report = fs::read_to_string(run.join("report.json")).unwrap();
    fs::write(run.join("report.json"), &report[..report.len() / 2]).unwrap();
    call(folder.path(), "compare a").fails(1, &["report.json, line 1"]);
    write_run(&run, "digits", 4, 0.75, true);
    fs::write(run.join("metrics.jsonl"), "{\"epoch\":1,\"loss\":1.0}\n?\n").unwrap();
    call(folder.path(), "compare a").fails(1, &["metrics.jsonl, line 2"]);
    fs::write(run.join("metrics.jsonl"), b"\xff\xfe\n").unwrap();
    call(folder.path(), "compare a").fails(1, &["metrics.jsonl, byte 0", "UTF-16"]);
}

#[test]
fn what_is_no_run_is_named() {
    let folder = tempfile::tempdir().unwrap();
    call(folder.path(), "compare nowhere").fails(1, &["nowhere", "no such folder"]);
    fs::create_dir(folder.path().join("empty")).unwrap();
    call(folder.path(), "compare empty").fails(1, &["empty", "config.json"]);
}

#[test]
fn objectives_are_trained_and_compared_and_finished_runs_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let line = "compare --methods simclr,vicreg --encoder mlp --epochs 1 --seeds 2 --out all --json";
    let first = call(folder.path(), line).json();
    let rows = first["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names[2..], ["supervised", "random init", "PCA", "raw pixels"]);
    for row in &rows[..2] {
        assert_eq!((&row["kind"], &row["runs"]), (&json!("method"), &json!(2)));
        assert!(row["linear"]["1%"]["mean"].as_f64().unwrap() > 0.1 && row["knn"]["sd"].is_number(), "{row}");
    }
    assert_eq!(first["failures"], json!([]));
    // Read from the folder: even the times are the same.
    assert_eq!(call(folder.path(), line).json(), first);
    let text = call(
        folder.path(),
        "compare --methods simclr --encoder mlp --epochs 1 --seeds 2 --out all --save bars.svg",
    );
    assert!(text.succeeds().contains("±") && folder.path().join("bars.svg").exists(), "{}", text.stdout);
    // Runs of another length are neither read nor filled up with ones of this length.
    let other = call(folder.path(), "compare --methods simclr --encoder mlp --epochs 2 --out all");
    other.fails(2, &["epochs is 2. Expected 1", "simclr-digits-seed0", "--out another folder"]);
    call(folder.path(), "compare --methods simclr --out all")
        .fails(2, &["was begun", "--out another folder"]);
    assert!(!folder.path().join("all/simclr-digits-seed2").exists());
    call(folder.path(), "compare").fails(2, &["<RUN>"]);
}
