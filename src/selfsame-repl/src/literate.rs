//! A program of the book as a notebook: its comments are read, its listings run.
//!
//! | in the program | in the notebook |
//! |---|---|
//! | `//! text` at the head | Markdown |
//! | `//\| text` | Markdown |
//! | `// ANCHOR: name` .. `// ANCHOR_END: name` | a cell of code, its indentation removed |
//! | `//= CODE` outside of these | a cell of code that only the notebook has |
//! | everything else | nothing |

use crate::lesson::{items, Lesson};
use crate::notebook::Cell;

/// Begins prose.
const PROSE: &str = "//|";
/// Begins code that only a notebook has.
const NOTEBOOK_ONLY: &str = "//=";
const BEGIN: &str = "// ANCHOR: ";
const END: &str = "// ANCHOR_END: ";

/// What the cells being read belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Nothing,
    Prose,
    Only,
}

/// The cells of a program, without what every notebook begins and ends with.
pub fn cells(program: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    let mut reading = Reading::Nothing;
    // The anchor that is open; those within it are its lines.
    let mut anchor: Option<&str> = None;
    let end = |cells: &mut Vec<Cell>, lines: &mut Vec<&str>, is_code: bool| {
        let text = if is_code { dedented(lines) } else { lines.join("\n") };
        lines.clear();
        let text = text.trim_matches('\n').trim_end();
        if !text.is_empty() {
            cells.push(if is_code { Cell::Code(text.into()) } else { Cell::Text(text.into()) });
        }
    };
    for line in program.lines() {
        let bare = line.trim_start();
        if let Some(name) = anchor {
            if bare.strip_prefix(END).map(str::trim) == Some(name) {
                end(&mut cells, &mut lines, true);
                anchor = None;
            } else if !bare.starts_with(BEGIN) && !bare.starts_with(END) {
                lines.push(line);
            }
            continue;
        }
        let (now, text) = if let Some(text) = bare.strip_prefix(PROSE).or(bare.strip_prefix("//!")) {
            (Reading::Prose, text.strip_prefix(' ').unwrap_or(text))
        } else if let Some(code) = bare.strip_prefix(NOTEBOOK_ONLY) {
            (Reading::Only, code.strip_prefix(' ').unwrap_or(code))
        } else {
            (Reading::Nothing, "")
        };
        // A blank line in the program parts cells of code, but not a text from its continuation.
        if now != reading && !(bare.is_empty() && reading == Reading::Prose) {
            end(&mut cells, &mut lines, reading == Reading::Only);
            reading = now;
        }
        if now != Reading::Nothing {
            lines.push(text);
        } else if bare.is_empty() && reading == Reading::Prose {
            lines.push("");
        } else if let Some(name) = bare.strip_prefix(BEGIN) {
            anchor = Some(name.trim());
        }
    }
    end(&mut cells, &mut lines, anchor.is_some() || reading == Reading::Only);
    cells
}

fn dedented(lines: &[&str]) -> String {
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let least = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    lines.iter().map(|line| line.get(least..).unwrap_or("").trim_end()).collect::<Vec<_>>().join("\n")
}

/// The whole notebook of a program: after its first text the cell that tells Rust where the library is, which is
/// `dependency`, and at the end the lesson's exercises.
pub fn notebook(program: &str, dependency: &str, lesson: Option<&Lesson>) -> Vec<Cell> {
    let mut cells = cells(program);
    let first = usize::from(matches!(cells.first(), Some(Cell::Text(_))));
    cells.insert(first, Cell::Code(setup(dependency)));
    cells.extend(lesson.into_iter().flat_map(exercises));
    cells
}

/// An exercise whose name the program's listings define as well.
pub fn defined_twice(program: &str, lesson: &Lesson) -> Option<String> {
    let code =
        cells(program)
            .into_iter()
            .filter_map(|cell| if let Cell::Code(code) = cell { Some(code) } else { None });
    let defined: Vec<String> = code.flat_map(|code| items(&code)).map(|item| item.name).collect();
    lesson.exercises.iter().map(|e| e.name.clone()).find(|name| defined.contains(name))
}

fn setup(dependency: &str) -> String {
    format!(
        ":dep selfsame = {dependency}\nuse selfsame::prelude::*;\n\
         match selfsame::front::Frontend::detect() {{\n    \
         Some(_) => println!(\"Selfsame's own kernel: trainings move while they run, and the stop button keeps the variables.\"),\n    \
         None => println!(\"The stock evcxr kernel: everything works, with lines where the other kernel has moving figures.\"),\n}}"
    )
}

/// A text, a cell for each function that is asked for, and how to have them graded.
fn exercises(lesson: &Lesson) -> Vec<Cell> {
    let (asked, given): (Vec<_>, Vec<_>) = items(lesson.starter)
        .into_iter()
        .partition(|item| lesson.exercises.iter().any(|e| e.name == item.name));
    let mut cells = vec![Cell::Text(
        "## Exercises\n\nReplace each `todo!()` and run its cell again. Before that the functions compile, and whoever calls \
         one is told that it is not yet implemented."
            .into(),
    )];
    let given: Vec<String> = given.into_iter().map(|item| item.text).collect();
    if !given.is_empty() {
        cells.push(Cell::Code(given.join("\n")));
    }
    cells.extend(asked.into_iter().map(|item| Cell::Code(item.text)));
    cells.push(Cell::Text(format!(
        "`:check {0}` in a cell of its own grades what this notebook has defined; that is a command of Selfsame's own kernel. \
         `selfsame check {0} NOTEBOOK.ipynb` in a terminal does the same with the saved notebook.",
        lesson.number
    )));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_read_and_anchors_run() {
        let program = "//! # Title\n//!\n//! Words.\n\nuse a::b;\n\n//= use c::d;\n\nfn main() -> Result<(), E> {\n    //| ## Part\n    \
                       //|\n    //| More.\n    section(\"x\");\n    // ANCHOR: x\n    let a = 1;\n    for i in 0..a {\n\n        \
                       // ANCHOR: inner\n        f(i);\n        // ANCHOR_END: inner\n    }\n    // ANCHOR_END: x\n    \
                       claim(\"true\", true);\n    //= figure\n    //= .shown()\n\n    //| End.\n    Ok(())\n}\n";
        let (text, code) = (|t: &str| Cell::Text(t.into()), |t: &str| Cell::Code(t.into()));
        let expected = [
            text("# Title\n\nWords."),
            code("use c::d;"),
            text("## Part\n\nMore."),
            code("let a = 1;\nfor i in 0..a {\n\n    f(i);\n}"),
            code("figure\n.shown()"),
            text("End."),
        ];
        assert_eq!(cells(program), expected);
        assert_eq!(cells("fn main() {}\n"), []);
    }

    #[test]
    fn a_notebook_begins_with_the_library_and_ends_with_the_exercises() {
        let lesson = crate::lesson::all().into_iter().next();
        let cells = notebook("//! # Title\n", "{ path = \"..\" }", lesson.as_ref());
        assert_eq!(cells.first(), Some(&Cell::Text("# Title".into())));
        assert!(
            matches!(&cells[1], Cell::Code(code) if code.starts_with(":dep selfsame = { path = \"..\" }\nuse"))
        );
        assert!(matches!(cells.last(), Some(Cell::Text(text)) if text.contains(":check ")));
        assert!(matches!(&cells[cells.len() - 2], Cell::Code(code) if code.contains("todo!()")));
        assert!(matches!(notebook("", "x", None).as_slice(), [Cell::Code(_)]));
    }
}
