//! The packages a session consists of, and what evcxr is told about them.
//!
//! The library is compiled as a package of its own, once, and a cell links it by a flag instead of as a dependency: cargo
//! then has one package to look at for each cell, not two hundred. What evcxr infers types from is the [outline] of
//! it, a dependency for tests, which cargo never compiles.
//!
//! evcxr writes the cells' `Cargo.toml` itself, and would begin with one without dependencies: told of the outline
//! afterwards, it would read the toolchain's sources a second time. What it writes behind `opt-level =` it takes from its
//! settings as it stands there, so the outline is put into those.
//!
//! [outline]: super::outline

use std::path::Path;

use super::cache::{Slot, Source};
use super::toolchain::Toolchain;

/// Optimisation of the cells themselves; what they depend on is always optimised.
const CELL_OPT_LEVEL: &str = "0";

/// The rest of the profile, which evcxr writes behind the optimisation level: its own, but that nothing is kept for the next
/// compilation, as each cell is another crate, and that cells are cut into fewer pieces. A small one compiles in four fifths
/// of the time then.
const PROFILE: &str =
    "debug = false\nstrip = \"debuginfo\"\nrpath = true\nlto = false\ndebug-assertions = true\n\
                       codegen-units = 4\npanic = 'unwind'\nincremental = false\noverflow-checks = true\n";

/// The package that has the library compiled.
pub fn library(source: &Source) -> String {
    format!(
        "[package]\nname = \"library\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n\n\
         [profile.dev]\nopt-level = {CELL_OPT_LEVEL}\n{PROFILE}\n[dependencies]\nselfsame = {}\n",
        source.dependency()
    )
}

/// evcxr's settings for cells in `folder`, whose types are inferred from the package in `outline`.
pub fn settings(folder: &Path, outline: &Path) -> String {
    let (folder, outline) = (folder.display().to_string(), outline.display().to_string());
    // The head of a profile nobody uses is for the lines evcxr writes next.
    let level = format!(
        "{CELL_OPT_LEVEL}\n{PROFILE}\n[dev-dependencies]\nselfsame = {{ path = {outline:?}, package = \"selfsame-dylib\" }}\n\n\
         [profile.unused]\ninherits = \"dev\""
    );
    format!("[evcxr]\ntmpdir = {folder:?}\nopt_level = {level:?}\n")
}

/// The flags with which cells are compiled: evcxr's own, and the library. Cargo separates them by this character, so that
/// folders may have spaces in their names.
pub fn flags(toolchain: &Toolchain, slot: &Slot) -> String {
    let compiled = slot.compiled();
    let mut flags = toolchain.flags();
    flags.push("--extern".into());
    flags.push(format!("selfsame={}", super::library::dylib(slot).display()));
    flags.push(format!("-Ldependency={}", compiled.display()));
    if cfg!(unix) {
        // Where the cell finds it when it is loaded.
        flags.push(format!("-Clink-arg=-Wl,-rpath,{}", compiled.display()));
    }
    flags.join("\u{1f}")
}

/// The cell without lines that ask for the library as a dependency, which notebooks written for other kernels have and
/// which it is already.
pub fn without_library(code: &str) -> String {
    let asks = |line: &str| {
        let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
        words.next() == Some(":dep") && words.next() == Some("selfsame")
    };
    code.split('\n').map(|line| if asks(line) { "" } else { line }).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evcxrs_settings_are_one_string_a_line() {
        let text = settings(Path::new("/a \"b\""), Path::new("/c"));
        assert!(text.starts_with("[evcxr]\ntmpdir = \"/a \\\"b\\\"\"\nopt_level = \"0\\n"), "{text}");
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn only_the_library_itself_is_left_out() {
        let cell =
            ":dep selfsame = { path = \"x\" }\n:dep selfsame-other = \"1\"\n:dep rand = \"0.8\"\nlet a = 1;";
        assert_eq!(without_library(cell), "\n:dep selfsame-other = \"1\"\n:dep rand = \"0.8\"\nlet a = 1;");
    }
}
