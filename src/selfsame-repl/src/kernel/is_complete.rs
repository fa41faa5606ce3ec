//! Whether a cell can be run as it stands, for consoles that decide by it what Enter does.

use serde_json::{json, Value};

use crate::editor::{completeness, inputs, Completeness};

/// The answer to `is_complete_request`.
pub fn answer(code: &str) -> Value {
    let last = inputs(code).pop().map_or(String::new(), |input| input.text);
    match completeness(&last) {
        // An empty line behind what is not complete asks to run it all the same.
        Completeness::Incomplete if code.ends_with("\n\n") => json!({ "status": "complete" }),
        Completeness::Incomplete => json!({ "status": "incomplete", "indent": indent(code) }),
        Completeness::Complete => json!({ "status": "complete" }),
        Completeness::Hopeless => json!({ "status": "invalid" }),
    }
}

/// The indent of the next line: that of the last, and one step more behind an open bracket.
fn indent(code: &str) -> String {
    let last = code.lines().next_back().unwrap_or_default();
    let mut indent: String = last.chars().take_while(|c| c.is_whitespace()).collect();
    if last.trim_end().ends_with(['{', '(', '[']) {
        indent += "    ";
    }
    indent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_is_read_and_not_guessed() {
        let status = |code: &str| answer(code)["status"].as_str().map(str::to_string).unwrap_or_default();
        for complete in
            ["", "let x = 1;", "x.len()", ":train simclr digits", "let s = \"{\";", "for i in 0..3 { }\n"]
        {
            assert_eq!(status(complete), "complete", "{complete}");
        }
        for open in
            ["fn f() {", "let s = \"a", "x.", "let x =", "/* a", ":train simclr \\", "let a = 1;\nlet b = ("]
        {
            assert_eq!(status(open), "incomplete", "{open}");
        }
        assert_eq!(status("let x = 1)"), "invalid");
        assert_eq!(status("fn f() {\n\n"), "complete");
    }

    #[test]
    fn the_next_line_is_indented_behind_a_bracket() {
        assert_eq!(answer("fn f() {")["indent"], "    ");
        assert_eq!(answer("fn f() {\n    x(1,")["indent"], "    ");
    }
}
