//! `selfsame notebook`: a tutorial in Markdown, or a program of the book, as a notebook.

use std::path::{Path, PathBuf};

use selfsame::error::Place;
use selfsame::files::{read_text, write_atomic, MOST_TEXT};
use selfsame::text::visible_path;
use selfsame::Error;

use crate::args::Notebook;
use crate::exit::Exit;
use crate::notebook::Cell;
use crate::{lesson, literate, notebook, output};

/// Writes a notebook beside each file, or only looks whether those that are there are up to date.
///
/// # Errors
/// A file that cannot be read or written.
pub fn run(arguments: &Notebook) -> Result<Exit, Error> {
    let (mut exit, mut made_of) = (Exit::Done, Vec::new());
    for file in &arguments.files {
        let text = read_text(file, MOST_TEXT)?;
        let name = file.with_extension("ipynb");
        let target = match &arguments.to {
            Some(folder) => folder.join(name.file_name().unwrap_or_default()),
            None => name,
        };
        let mut current = true;
        let made = notebook::json(&cells(file, &text, &target)?);
        if !arguments.check {
            write_atomic(&target, made.as_bytes())?;
            if !arguments.json {
                output::stdout(&visible_path(&target))?;
            }
        } else if read_text(&target, MOST_TEXT).ok().as_ref() != Some(&made) {
            output::error(&format!(
                "{} is not what {} makes. Change the tutorial, not the notebook, and make it anew without --check.",
                visible_path(&target),
                visible_path(file)
            ));
            exit = Exit::Failed;
            current = false;
        }
        made_of.push(serde_json::json!({
            "file": file.to_string_lossy(), "notebook": target.to_string_lossy(), "current": current,
        }));
    }
    if arguments.json {
        output::json(&serde_json::json!({ "notebooks": made_of }))?;
    }
    Ok(exit)
}

/// The cells of a tutorial or a program, for a notebook at `target`.
///
/// # Errors
/// A program that defines what its lesson asks the student to write.
fn cells(file: &Path, text: &str, target: &Path) -> Result<Vec<Cell>, Error> {
    if file.extension().is_none_or(|e| e != "rs") {
        return Ok(notebook::cells(text));
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let lesson = lesson::find(&stem).ok();
    if let Some(name) = lesson.as_ref().and_then(|lesson| literate::defined_twice(text, lesson)) {
        return Err(Error::input(
            file,
            Place::Whole,
            format!("its listings define `{name}`, which is an exercise of the lesson too"),
            "another name: in a notebook both would be one function",
            "Rename one of them.",
        ));
    }
    Ok(literate::notebook(text, &dependency(file, target), lesson.as_ref()))
}

/// The library as the notebook's first cell names it: by the way to it in the checkout that the program is in, and by its
/// version where it is in none.
fn dependency(program: &Path, target: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let program = absolute(program);
    let library =
        program.ancestors().map(|folder| folder.join("src/selfsame-dylib")).find(|folder| folder.is_dir());
    match library.zip(absolute(target).parent()) {
        Some((library, from)) => {
            format!("{{ path = {:?}, package = \"selfsame-dylib\" }}", way(from, &library))
        }
        None => format!("{{ version = \"{}\", package = \"selfsame-dylib\" }}", env!("CARGO_PKG_VERSION")),
    }
}

/// The way from one folder to another, with `/` between its parts. Both are absolute.
fn way(from: &Path, to: &Path) -> String {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let way: PathBuf = from[shared..]
        .iter()
        .map(|_| "..".as_ref())
        .chain(to[shared..].iter().map(|c| c.as_os_str()))
        .collect();
    way.display().to_string().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_library_is_a_relative_one() {
        assert_eq!(way(Path::new("/a/notebooks/chapters"), Path::new("/a/src/lib")), "../../src/lib");
        assert_eq!(way(Path::new("/a"), Path::new("/a/src")), "src");
    }

    #[test]
    fn a_program_of_no_checkout_names_a_version() {
        let folder = std::env::temp_dir();
        let found = dependency(&folder.join("x.rs"), &folder.join("x.ipynb"));
        assert!(found.contains("version"), "{found}");
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let found =
            dependency(&here.join("tutorials/src/bin/x.rs"), &here.join("notebooks/chapters/x.ipynb"));
        assert_eq!(found, "{ path = \"../../src/selfsame-dylib\", package = \"selfsame-dylib\" }");
    }
}
