//! What sessions keep on disk: a folder that all sessions of a user share.
//!
//! ```text
//! CACHE/cells/                   this user's alone: what is in it is obeyed and loaded
//! CACHE/cells/settings/          a folder for each running process, which evcxr reads
//! CACHE/cells/session-KEY/       one for each toolchain, version of Selfsame and place it comes from
//!     .cargo/config.toml         how the library and dependencies of cells are compiled
//!     rust-toolchain.toml        with which toolchain
//!     build.lock                 held while one process compiles
//!     standard-library/          the standard library's sources, for rust-analyzer
//!     standard-library.seal      what that was when it was made, by which damage is found
//!     library/                   a package that depends on the library; its `target`, where it is compiled here
//!     slot-0/                    what one running session works in:
//!         .cargo/config.toml     which program compiles cells
//!         compiled/              the library and what it is made of, with its seal beside it
//!         outline/               what types are inferred from, likewise
//!         cells/                 the package of the cells, and its `target`
//!     slot-0.lock                held as long as that session runs
//!     slot-1/ ..
//! ```
//! A session needs a folder of its own: evcxr writes its cells there, and the library must stay as the session has loaded
//! it when another session finds its sources changed. It takes the first slot nobody holds. Whether sources changed is
//! cargo's to find out, when the session starts.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use selfsame::error::Error;
use sha2::{Digest, Sha256};

use super::manifest::quoted_path;
use super::toolchain::Toolchain;
use crate::private;

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
/// The versions of what the library stands on, and a copy of the file that is known to be cargo's.
const VERSIONS: &str = "Cargo.lock";
const KNOWN: &str = "known.lock";
/// Another layout of slots has another name.
const LAYOUT: &str = "5";

/// Where cells find the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The checkout this program was built from.
    Checkout(PathBuf),
    /// The version of the same number on crates.io.
    Published,
}

impl Source {
    /// The checkout, where it still is where this program was built. One that somebody else has put there is none.
    pub fn find() -> Source {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../selfsame-dylib");
        match folder.canonicalize() {
            Ok(folder) if is_ours(&folder) => Source::Checkout(folder),
            _ => Source::Published,
        }
    }

    /// The dependency as a `Cargo.toml` has it, behind `selfsame = `.
    pub fn dependency(&self) -> String {
        match self {
            Source::Checkout(folder) => {
                format!("{{ path = {}, package = \"selfsame-dylib\" }}", quoted_path(folder))
            }
            Source::Published => {
                format!("{{ version = \"={}\", package = \"selfsame-dylib\" }}", env!("CARGO_PKG_VERSION"))
            }
        }
    }

    /// The checkout's versions of dependencies: those the program was tested with.
    pub(super) fn lock_file(&self) -> Option<PathBuf> {
        match self {
            Source::Checkout(folder) => Some(folder.join("../../Cargo.lock")).filter(|file| file.is_file()),
            Source::Published => None,
        }
    }
}

fn is_ours(dylib: &Path) -> bool {
    let manifest = dylib.join("Cargo.toml");
    manifest.is_file() && [dylib, &manifest].into_iter().all(private::is_trusted)
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

    /// The library and what it is made of.
    pub fn compiled(&self) -> PathBuf {
        self.folder.join("compiled")
    }

    /// What cargo is told for all it compiles in the slot.
    pub fn cargo_settings(&self) -> PathBuf {
        self.folder.join(".cargo/config.toml")
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
    /// In the user's cache: `SELFSAME_CACHE_DIR` where it is set, else `selfsame` in the system's folder for caches.
    ///
    /// # Errors
    /// There is no such folder and it cannot be made; others could have written in it.
    pub fn open(toolchain: &Toolchain, source: Source) -> Result<Cache, Error> {
        let cache = Cache::find(toolchain, source)?;
        put(&cache.folder.join(".cargo/config.toml"), &profile())?;
        if let Some(file) = toolchain.file() {
            put(&cache.folder.join("rust-toolchain.toml"), &file)?;
        }
        Ok(cache)
    }

    /// The same, which may not have been made yet.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn find(toolchain: &Toolchain, source: Source) -> Result<Cache, Error> {
        let mut key = Sha256::new();
        for part in [&toolchain.version, &source.dependency(), &profile(), LAYOUT, env!("CARGO_PKG_VERSION")]
        {
            key.update(part.as_bytes());
            key.update([0]);
        }
        let key: String = key.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Ok(Cache { folder: private::cells()?.join(format!("session-{key}")), source })
    }

    /// The folders of all slots there have been.
    pub fn slots(&self) -> Vec<PathBuf> {
        (0..SLOTS)
            .map(|number| self.folder.join(format!("slot-{number}")))
            .filter(|folder| folder.is_dir())
            .collect()
    }

    /// A cache in a folder of any name.
    #[cfg(test)]
    pub(super) fn at(folder: PathBuf, source: Source) -> Cache {
        Cache { folder, source }
    }

    /// The folder everything is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes a slot nobody holds, with the package of its cells.
    ///
    /// # Errors
    /// The folder cannot be written; every slot is held.
    pub fn slot(&self) -> Result<Slot, Error> {
        for number in 0..SLOTS {
            let path = self.folder.join(format!("slot-{number}.lock"));
            let file = private::writing().truncate(false).open(&path);
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
        let file = private::writing().truncate(false).open(&path);
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

    /// Where the library comes from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The package that depends on the library.
    pub fn library(&self) -> PathBuf {
        self.folder.join("library")
    }

    /// Gives the cache that package. To be called under [`compile_alone`](Self::compile_alone).
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn furnish_library(&self) -> Result<(), Error> {
        put(&self.library().join("Cargo.toml"), &super::manifest::library(&self.source))?;
        put(&self.library().join("lib.rs"), "pub use selfsame;\n")?;
        let own = self.library().join(VERSIONS);
        let is_known = fs::read(&own)
            .is_ok_and(|text| fs::read(self.library().join(KNOWN)).is_ok_and(|known| known == text));
        // The versions of now: cargo would compile what it stands on in two ways if they differed from the program's.
        let Some(of_checkout) = self.source.lock_file() else {
            if !is_known {
                remove(&own)?;
            }
            return Ok(());
        };
        let noted = self.library().join("checkout.lock");
        let text = fs::read_to_string(&of_checkout).map_err(Error::io("read", &of_checkout))?;
        if is_known && fs::read_to_string(&noted).is_ok_and(|old| old == text) {
            return Ok(());
        }
        put(&own, &text)?;
        put(&noted, &text)
    }

    /// Notes the versions as cargo has left them, after it has read or built that package. Others, found there the next time, are
    /// none of its: it is begun anew then.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn know_versions(&self) -> Result<(), Error> {
        let own = self.library().join(VERSIONS);
        let text = fs::read_to_string(&own).map_err(Error::io("read", &own))?;
        put(&self.library().join(KNOWN), &text)
    }

    /// Gives the slot its folders and the package of its cells.
    fn furnish(&self, slot: &Slot) -> Result<(), Error> {
        // The system's loader looks for libraries only where there was a folder when the process began.
        let compiled = slot.compiled();
        fs::create_dir_all(&compiled).map_err(Error::io("create", &compiled))?;
        // Cargo writes these anew, but stops at one that was cut.
        for file in ["Cargo.lock", ".cargo/config.toml"].map(|name| slot.cells().join(name)) {
            if fs::read_to_string(&file).is_ok_and(|text| text.parse::<toml::Table>().is_err()) {
                remove(&file)?;
            }
        }
        // Yesterday's last cell may hold items this session has not got.
        put(&slot.cells().join("src/lib.rs"), "// A session's cells come here.\n")
    }
}

/// Removes a file that may not be there.
fn remove(file: &Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", file)(e)),
        _ => Ok(()),
    }
}

/// Writes a file, and its folder, unless it is there already.
pub(super) fn put(file: &Path, text: &str) -> Result<(), Error> {
    if fs::read_to_string(file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let written = private::writing().open(file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(Error::io("write", file))
}

fn profile() -> String {
    let plain = PLAIN.map(|name| format!("[profile.dev.package.{name}]\nopt-level = 0\n"));
    format!("{PROFILE}{}", plain.concat())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cache(root: &Path) -> Cache {
        fs::create_dir_all(root.join("session-0")).unwrap();
        Cache::at(root.join("session-0"), Source::Published)
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
        assert!(first.join("cells/src/lib.rs").is_file());
    }

    #[test]
    fn the_library_follows_the_versions_of_the_checkout() {
        let root = tempfile::tempdir().unwrap();
        let checkout = root.path().join("checkout");
        fs::create_dir_all(checkout.join("src/selfsame-dylib")).unwrap();
        let lock = |text: &str| fs::write(checkout.join("Cargo.lock"), text).unwrap();
        lock("first");
        let source = Source::Checkout(checkout.join("src/selfsame-dylib"));
        let cache = Cache { folder: root.path().join("session-0"), source };
        cache.furnish_library().unwrap();
        let own = cache.library().join("Cargo.lock");
        assert!(fs::read_to_string(cache.library().join("Cargo.toml")).unwrap().contains("selfsame-dylib"));
        fs::write(&own, "first, and the package itself").unwrap();
        cache.know_versions().unwrap();
        cache.furnish_library().unwrap();
        assert_eq!(fs::read_to_string(&own).unwrap(), "first, and the package itself");
        // Cut, where cargo would read the rest, and find other versions.
        fs::write(&own, "first, and").unwrap();
        cache.furnish_library().unwrap();
        assert_eq!(fs::read_to_string(&own).unwrap(), "first");
        cache.know_versions().unwrap();
        lock("second");
        cache.furnish_library().unwrap();
        assert_eq!(fs::read_to_string(&own).unwrap(), "second");
    }

    #[test]
    fn without_a_checkout_damaged_versions_are_found_anew() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        cache.furnish_library().unwrap();
        let own = cache.library().join(VERSIONS);
        fs::write(&own, "found").unwrap();
        cache.know_versions().unwrap();
        cache.furnish_library().unwrap();
        assert!(own.exists());
        fs::write(&own, "fou").unwrap();
        cache.furnish_library().unwrap();
        assert!(!own.exists());
    }

    #[test]
    fn what_cargo_would_stop_at_in_the_cells_package_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let cells = cache.slot().unwrap().cells();
        fs::create_dir_all(cells.join(".cargo")).unwrap();
        let files = ["Cargo.lock", ".cargo/config.toml"].map(|name| cells.join(name));
        for (text, stays) in [("version = 4\n", true), ("[[pack", false)] {
            files.iter().for_each(|file| fs::write(file, text).unwrap());
            drop(cache.slot().unwrap());
            assert!(files.iter().all(|file| file.exists() == stays), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_what_is_written_into_a_cell() {
        use std::os::unix::fs::MetadataExt;
        let root = tempfile::tempdir().unwrap();
        let cells = cache(root.path()).slot().unwrap().cells();
        // evcxr writes into the file that is there.
        let source = cells.join("src/lib.rs");
        fs::write(&source, "let token = 1;").unwrap();
        assert_eq!(source.metadata().unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("session-0"), "a file").unwrap();
        let cache = Cache { folder: root.path().join("session-0"), source: Source::Published };
        assert!(cache.slot().unwrap_err().to_string().contains("session-0"));
    }
}
