//! Commands that draw: runs, plot, diagnose, embed, neighbors, views, encoders.

use std::fs;
use std::path::Path;

use crate::program::{call, Ended};
use crate::runs;

/// Calls the program on the undisturbed run.
fn on_the_run(command: &str, flags: &str) -> Ended {
    let run = runs::finished();
    call(run.folder.parent().unwrap(), &format!("{command} whole {flags}"))
}

/// Whether a line of Braille or of letters stands behind an axis.
fn is_drawn(text: &str) -> bool {
    text.lines().any(|line| line.contains('┤')) && text.contains("└")
}

#[test]
fn runs_lists_what_is_there_and_says_how_to_begin() {
    let run = runs::finished();
    let above = run.folder.parent().unwrap().parent().unwrap();
    let listing = call(above, "runs");
    let row = listing.succeeds().lines().find(|line| line.starts_with("whole")).unwrap().to_string();
    for cell in ["simclr", "digits", "6", "done"] {
        assert!(row.contains(cell), "no '{cell}' in {row}");
    }
    let json = call(above, "runs runs --json").json();
    let of = json["runs"].as_array().unwrap().iter().find(|r| r["run"] == "whole").unwrap();
    assert_eq!((of["state"].as_str(), of["epochs_done"].as_u64()), (Some("done"), Some(6)));
    assert!(of["linear_1_percent"].as_f64().unwrap() > 0.1);

    let empty = tempfile::tempdir().unwrap();
    assert!(call(empty.path(), "runs").succeeds().contains("train simclr digits"));
    call(empty.path(), "runs nowhere").fails(1, &["nowhere", "no such folder"]);
}

#[cfg(unix)]
#[test]
fn a_run_that_was_stopped_is_listed_as_such() {
    let folder = runs::interrupted();
    let json = call(folder.parent().unwrap().parent().unwrap(), "runs --json").json();
    let of = json["runs"].as_array().unwrap().iter().find(|r| r["run"] == "stopped").unwrap();
    assert_eq!(of["state"], "stopped");
    assert!(of["linear_1_percent"].is_null() && of["knn"].as_f64().unwrap() > 0.1);
}

#[test]
fn plot_draws_curves_and_saves_them() {
    let drawn = on_the_run("plot", "");
    let text = drawn.succeeds();
    for title in ["Training loss", "Online kNN", "RankMe of the embeddings", "epoch"] {
        assert!(text.contains(title), "no '{title}' in\n{text}");
    }
    assert!(is_drawn(text) && !text.contains('\x1b'), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("curves.svg");
    on_the_run("plot", &format!("--save {}", file.display())).succeeds();
    for name in ["curves.svg", "curves-knn.svg", "curves-rank.svg"] {
        assert!(fs::read_to_string(folder.path().join(name)).unwrap().starts_with("<svg"), "{name}");
    }
    let json = on_the_run("plot", "--metric loss --json").json();
    assert_eq!(json["runs"]["whole"]["loss"].as_array().unwrap().len(), 6);
    call(folder.path(), "plot nowhere").fails(1, &["nowhere"]);
    on_the_run("plot", "--save curves.jpg").fails(2, &["curves.jpg", ".svg or .png"]);
}

#[test]
fn diagnose_puts_the_geometry_into_words() {
    let text = on_the_run("diagnose", "");
    for part in
        ["RankMe", "untrained", "projector", "after epoch 6", "with 1 % of the labels", "Singular values"]
    {
        assert!(text.succeeds().contains(part), "no '{part}' in\n{}", text.stdout);
    }
    let json = on_the_run("diagnose", "--json").json();
    assert!(
        json["encoder"]["rankme"].as_f64().unwrap() > json["untrained"]["rankme"].as_f64().unwrap() * 0.5
    );
    assert!(json["alarms"].is_array() && json["verdict"].is_string());
    call(Path::new("."), "diagnose no-such-run").fails(2, &["no-such-run"]);
}

#[test]
fn embed_draws_a_map_of_the_classes() {
    let text = on_the_run("embed", "");
    assert!(is_drawn(text.succeeds()) && text.stdout.contains("component 1"), "{}", text.stdout);
    let json = on_the_run("embed", "--json").json();
    assert_eq!(json["classes"].as_object().unwrap().len(), 10);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("map.png");
    on_the_run("embed", &format!("--save {}", file.display())).succeeds();
    assert!(image::open(file).unwrap().width() > 500);
}

#[test]
fn neighbors_stand_beside_their_query_with_a_sign() {
    let text = on_the_run("neighbors", "--count 2");
    assert!(text.succeeds().contains("of 12 neighbours"), "{}", text.stdout);
    assert!(text.stdout.contains("= "), "after six epochs some neighbour is of the query's class");
    let json = on_the_run("neighbors", "--count 2 --json").json();
    assert_eq!(json["queries"].as_array().unwrap().len(), 2);
    assert_eq!(json["queries"][0]["neighbors"].as_array().unwrap().len(), 6);
    assert!(json["same_class"].as_f64().unwrap() > 0.2);
}

#[test]
fn views_shows_images_and_what_augmentation_makes_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let text = call(folder.path(), "views digits --index 3 --save views.svg");
    for part in ["Images and the views", "image", "view 1", "view 2"] {
        assert!(text.succeeds().contains(part), "no '{part}' in\n{}", text.stdout);
    }
    let saved = fs::read_to_string(folder.path().join("views.svg")).unwrap();
    assert!(saved.matches("<image").count() >= 7);
    assert_eq!(
        call(folder.path(), "views digits --index 3").stdout,
        text.stdout,
        "the same views every time"
    );
    call(folder.path(), "views digits --index 99999").fails(2, &["index is 99999", "below"]);
    call(folder.path(), "views digist").fails(2, &["did you mean 'digits'"]);
    call(folder.path(), "views digits --method simcrl").fails(2, &["did you mean 'simclr'"]);
    call(folder.path(), "views digits --save views.txt").fails(2, &["views.txt", ".svg or .png"]);
}

#[test]
fn encoders_lists_every_preset_with_its_size() {
    let text = call(Path::new("."), "encoders");
    for name in selfsame::presets::ENCODERS {
        assert!(text.succeeds().contains(name), "{name}");
    }
    assert!(text.stdout.contains("1x28x28") && text.stdout.contains("parameters"), "{}", text.stdout);
    let json = call(Path::new("."), "encoders --json").json();
    assert!(json["encoders"].as_array().unwrap().iter().all(|e| e["parameters"].as_u64().unwrap() > 0));
}

/// What `line` shows in a terminal of so many columns, as `script` makes one; `None` where there is no such program.
#[cfg(target_os = "linux")]
fn on_a_terminal(line: &str, columns: usize, set: &[(&str, &str)]) -> Option<String> {
    let program = crate::program::path().display();
    let line = format!("stty cols {columns} rows 24; {program} {line}");
    let mut command = std::process::Command::new("script");
    command.args(["--quiet", "--command", &line, "/dev/null"]).stdin(std::process::Stdio::null());
    command.current_dir(runs::finished().folder.parent().unwrap());
    command.env("TERM", "xterm-256color").env_remove("COLORTERM").envs(set.iter().copied());
    match command.output() {
        Ok(out) => Some(String::from_utf8_lossy(&out.stdout).replace('\r', "")),
        Err(e) => {
            crate::skip::skip(format_args!("the program 'script' does not run: {e}"));
            None
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn drawings_fit_a_terminal_of_20_columns_with_and_without_colour() {
    let plain = [("NO_COLOR", "1"), ("SELFSAME_GRAPHICS", "none")];
    let coloured = [("NO_COLOR", ""), ("SELFSAME_GRAPHICS", "none")];
    for line in ["plot whole", "embed whole", "views digits --index 0"] {
        let (Some(narrow), Some(colour)) =
            (on_a_terminal(line, 20, &plain), on_a_terminal(line, 20, &coloured))
        else {
            return;
        };
        let widest = narrow.lines().map(|l| l.chars().count()).max().unwrap();
        assert!((10..=20).contains(&widest), "{line}: {widest} columns\n{narrow}");
        assert!(!narrow.contains('\x1b') && colour.contains("\x1b[38;5;"), "{line}:\n{colour}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_that_shows_pixels_gets_them() {
    for (name, begins) in [("kitty", "\x1b_Ga=T"), ("iterm", "\x1b]1337;File=inline=1"), ("sixel", "\x1bP")] {
        let Some(shown) = on_a_terminal("views digits --index 0", 80, &[("SELFSAME_GRAPHICS", name)]) else {
            return;
        };
        assert!(shown.contains(begins), "{name}: {:?}", &shown[..shown.len().min(80)]);
    }
}
