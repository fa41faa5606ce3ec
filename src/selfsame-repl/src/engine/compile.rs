//! Compiling the session library ahead of the first cell, telling how far it is.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use selfsame::error::Error;

use super::cache::{Cache, Slot, Source};
use super::library::{remove_incomplete, take_out_damaged, Build, Built};
use super::toolchain::Toolchain;

/// How far a compilation is, in crates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Crates that are compiled.
    pub done: usize,
    /// Crates in all.
    pub total: usize,
}

/// Gives the slot what types are inferred from, which takes no compiling. `false` when something for that is not there before
/// the library has been compiled once.
///
/// # Errors
/// A folder that cannot be written.
pub fn outlined(toolchain: &Toolchain, cache: &Cache, slot: &Slot, _alone: &File) -> Result<bool, Error> {
    cache.furnish_library()?;
    Ok(super::outline::write(toolchain, cache, slot).is_ok())
}

/// Brings the slot up to date: at once where nothing changed, in minutes where the library has never been compiled. `tell`
/// hears how far it is. To be called with the [lock](Cache::compile_alone) in hand. Gives a line for the user where something
/// was damaged and is made anew.
///
/// # Errors
/// Cargo does not run or cannot compile the library, with what it said; a folder that cannot be written.
pub fn compile(
    toolchain: &Toolchain,
    cache: &Cache,
    slot: &Slot,
    _alone: &File,
    tell: &mut dyn FnMut(Progress),
) -> Result<Option<String>, Error> {
    let build = Build::of(cache.source(), std::env::current_exe().ok());
    let damaged = take_out_damaged(slot)?;
    let mut built = built(&build, toolchain, cache, tell)?;
    let files = build.files(&built)?;
    let incomplete = remove_incomplete(&files, slot, &damaged)?;
    if incomplete > 0 {
        built = self::built(&build, toolchain, cache, tell)?;
    }
    build.set_down(toolchain, slot, &built)?;
    let remade = damaged.files.max(incomplete);
    Ok((remade > 0).then(|| {
        let files = if remade == 1 { "a file of it was" } else { "files of it were" };
        format!("The library for Rust cells is made anew: {files} damaged, or never finished.")
    }))
}

/// Has cargo build, and gives what it says it has built.
fn built(
    build: &Build,
    toolchain: &Toolchain,
    cache: &Cache,
    tell: &mut dyn FnMut(Progress),
) -> Result<Built, Error> {
    let mut cargo = build.cargo(toolchain, cache);
    cargo
        .envs([("CARGO_TERM_PROGRESS_WHEN", "always"), ("CARGO_TERM_PROGRESS_WIDTH", "100")])
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // A Ctrl-C at the terminal is for us to handle; half a compilation would have to be begun again.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut cargo, 0);
    let mut child = cargo.spawn().map_err(Error::io("run", &toolchain.cargo))?;
    // evcxr begins at the same time, and is what takes longer.
    #[cfg(unix)]
    // SAFETY: a system call without memory, on a child that is ours.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, child.id(), 5)
    };
    // Both of its streams are read at once: it waits while one is full.
    let stdout = child.stdout.take();
    let reader = std::thread::spawn(move || stdout.map(|out| Built::read(BufReader::new(out))));
    let said = follow(child, tell).map_err(Error::io("run", &toolchain.cargo))?;
    if let Some(said) = said {
        return Err(refused(cache, &said));
    }
    Ok(reader.join().ok().flatten().unwrap_or_default())
}

/// Compiles the library into the cache, and gives the cache's folder, with a line where something was damaged. `tell` hears
/// how many crates are done, of how many.
///
/// # Errors
/// No toolchain; and what [`compile`] says.
pub fn warm(tell: &mut dyn FnMut(usize, usize)) -> Result<(PathBuf, Option<String>), Error> {
    let toolchain = Toolchain::find().map_err(|why| Error::run("the session library", why, ""))?;
    let cache = Cache::open(&toolchain, Source::find())?;
    let slot = cache.slot()?;
    let alone = cache.compile_alone(|| ())?;
    let outlined = outlined(&toolchain, &cache, &slot, &alone)?;
    let remade =
        compile(&toolchain, &cache, &slot, &alone, &mut |progress| tell(progress.done, progress.total))?;
    if !outlined {
        super::outline::write(&toolchain, &cache, &slot)?;
    }
    // Without the copy a session only takes longer.
    let _ = super::sources::shortened(&toolchain, &cache);
    Ok((cache.folder().to_path_buf(), remade))
}

/// Reads what cargo says until it ends. What it said when it failed, else `None`.
fn follow(mut child: Child, tell: &mut dyn FnMut(Progress)) -> std::io::Result<Option<String>> {
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        let mut line = Vec::new();
        // Lines end in a carriage return while the bar moves, so they are split by hand.
        for byte in BufReader::new(stderr).bytes() {
            let byte = byte?;
            if byte != b'\n' && byte != b'\r' {
                line.push(byte);
                continue;
            }
            let text = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            match progress(&text) {
                Some(progress) => tell(progress),
                None if byte == b'\n' => {
                    said.push_str(&text);
                    said.push('\n');
                }
                None => {}
            }
        }
    }
    Ok((!child.wait()?.success()).then_some(said))
}

/// `Building [=====>      ] 34/152: dfdx` gives 34 of 152.
fn progress(line: &str) -> Option<Progress> {
    let (_, counts) = line.trim_start().strip_prefix("Building [")?.split_once("] ")?;
    let (done, total) = counts.split([':', ' ', ',']).next()?.split_once('/')?;
    Some(Progress { done: done.parse().ok()?, total: total.parse().ok()? })
}

fn refused(cache: &Cache, said: &str) -> Error {
    let errors: Vec<&str> = said.lines().filter(|l| l.contains("error") || l.contains("Caused by")).collect();
    let why = if errors.is_empty() { said.trim() } else { &errors.join("; ") };
    let remedy = if said.contains("no matching package named `selfsame-dylib`") {
        "Perhaps the checkout this program was built in is not there any more, and this version is not published: build it anew."
    } else if said.contains("No space left") {
        "Free some space, or name another folder in SELFSAME_CACHE_DIR; then :restart."
    } else if said.contains("Could not resolve host") || said.contains("failed to download") {
        "The first time, crates are downloaded: connect to the network, then :restart."
    } else {
        "`selfsame warm` shows everything cargo says. Remove the folder to begin anew, or :restart to try again."
    };
    Error::run(cache.folder(), format!("the session library does not compile: {why}"), remedy)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn cargos_bar_is_read() {
        let read = |line| progress(line).map(|p| (p.done, p.total));
        assert_eq!(read("    Building [=====>           ] 34/152: dfdx, image"), Some((34, 152)));
        assert_eq!(read("    Building [=======>] 152/152: ctx(lib)"), Some((152, 152)));
        assert_eq!(read("   Compiling dfdx v0.13.0"), None);
        assert_eq!(read("    Building [=="), None);
    }

    #[test]
    fn a_checkout_that_is_gone_is_named_as_the_cause() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path().into(), Source::Published);
        let said =
            "error: no matching package named `selfsame-dylib` found\nlocation searched: crates.io index";
        let text = refused(&cache, said).to_string();
        assert!(text.contains("the checkout this program was built in is not there any more"), "{text}");
    }

    #[test]
    fn what_a_failing_program_said_is_kept_without_its_bar() {
        let shell =
            |script: &str| Command::new("sh").args(["-c", script]).stderr(Stdio::piped()).spawn().unwrap();
        let mut seen = Vec::new();
        let said = follow(
            shell("printf 'Building [=> ] 1/2: a\\rBuilding [==>] 2/2: b\\rerror: no\\n' >&2; exit 3"),
            &mut |p| seen.push(p),
        );
        assert_eq!(said.unwrap().unwrap(), "error: no\n");
        assert_eq!(seen.len(), 2);
        assert_eq!(follow(shell("echo fine >&2"), &mut |_| {}).unwrap(), None);
    }
}
