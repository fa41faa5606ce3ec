//! The built pages as a reader meets them: every link leads somewhere, every picture is there and has a description.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};
use html5gum::{Token, Tokenizer};

use crate::{docs, kinds};

/// What a page has that others may point at, and what it points at itself.
#[derive(Default)]
pub struct Page {
    ids: BTreeSet<String>,
    /// Where its links and pictures lead.
    pub links: Vec<String>,
    undescribed: Vec<String>,
}

/// Checks the pages in `folder`.
///
/// # Errors
/// No pages; anything that leads nowhere, all of it named.
pub fn check(root: &Path, folder: &Path) -> Result<()> {
    let mut pages = BTreeMap::new();
    collect(folder, folder, &mut pages)?;
    ensure!(!pages.is_empty(), "{} holds no pages: run `mdbook build book` first", folder.display());
    let mut wrong = Vec::new();
    let mut count = 0;
    for (at, page) in &pages {
        // The print page repeats all others, from another place.
        if at.ends_with("print.html") || at.ends_with("toc.html") {
            continue;
        }
        for link in &page.links {
            count += 1;
            if let Some(problem) = problem(folder, at, link, &pages) {
                wrong.push(format!("{}: {link}: {problem}", at.display()));
            }
        }
        wrong.extend(
            page.undescribed.iter().map(|src| format!("{}: {src} has no description (alt)", at.display())),
        );
    }
    let diagnostics = pages.get(Path::new("diagnostics.html"));
    for kind in kinds::of_alarms(root)? {
        if !diagnostics.is_some_and(|page| page.ids.contains(&kind)) {
            wrong
                .push(format!("diagnostics.html has no heading with the id {kind}, which an alarm links to"));
        }
    }
    // A picture that can be enlarged is a link as well.
    wrong.dedup();
    println!("{} pages, {count} links and pictures inside the book", pages.len());
    if !wrong.is_empty() {
        bail!("{}\n{} problems", wrong.join("\n"), wrong.len());
    }
    Ok(())
}

/// Reads the pages in `folder` and below; their names are the way to them from `root`.
///
/// # Errors
/// A folder or file that cannot be read.
pub fn collect(root: &Path, folder: &Path, pages: &mut BTreeMap<PathBuf, Page>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, pages)?;
        } else if path.extension().is_some_and(|e| e == "html") {
            let text = std::fs::read_to_string(&path)?;
            pages.insert(path.strip_prefix(root)?.to_path_buf(), read(&text));
        }
    }
    Ok(())
}

fn read(html: &str) -> Page {
    let mut page = Page::default();
    for Ok(token) in Tokenizer::new(html) {
        let Token::StartTag(tag) = token else { continue };
        let get =
            |name: &str| tag.attributes.get(name.as_bytes()).map(|v| String::from_utf8_lossy(v).into_owned());
        page.ids.extend(get("id"));
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if name == "a" {
            page.ids.extend(get("name"));
        }
        if matches!(name.as_str(), "a" | "link") {
            page.links.extend(get("href"));
        }
        if matches!(name.as_str(), "img" | "script") {
            page.links.extend(get("src"));
        }
        if name == "img" && get("alt").is_none_or(|alt| alt.trim().is_empty()) {
            page.undescribed.push(get("src").unwrap_or_default());
        }
    }
    page
}

/// What is wrong with a link, if it is one inside the book.
pub fn problem(folder: &Path, at: &Path, link: &str, pages: &BTreeMap<PathBuf, Page>) -> Option<String> {
    let outside = ["http://", "https://", "mailto:", "data:", "javascript:"];
    if outside.iter().any(|start| link.starts_with(start)) || docs::leads_to_docs(link) {
        return None;
    }
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let path = path.split('?').next().unwrap_or_default();
    let target = if path.is_empty() {
        at.to_path_buf()
    } else if at.ends_with("404.html") && path.starts_with('/') {
        plain(Path::new(path.trim_start_matches('/')))
    } else {
        plain(&at.parent().unwrap_or(Path::new("")).join(path))
    };
    if !folder.join(&target).exists() {
        return Some(format!("there is no {}", target.display()));
    }
    let page = pages.get(&target)?;
    let known = fragment.is_empty() || page.ids.contains(fragment);
    (!known).then(|| format!("{} has no '{fragment}'", target.display()))
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir | Component::RootDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_nowhere_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let html =
            "<h1 id=\"a\">A</h1><a href=\"#a\">x</a><a href=\"b.html#no\">y</a><a href=\"c.html\">z</a>\
                    <img src=\"d.png\"><a href=\"https://example.org\">far</a>";
        std::fs::write(folder.path().join("a.html"), html).unwrap();
        std::fs::write(folder.path().join("b.html"), "<p id='yes'></p>").unwrap();
        let mut pages = BTreeMap::new();
        collect(folder.path(), folder.path(), &mut pages).unwrap();
        let page = &pages[Path::new("a.html")];
        let wrong: Vec<_> = page
            .links
            .iter()
            .filter(|l| problem(folder.path(), Path::new("a.html"), l, &pages).is_some())
            .collect();
        assert_eq!(wrong, ["b.html#no", "c.html", "d.png"]);
        assert_eq!(page.undescribed, ["d.png"]);
    }
}
