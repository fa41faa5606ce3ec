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

/// What makes a package the root of a workspace of its own, so that cargo looks for none above it.
pub const ALONE: &str = "[workspace]\n";

/// A string as TOML has it. Rust's own form is another one for letters that stand on the one before.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            letter if letter.is_control() => quoted.push_str(&format!("\\u{:04X}", letter as u32)),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A path as TOML has it.
pub fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// The package that has the library compiled.
pub fn library(source: &Source) -> String {
    format!(
        "[package]\nname = \"library\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n\n{ALONE}\n\
         [profile.dev]\nopt-level = {CELL_OPT_LEVEL}\n{PROFILE}\n[dependencies]\nselfsame = {}\n",
        source.dependency()
    )
}

/// evcxr's settings for cells in `folder`, whose types are inferred from the package in `outline`.
pub fn settings(folder: &Path, outline: &Path) -> String {
    let (folder, outline) = (quoted_path(folder), quoted_path(outline));
    // The head of a profile nobody uses is for the lines evcxr writes next.
    let level = format!(
        "{CELL_OPT_LEVEL}\n{PROFILE}\n[dev-dependencies]\nselfsame = {{ path = {outline}, package = \"selfsame-dylib\" }}\n\n\
         {ALONE}\n[profile.unused]\ninherits = \"dev\""
    );
    format!("[evcxr]\ntmpdir = {folder}\nopt_level = {}\n", quoted(&level))
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
        // Where the cell finds it when it is loaded; a word at a time, as a comma in a folder's name would end it.
        let linker = ["-rpath".to_string(), compiled.display().to_string()];
        flags.extend(
            linker
                .into_iter()
                .flat_map(|word| ["-Xlinker".to_string(), word])
                .map(|word| format!("-Clink-arg={word}")),
        );
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn evcxrs_settings_are_one_string_a_line() {
        let text = settings(Path::new("/a \"b\""), Path::new("/c"));
        assert!(text.starts_with("[evcxr]\ntmpdir = \"/a \\\"b\\\"\"\nopt_level = \"0\\n"), "{text}");
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn a_path_is_written_as_cargo_reads_it() {
        // The last is an e and an accent apart, as some systems write it.
        for name in ["plain", "two words", "a \"b\" \\ c", "größe", "\u{301}e\u{301}", "日本", "a'b", "tab\t"]
        {
            let table: toml::Table = format!("path = {}", quoted(name)).parse().unwrap();
            assert_eq!(table["path"].as_str(), Some(name), "{name}");
            let evcxrs: toml::Table = settings(Path::new(name), Path::new(name)).parse().unwrap();
            assert_eq!(evcxrs["evcxr"]["tmpdir"].as_str(), Some(name));
            // What evcxr makes of it, with its own lines behind.
            let level = evcxrs["evcxr"]["opt_level"].as_str().unwrap();
            let cells: toml::Table =
                format!("[profile.dev]\nopt-level = {level}\ndebug = false\n\n[dependencies]\n")
                    .parse()
                    .unwrap();
            assert_eq!(cells["dev-dependencies"]["selfsame"]["path"].as_str(), Some(name));
            assert!(cells["workspace"].as_table().unwrap().is_empty());
        }
        assert!(library(&Source::Published).parse::<toml::Table>().unwrap().contains_key("workspace"));
    }

    #[test]
    fn only_the_library_itself_is_left_out() {
        let cell =
            ":dep selfsame = { path = \"x\" }\n:dep selfsame-other = \"1\"\n:dep rand = \"0.8\"\nlet a = 1;";
        assert_eq!(without_library(cell), "\n:dep selfsame-other = \"1\"\n:dep rand = \"0.8\"\nlet a = 1;");
    }
}
