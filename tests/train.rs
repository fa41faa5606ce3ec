//! What a finished run prints and leaves.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::program::call;
use crate::runs::{self, EPOCHS};

#[track_caller]
fn has_keys(value: &Value, keys: &[&str]) {
    let found: BTreeSet<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(found, keys.iter().copied().collect());
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

#[track_caller]
fn accuracy(value: &Value) {
    assert!((0.0..=1.0).contains(&number(value)), "not an accuracy: {value}");
}

#[track_caller]
fn scores(value: &Value) {
    has_keys(&value["knn"], &["k20", "k200"]);
    has_keys(&value["linear"], &["accuracy", "by_labels"]);
    has_keys(&value["linear"]["by_labels"], &["1%", "10%", "100%"]);
    for accuracy_of in value["knn"].as_object().unwrap().values() {
        accuracy(accuracy_of);
    }
    for accuracy_of in value["linear"]["by_labels"].as_object().unwrap().values() {
        accuracy(accuracy_of);
    }
    assert_eq!(value["linear"]["accuracy"], value["linear"]["by_labels"]["100%"]);
}

#[test]
fn the_json_has_exactly_the_documented_keys() {
    let report = runs::finished().ended.json();
    has_keys(
        &report,
        &[
            "run",
            "method",
            "data",
            "encoder",
            "seed",
            "epochs",
            "loss",
            "knn",
            "linear",
            "baselines",
            "diagnostics",
            "alarms",
            "images_per_second",
            "peak_memory_bytes",
            "seconds",
        ],
    );
    assert_eq!(
        (&report["run"], &report["method"], &report["data"]),
        (&"whole".into(), &"simclr".into(), &"digits".into())
    );
    assert!(selfsame::presets::ENCODERS.contains(&report["encoder"].as_str().unwrap()));
    assert_eq!((report["seed"].as_u64(), report["epochs"].as_u64()), (Some(7), Some(EPOCHS as u64)));
    scores(&report);
    let baselines = &report["baselines"];
    has_keys(baselines, &["random_init", "pixels", "pca", "supervised"]);
    for baseline in baselines.as_object().unwrap().values() {
        has_keys(baseline, &["knn", "linear"]);
        scores(baseline);
    }
}

#[test]
fn the_numbers_lie_where_they_can() {
    let report = runs::finished().ended.json();
    let loss: Vec<f64> = report["loss"].as_array().unwrap().iter().map(number).collect();
    assert_eq!(loss.len(), EPOCHS);
    assert!(loss.iter().all(|l| *l > 0.0) && loss[EPOCHS - 1] < loss[0], "the loss falls: {loss:?}");
    let d = &report["diagnostics"];
    has_keys(
        d,
        &[
            "std",
            "norm",
            "mean_cosine",
            "rankme",
            "effective_rank",
            "participation_ratio",
            "condition_number",
            "nesum",
            "alpha_req",
            "lidar",
            "learnability",
            "intrinsic_dimension",
            "explained_variance_auc",
            "alignment",
            "uniformity",
        ],
    );
    assert!(number(&d["std"]) > 0.0 && number(&d["std"]) < 1.0, "{d}");
    assert!(number(&d["mean_cosine"]).abs() <= 1.0, "{d}");
    assert!(number(&d["rankme"]) >= 1.0 && number(&d["effective_rank"]) >= 1.0, "{d}");
    assert!((0.0..=4.0).contains(&number(&d["alignment"])), "{d}");
    assert!((-8.0..=0.0).contains(&number(&d["uniformity"])), "{d}");
    assert!(number(&d["participation_ratio"]) >= 1.0, "{d}");
    // Without a number where a direction is dead, as after a ReLU.
    assert!(d["condition_number"].is_null() || number(&d["condition_number"]) >= 1.0, "{d}");
    assert!((0.5..=1.0).contains(&number(&d["explained_variance_auc"])), "{d}");
    assert!(number(&d["norm"]) > 0.0 && number(&d["nesum"]) >= 1.0, "{d}");
    // No more dimensions than the features have.
    assert!((1.0..=64.0).contains(&number(&d["lidar"])), "{d}");
    assert!(number(&report["images_per_second"]) > 0.0);
    assert!(number(&report["seconds"]) > 0.0);
    let megabytes = number(&report["peak_memory_bytes"]) / 1e6;
    assert!((1.0..1000.0).contains(&megabytes), "{megabytes} MB");
}

#[test]
fn a_healthy_run_raises_no_alarm_and_beats_chance() {
    let report = runs::finished().ended.json();
    assert_eq!(report["alarms"], Value::Array(Vec::new()));
    assert!(number(&report["knn"]["k20"]) > 0.5, "{}", report["knn"]);
    assert!(number(&report["baselines"]["supervised"]["linear"]["accuracy"]) > 0.5);
}

#[test]
fn json_goes_to_stdout_and_everything_else_to_stderr() {
    let ended = &runs::finished().ended;
    assert_eq!(ended.stdout.matches('\n').count(), 1, "one line: {}", ended.stdout);
    for words in ["simclr on digits", "epoch", "random init", "supervised", "report.html"] {
        assert!(ended.stderr.contains(words), "no '{words}' in\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains(['\r', '\x1b']), "no terminal codes without a terminal");
}

#[test]
fn the_run_folder_holds_what_it_should() {
    let run = runs::finished();
    let folder = &run.folder;
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("report.json")).unwrap()).unwrap();
    assert_eq!(report, run.ended.json(), "report.json is what --json printed");
    let config: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("config.json")).unwrap()).unwrap();
    for key in ["method", "data", "encoder", "epochs", "batch_size", "seed", "lr", "temperature", "optimizer"]
    {
        assert!(!config[key].is_null(), "config.json leaves {key} open");
    }
    let html = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(html.contains("</html>") && html.contains("<svg"), "report.html is whole and has figures");
    assert!(!html.contains("<script") && !html.contains("src=\"http"), "report.html is self-contained");
    assert!(fs::read_dir(folder.join("checkpoint")).unwrap().count() > 0);
}

#[test]
fn the_metrics_have_a_line_an_epoch_that_agrees_with_the_report() {
    let run = runs::finished();
    let losses = run.ended.json()["loss"].clone();
    let metrics = runs::metrics(&run.folder);
    assert!(metrics.ends_with('\n'));
    let mut rows: Vec<Value> = metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    if rows[0]["epoch"] == 0 {
        rows.remove(0); // The encoder before training.
    }
    assert_eq!(rows.len(), EPOCHS);
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row["epoch"], i + 1);
        assert_eq!(row["loss"], losses[i]);
        for key in ["knn", "std", "rankme"] {
            assert!(row.get(key).is_some(), "no {key} in {row}");
        }
    }
    assert!(rows.iter().any(|row| row["knn"].is_f64()), "no epoch was probed");
}

#[test]
fn for_people_the_result_is_a_table_a_verdict_and_what_to_try() {
    let folder = tempfile::tempdir().unwrap();
    let ended = call(folder.path(), "train simclr digits --encoder mlp --epochs 1 --seed 1 --name short");
    let text = ended.succeeds();
    for words in [
        "this run",
        "random init",
        "raw pixels",
        "PCA",
        "supervised",
        "1% labels",
        "report.html",
        "To try next:",
    ] {
        assert!(text.contains(words), "no '{words}' in\n{text}");
    }
    assert!(folder.path().join("runs/short/report.html").exists());
}

#[test]
fn a_name_that_is_taken_is_not_overwritten() {
    let run = runs::finished();
    let before = runs::metrics(&run.folder);
    let out = run.folder.parent().unwrap();
    let entries = || fs::read_dir(out).unwrap().count();
    let there = entries();
    let again = call(out, &format!("{} --out {} --name whole", runs::TRAIN, out.display()));
    again.fails(2, &["runs/whole", "--name", "--resume"]);
    assert_eq!((runs::metrics(&run.folder), entries()), (before, there));
}

/// Three classes of pictures: bright above, bright on the left, bright in the middle, each with its own dirt.
fn write_pictures(folder: &std::path::Path) {
    for (class, name) in ["above", "left", "middle"].iter().enumerate() {
        fs::create_dir_all(folder.join(name)).unwrap();
        for i in 0..30u32 {
            let picture = image::RgbImage::from_fn(32, 32, |x, y| {
                let bright = match class {
                    0 => y < 12,
                    1 => x < 12,
                    _ => x.abs_diff(16) < 7 && y.abs_diff(16) < 7,
                };
                let dirt = ((x * 31 + y * 17 + i * 101).wrapping_mul(2_654_435_761) >> 27) as u8;
                image::Rgb(if bright { [200 + dirt, 180, 40 + dirt] } else { [20 + dirt, 30, 60 + dirt] })
            });
            picture.save(folder.join(format!("{name}/{i}.png"))).unwrap();
        }
    }
}

#[test]
fn a_folder_of_pictures_trains_and_its_default_name_is_never_taken() {
    let folder = tempfile::tempdir().unwrap();
    write_pictures(&folder.path().join("pictures"));
    let line = "train simclr folder:pictures --encoder mlp --epochs 2 --batch-size 16 --json";
    for name in ["simclr-folder-seed0", "simclr-folder-seed0-2"] {
        let report = call(folder.path(), line).json();
        assert_eq!(
            (&report["run"], &report["data"], report["loss"].as_array().unwrap().len()),
            (&name.into(), &"folder:pictures".into(), 2)
        );
        assert!(number(&report["knn"]["k20"]) > 0.5, "{report}");
        let html = fs::read_to_string(folder.path().join("runs").join(name).join("report.html")).unwrap();
        for class in ["above", "left", "middle"] {
            assert!(html.contains(class), "the report does not name the class {class}");
        }
    }
}

#[test]
fn eval_finds_again_what_the_report_says() {
    let run = runs::finished();
    let folder = run.folder.display().to_string();
    let found = call(run.folder.parent().unwrap(), &format!("eval {folder} --json")).json();
    has_keys(&found, &["run", "data", "knn", "linear"]);
    scores(&found);
    let report = run.ended.json();
    assert_eq!((&found["knn"], &found["linear"]), (&report["knn"], &report["linear"]));
    assert_eq!(found["data"], "digits");
}

#[test]
fn eval_refuses_data_of_another_shape() {
    let folder = runs::finished().folder.display().to_string();
    let ended = call(std::path::Path::new("."), &format!("eval {folder} --data shapes"));
    ended.fails(1, &["1x8x8", "3x"]);
}
