//! What the book's outputs come from: the programs of `tutorials`, and scripts for the prompt.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{bail, Context, Result};

/// Longer than this no program may take.
const LIMIT: Duration = Duration::from_secs(600);

/// Something that is run and whose output is kept.
pub enum Source {
    /// A program in `tutorials/src/bin`.
    Program(String),
    /// A script in `book/scripts`, carried out by `selfsame run`.
    Script(String, PathBuf),
}

impl Source {
    /// All there are, in order of their names.
    pub fn all(root: &Path) -> Result<Vec<Source>> {
        let mut all = Vec::new();
        for path in files(&root.join("tutorials/src/bin"), "rs")? {
            all.push(Source::Program(stem(&path)));
        }
        for path in files(&root.join("book/scripts"), "ssl")? {
            all.push(Source::Script(stem(&path), path));
        }
        all.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(all)
    }

    /// Its name without an ending.
    pub fn name(&self) -> &str {
        match self {
            Source::Program(name) | Source::Script(name, _) => name,
        }
    }

    /// Runs it, with figures going to `figures`; what it printed and the seconds it took.
    ///
    /// # Errors
    /// A program that fails or takes too long, with the end of what it said. A script may fail: some show errors.
    pub fn run(&self, root: &Path, built: &Path, figures: &Path) -> Result<(String, f64)> {
        let (program, arguments): (PathBuf, Vec<&std::ffi::OsStr>) = match self {
            Source::Program(name) => (built.join(name), vec![]),
            // By a path from the checkout: messages name it.
            Source::Script(_, script) => {
                let script = script.strip_prefix(root).unwrap_or(script);
                (built.join("selfsame"), vec!["run".as_ref(), script.as_os_str()])
            }
        };
        let begun = Instant::now();
        let folder = figures.join("ran");
        std::fs::create_dir_all(&folder)?;
        let (out, err) = (folder.join("stdout"), folder.join("stderr"));
        // Scripts with Rust need the library compiled for cells: where the tests have it.
        let cells =
            std::env::var_os("SELFSAME_CACHE_DIR").map_or_else(|| built.join("session-cache"), PathBuf::from);
        let mut child = Command::new(&program)
            .args(arguments)
            .env("SELFSAME_CACHE_DIR", cells)
            .env("SELFSAME_FIGURES", figures)
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100")
            .current_dir(if matches!(self, Source::Script(..)) { root } else { &folder })
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out)?)
            .stderr(std::fs::File::create(&err)?)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if begun.elapsed() > LIMIT {
                let _ = child.kill();
                bail!("{} took longer than {} s and was stopped", self.name(), LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let (printed, said) = (std::fs::read_to_string(&out)?, std::fs::read_to_string(&err)?);
        std::fs::remove_dir_all(&folder)?;
        let seconds = begun.elapsed().as_secs_f64();
        match self {
            Source::Program(_) if !status.success() => {
                bail!("{} failed ({status}).\n{printed}\n{said}", self.name())
            }
            Source::Program(_) => Ok((printed, seconds)),
            Source::Script(..) => Ok((printed + &without_status(&said), seconds)),
        }
    }
}

/// What was said on standard error but for what a session says of itself while it starts.
fn without_status(said: &str) -> String {
    let status = ["starting", "starting Rust", "another session makes the library ready"];
    said.lines()
        .filter(|l| !status.contains(&l.trim()) && !l.starts_with("compiling the library"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The files of a folder that end in `.ending`; none where there is no folder.
pub fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A file's name without its ending.
pub fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned())
}
