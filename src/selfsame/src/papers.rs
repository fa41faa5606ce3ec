//! A test over the sources: what stands on the pages of the documentation says where it comes from.
//!
//! A module's first lines do not do: rustdoc shows those of public modules only, and a loss's is private.

use std::fs;
use std::path::Path;

/// Public items of a file, before its tests, with their documentation.
fn items(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut doc = String::new();
    let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    for line in code {
        match line.strip_prefix("///") {
            Some(words) => doc += words,
            None if line.starts_with("pub ") => found.push((line, std::mem::take(&mut doc))),
            // An attribute may stand between an item and its documentation, over several lines.
            None if line.starts_with('#') || line.starts_with(' ') || line.starts_with(')') => {}
            None => doc.clear(),
        }
    }
    found
}

/// Those items of a folder that `wanted` names and that give neither a paper nor say that there is none.
fn without_paper(folder: &str, wanted: &dyn Fn(&str) -> bool) -> (usize, Vec<String>) {
    let (mut asked, mut without) = (0, Vec::new());
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (line, doc) in items(&text).into_iter().filter(|(line, _)| wanted(line)) {
            asked += 1;
            if !doc.contains("arXiv ") && !doc.to_lowercase().contains("no paper") {
                without.push(format!("{}: {line}", path.display()));
            }
        }
    }
    (asked, without)
}

#[test]
fn every_loss_says_its_paper_where_the_documentation_shows_it() {
    let (asked, without) = without_paper("losses", &|line| {
        line.starts_with("pub fn ") || line.starts_with("pub struct ") && line.contains("Settings")
    });
    assert!(asked > 40, "{asked} items were found");
    assert!(without.is_empty(), "no paper, and not 'no paper' either:\n{}", without.join("\n"));
}

#[test]
fn every_method_and_its_settings_say_the_paper() {
    let (asked, without) = without_paper("methods", &|line| {
        let settings = line.starts_with("pub struct ") && line.contains("Config ");
        settings || line.starts_with("pub type ") && line.contains(", const ")
    });
    assert!(asked > 25, "{asked} items were found");
    assert!(without.is_empty(), "no paper, and not 'no paper' either:\n{}", without.join("\n"));
}

#[test]
fn an_item_keeps_its_documentation_over_attributes_and_no_other_s() {
    let text = "/// Of a, arXiv 1.\n#[derive(\n    Debug,\n)]\npub struct A;\n\npub fn b() {}\n#[cfg(test)]\npub fn c() {}\n";
    let expected = [("pub struct A;", " Of a, arXiv 1.".to_string()), ("pub fn b() {}", String::new())];
    assert_eq!(items(text), expected);
}
