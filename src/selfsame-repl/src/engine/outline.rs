//! What the types of cells are inferred from: the library's sources without most of what they depend on.
//!
//! rust-analyzer, in evcxr, reads every crate a cell can reach and expands its macros, which takes ten seconds for the two
//! hundred crates behind the library. Only a few of them have types that a cell can hold. So it is given packages of our
//! own, which have the sources of those few and depend on one another only; what is missing in them, it leaves open.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Node, Package, PackageId, Target};
use selfsame::error::Error;

use super::cache::{put, Cache, Slot};
use super::manifest::{quoted_path, ALONE};
use super::place::TOP;
use super::seal;
use super::sources::copy;
use super::toolchain::Toolchain;

/// The crates whose types a cell can hold.
const KEPT: [&str; 8] =
    ["selfsame-dylib", "selfsame", "dfdx", "rand", "rand_core", "rand_distr", "rand_xoshiro", "num-traits"];
/// Lines of their sources that take long to read and say little, and the package and the file that has them: these are the
/// seven hundred and twenty ways to permute six axes.
const LEFT_OUT: [(&str, &str, &str); 1] =
    [("dfdx", "shapes/permutes.rs", "permutations!([0, 1, 2, 3, 4, 5]);")];
/// Where a package has a copy of its sources that lines are left out of.
const SOURCES: &str = "src";
/// The one that stands for all of them.
const ROOT: &str = "selfsame-dylib";
/// The versions the outline was written for.
const LOCKED: &str = "Cargo.lock";

/// The package that cells are to depend on.
pub fn root(slot: &Slot) -> PathBuf {
    slot.outline().join(ROOT)
}

/// Writes the outline of the library into the slot, unless the one that is there is of the same versions.
///
/// # Errors
/// Cargo does not know the packages; a file that cannot be written.
pub fn write(toolchain: &Toolchain, cache: &Cache, slot: &Slot) -> Result<(), Error> {
    let (library, outline) = (cache.library(), slot.outline());
    let locked = library.join(LOCKED);
    let read = || fs::read(&locked).map_err(Error::io("read", &locked));
    if fs::read(outline.join(LOCKED)).ok() == Some(read()?) && seal::look(&outline) == seal::Found::Whole {
        return Ok(());
    }
    let begin = || match fs::remove_dir_all(&outline) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => seal::open(&outline),
    };
    begin().map_err(Error::io("remove", &outline))?;
    let mut command = MetadataCommand::new();
    command.cargo_path(&toolchain.cargo).current_dir(&library).env(TOP, cache.folder());
    command.other_options(["--offline".to_string(), format!("--filter-platform={}", toolchain.host)]);
    let metadata = command.exec().map_err(|e| {
        Error::run(
            &library,
            format!("cargo does not say what is in it: {e}"),
            "`selfsame warm` shows more; remove the folder to begin anew.",
        )
    })?;
    for outlined in packages(&metadata) {
        let folder = outline.join(&outlined.folder);
        put(&folder.join("Cargo.toml"), &outlined.manifest)?;
        if let Some(sources) = outlined.copied {
            let copy = folder.join(SOURCES);
            copy_shortened(&sources, &copy).map_err(Error::io("copy sources into", &copy))?;
        }
    }
    // Cargo has written its own package among them.
    cache.know_versions()?;
    let file = outline.join(LOCKED);
    fs::write(&file, read()?).map_err(Error::io("write", &file))?;
    // Last, so that an outline that was not finished is written again.
    seal::close(&outline).map_err(Error::io("seal", &outline))
}

/// A package of the outline.
struct Outlined {
    folder: String,
    manifest: String,
    /// The sources it has a copy of; those of the others are read where they are.
    copied: Option<PathBuf>,
}

/// The packages of the outline.
fn packages(metadata: &Metadata) -> Vec<Outlined> {
    let Some(resolve) = &metadata.resolve else { return Vec::new() };
    let node = |id: &PackageId| resolve.nodes.iter().find(|node| node.id == *id);
    let mut reached = BTreeSet::new();
    let mut left: Vec<&PackageId> =
        metadata.packages.iter().filter(|p| p.name.as_str() == ROOT).map(|p| &p.id).collect();
    let mut found = Vec::new();
    while let Some(id) = left.pop() {
        let Some(node) = node(id).filter(|_| reached.insert(id)) else { continue };
        let package = &metadata[id];
        let Some(target) = package.targets.iter().find(|target| is_library(target)) else { continue };
        let needs: Vec<(&str, &Package)> = dependencies(node, metadata).collect();
        left.extend(needs.iter().map(|(_, package)| &package.id));
        let source = target.src_path.as_std_path();
        let copied = source.parent().filter(|sources| has_left_out(package.name.as_str(), sources));
        let source = match (copied, source.file_name()) {
            (Some(_), Some(name)) => Path::new(SOURCES).join(name),
            _ => source.to_path_buf(),
        };
        found.push(Outlined {
            folder: folder(package),
            manifest: manifest(package, target, &source, node, &needs),
            copied: copied.map(Path::to_path_buf),
        });
    }
    found
}

fn is_library(target: &Target) -> bool {
    target.is_lib() || target.is_dylib() || target.is_rlib()
}

/// What of a package's dependencies is kept, under the names its code has for them.
fn dependencies<'m>(node: &'m Node, metadata: &'m Metadata) -> impl Iterator<Item = (&'m str, &'m Package)> {
    node.deps
        .iter()
        .filter(|d| d.dep_kinds.iter().any(|k| k.kind == cargo_metadata::DependencyKind::Normal))
        .map(|dependency| (dependency.name.as_str(), &metadata[&dependency.pkg]))
        .filter(|(_, package)| KEPT.contains(&package.name.as_str()))
}

/// A package's folder; two versions of one crate have two.
fn folder(package: &Package) -> String {
    match package.name.as_str() {
        ROOT => ROOT.to_string(),
        name => format!("{name}-{}", package.version),
    }
}

/// Whether a package's sources are the ones that lines are left out of.
fn has_left_out(package: &str, sources: &Path) -> bool {
    let has = |file: &str, line: &str| {
        fs::read_to_string(sources.join(file)).is_ok_and(|text| text.lines().any(|l| l == line))
    };
    LEFT_OUT.iter().any(|(name, file, line)| *name == package && has(file, line))
}

/// Copies sources without what is left out of them.
fn copy_shortened(from: &Path, to: &Path) -> io::Result<()> {
    copy(from, to, |line| LEFT_OUT.iter().any(|(_, _, left_out)| line == *left_out))
}

/// A package of the same name, version and features, with these sources and dependencies only.
fn manifest(
    package: &Package,
    target: &Target,
    source: &Path,
    node: &Node,
    needs: &[(&str, &Package)],
) -> String {
    let Package { name, version, edition, .. } = package;
    let mut text = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"{edition}\"\nbuild = false\n\n\
         {ALONE}\n[lib]\nname = \"{}\"\npath = {}\n\n[features]\n",
        target.name.replace('-', "_"),
        quoted_path(source)
    );
    let on: Vec<&str> = node.features.iter().map(|f| f.as_str()).filter(|name| *name != "default").collect();
    // Infallible: a string has no end.
    let _ = writeln!(text, "default = {on:?}");
    for feature in on {
        let _ = writeln!(text, "{feature:?} = []");
    }
    text.push_str("\n[dependencies]\n");
    for (name, package) in needs {
        let path = Path::new("..").join(folder(package));
        let _ =
            writeln!(text, "{name} = {{ path = {}, package = \"{}\" }}", quoted_path(&path), package.name);
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// This workspace's own packages, outlined and read by cargo again.
    #[test]
    fn the_outline_is_packages_cargo_reads_with_few_crates_in_them() {
        // Crates of other platforms are not there when cargo has only built for this one.
        let host = super::super::toolchain::Toolchain::find().unwrap().host;
        let options = ["--offline".to_string(), format!("--filter-platform={host}")];
        let mut command = MetadataCommand::new();
        command.manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../selfsame-dylib/Cargo.toml"));
        let whole = command.other_options(options.clone()).exec().unwrap();
        let root = tempfile::tempdir().unwrap();
        for outlined in packages(&whole) {
            let folder = root.path().join(&outlined.folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("Cargo.toml"), outlined.manifest).unwrap();
            if let Some(sources) = outlined.copied {
                copy_shortened(&sources, &folder.join(SOURCES)).unwrap();
            }
        }
        let mut command = MetadataCommand::new();
        command.manifest_path(root.path().join(ROOT).join("Cargo.toml"));
        let outline = command.other_options(options).exec().unwrap();
        let names: BTreeSet<&str> = outline.packages.iter().map(|p| p.name.as_str()).collect();
        for name in [ROOT, "selfsame", "dfdx", "rand_xoshiro"] {
            assert!(names.contains(name), "{name} is in {names:?}");
        }
        assert!(names.iter().all(|name| KEPT.contains(name)), "{names:?}");
        let dfdx = outline.packages.iter().find(|p| p.name.as_str() == "dfdx").unwrap();
        assert!(dfdx.features.contains_key("cpu") && dfdx.targets[0].src_path.is_file());
        let (_, file, line) = LEFT_OUT[0];
        let text = fs::read_to_string(dfdx.targets[0].src_path.with_file_name(file)).unwrap();
        assert!(!text.contains(line) && text.contains("permutations!([0, 1, 2, 3, 4]);"), "{text}");
        assert!(whole.packages.len() > 50, "the library itself has many");
    }

    /// What cargo makes of the package in `folder` by itself.
    fn root_of(folder: &Path) -> PathBuf {
        let mut command = MetadataCommand::new();
        command.current_dir(folder).no_deps().other_options(["--offline".to_string()]);
        command.exec().unwrap().workspace_root.into_std_path_buf()
    }

    #[test]
    fn every_package_stands_for_itself_wherever_it_lies() {
        let root = tempfile::tempdir().unwrap();
        let above = root.path().canonicalize().unwrap();
        fs::write(above.join("Cargo.toml"), "[workspace]\nmembers = [\"member\"]\n").unwrap();
        fs::create_dir(above.join(".cargo")).unwrap();
        fs::write(above.join(".cargo/config.toml"), "[build]\ntarget-dir = \"elsewhere\"\n").unwrap();
        let mut places = ["plain", "Jan\u{e9} Doe's \"größe\", 日本", "e\u{301} \u{301}"]
            .map(|name| above.join(name))
            .to_vec();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(above.join("plain"), above.join("link")).unwrap();
            places.push(above.join("link"));
        }
        let toolchain = Toolchain::find().unwrap();
        for place in places {
            fs::create_dir_all(&place).unwrap();
            let cache = Cache::at(place.join("session-0"), super::super::cache::Source::find());
            fs::create_dir_all(cache.folder()).unwrap();
            let slot = cache.slot().unwrap();
            cache.furnish_library().unwrap();
            write(&toolchain, &cache, &slot).unwrap();
            // The cells' is evcxr's, with what it takes from its settings.
            let settings: toml::Table =
                super::super::manifest::settings(&slot.cells(), &super::root(&slot)).parse().unwrap();
            let level = settings["evcxr"]["opt_level"].as_str().unwrap();
            let cells = format!(
                "[package]\nname = \"ctx\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[profile.dev]\nopt-level = {level}\n"
            );
            fs::write(slot.cells().join("Cargo.toml"), cells).unwrap();
            let packages = fs::read_dir(slot.outline()).unwrap().map(|entry| entry.unwrap().path());
            let packages = packages.filter(|path| path.is_dir()).chain([cache.library(), slot.cells()]);
            for package in packages {
                assert_eq!(root_of(&package), package.canonicalize().unwrap());
            }
        }
    }

    #[test]
    fn a_damaged_outline_is_written_again() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path().join("session-0"), super::super::cache::Source::find());
        fs::create_dir_all(cache.folder()).unwrap();
        let slot = cache.slot().unwrap();
        let toolchain = Toolchain::find().unwrap();
        cache.furnish_library().unwrap();
        write(&toolchain, &cache, &slot).unwrap();
        let manifest = super::root(&slot).join("Cargo.toml");
        let whole = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, "[pack").unwrap();
        write(&toolchain, &cache, &slot).unwrap();
        assert_eq!(fs::read_to_string(&manifest).unwrap(), whole);
    }
}
