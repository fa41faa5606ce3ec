//! Compiling the session library ahead of the first cell, telling how far it is.

use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use selfsame::error::Error;

use super::cache::{Cache, Slot, Source};
use super::toolchain::Toolchain;

/// How far a compilation is, in crates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Crates that are compiled.
    pub done: usize,
    /// Crates in all.
    pub total: usize,
}

/// Brings the slot up to date: at once where nothing changed, in minutes the first time. `tell` hears how far it is;
/// `None` means that another process compiles and this one waits.
///
/// # Errors
/// Cargo does not run or cannot compile the library, with what it said; a folder that cannot be written.
pub fn compile(
    toolchain: &Toolchain,
    cache: &Cache,
    slot: &Slot,
    tell: &mut dyn FnMut(Option<Progress>),
) -> Result<(), Error> {
    let _alone = cache.compile_alone(|| tell(None))?;
    cache.share(slot)?;
    let mut cargo = toolchain.cargo_for_cells(&slot.library());
    cargo
        .args(["build", "--target", &toolchain.host])
        .envs([("CARGO_TERM_PROGRESS_WHEN", "always"), ("CARGO_TERM_PROGRESS_WIDTH", "100")])
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // A Ctrl-C at the terminal is for us to handle; half a compilation would have to be begun again.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut cargo, 0);
    let child = cargo.spawn().map_err(Error::io("run", &toolchain.cargo))?;
    let said = follow(child, tell).map_err(Error::io("run", &toolchain.cargo))?;
    match said {
        None => {
            super::outline::write(toolchain, slot)?;
            cache.compiled(slot, &super::manifest::dylib(toolchain, slot))
        }
        Some(said) => Err(refused(cache, &said)),
    }
}

/// Compiles the library into the cache, and gives the cache's folder. `tell` hears how many crates are done, of how many.
///
/// # Errors
/// No toolchain; and what [`compile`] says.
pub fn warm(tell: &mut dyn FnMut(usize, usize)) -> Result<PathBuf, Error> {
    let toolchain = Toolchain::find().map_err(|why| Error::run("the session library", why, ""))?;
    let cache = Cache::open(&toolchain, Source::find())?;
    let slot = cache.slot()?;
    compile(&toolchain, &cache, &slot, &mut |progress| {
        if let Some(progress) = progress {
            tell(progress.done, progress.total);
        }
    })?;
    Ok(cache.folder().to_path_buf())
}

/// Reads what cargo says until it ends. What it said when it failed, else `None`.
fn follow(mut child: Child, tell: &mut dyn FnMut(Option<Progress>)) -> std::io::Result<Option<String>> {
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
                Some(progress) => tell(Some(progress)),
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
    let remedy = if said.contains("No space left") {
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
    fn what_a_failing_program_said_is_kept_without_its_bar() {
        let shell =
            |script: &str| Command::new("sh").args(["-c", script]).stderr(Stdio::piped()).spawn().unwrap();
        let mut seen = Vec::new();
        let said = follow(
            shell("printf 'Building [=> ] 1/2: a\\rBuilding [==>] 2/2: b\\rerror: no\\n' >&2; exit 3"),
            &mut |p| seen.extend(p),
        );
        assert_eq!(said.unwrap().unwrap(), "error: no\n");
        assert_eq!(seen.len(), 2);
        assert_eq!(follow(shell("echo fine >&2"), &mut |_| {}).unwrap(), None);
    }
}
