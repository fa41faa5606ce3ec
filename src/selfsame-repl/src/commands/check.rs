//! `selfsame check`: grades a lesson's exercises.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use selfsame::files::{read_text, MOST_TEXT};
use selfsame::text::visible_path;
use selfsame::Error;

use crate::args::Check;
use crate::editor::{inputs, InputKind};
use crate::engine::{Options, Session, Settings, Status};
use crate::exit::Exit;
use crate::lesson::{all, find, grade, without_statements, Grades, Lesson, Limits, Verdict};
use crate::{output, repl};

/// Stands for every lesson.
const ALL: &str = "all";

/// Grades, lists lessons or writes a starter.
///
/// # Errors
/// An unknown lesson; a file that cannot be read or is there already; no toolchain to compile with.
pub fn run(arguments: &Check) -> Result<Exit, Error> {
    let Some(name) = arguments.lesson.as_deref().filter(|_| !arguments.list) else {
        return list(arguments.json);
    };
    if name == ALL {
        return every(arguments);
    }
    let lesson = find(name)?;
    let file = arguments.file.clone().unwrap_or_else(|| PathBuf::from(lesson.file()));
    if arguments.start {
        return start(&lesson, &file);
    }
    if arguments.file.is_none() && !file.exists() {
        output::error(&format!(
            "there is no {} here. `selfsame check {} --start` writes it, with everything that is asked.",
            visible_path(&file),
            lesson.number
        ));
        return Ok(Exit::Failed);
    }
    let what = arguments.called.clone().unwrap_or_else(|| file.display().to_string());
    let grades = match graded(&[(lesson, source(&file)?, what)], arguments)? {
        Ok(grades) => grades,
        Err(why) => return failed(&why),
    };
    if arguments.json {
        grades.iter().try_for_each(|grades| output::json(&grades.json()))?;
    } else {
        show(&grades, arguments)?;
    }
    Ok(end(&grades))
}

/// Grades every lesson that has a file in the folder, in one session.
fn every(arguments: &Check) -> Result<Exit, Error> {
    let folder = arguments.file.clone().unwrap_or_else(|| PathBuf::from("."));
    let mut given = Vec::new();
    for lesson in all() {
        let file = folder.join(lesson.file());
        if file.exists() {
            let source = source(&file)?;
            given.push((lesson, source, file.display().to_string()));
        }
    }
    if given.is_empty() {
        return failed(&format!("there is no file like 03.rs in {}", visible_path(&folder)));
    }
    let grades = match graded(&given, arguments)? {
        Ok(grades) => grades,
        Err(why) => return failed(&why),
    };
    if arguments.json {
        output::json(&grades.iter().map(Grades::json).collect::<Vec<_>>())?;
    } else {
        show(&grades, arguments)?;
    }
    Ok(end(&grades))
}

/// Grades sources, each with its lesson and what it is called; or says why nothing can be.
fn graded(
    given: &[(Lesson, String, String)],
    arguments: &Check,
) -> Result<Result<Vec<Grades>, String>, Error> {
    let _settings = Settings::own();
    listen()?;
    let mut session = match ready() {
        Ok(session) => session,
        Err(why) => return Ok(Err(why)),
    };
    let limits = Limits { each: Duration::from_secs(arguments.limit.max(1)) };
    let bar = crate::face::working();
    let mut all = Vec::new();
    let mut is_clean = true;
    for (lesson, source, what) in given {
        // The functions of another lesson are none of this one's.
        if !is_clean {
            session = match ready() {
                Ok(session) => session,
                Err(why) => return Ok(Err(why)),
            };
        }
        let mut tell = |now: &str| bar.set_message(format!("{} {now}", lesson.number));
        match grade(lesson, source, what, &session, limits, &mut tell) {
            Ok((grades, clean)) => {
                all.push(grades);
                is_clean = clean;
            }
            Err(fault) => return Ok(Err(fault.to_string())),
        }
    }
    bar.finish_and_clear();
    Ok(Ok(all))
}

fn show(all: &[Grades], arguments: &Check) -> Result<(), Error> {
    let texts: Vec<String> =
        all.iter().map(|grades| grades.text(arguments.hints, painted).trim_end().to_string()).collect();
    output::stdout(&texts.join("\n\n"))
}

fn end(all: &[Grades]) -> Exit {
    if all.iter().all(Grades::all_passed) {
        Exit::Done
    } else {
        Exit::Failed
    }
}

fn failed(why: &str) -> Result<Exit, Error> {
    output::error(why);
    Ok(Exit::Failed)
}

fn list(json: bool) -> Result<Exit, Error> {
    let lessons = all();
    if json {
        let list = lessons.iter().map(|lesson| {
            let exercises: Vec<&str> = lesson.exercises.iter().map(|e| e.name.as_str()).collect();
            serde_json::json!({ "lesson": lesson.number, "title": lesson.title, "exercises": exercises })
        });
        output::json(&list.collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let mut table = selfsame::plot::Table::new(["lesson", "about", "exercises"]);
    for lesson in &lessons {
        let exercises: Vec<&str> = lesson.exercises.iter().map(|e| e.name.as_str()).collect();
        table.row([lesson.number.to_string(), lesson.title.to_string(), exercises.join(", ")]);
    }
    output::stdout(&table.text())?;
    Ok(Exit::Done)
}

/// What the file defines: a Rust file as it stands, of a script or notebook what is Rust.
fn source(file: &Path) -> Result<String, Error> {
    if file.extension().is_none_or(|e| e != "ipynb" && e != "ssl") {
        return read_text(file, MOST_TEXT);
    }
    let inputs =
        inputs(&repl::read_script(file)?).into_iter().filter(|input| input.kind() == InputKind::Rust);
    Ok(without_statements(&inputs.map(|input| input.text).collect::<Vec<_>>()))
}

/// Writes the starter, never over a file that is there.
fn start(lesson: &Lesson, file: &Path) -> Result<Exit, Error> {
    let made = std::fs::File::create_new(file).and_then(|mut f| f.write_all(lesson.starter.as_bytes()));
    match made {
        Ok(()) => {
            output::stdout(&format!(
                "{} has {} exercises. Fill in the bodies, then `selfsame check {} {}`.",
                visible_path(file),
                lesson.exercises.len(),
                lesson.number,
                visible_path(file)
            ))?;
            Ok(Exit::Done)
        }
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            output::error(&format!(
                "{} is there already, and stays as it is. Name another file.",
                visible_path(file)
            ));
            Ok(Exit::Failed)
        }
        Err(e) => Err(Error::io("write", file)(e)),
    }
}

/// The session that Ctrl-C ends with the program.
static RUNNING: Mutex<Option<Session>> = Mutex::new(None);

/// What runs has a process group of its own, and would outlive the program.
fn listen() -> Result<(), Error> {
    let end = || {
        if let Some(session) = &*RUNNING.lock().unwrap_or_else(PoisonError::into_inner) {
            session.kill();
        }
        std::process::exit(i32::from(Exit::Interrupted.code()));
    };
    ctrlc::set_handler(end).map_err(|e| Error::Io {
        action: "listen for",
        path: "Ctrl-C".into(),
        source: std::io::Error::other(e),
    })
}

/// A session that can run cells, or why there is none.
fn ready() -> Result<Session, String> {
    let session = Session::start(Options { frontend: "command", preload: None, threads: None, whole: false });
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.clone());
    let bar = crate::face::compiling();
    let tell = |status: &Status| match status {
        Status::Compiling { done, total } => {
            bar.set_length(*total as u64);
            bar.set_position(*done as u64);
        }
        Status::Waiting => output::note("another session makes the library ready; this one waits"),
        _ => {}
    };
    session.wait(tell, || false);
    bar.finish_and_clear();
    match session.status() {
        Status::Unavailable(why) => Err(why),
        _ => Ok(session),
    }
}

/// A verdict's words in colour, where the reader's terminal takes it.
fn painted(verdict: &Verdict, words: &str) -> String {
    use std::io::IsTerminal;
    if !std::io::stdout().is_terminal() {
        return words.to_string();
    }
    match verdict {
        Verdict::Passed => output::paint(output::Colour::Green, words),
        Verdict::NotYet | Verdict::Missing => output::paint(output::Colour::Blue, words),
        _ => output::paint(output::Colour::Red, words),
    }
}
