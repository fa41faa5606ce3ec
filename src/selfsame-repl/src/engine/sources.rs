//! The standard library's sources as rust-analyzer, in evcxr, reads them: those alone that types in a cell are inferred from.
//!
//! What comes with the toolchain is a workspace of thirty packages, which cargo is asked about first, and the crates it
//! stands on, `libc` before all. Half of the time until a session is ready goes into those, into the instructions of every
//! processor there is (`core::arch`, `core::simd`), and into macros that write out the same for twelve types of integers.
//! Without a manifest rust-analyzer puts the crates it finds together by itself. Cells that use what is left out compile as
//! before; only completion knows nothing of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::seal;
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
/// The files that stand for what is left out, and what others take from them.
const EMPTIED: [(&str, &str); 3] = [
    ("stdarch/crates/core_arch/src/mod.rs", "pub mod arch {}\n"),
    ("portable-simd/crates/core_simd/src/mod.rs", "pub mod simd {}\n"),
    ("portable-simd/crates/std_float/src/lib.rs", "pub trait StdFloat {}\n"),
];
/// Shifts of each integer by each other, a hundred and forty-four pairs in four forms. What a shift of two integers gives is
/// known without them, so those by the usual types are enough.
const SHIFTS: &str = "core/src/ops/bit.rs";
const USUAL: [&str; 3] = ["u32 }", "usize }", "i32 }"];
/// Macros that write out the same documentation for each type of integer.
const REPEATED: [&str; 4] = [
    "core/src/num/nonzero.rs",
    "core/src/num/saturating.rs",
    "core/src/num/wrapping.rs",
    "core/src/sync/atomic.rs",
];
/// Attributes that say nothing about types, and that no macro is called with.
const SILENT: [&str; 8] = [
    "allow",
    "inline",
    "must_use",
    "rustc_allow_const_fn_unstable",
    "rustc_const_stable",
    "rustc_const_unstable",
    "rustc_inherit_overflow_checks",
    "track_caller",
];
/// The copy's folder in the cache.
const COPY: &str = "standard-library";
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
    let (folder, begun) = (cache.folder().join(COPY), cache.folder().join("standard-library.begun"));
    if folder.is_dir() && seal::look(&folder) == seal::Found::Whole {
        return Ok(Some(folder));
    }
    seal::open(&folder)?;
    for old in [&folder, &begun] {
        match fs::remove_dir_all(old) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    for (from, to) in KEPT {
        let from = whole.join(from);
        if from.is_dir() {
            copy(&from, &begun.join(to), is_silent)?;
        }
    }
    for (file, text) in EMPTIED {
        let file = begun.join(file);
        fs::create_dir_all(file.parent().unwrap_or(&begun))?;
        fs::write(&file, text)?;
    }
    for file in HASHED {
        rewrite(&begun.join(file), without_hashbrown)?;
    }
    for file in REPEATED {
        rewrite(&begun.join(file), without_documentation)?;
    }
    rewrite(&begun.join(SHIFTS), with_usual_shifts)?;
    fs::rename(&begun, &folder)?;
    // Last, so that a copy which was not finished is made again.
    seal::close(&folder)?;
    Ok(Some(folder))
}

fn is_known(whole: &Path) -> bool {
    let emptied = EMPTIED.iter().map(|(file, _)| file);
    let rewritten = HASHED.iter().chain(&REPEATED).chain([&SHIFTS, &"core/src/lib.rs"]);
    emptied.chain(rewritten).all(|file| whole.join(file).is_file())
}

/// Copies a folder, but for what is passed over, and its sources without the lines that are `left_out`.
///
/// # Errors
/// A file that cannot be read or written.
pub fn copy(from: &Path, to: &Path, left_out: impl Fn(&str) -> bool + Copy) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if path.extension().is_some_and(|extension| extension == "rs") {
            fs::write(to.join(name), without(&fs::read_to_string(&path)?, left_out))?;
        } else if !path.is_dir() {
            fs::copy(&path, to.join(name))?;
        } else if !PASSED_OVER.iter().any(|passed| name == *passed) {
            copy(&path, &to.join(name), left_out)?;
        }
    }
    Ok(())
}

fn rewrite(file: &Path, change: impl Fn(&str) -> String) -> io::Result<()> {
    fs::write(file, change(&fs::read_to_string(file)?))
}

/// Without the lines that are `left_out`.
fn without(text: &str, left_out: impl Fn(&str) -> bool) -> String {
    text.split_inclusive('\n').filter(|line| !left_out(line.trim())).collect()
}

/// Comments that are no documentation, and attributes that say nothing about types.
fn is_silent(line: &str) -> bool {
    let documents = line.starts_with("//!") || (line.starts_with("///") && !line.starts_with("////"));
    let attribute = line.strip_prefix("#[").and_then(|rest| rest.strip_suffix(']'));
    let name =
        attribute.map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(text));
    (line.starts_with("//") && !documents) || name.is_some_and(|name| SILENT.contains(&name))
}

fn without_documentation(text: &str) -> String {
    without(text, |line| line.starts_with("///") || (line.starts_with("#[doc = ") && line.ends_with(']')))
}

fn with_usual_shifts(text: &str) -> String {
    let is_pair =
        |line: &str| (line.starts_with("shl_") || line.starts_with("shr_")) && line.contains("impl! { $t, ");
    without(text, |line| is_pair(line) && !USUAL.iter().any(|usual| line.ends_with(usual)))
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
            ("core/src/numbers.txt", "// kept"),
            ("std_detect/src/lib.rs", "detect"),
            (HASHED[0], "    base: base::Iter<'a, K>,\nrest\n"),
            (HASHED[1], ""),
            ("coretests/lib.rs", "c"),
            ("stdarch/crates/x/lib.rs", "x"),
            (SHIFTS, "shl_impl! { $t, u8 }\nshl_impl! { $t, u32 }\nshr_assign_impl! { $t, i16 }\nshr_impl! { f32 }\n"),
        ];
        let files = files.into_iter().chain(EMPTIED.map(|(file, _)| (file, "all")));
        let files = files.chain(REPEATED.map(|file| (file, "/// A.\n#[doc = \"b\"]\nfn c() {}\n")));
        for (file, text) in files {
            fs::create_dir_all(whole.join(file).parent().unwrap()).unwrap();
            fs::write(whole.join(file), text).unwrap();
        }
        toolchain.sources = Some(whole.clone());
        // What a process that was ended left behind is made anew.
        fs::create_dir_all(cache.folder().join("standard-library.begun/old")).unwrap();
        let folder = shortened(&toolchain, &cache).unwrap().unwrap();
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(read("core/src/lib.rs"), "core");
        assert_eq!(read("stdarch/crates/std_detect/src/lib.rs"), "detect");
        for (file, text) in EMPTIED {
            assert_eq!(read(file), text);
        }
        assert_eq!(read(REPEATED[0]), "fn c() {}\n");
        assert_eq!(read(SHIFTS), "shl_impl! { $t, u32 }\nshr_impl! { f32 }\n");
        assert_eq!(read("core/src/numbers.txt"), "// kept");
        assert_eq!(read(HASHED[0]), "base: core::marker::PhantomData<(&'a (), K,)>,\nrest\n");
        for file in ["Cargo.toml", "core/benches", "coretests", "stdarch/crates/x", "old"] {
            assert!(!folder.join(file).exists(), "{file}");
        }
        // It is made once.
        fs::write(whole.join("core/src/lib.rs"), "other").unwrap();
        assert_eq!(shortened(&toolchain, &cache).unwrap(), Some(folder.clone()));
        assert_eq!(read("core/src/lib.rs"), "core");
        // A power cut had the last word.
        fs::write(folder.join("core/src/numbers.txt"), "").unwrap();
        assert_eq!(shortened(&toolchain, &cache).unwrap(), Some(folder.clone()));
        assert_eq!(read("core/src/lib.rs"), "other");
        // Sources of another layout, and none, are left to rust-analyzer.
        fs::remove_file(whole.join(SHIFTS)).unwrap();
        assert_eq!(shortened(&toolchain, &cache).unwrap(), None);
        assert_eq!(shortened(&Toolchain { sources: None, ..toolchain }, &cache).unwrap(), None);
    }

    #[test]
    fn lines_are_left_out_that_say_nothing_about_types() {
        for line in [
            "// a",
            "//",
            "//// a",
            "#[inline]",
            "#[inline(always)]",
            "#[must_use = \"a\"]",
            "#[track_caller]",
        ] {
            assert!(is_silent(line), "{line}");
        }
        for line in [
            "/// a",
            "//! a",
            "#[stable(feature = \"a\")]",
            "#[inline] fn a() {}",
            "#[inlined]",
            "fn a() {}",
            "",
        ] {
            assert!(!is_silent(line), "{line}");
        }
    }
}
