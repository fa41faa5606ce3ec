//! The kinds of alarm the doctor raises: each has its place in the book.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{ensure, Result};
use regex::Regex;

use crate::programs::files;

/// Every kind the doctor's source names.
pub fn of_alarms(root: &Path) -> Result<BTreeSet<String>> {
    let folder = root.join("src/selfsame/src/diagnose/doctor");
    let mut kinds = BTreeSet::new();
    for file in files(&folder, "rs")?.into_iter().filter(|f| !f.ends_with("tests.rs")) {
        kinds.extend(in_source(&std::fs::read_to_string(file)?)?);
    }
    ensure!(kinds.len() > 10, "only {} kinds of alarm were found in {}", kinds.len(), folder.display());
    Ok(kinds)
}

/// String literals that are names of kinds: small letters and dashes, or whatever `raise` is called with.
fn in_source(text: &str) -> Result<BTreeSet<String>> {
    let named = Regex::new(r#""([a-z]+(?:-[a-z]+)+)"|raise\(\s*alarms,\s*"([a-z]+)""#)?;
    let kinds = named.captures_iter(text).filter_map(|c| c.get(1).or(c.get(2)));
    Ok(kinds.map(|kind| kind.as_str().to_string()).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_however_they_are_raised() {
        let kinds = in_source("self.raise(alarms, \"shortcut\", 1);\n(\"total-collapse\", 1.0)").unwrap();
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["shortcut", "total-collapse"]);
    }
}
