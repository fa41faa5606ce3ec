//! Where the session library stands, compiled: a folder that all sessions of a user share.
//!
//! ```text
//! CACHE/session-KEY/             one for each toolchain, version of Selfsame and place it comes from
//!     .cargo/config.toml         how dependencies of cells are compiled
//!     build.lock                 held while one process compiles
//!     slot-0/                    what one running session works in: a package, and its `target`
//!     slot-0.lock                held as long as that session runs
//!     slot-1/ ..
//! ```
//! A session needs a folder of its own, because evcxr writes its cells there. It takes the first slot nobody holds; where
//! that one has not been compiled yet, it copies from one that has. Whether sources changed is cargo's to find out, when
//! the session starts and with every cell.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use selfsame::error::Error;
use sha2::{Digest, Sha256};

use super::toolchain::Toolchain;

/// How the dependencies of cells are compiled, which cargo reads from the folder above a slot.
const PROFILE: &str = "\
# The cells' own profile is for debugging, and would apply to what they depend on too.
[profile.dev.package.\"*\"]
opt-level = 3
debug-assertions = false
overflow-checks = false
codegen-units = 16
";
/// Sessions at once.
const SLOTS: usize = 32;
/// Set in a slot once it has been compiled.
const COMPILED: &str = "selfsame-compiled";
/// The versions of dependencies the slot was compiled with.
const LOCKED: &str = "selfsame.lock";

/// Where cells find the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The checkout this program was built from.
    Checkout(PathBuf),
    /// The version of the same number on crates.io.
    Published,
}

impl Source {
    /// The checkout, where it still is where this program was built.
    pub fn find() -> Source {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../selfsame-dylib");
        match folder.canonicalize() {
            Ok(folder) if folder.join("Cargo.toml").is_file() => Source::Checkout(folder),
            _ => Source::Published,
        }
    }

    /// The dependency as a `Cargo.toml` has it, behind `selfsame = `.
    pub fn dependency(&self) -> String {
        match self {
            Source::Checkout(folder) => {
                format!("{{ path = {:?}, package = \"selfsame-dylib\" }}", folder.display().to_string())
            }
            Source::Published => {
                format!("{{ version = \"={}\", package = \"selfsame-dylib\" }}", env!("CARGO_PKG_VERSION"))
            }
        }
    }

    /// The checkout's versions of dependencies: those the program was tested with.
    fn lock_file(&self) -> Option<PathBuf> {
        match self {
            Source::Checkout(folder) => Some(folder.join("../../Cargo.lock")).filter(|file| file.is_file()),
            Source::Published => None,
        }
    }
}

/// A slot, held until it is dropped.
#[derive(Debug)]
pub struct Slot {
    /// The package's folder.
    pub folder: PathBuf,
    _lock: File,
}

/// The folder for one toolchain and source.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    source: Source,
}

impl Cache {
    /// The user's cache: `SELFSAME_CACHE_DIR` where it is set, else `selfsame` in the system's folder for caches.
    ///
    /// # Errors
    /// There is no such folder and it cannot be made.
    pub fn open(toolchain: &Toolchain, source: Source) -> Result<Cache, Error> {
        let root = match std::env::var_os("SELFSAME_CACHE_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => dirs::cache_dir().unwrap_or_else(std::env::temp_dir).join("selfsame"),
        };
        let root = std::path::absolute(&root).map_err(Error::io("find", &root))?;
        let mut key = Sha256::new();
        for part in [&toolchain.version, &source.dependency(), PROFILE, env!("CARGO_PKG_VERSION")] {
            key.update(part.as_bytes());
            key.update([0]);
        }
        let key: String = key.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let cache = Cache { folder: root.join(format!("session-{key}")), source };
        let cargo = cache.folder.join(".cargo");
        fs::create_dir_all(&cargo).map_err(Error::io("create", &cargo))?;
        let config = cargo.join("config.toml");
        write_if_different(&config, PROFILE).map_err(Error::io("write", &config))?;
        Ok(cache)
    }

    /// The folder everything is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes a slot nobody holds, with the session's package in it.
    ///
    /// # Errors
    /// The folder cannot be written; every slot is held.
    pub fn slot(&self) -> Result<Slot, Error> {
        for number in 0..SLOTS {
            let path = self.folder.join(format!("slot-{number}.lock"));
            let file = File::options().create(true).truncate(false).write(true).open(&path);
            let lock = file.map_err(Error::io("open", &path))?;
            match lock.try_lock() {
                Ok(()) => {
                    let slot = Slot { folder: self.folder.join(format!("slot-{number}")), _lock: lock };
                    self.furnish(&slot)?;
                    return Ok(slot);
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path)(e)),
            }
        }
        let remedy = "Close some of them; each running session or notebook kernel holds one.";
        Err(Error::run(&self.folder, format!("{SLOTS} sessions are running"), remedy))
    }

    /// Waits until no other process compiles in this cache. The file is the lock: keep it.
    ///
    /// # Errors
    /// The lock's file cannot be opened.
    pub fn compile_alone(&self, waiting: impl FnOnce()) -> Result<File, Error> {
        let path = self.folder.join("build.lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = file.map_err(Error::io("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting();
                lock.lock().map_err(Error::io("lock", &path))?;
            }
            Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path)(e)),
        }
        Ok(lock)
    }

    /// Gives a slot that has never been compiled what another has. To be called under [`compile_alone`](Self::compile_alone).
    ///
    /// # Errors
    /// A file cannot be copied.
    pub fn share(&self, slot: &Slot) -> Result<(), Error> {
        if slot.folder.join(COMPILED).exists() {
            return Ok(());
        }
        let other = (0..SLOTS)
            .map(|number| self.folder.join(format!("slot-{number}")))
            .find(|folder| *folder != slot.folder && folder.join(COMPILED).exists());
        let Some(other) = other else { return Ok(()) };
        copy_tree(&other.join("target"), &slot.folder.join("target"))
            .and_then(|()| fs::copy(other.join(LOCKED), slot.folder.join("Cargo.lock")).map(drop))
            .map_err(Error::io("copy the compiled library to", &slot.folder))
    }

    /// Makes the slot a package that depends on the library.
    fn furnish(&self, slot: &Slot) -> Result<(), Error> {
        let source = slot.folder.join("src");
        fs::create_dir_all(&source).map_err(Error::io("create", &source))?;
        let manifest = slot.folder.join("Cargo.toml");
        fs::write(&manifest, self.manifest()).map_err(Error::io("write", &manifest))?;
        // Yesterday's last cell may hold items this session has not got.
        let code = source.join("lib.rs");
        fs::write(&code, "// A session's cells come here.\n").map_err(Error::io("write", &code))?;
        self.restore_versions(slot)
    }

    /// Puts back the versions of dependencies, which evcxr's first cell, having none, has cargo forget.
    ///
    /// # Errors
    /// A file cannot be copied.
    pub fn restore_versions(&self, slot: &Slot) -> Result<(), Error> {
        let known = slot.folder.join(LOCKED);
        let known = if known.is_file() { Some(known) } else { self.source.lock_file() };
        if let Some(known) = known {
            let to = slot.folder.join("Cargo.lock");
            fs::copy(&known, &to).map_err(Error::io("write", &to))?;
        }
        Ok(())
    }

    /// Notes that the slot is compiled, and with what.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn compiled(&self, slot: &Slot) -> Result<(), Error> {
        let (from, to) = (slot.folder.join("Cargo.lock"), slot.folder.join(LOCKED));
        fs::copy(&from, &to).map_err(Error::io("write", &to))?;
        let mark = slot.folder.join(COMPILED);
        fs::write(&mark, "").map_err(Error::io("write", &mark))
    }

    /// The package as evcxr would write it, so that what is compiled for the one is found by the other.
    fn manifest(&self) -> String {
        format!(
            "\n[package]\nname = \"ctx\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\
             path = \"src/lib.rs\"\n\n[profile.dev]\nopt-level = {}\ndebug = false\nstrip = \"debuginfo\"\nrpath = true\n\
             lto = false\ndebug-assertions = true\ncodegen-units = 16\npanic = 'unwind'\nincremental = true\n\
             overflow-checks = true\n\n[dependencies]\nselfsame = {}\n",
            super::session::CELL_OPT_LEVEL,
            self.source.dependency()
        )
    }
}

fn write_if_different(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text)
}

/// Copies a `target` folder. Cargo compares times, so they are kept. Compiled libraries, which nobody changes in place, are
/// linked instead; the cells of the other session are left out.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let text = name.to_string_lossy();
        if ["ctx", "libctx", "libcode_"].iter().any(|own| text.starts_with(own)) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(&name));
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_file() {
            let large = entry.metadata()?.len() > 64 << 10;
            if !(large && fs::hard_link(&source, &target).is_ok()) {
                fs::copy(&source, &target)?;
                File::options().write(true).open(&target)?.set_modified(entry.metadata()?.modified()?)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cache(root: &Path) -> Cache {
        fs::create_dir_all(root.join("session-0")).unwrap();
        Cache { folder: root.join("session-0"), source: Source::Published }
    }

    #[test]
    fn every_session_has_a_slot_of_its_own_and_gives_it_back() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let (one, two) = (cache.slot().unwrap(), cache.slot().unwrap());
        assert_ne!(one.folder, two.folder);
        let first = one.folder.clone();
        drop(one);
        assert_eq!(cache.slot().unwrap().folder, first);
        assert!(fs::read_to_string(first.join("Cargo.toml")).unwrap().contains("selfsame-dylib"));
    }

    #[test]
    fn a_new_slot_gets_what_another_has_compiled_with_its_times() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let (one, two) = (cache.slot().unwrap(), cache.slot().unwrap());
        let deps = one.folder.join("target/debug/deps");
        fs::create_dir_all(&deps).unwrap();
        fs::write(deps.join("libx.rlib"), vec![7; 100_000]).unwrap();
        fs::write(deps.join("x.d"), "small").unwrap();
        fs::write(deps.join("libctx.so"), "a cell").unwrap();
        fs::write(one.folder.join("Cargo.lock"), "versions").unwrap();
        cache.compiled(&one).unwrap();
        cache.share(&two).unwrap();
        let copied = two.folder.join("target/debug/deps");
        for name in ["libx.rlib", "x.d"] {
            let time = |folder: &Path| folder.join(name).metadata().unwrap().modified().unwrap();
            assert_eq!(time(&deps), time(&copied), "{name}");
        }
        assert!(!copied.join("libctx.so").exists());
        assert_eq!(fs::read_to_string(two.folder.join("Cargo.lock")).unwrap(), "versions");
    }

    #[test]
    fn versions_that_were_forgotten_come_back() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let slot = cache.slot().unwrap();
        fs::write(slot.folder.join("Cargo.lock"), "versions").unwrap();
        cache.compiled(&slot).unwrap();
        fs::write(slot.folder.join("Cargo.lock"), "none").unwrap();
        cache.restore_versions(&slot).unwrap();
        assert_eq!(fs::read_to_string(slot.folder.join("Cargo.lock")).unwrap(), "versions");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("session-0"), "a file").unwrap();
        let cache = Cache { folder: root.path().join("session-0"), source: Source::Published };
        assert!(cache.slot().unwrap_err().to_string().contains("session-0"));
    }
}
