//! Runs every program and script and keeps what it printed and drew, or says what differs from what is kept.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use crate::compare::differences;
use crate::output::Output;
use crate::programs::{files, stem, Source};

/// Writes `book/src/output` and `book/src/figures`; with `check` compares with them and fails where they drifted.
pub fn regenerate(root: &Path, check: bool, only: &[String]) -> Result<()> {
    let built = build(root)?;
    let (outputs, figures) = (root.join("book/src/output"), root.join("book/src/figures"));
    let fresh = std::env::temp_dir().join(format!("selfsame-book-{}", std::process::id()));
    std::fs::create_dir_all(&fresh)?;
    let chosen = |name: &str| only.is_empty() || only.iter().any(|start| name.starts_with(start.as_str()));
    let (mut wrong, mut total) = (Vec::new(), 0.0);
    let (mut known, mut drawn) = (BTreeSet::new(), BTreeSet::new());
    for source in Source::all(root)? {
        let name = source.name().to_string();
        known.insert(name.clone());
        if !chosen(&name) {
            continue;
        }
        let (printed, seconds) = source.run(root, &built, &fresh)?;
        total += seconds;
        println!("{name}: {seconds:.1} s");
        let (output, kept) = (Output::of(&printed), outputs.join(format!("{name}.txt")));
        for figure in files(&fresh, "svg")? {
            let name = stem(&figure);
            let text = std::fs::read_to_string(&figure)?;
            let place = figures.join(format!("{name}.svg"));
            if !check {
                std::fs::create_dir_all(&figures)?;
                std::fs::write(&place, text)?;
            } else if !place.exists() {
                wrong.push(format!("figures/{name}.svg is drawn but not kept"));
            }
            std::fs::remove_file(&figure)?;
            drawn.insert(name);
        }
        if !check {
            std::fs::create_dir_all(&outputs)?;
            std::fs::write(&kept, output.text())?;
        } else if let Ok(text) = std::fs::read_to_string(&kept) {
            let found = differences(&Output::read(&text), &output);
            wrong.extend(found.into_iter().map(|difference| format!("output/{name}.txt, {difference}")));
        } else {
            wrong.push(format!("output/{name}.txt is not kept"));
        }
    }
    let _ = std::fs::remove_dir_all(&fresh);
    if only.is_empty() {
        wrong.extend(left_over(&outputs, "txt", &known)?);
        wrong.extend(left_over(&figures, "svg", &drawn)?);
    }
    println!("all together: {total:.0} s");
    if !wrong.is_empty() {
        let count = wrong.len();
        bail!(
            "{}\n{count} differences. If they are meant, run `cargo run --release --bin selfsame-book -- regenerate`, read what \
             changed and commit it.",
            wrong.join("\n")
        );
    }
    Ok(())
}

/// Files that no program makes any more.
fn left_over(folder: &Path, ending: &str, made: &BTreeSet<String>) -> Result<Vec<String>> {
    let left = files(folder, ending)?.into_iter().filter(|path| !made.contains(&stem(path)));
    Ok(left.map(|path| format!("{} is kept, but nothing makes it: remove it", path.display())).collect())
}

/// Builds the programs, and the command for the scripts; the folder they are in.
fn build(root: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo.args(["build", "--release", "-q", "--bins"]).current_dir(root);
    // What `cargo run` has set for this package is not meant for others: some listen to it and would be compiled anew, with
    // all that stands on them, and once more when a session is started without it.
    for (name, _) in std::env::vars_os() {
        let own = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "OUT_DIR"];
        if own.iter().any(|own| name.to_string_lossy().starts_with(own)) {
            cargo.env_remove(name);
        }
    }
    let status = cargo.status().context("cargo cannot be started")?;
    ensure!(status.success(), "the programs of the tutorials do not compile; cargo said why");
    let here = std::env::current_exe().context("where this program is")?;
    let folder = here.parent().context("this program is in no folder")?;
    Ok(folder.to_path_buf())
}
