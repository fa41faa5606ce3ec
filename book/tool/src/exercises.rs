//! `{{exercises NN}}` in a page: what is asked, hints and solutions of a lesson, out of the files that `selfsame check` uses.

use std::path::Path;

use anyhow::{anyhow, ensure, Context, Result};

use crate::include::anchored;

/// What a page says where the lesson's exercises stand.
const MARK: &str = "{{exercises ";

/// The page with every mark replaced; lessons are in `tutorials` below `root`.
///
/// # Errors
/// A lesson whose files do not fit together, with the line of the mark, counted from 1.
pub fn replaced(root: &Path, page: &str) -> Result<String, (usize, anyhow::Error)> {
    let mut out = String::new();
    for (number, line) in page.lines().enumerate() {
        match line.strip_prefix(MARK).and_then(|rest| rest.strip_suffix("}}")) {
            Some(lesson) => out += &of_lesson(root, lesson.trim()).map_err(|e| (number + 1, e))?,
            None => out += line,
        }
        out.push('\n');
    }
    Ok(out)
}

fn of_lesson(root: &Path, lesson: &str) -> Result<String> {
    let read = |folder: &str| {
        let path = root.join("tutorials").join(folder).join(format!("{lesson}.rs"));
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
    };
    let asked = asked(&read("exercises")?);
    ensure!(!asked.is_empty(), "lesson {lesson} asks for nothing");
    let (checks, solutions) = (read("checks")?, read("solutions")?);
    let mut out = format!(
        "```text\nselfsame check {lesson} --start      # writes the functions to fill in\nselfsame check {lesson}\n```\n\n"
    );
    let (mut hints, mut solved) = (String::new(), String::new());
    for (i, Asked { name, signature, words }) in asked.iter().enumerate() {
        out += &format!("**{}. `{name}`**\n\n```rust,noplayground\n{signature}\n```\n\n{words}\n\n", i + 1);
        for hint in self::hints(&checks, name) {
            hints += &format!("- `{name}`: {hint}\n");
        }
        let solution = anchored(&solutions, name)
            .map(|lines| lines.join("\n"))
            .ok_or_else(|| anyhow!("the solutions of lesson {lesson} have no anchor '{name}'"))?;
        solved += &format!("```rust,noplayground\n{solution}\n```\n\n");
    }
    ensure!(!hints.is_empty(), "the checks of lesson {lesson} have no hints");
    out += &format!("<details>\n<summary>Hints</summary>\n\n{hints}\n</details>\n\n");
    out += &format!("<details>\n<summary>Solutions</summary>\n\n{solved}</details>\n");
    Ok(out)
}

struct Asked {
    name: String,
    signature: String,
    words: String,
}

/// The functions of a starter with their documentation.
fn asked(starter: &str) -> Vec<Asked> {
    let (mut found, mut words, mut signature) = (Vec::new(), Vec::new(), String::new());
    for line in starter.lines() {
        if let Some(text) = line.strip_prefix("///") {
            words.push(text.strip_prefix(' ').unwrap_or(text).to_string());
            continue;
        }
        if signature.is_empty() && !line.trim_start_matches("pub ").starts_with("fn ") {
            words.clear();
            continue;
        }
        signature += line;
        signature.push('\n');
        if !line.ends_with('{') {
            continue;
        }
        let whole = std::mem::take(&mut signature).trim_end().trim_end_matches('{').trim_end().to_string();
        let name = whole.trim_start_matches("pub ").trim_start_matches("fn ");
        let name = name.split(['(', '<']).next().unwrap_or_default().trim().to_string();
        // Bodies that are more than `todo!()` are there to be used, not to be written.
        found.push(Asked { name, signature: whole, words: std::mem::take(&mut words).join("\n") });
    }
    let open = |name: &str| {
        let body = starter.split(&format!("fn {name}")).nth(1).unwrap_or_default();
        body.split("\n}").next().unwrap_or_default().contains("todo!()")
    };
    found.retain(|asked: &Asked| open(&asked.name));
    found
}

/// The `//?` lines under `//# name`; a hint goes on where a line is indented further.
fn hints(checks: &str, name: &str) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    let mut here = false;
    for line in checks.lines().map(str::trim_start) {
        if let Some(other) = line.strip_prefix("//# ") {
            here = other.trim() == name;
        } else if let (true, Some(text)) = (here, line.strip_prefix("//? ")) {
            match (text.strip_prefix("  "), hints.last_mut()) {
                (Some(more), Some(last)) => {
                    last.push(' ');
                    last.push_str(more.trim());
                }
                _ => hints.push(text.trim().to_string()),
            }
        }
    }
    hints
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_is_put_together_from_its_files() {
        let root = tempfile::tempdir().unwrap();
        let write = |folder: &str, text: &str| {
            let folder = root.path().join("tutorials").join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("07.rs"), text).unwrap();
        };
        write("exercises", "//! # T\n\n/// Twice `n`.\n///\n/// More.\nfn twice(n: u32) -> u32 {\n    todo!()\n}\n\nfn given() {\n    ()\n}\n");
        write("checks", "fn main() {\n    //# twice\n    //? Add\n    //?   it.\n    //? Or multiply.\n    assert!(true, \"\");\n}\n");
        write(
            "solutions",
            "// ANCHOR: twice\nfn twice(n: u32) -> u32 {\n    2 * n\n}\n// ANCHOR_END: twice\n",
        );
        let page = replaced(root.path(), "before\n{{exercises 07}}\nafter\n").unwrap();
        for part in [
            "before\n",
            "Twice `n`.\n\nMore.",
            "fn twice(n: u32) -> u32\n",
            "- `twice`: Add it.\n",
            "2 * n",
            "after",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("given"), "{page}");
        let (line, e) = replaced(root.path(), "\n{{exercises 08}}\n").unwrap_err();
        assert_eq!(line, 2);
        assert!(e.to_string().contains("08.rs"), "{e}");
    }
}
