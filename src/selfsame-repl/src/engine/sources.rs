//! The standard library's sources as rust-analyzer, in evcxr, reads them: those alone that types in a cell are inferred from.
//!
//! What comes with the toolchain is a workspace of thirty packages, which cargo is asked about first, and the crates it
//! stands on, `libc` before all. A third of the time until a session is ready goes into those, and into the instructions of
//! every processor there is, `core::arch`. Without a manifest rust-analyzer puts the crates it finds together by itself.
//! Cells that use what is left out compile as before; only completion knows nothing of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::toolchain::Toolchain;

/// The packages that are kept, and where rust-analyzer looks for them.
const KEPT: [(&str, &str); 10] = [
    ("alloc", "alloc"),
    ("backtrace", "backtrace"),
    ("core", "core"),
    ("panic_abort", "panic_abort"),
    ("panic_unwind", "panic_unwind"),
    ("portable-simd", "portable-simd"),
    ("proc_macro", "proc_macro"),
    ("std", "std"),
    ("std_detect", "stdarch/crates/std_detect"),
    ("unwind", "unwind"),
];
/// What of them no cell sees.
const PASSED_OVER: [&str; 3] = ["benches", "examples", "tests"];
/// The file that `core` names, and what `core` takes from it.
const ARCH: &str = "stdarch/crates/core_arch/src/mod.rs";
const NO_ARCH: &str = "pub mod arch {}\n";
/// Maps and sets have their fields from another crate, `hashbrown`.
const HASHED: [&str; 2] = ["std/src/collections/hash/map.rs", "std/src/collections/hash/set.rs"];

/// The copy in the cache, made where it is missing; `None` where the toolchain has no sources, or is laid out in another
/// way than the one this was written for: rust-analyzer then reads the toolchain's own.
///
/// To be called under [`compile_alone`](Cache::compile_alone).
///
/// # Errors
/// A file that cannot be read or written.
pub fn shortened(toolchain: &Toolchain, cache: &Cache) -> io::Result<Option<PathBuf>> {
    let Some(whole) = toolchain.sources.as_deref().filter(|whole| is_known(whole)) else {
        return Ok(None);
    };
    let (folder, begun) = (cache.folder().join("std"), cache.folder().join("std.begun"));
    if folder.is_dir() {
        return Ok(Some(folder));
    }
    match fs::remove_dir_all(&begun) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    for (from, to) in KEPT {
        let from = whole.join(from);
        if from.is_dir() {
            copy(&from, &begun.join(to))?;
        }
    }
    let arch = begun.join(ARCH);
    fs::create_dir_all(arch.parent().unwrap_or(&begun))?;
    fs::write(&arch, NO_ARCH)?;
    for file in HASHED.map(|file| begun.join(file)) {
        let text = without_hashbrown(&fs::read_to_string(&file)?);
        fs::write(&file, text)?;
    }
    // Last, so that a copy which was not finished is made again.
    fs::rename(&begun, &folder)?;
    Ok(Some(folder))
}

fn is_known(whole: &Path) -> bool {
    HASHED.iter().chain([&ARCH, &"core/src/lib.rs"]).all(|file| whole.join(file).is_file())
}

/// Copies a folder, but for what is passed over.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if !path.is_dir() {
            fs::copy(&path, to.join(name))?;
        } else if !PASSED_OVER.iter().any(|passed| name == *passed) {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

/// With fields of the same parameters instead of hashbrown's: a parameter that stands in no field could be any type, and what
/// `map.get(&key)` gives would be left open.
fn without_hashbrown(text: &str) -> String {
    let line = |line: &str| {
        let field = line.trim().strip_prefix("base: base::").and_then(|rest| rest.strip_suffix(">,"));
        match field.and_then(|field| field.split_once('<')) {
            Some((_, parameters)) => {
                format!("base: core::marker::PhantomData<({},)>,\n", parameters.replace("'a", "&'a ()"))
            }
            None => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::cache::Source;
    use super::*;

    #[test]
    fn the_copy_has_what_cells_are_typed_with() {
        let root = tempfile::tempdir().unwrap();
        let whole = root.path().join("library");
        let mut toolchain = Toolchain::find().unwrap();
        let cache = Cache::at(root.path().join("cache"), Source::Published);
        let files = [
            ("Cargo.toml", "all"),
            ("core/src/lib.rs", "core"),
            ("core/benches/b.rs", "b"),
            ("std_detect/src/lib.rs", "detect"),
            (HASHED[0], "    base: base::Iter<'a, K>,\nrest\n"),
            (HASHED[1], ""),
            ("coretests/lib.rs", "c"),
            (ARCH, "all"),
            ("stdarch/crates/x/lib.rs", "x"),
        ];
        for (file, text) in files {
            fs::create_dir_all(whole.join(file).parent().unwrap()).unwrap();
            fs::write(whole.join(file), text).unwrap();
        }
        toolchain.sources = Some(whole.clone());
        // What a process that was ended left behind is made anew.
        fs::create_dir_all(cache.folder().join("std.begun/old")).unwrap();
        let folder = shortened(&toolchain, &cache).unwrap().unwrap();
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(read("core/src/lib.rs"), "core");
        assert_eq!(read("stdarch/crates/std_detect/src/lib.rs"), "detect");
        assert_eq!(read(ARCH), NO_ARCH);
        assert_eq!(read(HASHED[0]), "base: core::marker::PhantomData<(&'a (), K,)>,\nrest\n");
        for file in ["Cargo.toml", "core/benches", "coretests", "stdarch/crates/x", "old"] {
            assert!(!folder.join(file).exists(), "{file}");
        }
        // It is made once.
        fs::write(whole.join("core/src/lib.rs"), "other").unwrap();
        assert_eq!(shortened(&toolchain, &cache).unwrap(), Some(folder.clone()));
        assert_eq!(read("core/src/lib.rs"), "core");
        // Sources of another layout, and none, are left to rust-analyzer.
        fs::remove_file(whole.join(ARCH)).unwrap();
        assert_eq!(shortened(&toolchain, &cache).unwrap(), None);
        assert_eq!(shortened(&Toolchain { sources: None, ..toolchain }, &cache).unwrap(), None);
    }
}
