//! The book and the documentation of the code, side by side: `book/` and `doc/` in one folder. Each links to the other by
//! that, `../doc/selfsame/..` from a page of the book, `../../../book/..` from a module's page, with a step up more for each
//! folder a page is in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};

use crate::links::{collect, problem, Page};

/// What a link from the book to the documentation has in it.
const TO_DOCS: &str = "../doc/";
/// What a link from the documentation to the book has in it.
const TO_BOOK: &str = "../book/";

/// Whether `link`, on a page of the book, leads to the documentation.
pub fn leads_to_docs(link: &str) -> bool {
    link.trim_start_matches("../").starts_with("doc/") && link.contains(TO_DOCS)
}

/// Checks the links between the built pages in `book` and those `cargo doc` has put into `docs`, both ways.
///
/// # Errors
/// A folder without pages, or without a link to the other; links that lead nowhere, all of them named.
pub fn check(book: &Path, docs: &Path) -> Result<()> {
    let (chapters, items) = (pages(book)?, pages(&docs.join("selfsame"))?);
    let (mut wrong, mut to_docs, mut to_book) = (Vec::new(), 0, 0);
    for (at, page) in chapters.iter().filter(|(at, _)| !at.ends_with("print.html")) {
        for link in page.links.iter().filter(|link| leads_to_docs(link)) {
            to_docs += 1;
            let (up, into) = link.split_once(TO_DOCS).unwrap_or_default();
            let found = docs.join(into.split('#').next().unwrap_or_default());
            if let Some(problem) = wrong_height(up, at.components().count()) {
                wrong.push(format!("book, {}: {link}: {problem}", at.display()));
            } else if !found.is_file() {
                wrong.push(format!("book, {}: {link}: there is no {}", at.display(), found.display()));
            }
        }
    }
    for (at, page) in &items {
        for link in page.links.iter().filter(|link| link.contains(TO_BOOK)) {
            to_book += 1;
            let (up, into) = link.split_once(TO_BOOK).unwrap_or_default();
            if let Some(problem) = wrong_height(up, at.components().count() + 1) {
                wrong.push(format!("doc, {}: {link}: {problem}", at.display()));
            } else if let Some(problem) = problem(book, Path::new("index.html"), into, &chapters) {
                wrong.push(format!("doc, {}: {link}: {problem}", at.display()));
            }
        }
    }
    println!("{to_docs} links from the book to the documentation, {to_book} back");
    ensure!(to_docs > 0 && to_book > 0, "one of the two does not link to the other");
    if !wrong.is_empty() {
        bail!("{}\n{} problems", wrong.join("\n"), wrong.len());
    }
    Ok(())
}

/// What is wrong with a link that goes up by `up`, and one step more, from a page that is `depth` folders below both.
fn wrong_height(up: &str, depth: usize) -> Option<String> {
    let steps = up.matches("../").count() + 1;
    (steps != depth).then(|| format!("goes up {steps} folders, not {depth}"))
}

/// Puts both into `to`, where their links work: `to/book` and `to/doc`.
///
/// # Errors
/// A file that cannot be copied.
pub fn site(book: &Path, docs: &Path, to: &Path) -> Result<()> {
    for (from, name) in [(book, "book"), (docs, "doc")] {
        copy(from, &to.join(name))?;
    }
    println!("{}", to.join("book/index.html").display());
    Ok(())
}

fn pages(folder: &Path) -> Result<BTreeMap<PathBuf, Page>> {
    let mut pages = BTreeMap::new();
    collect(folder, folder, &mut pages)?;
    ensure!(!pages.is_empty(), "{} holds no pages", folder.display());
    Ok(pages)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    for entry in std::fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))? {
        let (from, name) = entry.map(|e| (e.path(), e.file_name()))?;
        if from.is_dir() {
            copy(&from, &to.join(name))?;
        } else {
            std::fs::copy(&from, to.join(name))
                .with_context(|| format!("{} cannot be copied", from.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_both_ways() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        let (book, docs) = (folder.path().join("book"), folder.path().join("doc"));
        write("book/a.html", "<h1 id='x'>A</h1><a href='../doc/selfsame/m/index.html'>m</a>");
        write("doc/selfsame/m/index.html", "<a href='../../../book/a.html#x'>a</a>");
        check(&book, &docs).unwrap();
        write(
            "doc/selfsame/index.html",
            "<a href='../../../book/a.html'>a</a><a href='../../book/b.html'>b</a>",
        );
        write("book/a.html", "<h1 id='y'>A</h1><a href='../doc/selfsame/n/index.html'>n</a>");
        let said = check(&book, &docs).unwrap_err().to_string();
        for part in ["n/index.html", "goes up 3 folders, not 2", "no b.html", "has no 'x'", "4 problems"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        site(&book, &docs, &folder.path().join("site")).unwrap();
        assert!(folder.path().join("site/doc/selfsame/m/index.html").is_file());
    }
}
