//! A session's inputs as a file, and a file as inputs.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::shell::{Flow, Shell};
use super::cells::wants;
use crate::editor;
use crate::notebook::{self, Cell};

/// What a line of plain Rust begins with when it holds a command.
const COMMAND_IN_RUST: &str = "//:";

/// The forms of a file, by its ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Inputs as they were typed.
    Script,
    /// Rust; commands stand in comments.
    Rust,
    /// A notebook, one cell an input.
    Notebook,
}

impl Form {
    fn of(file: &str) -> Option<Form> {
        match Path::new(file).extension()?.to_str()? {
            "ssl" => Some(Form::Script),
            "rs" => Some(Form::Rust),
            "ipynb" => Some(Form::Notebook),
            _ => None,
        }
    }
}

/// `:save FILE`
pub(super) fn save(shell: &mut Shell, rest: &str) -> Flow {
    let Some(form) = Form::of(rest) else {
        return wants(shell, "a file that ends in .ssl, .rs or .ipynb", ":save session.ssl");
    };
    let text = written(&shell.log, form);
    match selfsame::train::write_atomic(Path::new(rest), text.as_bytes()) {
        Ok(()) => {
            let inputs = crate::numbers::counted(shell.log.len() as u64, "input");
            shell
                .screen
                .note(&format!("{inputs} saved; `selfsame run {rest}` or `:run {rest}` runs them again."));
            Flow::Go
        }
        Err(e) => {
            shell.screen.failure(&e.to_string());
            Flow::Failed
        }
    }
}

/// Files that run files, so many deep.
const MOST_FILES: usize = 32;

/// Notes that `file` begins to run, unless it runs already or too many do.
pub(in crate::repl) fn enter(files: &mut Vec<PathBuf>, file: &str) -> Result<(), String> {
    // A file that is reached on two ways is one file.
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| PathBuf::from(file));
    if let Some(first) = files.iter().position(|running| *running == file) {
        let way: Vec<String> =
            files[first..].iter().chain([&file]).map(|f| f.display().to_string()).collect();
        return Err(format!("the file runs itself, which would have no end: {}", way.join(" runs ")));
    }
    if files.len() >= MOST_FILES {
        return Err(format!(
            "{} is the file number {} that is run by another one; {MOST_FILES} are the most",
            file.display(),
            files.len() + 1
        ));
    }
    files.push(file);
    Ok(())
}

/// `:run FILE`
pub(super) fn run_file(shell: &mut Shell, rest: &str) -> Flow {
    let Some(text) = text_of(shell, rest) else { return Flow::Failed };
    if let Err(why) = enter(&mut shell.files, rest) {
        shell.screen.failure(&why);
        return Flow::Failed;
    }
    let mut source = editor::text(&text, rest);
    let interactive = std::mem::replace(&mut shell.interactive, false);
    let code = shell.run(&mut source);
    shell.interactive = interactive;
    shell.files.pop();
    if code == 0 {
        Flow::Go
    } else {
        Flow::Failed
    }
}

/// `:load FILE`
pub(super) fn load(shell: &mut Shell, rest: &str) -> Flow {
    let Some(text) = text_of(shell, rest) else { return Flow::Failed };
    text.lines().for_each(|line| shell.screen.line(line));
    shell.prefill = Some(text.trim_end().to_string());
    Flow::Go
}

/// `:edit`
pub(super) fn edit(shell: &mut Shell, rest: &str) -> Flow {
    if !shell.interactive || !shell.screen.lends_its_terminal() {
        shell.screen.failure("an editor opens at a terminal only.");
        return Flow::Failed;
    }
    let last = shell.inputs.iter().rev().find(|input| !input.trim_start().starts_with(":edit"));
    let text = if rest.is_empty() { last.cloned().unwrap_or_default() } else { rest.to_string() };
    match editor::edit(&text, &shell.config) {
        Ok(edited) if edited.trim().is_empty() => Flow::Go,
        Ok(edited) => {
            edited.lines().for_each(|line| shell.screen.line(line));
            shell.input(&editor::Input { text: edited, line: 1 }, "edit")
        }
        Err(e) => {
            shell.screen.failure(&e.to_string());
            Flow::Failed
        }
    }
}

fn text_of(shell: &mut Shell, file: &str) -> Option<String> {
    if file.is_empty() {
        wants(shell, "a file", ":run session.ssl");
        return None;
    }
    match read(Path::new(file)) {
        Ok(text) => Some(text),
        Err(e) => {
            shell.screen.failure(&e.to_string());
            None
        }
    }
}

/// A file's inputs as one text, whatever its form.
///
/// # Errors
/// It cannot be read, or is no notebook although its name says so.
pub fn read(file: &Path) -> Result<String, selfsame::Error> {
    let text = selfsame::files::read_text(file, selfsame::files::MOST_TEXT)?;
    match Form::of(&file.display().to_string()) {
        Some(Form::Notebook) => cells(&text).map(|cells| cells.join("\n\n")).map_err(|(line, found)| {
            selfsame::Error::input(
                file,
                selfsame::error::Place::Line(line),
                found,
                "a Jupyter notebook of format 4",
                "Open it in Jupyter and save it again.",
            )
        }),
        Some(Form::Rust) => Ok(commands_out_of_comments(&text)),
        _ => Ok(text),
    }
}

fn commands_out_of_comments(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix(COMMAND_IN_RUST) {
        Some(command) => format!("\n:{command}\n"),
        None => line.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn cells(text: &str) -> Result<Vec<String>, (u64, String)> {
    let notebook: Value = serde_json::from_str(text).map_err(|e| (e.line() as u64, e.to_string()))?;
    let cells = notebook["cells"].as_array().ok_or((1, "no list of cells".to_string()))?;
    let source = |cell: &Value| match &cell["source"] {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect::<String>(),
        other => other.as_str().unwrap_or_default().to_string(),
    };
    Ok(cells.iter().filter(|c| c["cell_type"] == "code").map(source).collect())
}

fn written(inputs: &[String], form: Form) -> String {
    let mut text = match form {
        Form::Script => inputs.join("\n\n"),
        Form::Rust => {
            let inputs = inputs.iter().map(|input| match input.trim_start().strip_prefix(':') {
                Some(command) => format!("{COMMAND_IN_RUST}{}", editor::joined(command)),
                None => input.clone(),
            });
            format!("// `selfsame run` runs this file.\n\n{}", inputs.collect::<Vec<_>>().join("\n\n"))
        }
        Form::Notebook => return notebook::json(&inputs.iter().cloned().map(Cell::Code).collect::<Vec<_>>()),
    };
    text.push('\n');
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_form_gives_back_the_inputs_it_was_made_of() {
        let inputs =
            vec![":train simclr digits --epochs 2".to_string(), "let x =\n    1;".into(), "x + 1".into()];
        let folder = tempfile::tempdir().unwrap();
        for (name, form) in [("a.ssl", Form::Script), ("a.rs", Form::Rust), ("a.ipynb", Form::Notebook)] {
            assert_eq!(Form::of(name), Some(form));
            let file = folder.path().join(name);
            std::fs::write(&file, written(&inputs, form)).unwrap();
            let text = read(&file).unwrap();
            let squeezed: Vec<&str> = text
                .split("\n\n")
                .map(str::trim)
                .filter(|t| !t.is_empty() && !t.starts_with("// `selfsame"))
                .collect();
            assert_eq!(squeezed, inputs, "{name}");
        }
        assert_eq!(Form::of("a.txt"), None);
    }

    #[test]
    fn plain_rust_hides_commands_from_other_tools() {
        let text = written(&[":methods".into(), "let x = 1;".into()], Form::Rust);
        assert!(text.contains("\n//:methods\n") && text.contains("\nlet x = 1;\n"));
    }

    #[test]
    fn a_damaged_notebook_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("b.ipynb");
        std::fs::write(&file, "{\n \"cells\": [").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("b.ipynb, line 2"));
        std::fs::write(&file, "{}").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("no list of cells"));
    }

    #[test]
    fn a_file_does_not_run_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("a.ssl"), "").unwrap();
        let mut files = Vec::new();
        enter(&mut files, &path("a.ssl")).unwrap();
        enter(&mut files, &path("b.ssl")).unwrap();
        let why = enter(&mut files, &path("./a.ssl")).unwrap_err();
        assert!(why.contains("runs itself") && why.contains("b.ssl runs"), "{why}");
        assert_eq!(files.len(), 2);
        let refused = (0..100).find_map(|i| enter(&mut files, &path(&format!("{i}.ssl"))).err()).unwrap();
        assert!(refused.contains("32 are the most"), "{refused}");
    }
}
