//! `selfsame check`: every lesson's solutions pass, its starters are not yet done, and what students write is told apart.

use std::path::Path;

use crate::program::Ended;
use crate::session::{ended, warm};

/// The lessons there are, by number.
fn lessons() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tutorials/exercises");
    let mut lessons: Vec<String> = std::fs::read_dir(folder)
        .expect("the exercises are there")
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_string())
        .collect();
    lessons.sort();
    lessons
}

fn tutorial(kind: &str, lesson: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tutorials/{kind}/{lesson}.rs"));
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// Grades `answers` as `selfsame check LESSON answers.rs WORDS` does.
fn checked(lesson: &str, answers: &str, words: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("answers.rs"), answers).unwrap();
    ended(warm(folder.path()).args(["check", lesson, "answers.rs"]).args(words))
}

fn json(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {}\n{}", ended.stdout, ended.stderr))
}

/// Verdict and message of each exercise.
fn verdicts(grades: &serde_json::Value) -> Vec<(String, String)> {
    let exercises = grades["exercises"].as_array().expect("a list of exercises");
    let text = |e: &serde_json::Value, key: &str| e[key].as_str().unwrap().to_string();
    exercises.iter().map(|e| (text(e, "verdict"), text(e, "message"))).collect()
}

/// Grades all lessons of one kind in one session.
fn all_of(kind: &str) -> (Ended, Vec<serde_json::Value>) {
    let folder = tempfile::tempdir().unwrap();
    let answers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tutorials").join(kind);
    let ended = ended(warm(folder.path()).args(["check", "all", answers.to_str().unwrap(), "--json"]));
    let grades = json(&ended).as_array().expect("a list").clone();
    let graded: Vec<&str> = grades.iter().map(|g| g["lesson"].as_str().unwrap()).collect();
    assert_eq!(graded, lessons(), "every lesson is graded");
    (ended, grades)
}

#[test]
fn every_solution_passes() {
    let (ended, grades) = all_of("solutions");
    for lesson in &grades {
        assert_eq!(lesson["passed"], lesson["of"], "{lesson:#}");
    }
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn every_starter_compiles_and_is_not_yet_done() {
    let (ended, grades) = all_of("exercises");
    for lesson in &grades {
        for (verdict, message) in verdicts(lesson) {
            assert_eq!((verdict.as_str(), message.as_str()), ("not-yet-done", ""), "{lesson:#}");
        }
    }
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
}

#[test]
fn each_way_to_fail_is_told_and_takes_no_other_exercise_with_it() {
    let answers = tutorial("solutions", "03")
        .replace("(inner(a, a) * inner(b, b)).sqrt()", "(inner(a, a) * inner(b, b))")
        .replace("total.ln() -", "let unused: u8 = \"text\";\n    total.ln() -")
        .replace("(2.0 * n as f32 - 1.0).ln()", "loop { std::hint::spin_loop() }");
    let ended = checked("03", &answers, &["--limit", "20"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let said = &ended.stdout;
    // Long sentences go over several lines.
    let flowing = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "Lesson 03, Contrastive learning from scratch: answers.rs",
        "wrong similarity",
        "Did you divide by both lengths?",
        "Hint: `a.iter().zip(b)",
        "no Rust yet info_nce",
        "let unused: u8 = \"text\";",
        "endless plateau",
        "still running after 20 s",
        "passed symmetric",
        "1 of 4",
    ] {
        assert!(flowing.contains(part), "no '{part}' in:\n{said}");
    }
    // The line is the file's.
    let at = answers.lines().position(|l| l.contains("let unused")).unwrap() + 1;
    assert!(said.contains(&format!("{at} |     let unused")), "line {at}:\n{said}");
}

#[test]
fn functions_that_panic_leave_print_or_are_declared_otherwise() {
    let answers =
        "fn similarity(a: &[f32], _: &[f32]) -> f32 {\n    println!(\"looking at {a:?}\");\n    a[7]\n}\n\
                   fn info_nce(_: &[f32], _: usize, _: f32) -> f32 {\n    std::process::exit(0)\n}\n\
                   fn plateau(n: u8) -> u8 {\n    n\n}\n";
    let ended = checked("03", answers, &["--json"]);
    let grades = json(&ended);
    let verdicts = verdicts(&grades);
    let expected = [
        ("failed", "index out of bounds"),
        ("failed", "ended (exit status: 0)"),
        ("does-not-compile", "fn plateau(n: usize) -> f32"),
        ("missing", "There is no function of that name in answers.rs"),
    ];
    for ((verdict, message), (kind, part)) in verdicts.iter().zip(expected) {
        assert!(verdict == kind && message.contains(part), "{part}: {grades:#}");
    }
    assert_eq!(grades["exercises"][0]["printed"][0], "looking at [1.0, 2.0, -2.0]", "{grades:#}");
    assert_eq!(ended.code, Some(1));
}

#[test]
fn helpers_belong_to_the_answers_and_one_that_is_broken_is_named() {
    let helper =
        "fn inner(a: &[f32], b: &[f32]) -> f32 {\n    a.iter().zip(b).map(|(x, y)| x * y).sum()\n}\n";
    let similarity = "fn similarity(a: &[f32], b: &[f32]) -> f32 {\n    inner(a, b) / inner(a, a).sqrt() / inner(b, b).sqrt()\n}\n";
    let grades = json(&checked("03", &format!("{similarity}{helper}"), &["--json"]));
    assert_eq!(grades["exercises"][0]["verdict"], "passed", "{grades:#}");
    let broken = helper.replace(".sum()", ".summe()");
    let grades = json(&checked("03", &format!("{similarity}{broken}"), &["--json"]));
    assert_eq!(grades["exercises"][0]["verdict"], "does-not-compile", "{grades:#}");
    let others = grades["others"][0].as_str().unwrap();
    assert!(others.contains("`inner` does not compile") && others.contains("summe"), "{grades:#}");
}

#[test]
fn a_session_is_graded_by_what_it_defines_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let solution = tutorial("solutions", "03");
    let plateau = solution.split("// ANCHOR: plateau").nth(1).unwrap().split("// ANCHOR_END").next().unwrap();
    let script = format!("let kept = 5;\n\n{plateau}\n\n:check 03\n");
    let stopped = ended(warm(folder.path()).write_stdin(script.clone()));
    assert!(stopped.stdout.contains("passed        plateau"), "{}\n{}", stopped.stdout, stopped.stderr);
    assert!(stopped.stdout.contains("missing       similarity") && stopped.stdout.contains("this session"));
    assert_eq!(stopped.code, Some(1), "a script stops where not all pass");
    let all = ended(warm(folder.path()).write_stdin(format!("{solution}\n\n:check 3\n\n1 + 1\n")));
    assert!(all.stdout.ends_with("4 of 4\n2\n"), "{}\n{}", all.stdout, all.stderr);
    assert_eq!(all.code, Some(0));
}

#[test]
fn a_notebook_is_graded_by_its_cells() {
    let folder = tempfile::tempdir().unwrap();
    let solution = tutorial("solutions", "03");
    let cell = |text: &str| serde_json::json!({ "cell_type": "code", "source": text, "metadata": {}, "outputs": [] });
    let cells = [cell(":methods"), cell("let x = 1;\nx"), cell(&solution), cell("!ls \"")];
    let notebook = serde_json::json!({ "cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5 });
    std::fs::write(folder.path().join("done.ipynb"), notebook.to_string()).unwrap();
    let ended = ended(warm(folder.path()).args(["check", "03", "done.ipynb"]));
    assert!(ended.stdout.ends_with("4 of 4\n"), "{}\n{}", ended.stdout, ended.stderr);
}

#[test]
fn starters_are_written_once_and_what_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let call = |line: &str| ended(warm(folder.path()).args(line.split_whitespace()));
    call("check 03").fails(1, &["no 03.rs", "check 03 --start"]);
    assert!(call("check 3 --start").succeeds().contains("03.rs has 4 exercises"));
    assert_eq!(std::fs::read_to_string(folder.path().join("03.rs")).unwrap(), tutorial("exercises", "03"));
    std::fs::write(folder.path().join("03.rs"), "mine").unwrap();
    call("check 03 --start").fails(1, &["there already"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("03.rs")).unwrap(), "mine");
    call("check 03 nowhere.rs").fails(1, &["nowhere.rs"]);
    call("check 77").fails(2, &["unknown lesson '77'"]);
    call("check").fails(2, &["LESSON"]);
    let list = call("check --list");
    assert!(list.succeeds().contains("similarity, info_nce, plateau, symmetric"), "{}", list.stdout);
    let listed = call("check --list --json").json_list();
    assert_eq!(listed.len(), lessons().len());
}
