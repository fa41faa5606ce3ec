//! The compiler, asked again.
//!
//! A cell whose last expression is wrong is compiled by evcxr three times: as it is, with another way of showing the value,
//! and without what catches panics. Where types do not fit, the compiler says the same each time, about the same lines. So
//! cargo calls this program in the compiler's place, which keeps what the compiler said of a cell and answers with it when
//! the lines it spoke of are still there.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cache::Slot;
use super::opening::Opening;

/// The one source of a cell, as cargo names it to the compiler.
const SOURCE: &str = "src/lib.rs";
/// Where the answer is kept, in the package of the cells, in which the compiler is called.
const KEPT: &str = "answer.json";
/// A trait that is not there for a type, and a type that is another than the one asked for: how shapes do not fit. No
/// other way of showing a value changes that.
const UNFIT: [&str; 2] = ["E0277", "E0271"];
/// Where a question mark is not allowed evcxr compiles the cell in another form, in which it is.
const QUESTION: &str = "`?`";

/// What the compiler said, and of what.
#[derive(Serialize, Deserialize)]
struct Answer {
    source: String,
    /// A message in JSON a line.
    messages: String,
}

/// What cargo is told, in the slot's settings, for all it compiles there.
///
/// It asks a compiler it does not know about itself, twice as long as a cell takes; so it is told before the first.
pub fn settings(program: &Path) -> String {
    format!("[build]\nrustc-workspace-wrapper = {}\n", super::manifest::quoted_path(program))
}

/// Has the next cell compiled, whatever was said of the one before.
pub fn forget(slot: &Slot) {
    // There is none after most cells; one that stays is about lines the next cell does not have.
    let _ = fs::remove_file(slot.cells().join(KEPT));
}

/// Does not return where this program is called in the compiler's place, which is then its first argument.
pub fn become_compiler() {
    let mut words = std::env::args_os().skip(1);
    let Some(compiler) = words.next().filter(|word| Path::new(word).file_stem() == Some(OsStr::new("rustc")))
    else {
        return;
    };
    match compile(Path::new("."), &compiler, words.collect()) {
        Ok(code) => std::process::exit(code),
        Err(e) => {
            eprintln!("{} does not run: {e}", compiler.display());
            std::process::exit(1);
        }
    }
}

/// Compiles what is in `folder`, or answers at once; gives the exit status.
fn compile(folder: &Path, compiler: &OsStr, words: Vec<OsString>) -> io::Result<i32> {
    let is_cell = words.iter().any(|word| word == SOURCE);
    let source = if is_cell { fs::read_to_string(folder.join(SOURCE)).ok() } else { None };
    let Some(source) = source else {
        return Ok(Command::new(compiler).args(words).status()?.code().unwrap_or(1));
    };
    let kept = folder.join(KEPT);
    let earlier = fs::read(&kept).ok().and_then(|text| serde_json::from_slice::<Answer>(&text).ok());
    let opening = Opening::recognise(folder, &source, compiler, &words);
    let known = earlier.and_then(|answer| Some((1, answer.about(&source)?)));
    if let Some((status, messages)) = known.or_else(|| opening.as_ref().and_then(Opening::again)) {
        io::stderr().write_all(messages.as_bytes())?;
        return Ok(status);
    }
    let output =
        Command::new(compiler).args(words).stdout(Stdio::inherit()).stderr(Stdio::piped()).output()?;
    io::stderr().write_all(&output.stderr)?;
    // What cannot be kept is compiled again.
    if let Some(opening) = opening {
        let _ = opening.keep(&output);
    } else if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        let _ = serde_json::to_vec(&Answer { source, messages }).map(|text| fs::write(kept, text));
    }
    Ok(output.status.code().unwrap_or(1))
}

impl Answer {
    /// What the compiler would say of `source`; `None` where it has to be asked.
    fn about(&self, source: &str) -> Option<String> {
        let lines = same_lines(&self.source, source);
        let mut said = String::new();
        let mut errors = 0;
        for line in self.messages.lines() {
            let mut message: Value = serde_json::from_str(line).ok()?;
            if message["level"] != "error" {
                continue;
            }
            if message["spans"].as_array().is_some_and(|spans| !spans.is_empty()) {
                let code = message["code"]["code"].as_str()?;
                if !UNFIT.contains(&code) || message["message"].as_str()?.contains(QUESTION) {
                    return None;
                }
                errors += 1;
            }
            follow(&mut message, &lines)?;
            said.push_str(&message.to_string());
            said.push('\n');
        }
        (errors > 0).then_some(said)
    }
}

/// Where a line of the old text stands in the new one: its number there, and by how many bytes it has moved.
type Lines = HashMap<u64, (u64, i64)>;

/// The lines that both texts have once.
fn same_lines(old: &str, new: &str) -> Lines {
    let new = once(new);
    once(old)
        .into_iter()
        .filter_map(|(line, (number, start))| {
            let (now, begins) = new.get(line)?;
            Some((number, (*now, *begins - start)))
        })
        .collect()
}

/// The lines that a text has once, with their numbers, from 1, and where they start.
fn once(text: &str) -> HashMap<&str, (u64, i64)> {
    let mut found = HashMap::new();
    let mut start = 0;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        found.entry(line).and_modify(|place| *place = None).or_insert(Some((number, start)));
        start += line.len() as i64;
    }
    found.into_iter().filter_map(|(line, place)| Some((line, place?))).collect()
}

/// Moves all places in the cell that a message names; `None` when one of them is gone.
fn follow(message: &mut Value, lines: &Lines) -> Option<()> {
    match message {
        Value::Array(values) => values.iter_mut().try_for_each(|value| follow(value, lines)),
        Value::Object(fields) => {
            if fields.get("file_name").is_some_and(|name| name == SOURCE) {
                for end in ["start", "end"] {
                    let (line, byte) = (format!("line_{end}"), format!("byte_{end}"));
                    let (now, moved) = lines.get(&fields.get(&line)?.as_u64()?)?;
                    let byte_now = fields.get(&byte)?.as_i64()? + moved;
                    fields.insert(line, (*now).into());
                    fields.insert(byte, byte_now.into());
                }
            }
            fields.values_mut().try_for_each(|value| follow(value, lines))
        }
        _ => Some(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    const FIRST: &str = "fn f() {\n(\na.b(c)\n).evcxr_display();\n}\n";
    const SECOND: &str = "fn f() {\nfn show() {}\nshow(&(\na.b(c)\n));\n}\n";

    fn message(code: &str, text: &str, line: u64) -> String {
        json!({
            "level": "error", "message": text, "code": {"code": code},
            "spans": [{"file_name": SOURCE, "line_start": line, "line_end": line, "byte_start": 13, "byte_end": 14}],
            "children": [{"level": "help", "spans": [{"file_name": "/elsewhere.rs", "line_start": 7}]}],
        })
        .to_string()
    }

    fn answer(messages: &[String]) -> Answer {
        Answer { source: FIRST.into(), messages: messages.join("\n") }
    }

    #[test]
    fn what_was_said_of_a_line_is_said_of_it_where_it_stands_now() {
        let end = json!({"level": "error", "message": "aborting", "code": null, "spans": []}).to_string();
        let warning = json!({"level": "warning", "message": "unused"}).to_string();
        let said = answer(&[warning, message("E0277", "no", 3), end]).about(SECOND).unwrap();
        let said: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(said.len(), 2);
        let place = &said[0]["spans"][0];
        assert_eq!((&place["line_start"], &place["line_end"]), (&json!(4), &json!(4)));
        let at = SECOND.find("a.b").unwrap() - FIRST.find("a.b").unwrap() + 13;
        assert_eq!((&place["byte_start"], &place["byte_end"]), (&json!(at), &json!(at + 1)));
        assert_eq!(said[0]["children"][0]["spans"][0]["line_start"], 7);
    }

    #[test]
    fn the_compiler_is_asked_where_it_could_say_something_else() {
        let fits = message("E0277", "no", 3);
        for (why, messages, source) in [
            ("another code", vec![message("E0599", "no", 3)], SECOND),
            ("one of another code", vec![fits.clone(), message("E0599", "no", 3)], SECOND),
            ("a question mark", vec![message("E0277", "the `?` operator", 3)], SECOND),
            ("of a line that is gone", vec![message("E0277", "no", 4)], SECOND),
            ("the line is there twice", vec![fits], "a.b(c)\na.b(c)\n"),
            ("nothing was said", vec![], SECOND),
            ("no JSON", vec!["error: no".into()], SECOND),
        ] {
            assert_eq!(answer(&messages).about(source), None, "{why}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_compiler_is_called_once_for_what_it_refuses_the_same_way() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let (calls, compiler) = (root.path().join("calls"), root.path().join("compiler"));
        let refused = message("E0277", "no", 3);
        fs::write(
            &compiler,
            format!("#!/bin/sh\necho called >> '{}'\necho '{refused}' >&2\nexit 1\n", calls.display()),
        )
        .unwrap();
        fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(root.path().join("src")).unwrap();
        let called = || fs::read_to_string(&calls).unwrap().lines().count();
        let ask = |source: &str| {
            fs::write(root.path().join(SOURCE), source).unwrap();
            compile(root.path(), compiler.as_os_str(), vec![SOURCE.into()]).unwrap()
        };
        assert_eq!((ask(FIRST), called()), (1, 1));
        assert_eq!((ask(SECOND), called()), (1, 1));
        assert_eq!((ask("another\n"), called()), (1, 2));
        // What is no cell is none of its business.
        assert_eq!(compile(root.path(), compiler.as_os_str(), vec!["build.rs".into()]).unwrap(), 1);
        assert_eq!(called(), 3);
    }
}
