//! The library as cells link it: built by cargo, then set down in a session's slot, where it stays as it is.
//!
//! A program that stands where cargo has built it, in a checkout, has its parts compiled already: cargo is asked for those
//! and finds them done, and only the last step, which makes one dynamic library of them, is ours. Any other has cargo
//! compile the library into the cache.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use cargo_metadata::{Artifact, Message};
use selfsame::error::Error;

use super::cache::{Cache, Slot, Source};
use super::place::TOP;
use super::seal;
use super::toolchain::Toolchain;

/// What holds everything.
const ROOT: &str = "selfsame-dylib";

/// Who compiles the library, and where.
#[derive(Debug, PartialEq, Eq)]
pub enum Build {
    /// Cargo has built this program in a checkout: with this profile, into this folder.
    Here { checkout: PathBuf, target: PathBuf, profile: String },
    /// The package in the cache.
    Cached,
}

impl Build {
    /// How the library of `source` is built for the program `program`.
    pub fn of(source: &Source, program: Option<PathBuf>) -> Build {
        let Source::Checkout(dylib) = source else { return Build::Cached };
        let here = || {
            let folder = program?.canonicalize().ok()?.parent()?.to_path_buf();
            // Cargo's own lock on what it has built, which a program that was copied elsewhere has not beside it.
            File::options().append(true).open(folder.join(".cargo-lock")).ok()?;
            let profile = match folder.file_name()?.to_str()? {
                "debug" => "dev",
                other => other,
            };
            let checkout = dylib.ancestors().nth(2)?.to_path_buf();
            Some(Build::Here {
                checkout,
                target: folder.parent()?.to_path_buf(),
                profile: profile.to_string(),
            })
        };
        here().unwrap_or(Build::Cached)
    }

    /// The cargo that builds it; what it has built it says on stdout.
    pub fn cargo(&self, toolchain: &Toolchain, cache: &Cache) -> Command {
        let mut cargo = match self {
            Build::Here { checkout, target, profile } => {
                let mut cargo = toolchain.cargo(checkout);
                // Of the packages the program was built with, whose choice is a choice of features: with others most would
                // be compiled anew. This is their smallest program with the library in it.
                cargo.args(["build", "--bin", "golden", "--profile", profile, "--target-dir"]).arg(target);
                cargo
            }
            Build::Cached => {
                let mut cargo = toolchain.cargo_for_cells(&cache.library());
                cargo.env(TOP, cache.folder());
                cargo.args(["build", "--target", &toolchain.host]);
                cargo
            }
        };
        cargo.args(["--message-format", "json-render-diagnostics"]);
        cargo
    }

    /// The files that the slot is to have of what cargo has built.
    ///
    /// # Errors
    /// The checkout's lock file cannot be read.
    pub fn files(&self, built: &Built) -> Result<Vec<PathBuf>, Error> {
        match self {
            Build::Here { checkout, .. } => {
                let parts = parts(&checkout.join("Cargo.lock"))?;
                Ok(built.files(|name| parts.contains(name)))
            }
            Build::Cached => Ok(built.files(|_| true)),
        }
    }

    /// Puts what cargo has built into the slot, and seals it.
    ///
    /// # Errors
    /// A file that cannot be written; a library that cannot be made of its parts.
    pub fn set_down(&self, toolchain: &Toolchain, slot: &Slot, built: &Built) -> Result<(), Error> {
        let compiled = slot.compiled();
        let mut is_new = keep(&self.files(built)?, &compiled)?;
        if let Build::Here { checkout, .. } = self {
            // A library that is not there is older than any source.
            let source = checkout.join("src").join(ROOT).join("src/lib.rs");
            if modified(&dylib(slot)) < modified(&source) {
                seal::open(&compiled).map_err(Error::io("write in", &slot.folder))?;
                link(toolchain, &source, built, slot)?;
                is_new = true;
            }
        }
        if is_new || seal::look(&compiled) == seal::Found::Unfinished {
            seal::close(&compiled).map_err(Error::io("seal", &compiled))?;
        }
        Ok(())
    }
}

/// What was taken out of a slot.
#[derive(Debug, Default)]
pub struct Damaged {
    /// How many files.
    pub files: usize,
    /// The numbers the system has for those that were damaged. Cargo may have the same file under another name.
    numbers: BTreeSet<u64>,
}

/// Takes out of the slot what is not as it was when it was finished, and what is linked of that; nothing where all is well.
///
/// # Errors
/// A file cannot be removed.
pub fn take_out_damaged(slot: &Slot) -> Result<Damaged, Error> {
    let compiled = slot.compiled();
    let mut damaged = Damaged::default();
    let files = match seal::look(&compiled) {
        seal::Found::Whole => return Ok(damaged),
        seal::Found::Damaged(files) => {
            damaged.numbers = files.iter().filter_map(|file| number(file)).collect();
            files
        }
        seal::Found::Unfinished => {
            let there = fs::read_dir(&compiled).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            there.map_err(Error::io("read", &compiled))?.into_iter().map(|entry| entry.path()).collect()
        }
    };
    damaged.files = files.len();
    files.iter().chain([&dylib(slot)]).try_for_each(|file| remove(file))?;
    Ok(damaged)
}

/// Removes of what cargo says it has built the files that are not whole, so that it builds them anew; how many they were. Those
/// are not looked at that the slot has already.
///
/// # Errors
/// A file cannot be removed.
pub fn remove_incomplete(files: &[PathBuf], slot: &Slot, damaged: &Damaged) -> Result<usize, Error> {
    let compiled = slot.compiled();
    let has = |file: &Path| {
        let there = file.file_name().and_then(|name| version(&compiled.join(name)));
        there.is_some() && there == version(file)
    };
    let is_damaged = |file: &Path| number(file).is_some_and(|number| damaged.numbers.contains(&number));
    let incomplete: Vec<&PathBuf> =
        files.iter().filter(|file| !has(file) && (is_damaged(file) || !seal::is_complete(file))).collect();
    for file in &incomplete {
        // The name it was given before it got this one, which cargo would make it of again.
        for twin in twins(file) {
            remove(&twin)?;
        }
        remove(file)?;
    }
    Ok(incomplete.len())
}

/// Other names of a file, where cargo has them.
fn twins(file: &Path) -> Vec<PathBuf> {
    let deps = file.with_file_name("deps");
    let Some((own, there)) = number(file).zip(fs::read_dir(deps).ok()) else { return Vec::new() };
    let is_twin = |path: &PathBuf| number(path) == Some(own);
    there.filter_map(|entry| Some(entry.ok()?.path())).filter(is_twin).collect()
}

/// Removes a file that may not be there.
fn remove(file: &Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", file)(e)),
        _ => Ok(()),
    }
}

fn number(file: &Path) -> Option<u64> {
    #[cfg(unix)]
    return file.metadata().ok().map(|data| std::os::unix::fs::MetadataExt::ino(&data));
    #[cfg(not(unix))]
    None
}

/// The compiled library in a slot.
pub fn dylib(slot: &Slot) -> PathBuf {
    slot.compiled().join(file_name())
}

fn file_name() -> String {
    format!("{}selfsame_dylib{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// What cargo says it has built.
#[derive(Debug, Default)]
pub struct Built {
    artifacts: Vec<Artifact>,
    /// Where build scripts say that libraries of the system are.
    search: Vec<String>,
}

impl Built {
    /// Reads cargo's messages.
    pub fn read(said: impl std::io::BufRead) -> Built {
        let mut built = Built::default();
        for message in Message::parse_stream(said).map_while(Result::ok) {
            match message {
                Message::CompilerArtifact(artifact) => built.artifacts.push(artifact),
                Message::BuildScriptExecuted(script) => {
                    built.search.extend(script.linked_paths.iter().map(ToString::to_string));
                }
                _ => {}
            }
        }
        built
    }

    /// Compiled libraries and procedural macros of the packages that `wanted` says yes to.
    fn files(&self, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let chosen = self.artifacts.iter().filter(|a| wanted(package(&a.package_id.repr)));
        chosen
            .flat_map(|a| &a.filenames)
            .filter(|file| {
                file.extension().is_some_and(|e| e == "rlib" || e == std::env::consts::DLL_EXTENSION)
            })
            .map(|file| file.clone().into_std_path_buf())
            .collect()
    }

    /// The compiled library of a crate.
    fn rlib(&self, name: &str) -> Option<&Path> {
        let of = self.artifacts.iter().filter(|a| package(&a.package_id.repr) == name);
        of.flat_map(|a| &a.filenames)
            .find(|file| file.extension() == Some("rlib"))
            .map(|file| file.as_std_path())
    }
}

/// The name in a package's identity: `registry+https://..#dfdx@0.13.0`, or `path+file:///..src/selfsame#0.1.0`.
fn package(identity: &str) -> &str {
    let (place, version) = identity.rsplit_once('#').unwrap_or((identity, ""));
    match version.split_once('@') {
        Some((name, _)) => name,
        None => place.rsplit('/').next().unwrap_or(place),
    }
}

/// The names of all packages the library is made of, from a lock file.
fn parts(lock: &Path) -> Result<BTreeSet<String>, Error> {
    #[derive(serde::Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    #[derive(serde::Deserialize)]
    struct Locked {
        name: String,
        #[serde(default)]
        dependencies: Vec<String>,
    }
    let text = fs::read_to_string(lock).map_err(Error::io("read", lock))?;
    let read: Lock = toml::from_str(&text).map_err(|e| {
        Error::run(lock, format!("is no lock file of cargo's: {}", e.message()), "Run `cargo update -w`.")
    })?;
    let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in &read.package {
        // `name`, or `name version` where there are several; one name stands for all its versions here.
        let of = package.dependencies.iter().filter_map(|d| d.split(' ').next());
        needs.entry(&package.name).or_default().extend(of);
    }
    let (mut found, mut left) = (BTreeSet::new(), vec![ROOT]);
    while let Some(name) = left.pop() {
        if found.insert(name.to_string()) {
            left.extend(needs.get(name).into_iter().flatten());
        }
    }
    Ok(found)
}

/// Has `to` hold these files, and says whether there was anything to do. Where there was, whatever else is there goes first, so
/// that a library linked of other files never outlives them.
fn keep(files: &[PathBuf], to: &Path) -> Result<bool, Error> {
    let place = |file: &Path| file.file_name().map(|name| to.join(name));
    let wanted: BTreeMap<PathBuf, &PathBuf> = files.iter().filter_map(|f| Some((place(f)?, f))).collect();
    if wanted.iter().all(|(place, file)| version(place) == version(file)) {
        return Ok(false);
    }
    seal::open(to).map_err(Error::io("write in", to))?;
    let there =
        fs::read_dir(to).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(Error::io("read", to))?;
    for old in there.into_iter().map(|entry| entry.path()) {
        if wanted.get(&old).is_none_or(|file| version(&old) != version(file)) {
            fs::remove_file(&old).map_err(Error::io("remove", &old))?;
        }
    }
    for (place, file) in wanted.into_iter().filter(|(place, _)| !place.exists()) {
        copy(file, &place).map_err(Error::io("write", &place))?;
    }
    Ok(true)
}

/// Links a static library, which the compiler never writes in place; copies others, with their time.
fn copy(file: &Path, place: &Path) -> std::io::Result<()> {
    if file.extension().is_some_and(|e| e == "rlib") && fs::hard_link(file, place).is_ok() {
        return Ok(());
    }
    fs::copy(file, place)?;
    File::options().write(true).open(place)?.set_modified(file.metadata()?.modified()?)
}

/// By what a file is told from another one in its place: its size and time.
pub(super) fn version(path: &Path) -> Option<(u64, SystemTime)> {
    path.metadata().ok().and_then(|d| Some((d.len(), d.modified().ok()?)))
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}

/// Makes one dynamic library, which shares the standard library with the cells, of the compiled parts.
fn link(toolchain: &Toolchain, source: &Path, built: &Built, slot: &Slot) -> Result<(), Error> {
    let new = slot.folder.join("linking");
    fs::create_dir_all(&new).map_err(Error::io("create", &new))?;
    let made = new.join(file_name());
    let mut rustc = Command::new(&toolchain.rustc);
    rustc
        .current_dir(&new)
        .args([
            "--crate-name",
            "selfsame_dylib",
            "--crate-type",
            "dylib",
            "--edition",
            "2021",
            "-Copt-level=3",
        ])
        .args(toolchain.flags())
        .arg(source)
        .arg(format!("-Ldependency={}", slot.compiled().display()))
        .args(built.search.iter().map(|path| format!("-L{path}")))
        .arg("-o")
        .arg(&made)
        .stdin(Stdio::null());
    for name in ["selfsame", "dfdx"] {
        let Some(file) = built.rlib(name).and_then(Path::file_name) else {
            let why = format!("cargo has built no {name}");
            return Err(Error::run(source, why, "Build the program anew, with `cargo build --release`."));
        };
        rustc.arg("--extern").arg(format!("{name}={}", slot.compiled().join(file).display()));
    }
    let out = rustc.output().map_err(Error::io("run", &toolchain.rustc))?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr).trim().to_string();
        let remedy = "Build the program anew, with `cargo build --release`; or :restart to try again.";
        return Err(Error::run(source, format!("the session library cannot be linked: {said}"), remedy));
    }
    // In one step, and not before all of it is on the disk, so that what stands in its place is always whole.
    File::open(&made).and_then(|file| file.sync_all()).map_err(Error::io("write", &made))?;
    fs::rename(&made, dylib(slot)).map_err(Error::io("write", &dylib(slot)))?;
    fs::remove_dir_all(&new).map_err(Error::io("remove", &new))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn identities_have_their_names() {
        assert_eq!(package("registry+https://github.com/rust-lang/crates.io-index#dfdx@0.13.0"), "dfdx");
        assert_eq!(package("path+file:///a/src/selfsame#0.1.0"), "selfsame");
        assert_eq!(package("path+file:///a/main#selfsame@0.1.0"), "selfsame");
    }

    #[test]
    fn the_library_is_made_of_what_it_depends_on_and_no_more() {
        let parts = parts(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock"))).unwrap();
        for name in [ROOT, "selfsame", "dfdx", "rand_core"] {
            assert!(parts.contains(name), "{name}");
        }
        assert!(!parts.contains("evcxr") && !parts.contains("selfsame-repl"));
    }

    #[test]
    fn a_program_knows_whether_cargo_has_built_it_where_it_stands() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().canonicalize().unwrap();
        let source = Source::Checkout(folder.join("src/selfsame-dylib"));
        fs::create_dir_all(folder.join("target/debug")).unwrap();
        let program = folder.join("target/debug/selfsame");
        fs::write(&program, "").unwrap();
        assert_eq!(
            Build::of(&source, Some(program.clone())),
            Build::Cached,
            "nothing of cargo's is beside it"
        );
        fs::write(folder.join("target/debug/.cargo-lock"), "").unwrap();
        let here = Build::Here {
            checkout: folder.clone(),
            target: folder.join("target"),
            profile: "dev".to_string(),
        };
        assert_eq!(Build::of(&source, Some(program.clone())), here);
        assert_eq!(Build::of(&Source::Published, Some(program)), Build::Cached);
        assert_eq!(Build::of(&source, None), Build::Cached);
    }

    #[test]
    fn a_slot_holds_the_files_of_now_and_no_others() {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("from"), root.path().join("to"));
        fs::create_dir_all(&from).unwrap();
        let files =
            [from.join("liba-1.rlib"), from.join(format!("libmac-2{}", std::env::consts::DLL_SUFFIX))];
        for file in &files {
            fs::write(file, "first").unwrap();
        }
        fs::create_dir_all(&to).unwrap();
        for name in ["libold-0.rlib", "own"] {
            fs::write(to.join(name), "").unwrap();
        }
        assert!(keep(&files, &to).unwrap());
        let there = || {
            let names = fs::read_dir(&to).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
            names.collect::<BTreeSet<_>>()
        };
        let mac = files[1].file_name().unwrap().to_str().unwrap().to_string();
        assert_eq!(there(), BTreeSet::from(["liba-1.rlib".into(), mac]), "what was linked of others is gone");
        fs::write(to.join("own"), "").unwrap();
        assert!(!keep(&files, &to).unwrap());
        assert!(there().contains("own"), "the second time there is nothing to do");
        // The compiler writes a new file and puts it in the old one's place: the slot's stays.
        fs::write(from.join("new"), "second one").unwrap();
        fs::rename(from.join("new"), &files[0]).unwrap();
        assert_eq!(fs::read_to_string(to.join("liba-1.rlib")).unwrap(), "first");
        keep(&files, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("liba-1.rlib")).unwrap(), "second one");
        assert!(!there().contains("own"));
    }

    fn slot_of(files: &[(&str, &str)]) -> (tempfile::TempDir, Slot) {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path().join("session-0"), Source::Published);
        fs::create_dir_all(cache.folder()).unwrap();
        let slot = cache.slot().unwrap();
        for (name, text) in files {
            fs::write(slot.compiled().join(name), text).unwrap();
        }
        (root, slot)
    }

    #[test]
    fn what_is_damaged_goes_with_what_was_linked_of_it() {
        let linked = file_name();
        let (_root, slot) = slot_of(&[("liba-1.rlib", "a"), ("libb-1.rlib", "b"), (&linked, "ab")]);
        let there = |name: &str| slot.compiled().join(name).exists();
        seal::close(&slot.compiled()).unwrap();
        assert_eq!(take_out_damaged(&slot).unwrap().files, 0);
        assert!(there(&linked));
        // Cargo has this one under another name.
        let cargos = slot.folder.join("liba-1.rlib");
        fs::hard_link(slot.compiled().join("liba-1.rlib"), &cargos).unwrap();
        fs::write(&cargos, format!("!<arch>\n{:<48}{:<10}`\nab", "name", 2)).unwrap();
        let damaged = take_out_damaged(&slot).unwrap();
        assert_eq!(damaged.files, 1);
        assert!(!there("liba-1.rlib") && there("libb-1.rlib") && !there(&linked));
        assert_eq!(remove_incomplete(std::slice::from_ref(&cargos), &slot, &damaged).unwrap(), 1);
        assert!(!cargos.exists());
    }

    #[test]
    fn what_was_never_finished_is_begun_anew() {
        let (_root, slot) = slot_of(&[]);
        assert_eq!(take_out_damaged(&slot).unwrap().files, 0, "a slot that is new");
        let (_root, slot) = slot_of(&[("liba-1.rlib", "a"), (&file_name(), "")]);
        assert_eq!(take_out_damaged(&slot).unwrap().files, 2);
        assert_eq!(fs::read_dir(slot.compiled()).unwrap().count(), 0);
    }

    #[test]
    fn cargo_is_asked_again_for_what_it_takes_for_built_and_was_cut() {
        let (root, slot) = slot_of(&[]);
        let files = ["cut.rlib", "whole.rlib", "gone.rlib"].map(|name| root.path().join(name));
        fs::write(&files[0], "!<arch>\nname").unwrap();
        let twin = root.path().join("deps/cut-1.rlib");
        fs::create_dir(root.path().join("deps")).unwrap();
        fs::hard_link(&files[0], &twin).unwrap();
        fs::write(&files[1], format!("!<arch>\n{:<48}{:<10}`\nab", "name", 2)).unwrap();
        assert_eq!(remove_incomplete(&files, &slot, &Damaged::default()).unwrap(), 2);
        assert!(!files[0].exists() && !twin.exists() && files[1].exists());
    }
}
