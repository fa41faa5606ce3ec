//! The REPL at a real terminal, as somebody uses it.

use std::path::Path;

use crate::program;
use crate::session::{cache, ended, warm};
use crate::terminal::{available, Terminal};

/// The REPL in `folder`, which is also where it keeps its settings and history.
fn repl(folder: &Path, size: (usize, usize), more: &[(&str, &str)]) -> Terminal {
    let folders = folder.display().to_string();
    let cache = cache().display().to_string();
    let mut environment = vec![
        ("SELFSAME_CACHE_DIR", cache.as_str()),
        ("XDG_CONFIG_HOME", &folders),
        ("XDG_DATA_HOME", &folders),
    ];
    environment.extend_from_slice(more);
    let terminal = Terminal::start(&program::path().display().to_string(), folder, size, &environment);
    // In a narrow window the prompt is short.
    terminal.shows(if size.0 < 30 { "> " } else { "selfsame>" }, 1, 20);
    terminal
}

/// Keeps a screen where it can be looked at: `screens/` in the target folder.
fn keep(name: &str, screen: &str) {
    let folder = program::path().parent().expect("a program is in a folder").join("screens");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    std::fs::write(folder.join(format!("{name}.txt")), screen).expect("the target folder can be written");
}

#[test]
fn a_session_from_training_to_its_replay() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let terminal = repl(folder.path(), (100, 40), &[]);
    terminal.enter("let kept = 41;");
    terminal.enter("kept + 1");
    terminal.answers("42", 120);

    // Stopped softly after a while, with everything it has.
    terminal.enter(":train simclr digits --epochs 200 --name long");
    let screen = terminal.until("an epoch", 60, |screen| screen.contains("kNN"));
    keep("training", &screen);
    terminal.press("C-c");
    let screen = terminal.shows("stopped after", 1, 30);
    keep("stopped", &screen);
    terminal.enter("run.metrics().len() > 1");
    terminal.answers("true", 60);
    terminal.enter("kept + 2");
    terminal.answers("43", 60);

    terminal.enter(":plot run");
    keep("plot", &terminal.shows("selfsame>", 7, 30));

    terminal.enter("let x: u8 = \"text\";");
    let screen = terminal.shows("expected `u8`, found `&str`", 1, 30);
    keep("error", &screen);
    terminal.enter(":why");
    terminal.shows("error[E0308]", 1, 30);

    terminal.enter(":vars");
    keep(
        "variables",
        &terminal.until("variables", 30, |screen| screen.contains("kept") && screen.contains("i32")),
    );
    terminal.enter(":save session.ssl");
    terminal.shows("saved;", 1, 30);
    terminal.enter(":quit");
    terminal.until("the end", 20, |_| !terminal.is_open());

    let saved = std::fs::read_to_string(folder.path().join("session.ssl")).unwrap();
    let script = saved.replace("--epochs 200 --name long", "--epochs 2 --name short");
    std::fs::write(folder.path().join("short.ssl"), script).unwrap();
    let replayed = ended(warm(folder.path()).args(["run", "short.ssl"]));
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    for expected in ["42\n", "true\n", "43\n"] {
        assert!(replayed.stdout.contains(expected), "{expected}: {}", replayed.stdout);
    }
}

#[test]
fn the_tour_from_its_beginning_to_its_end() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let terminal = repl(folder.path(), (100, 45), &[]);
    terminal.enter(":tour");
    for step in 1..=8 {
        let screen = terminal.shows("Enter runs it", step, 240);
        assert!(screen.contains(&format!("{step} of 8:")), "{screen}");
        terminal.press("Enter");
    }
    let screen = terminal.shows("That was the tour.", 1, 240);
    keep("tour", &screen);
    for part in [
        "1,797",
        "Better than nothing",
        "temperature-too-high",
        "this Linear takes 784 features, the input has 783",
    ] {
        assert!(screen.contains(part), "no '{part}' in\n{screen}");
    }
}

/// Presses Ctrl-C twice, the `time`th time in this session; the screen then.
fn end_by_force(terminal: &Terminal, time: usize) -> String {
    terminal.press("C-c");
    terminal.shows("Ctrl-C again within two seconds", time, 10);
    terminal.press("C-c");
    terminal.shows("Stopped by force", time, 20)
}

#[test]
fn a_cell_that_never_ends_is_ended_by_the_second_ctrl_c() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let terminal = repl(folder.path(), (100, 40), &[]);
    terminal.enter("let lost = 1;");
    terminal
        .enter("println!(\"begins\"); loop { std::thread::sleep(std::time::Duration::from_millis(10)); }");
    terminal.answers("begins", 120);
    let screen = end_by_force(&terminal, 1);
    assert!(screen.contains("its variables"), "{screen}");
    terminal.enter("1 + 1");
    terminal.answers("2", 60);

    // A loop that asks whether it should stop ends at the first, and nothing is lost.
    terminal.enter("let kept = 7; println!(\"again\"); while !interrupted() {}");
    terminal.answers("again", 60);
    terminal.press("C-c");
    terminal.until("the prompt", 10, |screen| {
        screen.trim_end().ends_with("selfsame>") || screen.contains("ready")
    });
    terminal.enter("kept * 6");
    terminal.answers("42", 60);

    // A lock that its own thread waits for.
    terminal.enter("{ let door = std::sync::Mutex::new(0); let _in = door.lock(); println!(\"stuck\"); let _again = door.lock(); }");
    terminal.answers("stuck", 60);
    end_by_force(&terminal, 2);
    terminal.enter("20 + 3");
    terminal.answers("23", 60);
}

#[test]
fn narrow_and_plain_terminals_and_one_that_changes_its_size() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let terminal = repl(folder.path(), (20, 20), &[]);
    terminal.enter(":methods");
    terminal.shows("simclr", 1, 30);
    terminal.resize(90, 30);
    terminal.enter(":train simclr digits --epochs 3 --name sizes");
    terminal.shows("loss", 1, 60);
    terminal.resize(40, 12);
    terminal.resize(110, 40);
    terminal.shows("supervised", 1, 120);

    let plain = repl(folder.path(), (80, 24), &[("TERM", "dumb")]);
    plain.enter(":methods");
    plain.shows("simclr", 1, 30);
    plain.enter("2 + 3");
    plain.answers("5", 60);
}

#[test]
fn two_sessions_do_not_write_into_one_run() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (repl(folder.path(), (100, 40), &[]), repl(folder.path(), (100, 40), &[]));
    one.enter(":train simclr digits --epochs 300 --name shared");
    one.until("an epoch", 60, |screen| screen.contains("kNN"));
    two.enter(":resume runs/shared");
    let screen = two.shows("error", 1, 30);
    assert!(screen.contains("is training in it"), "{screen}");
    one.press("C-c");
    one.shows("stopped after", 1, 30);
}

#[test]
fn an_error_is_gone_when_its_cause_is() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let terminal = repl(folder.path(), (120, 40), &[("NO_COLOR", "1")]);
    let product = "a.clone().matmul(b.clone()).sum::<Rank0, _>().array()";
    let cells = [
        "use selfsame::dfdx::prelude::*;",
        "let a: Tensor<Rank2<3, 4>, f32, Cpu> = Cpu::default().ones();",
        "let b: Tensor<Rank2<5, 6>, f32, Cpu> = Cpu::default().ones();",
        // Within a cell the compiler is not asked twice about such a line; the next cell is another matter.
        product,
        product,
        "let b: Tensor<Rank2<4, 2>, f32, Cpu> = Cpu::default().ones();",
        product,
    ];
    for (prompts, cell) in (2..).zip(cells) {
        terminal.enter(cell);
        terminal.shows("selfsame>", prompts, 120);
    }
    let screen = terminal.screen();
    assert_eq!(screen.matches("matmul: 3 x 4 times 5 x 6 does not fit").count(), 2, "{screen}");
    assert!(screen.lines().any(|line| line.trim() == "24.0"), "{screen}");
}

#[test]
fn lines_typed_while_a_cell_runs_are_carried_out_in_turn() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let terminal = repl(folder.path(), (100, 40), &[("NO_COLOR", "1")]);
    terminal.enter("1 + 1");
    terminal.answers("2", 120);
    terminal.enter("std::thread::sleep(std::time::Duration::from_secs(3)); println!(\"sl{}\", \"ept\")");
    terminal.shows("sleep", 1, 20);
    terminal.enter("let a = 5;");
    terminal.enter("fn four() -> i32 {");
    terminal.enter("4");
    terminal.enter("}");
    // A program we start has the terminal as programs expect it.
    terminal.enter("!echo listening; read x; echo got-$x");
    terminal.shows("listening", 2, 60);
    terminal.enter("a line");
    terminal.shows("got-a line", 1, 20);
    terminal.enter("a + four()");
    let screen = terminal.answers("9", 60);
    let at = |text: &str| screen.find(text).unwrap_or_else(|| panic!("{text} is missing in:\n{screen}"));
    // What was typed is shown at its own prompt, not in the middle of what the cell prints.
    assert!(at("slept") < at("selfsame> let a = 5;"), "{screen}");
    assert_eq!(screen.matches("let a = 5;").count(), 1, "{screen}");
}

#[test]
fn several_lines_are_one_input_and_completion_knows_commands() {
    if !available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let terminal = repl(folder.path(), (100, 40), &[("NO_COLOR", "1")]);
    terminal.enter("fn twice(n: i32) -> i32 {");
    terminal.enter("2 * n");
    terminal.enter("}");
    terminal.enter("twice(21)");
    terminal.answers("42", 120);
    terminal.enter(":meth");
    terminal.shows("did you mean 'methods'", 1, 10);
    terminal.press("Up");
    terminal.shows("selfsame> :meth", 2, 10);
    terminal.press("C-c");
    terminal.until("an empty prompt", 10, |screen| screen.trim_end().ends_with("selfsame>"));
    for key in [":", "m", "e", "t", "Tab"] {
        terminal.press(key);
    }
    terminal.shows(":methods", 1, 10);
    terminal.press("Enter");
    terminal.press("Enter");
    terminal.shows("simclr", 1, 10);
}
