//! `{{#include FILE:ANCHOR}}` on a line of its own: the lines between the anchors, without the indentation they share.
//!
//! mdBook includes as well, but it keeps the indentation of what stood in a function, and goes on where a file or an anchor is
//! missing.

use std::path::Path;

use anyhow::{anyhow, Context, Result};

/// The page, whose file lies in `folder`, with every include replaced.
///
/// # Errors
/// A file or an anchor that is missing, with the line of the include, counted from 1.
pub fn replaced(folder: &Path, page: &str) -> Result<String, (usize, anyhow::Error)> {
    let mut out = String::new();
    for (number, line) in page.lines().enumerate() {
        match line.strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}")) {
            Some(what) => out += &included(folder, what.trim()).map_err(|e| (number + 1, e))?,
            None => out += line,
        }
        out.push('\n');
    }
    Ok(out)
}

fn included(folder: &Path, what: &str) -> Result<String> {
    let (file, anchor) = what.split_once(':').map_or((what, None), |(file, anchor)| (file, Some(anchor)));
    let path = folder.join(file);
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let Some(anchor) = anchor else { return Ok(text.trim_end().to_string()) };
    let lines =
        anchored(&text, anchor).ok_or_else(|| anyhow!("{} has no anchor '{anchor}'", path.display()))?;
    Ok(flush(&lines).join("\n"))
}

/// The lines between `ANCHOR: name` and `ANCHOR_END: name`, other anchors left out.
pub fn anchored<'t>(text: &'t str, name: &str) -> Option<Vec<&'t str>> {
    let is = |line: &str, mark: &str| {
        line.trim().trim_start_matches("//").trim_start().strip_prefix(mark).is_some_and(|n| n.trim() == name)
    };
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.iter().position(|line| is(line, "ANCHOR:"))?;
    let to = from + lines[from..].iter().position(|line| is(line, "ANCHOR_END:"))?;
    let other = |line: &&str| line.trim().trim_start_matches("//").trim_start().starts_with("ANCHOR");
    Some(lines[from + 1..to].iter().copied().filter(|line| !other(line)).collect())
}

/// The lines without the blanks that all of them begin with.
fn flush<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let filled = lines.iter().filter(|line| !line.trim().is_empty());
    let depth = filled.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    lines.iter().map(|line| line.get(depth..).unwrap_or_default()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_stands_at_the_margin() {
        let folder = tempfile::tempdir().unwrap();
        let program = "fn main() {\n    // ANCHOR: a\n    let x = 1;\n\n    if x > 0 {\n        // ANCHOR: b\n        x;\n        // ANCHOR_END: b\n    }\n    // ANCHOR_END: a\n}\n";
        std::fs::write(folder.path().join("p.rs"), program).unwrap();
        let page = replaced(folder.path(), "one\n{{#include p.rs:a}}\ntwo\n{{#include p.rs:b}}\n").unwrap();
        assert_eq!(page, "one\nlet x = 1;\n\nif x > 0 {\n    x;\n}\ntwo\nx;\n");
    }

    #[test]
    fn what_is_missing_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("p.txt"), "ANCHOR: a\n1\nANCHOR_END: a\n").unwrap();
        let (line, e) = replaced(folder.path(), "\n{{#include p.txt:b}}\n").unwrap_err();
        assert_eq!((line, e.to_string().contains("no anchor 'b'")), (2, true), "{e}");
        let (line, e) = replaced(folder.path(), "{{#include q.txt:a}}\n").unwrap_err();
        assert_eq!((line, e.to_string().contains("q.txt cannot be read")), (1, true), "{e}");
    }
}
