//! The Rust toolchain that compiles cells: where it is, and what is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use selfsame::text::shell_word;

use super::manifest::quoted;
use crate::private::NOWHERE;

/// A toolchain that can compile and run cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// The program `cargo`, the toolchain's own rather than rustup's stand-in, which costs time at every call.
    pub cargo: PathBuf,
    /// The program `rustc`.
    pub rustc: PathBuf,
    /// What `rustc -vV` prints.
    pub version: String,
    /// The platform, `x86_64-unknown-linux-gnu`.
    pub host: String,
    /// The shared standard library, which cells link.
    pub std_library: PathBuf,
    /// The folder it is installed in.
    pub sysroot: PathBuf,
    /// The standard library's sources, where they are installed; types, completion and hover want them.
    pub sources: Option<PathBuf>,
}

/// What to install where there is no toolchain.
const INSTALL: &str = "Install Rust from https://rustup.rs, then start again.";

/// How the variables begin that cargo sets for a program it runs.
const OWN: [&str; 5] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "OUT_DIR"];

impl Toolchain {
    /// Finds `cargo` and `rustc`.
    ///
    /// # Errors
    /// One sentence for the user: what is missing and what to do.
    pub fn find() -> Result<Toolchain, String> {
        let rustc = tool("rustc")?.ok_or(format!(
            "Rust cells need cargo and rustc, and there is no rustc on the PATH. {INSTALL}"
        ))?;
        // Each question to a program is a moment a session starts later: a toolchain has its tools in one folder.
        let beside = rustc.with_file_name(format!("cargo{}", std::env::consts::EXE_SUFFIX));
        let beside = Some(beside).filter(|file| file.is_file());
        let cargo = beside.map_or_else(|| tool("cargo"), |file| Ok(Some(file)))?.ok_or(format!(
            "Rust cells need cargo and rustc, and there is no cargo on the PATH. {INSTALL}"
        ))?;
        let version = output(&rustc, &["-vV"])
            .ok_or(format!("Rust cells need rustc, but {} does not run. {INSTALL}", rustc.display()))?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .ok_or(format!("{} -vV names no host.", rustc.display()))?
            .to_string();
        let folders = output(&rustc, &["--print", "target-libdir", "--print", "sysroot"]).unwrap_or_default();
        let (libraries, sysroot) = folders.trim().split_once('\n').unwrap_or_default();
        let libraries = libraries.trim();
        let std_library = shared_std(Path::new(libraries)).ok_or(format!(
            "Rust cells need the shared standard library, and there is no libstd-*.so in {libraries}. Distributions leave \
             it out; the toolchain from https://rustup.rs has it."
        ))?;
        let sysroot = PathBuf::from(sysroot);
        let sources = Some(sysroot.join("lib/rustlib/src/rust/library")).filter(|f| f.is_dir());
        Ok(Toolchain { cargo, rustc, version, host, std_library, sysroot, sources })
    }

    /// A `rust-toolchain.toml` by which rustup, started beside it or below, comes to this toolchain and looks no higher;
    /// `None` where it is not rustup's.
    pub fn file(&self) -> Option<String> {
        let name = self.sysroot.file_name()?.to_str()?;
        let is_of_rustup =
            self.sysroot.parent()?.ends_with("toolchains") && self.rustc.starts_with(&self.sysroot);
        is_of_rustup.then(|| format!("[toolchain]\nchannel = {}\n", quoted(name)))
    }

    /// The flags with which evcxr has cells compiled, and we the library.
    pub fn flags(&self) -> Vec<String> {
        let mut flags = vec!["-Cprefer-dynamic".to_string()];
        if on_path("mold").is_none() && on_path("lld").is_some() {
            flags.push("-Clink-arg=-fuse-ld=lld".to_string());
        }
        flags
    }

    /// `cargo` set up as evcxr sets it up, so that what we build ahead of time fits its cells.
    pub fn cargo_for_cells(&self, folder: &Path) -> Command {
        let mut command = if on_path("mold").is_some() {
            let mut mold = Command::new("mold");
            mold.arg("-run").arg(&self.cargo);
            mold
        } else {
            Command::new(&self.cargo)
        };
        own_removed(&mut command);
        command
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", "target")
            .env("CARGO_BUILD_BUILD_DIR", "target")
            // Whatever the user has set: the library compiled with another setting would be compiled anew.
            .env("CARGO_INCREMENTAL", "0")
            .env("RUSTC", &self.rustc)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags().join("\u{1f}"));
        command
    }

    /// `cargo` in `folder` as the user would call it there.
    pub fn cargo(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.cargo);
        own_removed(&mut command);
        command.current_dir(folder);
        command
    }
}

/// Without the variables cargo sets under `cargo run`, which are about our own package: packages with build scripts that
/// listen to them would be compiled anew each time the program is called the other way.
fn own_removed(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if OWN.iter().any(|own| name.to_string_lossy().starts_with(own)) {
            command.env_remove(name);
        }
    }
}

/// The tool that rustup would run where no folder asks for another toolchain, or the one on the PATH.
///
/// # Errors
/// rustup is there and knows of no such tool: what it says, and what may be wrong. The one on the PATH would be its stand-in,
/// which says the same of everything that is asked.
fn tool(name: &str) -> Result<Option<PathBuf>, String> {
    let Some(rustup) = on_path("rustup") else { return Ok(on_path(name)) };
    let Ok(asked) = which(&rustup, name, Path::new(NOWHERE)).output() else { return Ok(on_path(name)) };
    let path = PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim());
    if asked.status.success() && path.is_file() {
        return Ok(Some(path));
    }
    // Beside rustup, what is on the PATH is its stand-in; elsewhere it is a toolchain of its own.
    match on_path(name).filter(|file| file.parent() != rustup.parent()) {
        Some(file) => Ok(Some(file)),
        None => {
            let asked_for = std::env::var("RUSTUP_TOOLCHAIN").ok();
            Err(without_toolchain(name, &String::from_utf8_lossy(&asked.stderr), asked_for.as_deref()))
        }
    }
}

/// Why rustup names no `name`, out of what it says and what RUSTUP_TOOLCHAIN is.
fn without_toolchain(name: &str, said: &str, asked_for: Option<&str>) -> String {
    let said = said.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or("nothing");
    let remedy = match asked_for.filter(|toolchain| !toolchain.is_empty()) {
        Some(toolchain) => format!(
            "The variable RUSTUP_TOOLCHAIN is '{toolchain}': unset it, or `rustup toolchain install {}`.",
            shell_word(toolchain)
        ),
        None => {
            "`rustup show` says which toolchain is meant here, `rustup default stable` sets one.".to_string()
        }
    };
    format!("Rust cells need {name}, and rustup says: {}. {remedy}", said.trim_end_matches('.'))
}

/// The tool that rustup would run in `folder`.
pub fn rustup(name: &str, folder: &Path) -> Option<PathBuf> {
    let path = PathBuf::from(said(&mut which(&on_path("rustup")?, name, folder))?.trim());
    Some(path).filter(|path| path.is_file())
}

/// The question which tool rustup would run in `folder`.
fn which(rustup: &Path, name: &str, folder: &Path) -> Command {
    let mut command = Command::new(rustup);
    // Where a file asks for a toolchain that is not installed, rustup would install it.
    command.args(["which", name]).current_dir(folder).env("RUSTUP_AUTO_INSTALL", "0");
    command
}

/// The version of the compiler, `1.95.0`, wherever the program was started.
pub fn version() -> Option<String> {
    let said = said(Command::new("rustc").arg("--version").current_dir(NOWHERE))?;
    said.split_whitespace().nth(1).map(str::to_string)
}

/// The first file called `name` in the folders of the PATH, of which those are passed over that the working folder decides.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(&name)).find(|file| file.is_file())
}

/// What a program prints when it succeeds.
fn output(program: &Path, arguments: &[&str]) -> Option<String> {
    said(Command::new(program).args(arguments).current_dir(NOWHERE))
}

fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shared_std(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?;
    files.filter_map(|file| Some(file.ok()?.path())).find(|path| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        name.contains("std-") && path.extension().is_some_and(|e| e == std::env::consts::DLL_EXTENSION)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_that_is_not_there_is_what_is_said() {
        let said = "error: toolchain 'nope' is not installed\nhelp: run `rustup toolchain install nope`\n";
        let told = without_toolchain("rustc", said, Some("nope"));
        assert_eq!(
            told,
            "Rust cells need rustc, and rustup says: toolchain 'nope' is not installed. The variable RUSTUP_TOOLCHAIN is \
             'nope': unset it, or `rustup toolchain install nope`."
        );
        let told = without_toolchain("rustc", "error: no default toolchain is configured.\n", None);
        assert!(told.contains("is configured. `rustup show` says"), "{told}");
    }

    #[test]
    fn the_toolchain_that_builds_this_test_is_found() {
        let found = Toolchain::find().unwrap();
        assert!(found.version.starts_with("rustc "));
        assert!(found.std_library.is_file());
        let cargo = found.cargo_for_cells(Path::new("."));
        let flags = cargo.get_envs().find(|(name, _)| *name == "CARGO_ENCODED_RUSTFLAGS").unwrap().1.unwrap();
        assert!(flags.to_str().unwrap().contains("prefer-dynamic"));
    }
}
