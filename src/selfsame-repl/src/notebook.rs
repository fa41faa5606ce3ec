//! Notebooks made of text: of a session's inputs, or of a tutorial in Markdown.

use serde_json::{json, Value};

use crate::kernel::DEFAULT_NAME;

/// What a line of Markdown begins and ends a piece of code with.
const FENCE: &str = "```";

/// A notebook's cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Something to run.
    Code(String),
    /// Something to read, in Markdown.
    Text(String),
}

/// The cells of a tutorial: pieces marked as Rust are run, everything between them is read.
pub fn cells(markdown: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    let (mut lines, mut code) = (Vec::new(), None);
    for line in markdown.lines() {
        match code {
            None if line.trim_end() == "```rust" => {
                end(&mut cells, &mut lines, false);
                code = Some(true);
            }
            Some(true) if line.trim_end() == FENCE => {
                end(&mut cells, &mut lines, true);
                code = None;
            }
            // Other code stays what it is: a part of the text.
            None if line.starts_with(FENCE) => {
                lines.push(line);
                code = Some(false);
            }
            Some(false) if line.trim_end() == FENCE => {
                lines.push(line);
                code = None;
            }
            _ => lines.push(line),
        }
    }
    end(&mut cells, &mut lines, code == Some(true));
    cells
}

fn end(cells: &mut Vec<Cell>, lines: &mut Vec<&str>, is_code: bool) {
    let text = std::mem::take(lines).join("\n").trim_matches('\n').to_string();
    if !text.trim().is_empty() {
        cells.push(if is_code { Cell::Code(text) } else { Cell::Text(text) });
    }
}

/// The notebook of these cells, without outputs. The same cells give the same bytes.
pub fn json(cells: &[Cell]) -> String {
    let cells: Vec<Value> = cells.iter().enumerate().map(|(number, cell)| of(number, cell)).collect();
    let notebook = json!({
        "cells": cells,
        "metadata": {
            "kernelspec": { "display_name": "Selfsame (Rust)", "language": "rust", "name": DEFAULT_NAME },
            "language_info": { "name": "rust", "file_extension": ".rs", "mimetype": "text/rust" },
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    });
    serde_json::to_string_pretty(&notebook).unwrap_or_default() + "\n"
}

fn of(number: usize, cell: &Cell) -> Value {
    let id = format!("cell-{number}");
    let lines = |text: &str| text.split_inclusive('\n').map(str::to_string).collect::<Vec<_>>();
    match cell {
        Cell::Code(text) => json!({
            "cell_type": "code", "execution_count": null, "id": id, "metadata": {}, "outputs": [], "source": lines(text),
        }),
        Cell::Text(text) => {
            json!({ "cell_type": "markdown", "id": id, "metadata": {}, "source": lines(text) })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rust_is_run_and_the_rest_is_read() {
        let text =
            "# Title\n\nWords.\n\n```rust\nlet a = 1;\n\na\n```\n\n```\noutput\n```\nMore.\n```rust\nopen";
        let text_of = |t: &str| Cell::Text(t.to_string());
        let code_of = |t: &str| Cell::Code(t.to_string());
        let expected = [
            text_of("# Title\n\nWords."),
            code_of("let a = 1;\n\na"),
            text_of("```\noutput\n```\nMore."),
            code_of("open"),
        ];
        assert_eq!(cells(text), expected);
    }

    #[test]
    fn a_notebook_has_its_cells_and_no_outputs() {
        let notebook: Value = serde_json::from_str(&json(&cells("a\n```rust\n1\n2\n```"))).unwrap();
        assert_eq!(notebook["cells"][0]["cell_type"], "markdown");
        assert_eq!(notebook["cells"][1]["source"], json!(["1\n", "2"]));
        assert_eq!(notebook["cells"][1]["outputs"], json!([]));
        assert_eq!(json(&[]), json(&cells("\n")));
    }
}
