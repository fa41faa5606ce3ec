//! Commands that are the program's own: `:train ..` does what `selfsame train ..` does in a terminal.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::shell::{Flow, Shell};

/// The word that means the run the session has bound.
const BOUND: &str = "run";

/// `:train METHOD DATA ..`
pub(super) fn train(shell: &mut Shell, rest: &str) -> Flow {
    let Some(mut words) = split(shell, rest) else { return Flow::Failed };
    if let Some(seed) =
        shell.config.seed.value.filter(|_| !words.iter().any(|w| w == "--seed" || w.starts_with("--seed=")))
    {
        words.extend(["--seed".to_string(), seed.to_string()]);
    }
    trained(shell, "train", words)
}

/// `:resume RUN`
pub(super) fn resume(shell: &mut Shell, rest: &str) -> Flow {
    let Some(mut words) = split(shell, rest) else { return Flow::Failed };
    words.insert(0, "--resume".into());
    trained(shell, "train", with_bound(shell, words))
}

fn trained(shell: &mut Shell, command: &str, words: Vec<String>) -> Flow {
    let Some(ended) = call(shell, command, &words) else { return Flow::Failed };
    if let Some(folder) = &ended.folder {
        shell.run_folder = Some(folder.clone());
        shell.bind(format!("let run = Run::open({:?})?;", folder.display().to_string()));
        if shell.interactive {
            shell.screen.note(
                "`run` holds it: run.report(), run.encoder(), run.plot(); `:show rust` for the Rust of this.",
            );
        }
    }
    // Interrupted with a checkpoint saved is what was asked for.
    match ended.code {
        Some(0) => Flow::Go,
        Some(130) if ended.folder.is_some() => Flow::Go,
        _ => Flow::Failed,
    }
}

/// `:use RUN`
pub(super) fn bind(shell: &mut Shell, rest: &str) -> Flow {
    let folder = Path::new(rest);
    if !folder.join("config.json").is_file() {
        shell.screen.failure(&format!("'{rest}' is no run folder. `:runs` lists those there are."));
        return Flow::Failed;
    }
    shell.run_folder = Some(folder.to_path_buf());
    shell.bind(format!("let run = Run::open({rest:?})?;"));
    Flow::Go
}

macro_rules! programs {
    ($($name:ident),*) => { $(
        pub(super) fn $name(shell: &mut Shell, rest: &str) -> Flow { program(shell, stringify!($name), rest) }
    )* };
}

programs!(
    eval, compare, collapse, runs, data, views, neighbors, embed, plot, diagnose, methods, encoders, bench,
    doctor
);

fn program(shell: &mut Shell, name: &str, rest: &str) -> Flow {
    let Some(words) = split(shell, rest) else { return Flow::Failed };
    let words = with_bound(shell, words);
    match call(shell, name, &words) {
        Some(ended) if ended.succeeded() => Flow::Go,
        _ => Flow::Failed,
    }
}

/// `:check LESSON [FILE]`: without a file, what the session has defined. It is graded in a process of its own, so that nothing
/// a function does can harm the session.
pub(super) fn check(shell: &mut Shell, rest: &str) -> Flow {
    let Some(mut words) = split(shell, rest) else { return Flow::Failed };
    let called = ["selfsame", "check"].into_iter().chain(words.iter().map(String::as_str));
    let parsed = <crate::args::Arguments as clap::Parser>::try_parse_from(called);
    let of_session = match parsed.ok().and_then(|arguments| arguments.command) {
        Some(crate::args::Command::Check(check)) => {
            let one = check.lesson.as_deref() != Some("all");
            one && check.file.is_none() && !check.list && !check.start
        }
        // It says itself what is wrong.
        _ => false,
    };
    // It goes with its folder when the command has ended.
    let mut written = None;
    if of_session {
        match write_session(shell) {
            Ok((folder, file)) => {
                words.extend([file.display().to_string(), "--called".into(), "this session".into()]);
                written = Some(folder);
            }
            Err(e) => {
                shell
                    .screen
                    .failure(&format!("what you have defined cannot be written down to be graded: {e}"));
                return Flow::Failed;
            }
        }
    }
    let mut all = vec!["check".to_string()];
    all.extend(words);
    let ended = shell.command(&all);
    drop(written);
    match ended {
        Ok(ended) if ended.succeeded() => Flow::Go,
        // What is not done yet is an answer; only a script stops there.
        Ok(ended) if ended.code == Some(1) && ended.errors.is_empty() && shell.interactive => Flow::Go,
        Ok(ended) if ended.code == Some(1) && ended.errors.is_empty() => Flow::Failed,
        Ok(ended) => {
            shell.screen.command_failed(&ended, "check");
            Flow::Failed
        }
        Err(message) => {
            shell.screen.failure(&message);
            Flow::Failed
        }
    }
}

/// What the session has defined, in a file that only this user can read.
fn write_session(shell: &Shell) -> std::io::Result<(tempfile::TempDir, PathBuf)> {
    let folder = crate::private::scratch()?;
    let file = folder.path().join("session.rs");
    let mut opened = crate::private::writing().create_new(true).open(&file)?;
    opened.write_all(crate::lesson::without_statements(&shell.log).as_bytes())?;
    Ok((folder, file))
}

/// Words as a POSIX shell splits them, with `*` filled in.
fn split(shell: &mut Shell, text: &str) -> Option<Vec<String>> {
    match shell_words::split(text) {
        Ok(words) => Some(words.into_iter().flat_map(filled_in).collect()),
        Err(_) => {
            shell.screen.failure(&format!("a quotation mark is not closed in: {text}"));
            None
        }
    }
}

/// `runs/*` as the folders it stands for; other words as they are.
fn filled_in(word: String) -> Vec<String> {
    let Some(folder) = word.strip_suffix('*').filter(|f| f.is_empty() || f.ends_with('/')) else {
        return vec![word];
    };
    let place = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
    let Ok(entries) = std::fs::read_dir(place) else { return vec![word] };
    let mut found: Vec<String> = entries
        .filter_map(|e| Some(format!("{folder}{}", e.ok()?.file_name().to_str()?)))
        .filter(|path| Path::new(path).join("config.json").is_file())
        .collect();
    found.sort();
    if found.is_empty() {
        vec![word]
    } else {
        found
    }
}

/// The bound run's folder wherever `run` is said.
fn with_bound(shell: &Shell, words: Vec<String>) -> Vec<String> {
    let bound = shell.run_folder.as_ref().map(|f| f.display().to_string());
    words
        .into_iter()
        .map(|word| match &bound {
            Some(folder) if word == BOUND && !Path::new(BOUND).exists() => folder.clone(),
            _ => word,
        })
        .collect()
}

fn call(shell: &mut Shell, name: &str, words: &[String]) -> Option<super::super::child::Ended> {
    let mut all = vec![name.to_string()];
    all.extend_from_slice(words);
    match shell.command(&all) {
        Ok(ended) => {
            if !ended.succeeded() {
                shell.screen.command_failed(&ended, name);
            }
            Some(ended)
        }
        Err(message) => {
            shell.screen.failure(&message);
            None
        }
    }
}
