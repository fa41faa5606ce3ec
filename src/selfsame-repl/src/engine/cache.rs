//! Where the session library stands, compiled: a folder that all sessions of a user share.
//!
//! ```text
//! CACHE/session-KEY/             one for each toolchain, version of Selfsame and place it comes from
//!     .cargo/config.toml         how the library and dependencies of cells are compiled
//!     build.lock                 held while one process compiles
//!     slot-0/                    what one running session works in:
//!         library/               a package that depends on the library, and its `target`
//!         outline/               what types are inferred from
//!         cells/                 the package of the cells, and its `target`
//!     slot-0.lock                held as long as that session runs
//!     slot-1/ ..
//! ```
//! A session needs a folder of its own: evcxr writes its cells there, and the library must stay as the session has loaded
//! it when another session finds its sources changed. It takes the first slot nobody holds; where another one was compiled
//! later, it copies from that. Whether sources changed is cargo's to find out, when the session starts.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use selfsame::error::Error;
use sha2::{Digest, Sha256};

use super::toolchain::Toolchain;

/// How the library and what else cells depend on is compiled, which cargo reads from the folder above a slot.
const PROFILE: &str = "\
# The cells' own profile is for debugging, and would apply to what they depend on too.
[profile.dev.package.\"*\"]
opt-level = 3
debug-assertions = false
overflow-checks = false
codegen-units = 16
";
/// Crates whose speed nobody notices and which take long to optimise: the first session ever begins a minute earlier.
const PLAIN: [&str; 23] = [
    // Products of kinds of numbers that are never multiplied here, but that the crate for products comes with.
    "gemm-c32",
    "gemm-c64",
    "gemm-f16",
    // Colour profiles of pictures.
    "moxcms",
    "pxfm",
    // Downloads.
    "ring",
    "rustls",
    "rustls-pki-types",
    "rustls-webpki",
    "ureq",
    "ureq-proto",
    "http",
    "httparse",
    // Tables and figures.
    "comfy-table",
    "crossterm",
    "rustix",
    "plotters",
    "plotters-bitmap",
    "plotters-svg",
    "ttf-parser",
    "owned_ttf_parser",
    "csv",
    "tar",
];
/// Sessions at once.
const SLOTS: usize = 32;
/// Set in a slot once it has been compiled.
const COMPILED: &str = "selfsame-compiled";
/// Another layout of slots has another name.
const LAYOUT: &str = "2";

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
    /// Its folder.
    pub folder: PathBuf,
    _lock: File,
}

impl Slot {
    /// The package of the cells.
    pub fn cells(&self) -> PathBuf {
        self.folder.join("cells")
    }

    /// The package that has the library compiled.
    pub fn library(&self) -> PathBuf {
        self.folder.join("library")
    }

    /// The packages that types are inferred from.
    pub fn outline(&self) -> PathBuf {
        self.folder.join("outline")
    }
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
        let profile = profile();
        let mut key = Sha256::new();
        for part in [&toolchain.version, &source.dependency(), &profile, LAYOUT, env!("CARGO_PKG_VERSION")] {
            key.update(part.as_bytes());
            key.update([0]);
        }
        let key: String = key.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let cache = Cache { folder: root.join(format!("session-{key}")), source };
        let cargo = cache.folder.join(".cargo");
        fs::create_dir_all(&cargo).map_err(Error::io("create", &cargo))?;
        let config = cargo.join("config.toml");
        write_if_different(&config, &profile).map_err(Error::io("write", &config))?;
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

    /// Gives a slot what another has where that was compiled later, or this one never: the library would be compiled in every
    /// slot anew when its sources change. To be called under [`compile_alone`](Self::compile_alone).
    ///
    /// # Errors
    /// A file cannot be copied or removed.
    pub fn share(&self, slot: &Slot) -> Result<(), Error> {
        let own = modified(&slot.folder.join(COMPILED));
        let others = (0..SLOTS).map(|number| self.folder.join(format!("slot-{number}")));
        let newest = others
            .filter_map(|folder| Some((modified(&folder.join(COMPILED))?, folder)))
            .max_by_key(|(time, _)| *time)
            .filter(|(time, folder)| own.is_none_or(|own| own < *time) && *folder != slot.folder);
        let Some((_, other)) = newest else { return Ok(()) };
        // Half a copy is not compiled.
        for old in [slot.folder.join(COMPILED), slot.library().join("target"), slot.outline()] {
            match if old.is_dir() { fs::remove_dir_all(&old) } else { fs::remove_file(&old) } {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::io("remove", &old)(e)),
                _ => {}
            }
        }
        let library = other.join("library");
        copy_tree(&library.join("target"), &slot.library().join("target"))
            .and_then(|()| copy_tree(&other.join("outline"), &slot.outline()))
            .and_then(|()| copy(&library.join("Cargo.lock"), &slot.library().join("Cargo.lock")))
            .and_then(|()| copy(&other.join(COMPILED), &slot.folder.join(COMPILED)))
            .map_err(Error::io("copy the compiled library to", &slot.folder))
    }

    /// Gives the slot its packages.
    fn furnish(&self, slot: &Slot) -> Result<(), Error> {
        let put = |file: PathBuf, text: &str| -> Result<(), Error> {
            let folder = file.parent().unwrap_or(&slot.folder);
            fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
            write_if_different(&file, text).map_err(Error::io("write", &file))
        };
        put(slot.library().join("Cargo.toml"), &super::manifest::library(&self.source))?;
        put(slot.library().join("lib.rs"), "pub use selfsame;\n")?;
        // Yesterday's last cell may hold items this session has not got.
        put(slot.cells().join("src/lib.rs"), "// A session's cells come here.\n")?;
        let locked = slot.library().join("Cargo.lock");
        match self.source.lock_file().filter(|_| !locked.exists()) {
            Some(known) => fs::copy(&known, &locked).map(drop).map_err(Error::io("write", &locked)),
            None => Ok(()),
        }
    }

    /// Notes that the slot is compiled, and when: as long as that library stays, the time does.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn compiled(&self, slot: &Slot, library: &Path) -> Result<(), Error> {
        let mark = slot.folder.join(COMPILED);
        let note = || -> io::Result<()> {
            let time = library.metadata()?.modified()?;
            if modified(&mark) != Some(time) {
                File::create(&mark)?.set_modified(time)?;
            }
            Ok(())
        };
        note().map_err(Error::io("write", &mark))
    }
}

fn profile() -> String {
    let plain = PLAIN.map(|name| format!("[profile.dev.package.{name}]\nopt-level = 0\n"));
    format!("{PROFILE}{}", plain.concat())
}

fn write_if_different(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text)
}

/// Copies a `target` folder. Cargo compares times, so they are kept. Compiled libraries, which nobody changes in place, are
/// linked instead.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let (source, target) = (entry.path(), to.join(&name));
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_file() {
            let large = entry.metadata()?.len() > 64 << 10;
            if !(large && fs::hard_link(&source, &target).is_ok()) {
                copy(&source, &target)?;
            }
        }
    }
    Ok(())
}

/// Copies a file with its time.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    File::options().write(true).open(to)?.set_modified(from.metadata()?.modified()?)
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
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
        assert!(fs::read_to_string(first.join("library/Cargo.toml")).unwrap().contains("selfsame-dylib"));
    }

    #[test]
    fn a_new_slot_gets_what_another_has_compiled_with_its_times() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let (one, two) = (cache.slot().unwrap(), cache.slot().unwrap());
        let deps = one.library().join("target/debug/deps");
        fs::create_dir_all(&deps).unwrap();
        fs::create_dir_all(one.outline().join("selfsame-dylib")).unwrap();
        fs::write(one.outline().join("selfsame-dylib/Cargo.toml"), "outline").unwrap();
        fs::write(deps.join("libx.rlib"), vec![7; 100_000]).unwrap();
        fs::write(deps.join("x.d"), "small").unwrap();
        fs::write(one.library().join("Cargo.lock"), "versions").unwrap();
        fs::write(one.cells().join("src/lib.rs"), "a cell").unwrap();
        cache.compiled(&one, &deps.join("libx.rlib")).unwrap();
        cache.share(&two).unwrap();
        let copied = two.library().join("target/debug/deps");
        for name in ["libx.rlib", "x.d"] {
            let time = |folder: &Path| folder.join(name).metadata().unwrap().modified().unwrap();
            assert_eq!(time(&deps), time(&copied), "{name}");
        }
        let text = |file: PathBuf| fs::read_to_string(file).unwrap();
        assert_eq!(text(two.library().join("Cargo.lock")), "versions");
        assert_eq!(text(two.outline().join("selfsame-dylib/Cargo.toml")), "outline");
        assert!(!text(two.cells().join("src/lib.rs")).contains("a cell"));
    }

    #[test]
    fn a_slot_compiled_earlier_gets_what_was_compiled_later_and_not_the_other_way_round() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let (one, two) = (cache.slot().unwrap(), cache.slot().unwrap());
        let library = |slot: &Slot| slot.library().join("target/libx.rlib");
        for (slot, age) in [(&one, 100), (&two, 50)] {
            fs::create_dir_all(slot.library().join("target")).unwrap();
            fs::create_dir_all(slot.outline()).unwrap();
            fs::write(slot.library().join("Cargo.lock"), "versions").unwrap();
            fs::write(library(slot), format!("{age} seconds old")).unwrap();
            let time = SystemTime::now() - std::time::Duration::from_secs(age);
            File::options().write(true).open(library(slot)).unwrap().set_modified(time).unwrap();
            cache.compiled(slot, &library(slot)).unwrap();
        }
        fs::write(one.library().join("target/old"), "").unwrap();
        let text = |slot: &Slot| fs::read_to_string(library(slot)).unwrap();
        cache.share(&two).unwrap();
        assert_eq!(text(&two), "50 seconds old");
        cache.share(&one).unwrap();
        assert_eq!(text(&one), "50 seconds old");
        assert!(!one.library().join("target/old").exists());
        assert_eq!(modified(&one.folder.join(COMPILED)), modified(&two.folder.join(COMPILED)));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("session-0"), "a file").unwrap();
        let cache = Cache { folder: root.path().join("session-0"), source: Source::Published };
        assert!(cache.slot().unwrap_err().to_string().contains("session-0"));
    }
}
