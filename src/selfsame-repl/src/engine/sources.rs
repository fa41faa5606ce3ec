//! The standard library's sources without what no cell is typed with, for rust-analyzer to read.
//!
//! rust-analyzer, in evcxr, reads the sources that come with the toolchain. A fifth of the time until a session is ready
//! goes into one folder of them: the instructions of every processor there is, `core::arch`. Cells that use those compile
//! as before; only completion knows nothing of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::toolchain::Toolchain;

/// What is left out.
const LEFT_OUT: &str = "stdarch";
/// The file of it that `core` names, and what `core` takes from that.
const ARCH: &str = "stdarch/crates/core_arch/src/mod.rs";
const NO_ARCH: &str = "pub mod arch {}\n";

/// The copy in the cache, made where it is missing; `None` where the toolchain has no sources, or is laid out in another
/// way than the one this was written for: rust-analyzer then reads the toolchain's own.
///
/// To be called under [`compile_alone`](Cache::compile_alone).
///
/// # Errors
/// A file that cannot be read or written.
pub fn shortened(toolchain: &Toolchain, cache: &Cache) -> io::Result<Option<PathBuf>> {
    let Some(whole) = toolchain.sources.as_deref().filter(|whole| whole.join(ARCH).is_file()) else {
        return Ok(None);
    };
    let (folder, begun) = (cache.folder().join("sources"), cache.folder().join("sources.begun"));
    if folder.is_dir() {
        return Ok(Some(folder));
    }
    match fs::remove_dir_all(&begun) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    copy(whole, &begun, Some(LEFT_OUT))?;
    let arch = begun.join(ARCH);
    fs::create_dir_all(arch.parent().unwrap_or(&begun))?;
    fs::write(&arch, NO_ARCH)?;
    // Last, so that a copy which was not finished is made again.
    fs::rename(&begun, &folder)?;
    Ok(Some(folder))
}

/// Copies a folder, but for the entry of that name.
fn copy(from: &Path, to: &Path, but: Option<&str>) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if but.is_some_and(|but| name == but) {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name), None)?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::cache::Source;
    use super::*;

    #[test]
    fn the_copy_has_everything_but_the_instructions_of_processors() {
        let root = tempfile::tempdir().unwrap();
        let whole = root.path().join("library");
        let mut toolchain = Toolchain::find().unwrap();
        let cache = Cache::at(root.path().join("cache"), Source::Published);
        for (file, text) in [("core/src/lib.rs", "core"), (ARCH, "all"), ("stdarch/crates/x/lib.rs", "x")] {
            fs::create_dir_all(whole.join(file).parent().unwrap()).unwrap();
            fs::write(whole.join(file), text).unwrap();
        }
        toolchain.sources = Some(whole.clone());
        // What a process that was ended left behind is made anew.
        fs::create_dir_all(cache.folder().join("sources.begun/old")).unwrap();
        let folder = shortened(&toolchain, &cache).unwrap().unwrap();
        assert_eq!(fs::read_to_string(folder.join("core/src/lib.rs")).unwrap(), "core");
        assert_eq!(fs::read_to_string(folder.join(ARCH)).unwrap(), NO_ARCH);
        assert!(!folder.join("stdarch/crates/x").exists() && !folder.join("old").exists());
        // It is made once.
        fs::write(whole.join("core/src/lib.rs"), "other").unwrap();
        assert_eq!(shortened(&toolchain, &cache).unwrap(), Some(folder.clone()));
        assert_eq!(fs::read_to_string(folder.join("core/src/lib.rs")).unwrap(), "core");
        // Sources of another layout, and none, are left to rust-analyzer.
        fs::remove_file(whole.join(ARCH)).unwrap();
        assert_eq!(shortened(&toolchain, &cache).unwrap(), None);
        assert_eq!(shortened(&Toolchain { sources: None, ..toolchain }, &cache).unwrap(), None);
    }
}
