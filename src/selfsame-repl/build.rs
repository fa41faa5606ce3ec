//! Puts the exercises of all lessons into the program, so that `selfsame check` works where there is no checkout.

use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let variable =
        |name: &str| std::env::var_os(name).map(PathBuf::from).ok_or(Error::other(name.to_string()));
    let tutorials = variable("CARGO_MANIFEST_DIR")?.join("../../tutorials");
    let (starters, checks) = (tutorials.join("exercises"), tutorials.join("checks"));
    for folder in [&starters, &checks] {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    let mut list = String::from("&[\n");
    for starter in sources(&starters)? {
        let check = checks.join(starter.file_name().unwrap_or_default());
        let number = starter.file_stem().unwrap_or_default().to_string_lossy();
        list += &format!("    ({number:?}, include_str!({starter:?}), include_str!({check:?})),\n");
    }
    fs::write(variable("OUT_DIR")?.join("lessons.rs"), list + "]\n")
}

/// The Rust files in `folder` in the order of their names; none where there is no such folder.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries: Vec<PathBuf> = fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    let mut files: Vec<PathBuf> =
        entries.into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs")).collect();
    files.sort();
    Ok(files)
}
