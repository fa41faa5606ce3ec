//! The cells that every session opens with, compiled once.
//!
//! They are evcxr's own `42`, twice, and the one that starts the library: half a second of each start. What the compiler
//! made of them stays in the slot, and is what a later session is given, as long as it would be asked for the same.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::library::version;

/// The folder of what was made, in the package of the cells.
const FOLDER: &str = "opening";
/// What these cells are, and where evcxr puts them: the first two of a session.
const CELLS: [&str; 2] = ["\n42\n", "\nselfsame::session::start();\n"];
const NUMBERS: [&str; 2] = ["run_user_code_0(", "run_user_code_1("];

/// One of these cells, compiled in a folder.
pub struct Opening {
    folder: PathBuf,
    name: String,
    stamp: String,
}

#[derive(Serialize, Deserialize)]
struct Made {
    /// All that it depends on.
    stamp: String,
    status: i32,
    /// What the compiler wrote on standard error, with the files it made.
    messages: String,
    /// The files' checksums: one that was cut since would not be loaded, nor ever be made anew.
    sums: Vec<String>,
}

impl Opening {
    /// `source`, which `compiler` is asked to compile in `folder`; `None` where it is another cell.
    pub fn recognise(folder: &Path, source: &str, compiler: &OsStr, words: &[OsString]) -> Option<Opening> {
        let has = |parts: &[&str]| parts.iter().any(|part| source.contains(part));
        if !has(&CELLS) || !has(&NUMBERS) {
            return None;
        }
        let mut stamp = Sha256::new();
        for word in [compiler].into_iter().chain(words.iter().map(OsString::as_os_str)) {
            stamp.update(word.as_encoded_bytes());
            stamp.update([0]);
            stamp.update(age(word));
        }
        let name = short(Sha256::digest(source.as_bytes()).as_slice());
        Some(Opening { folder: folder.join(FOLDER), name, stamp: short(stamp.finalize().as_slice()) })
    }

    /// Puts down the files that were made of it before; gives the exit status, and what the compiler wrote.
    pub fn again(&self) -> Option<(i32, String)> {
        let made: Made = serde_json::from_slice(&fs::read(self.note()).ok()?).ok()?;
        if made.stamp != self.stamp {
            return None;
        }
        let whole = |number: usize, sum: &String| {
            fs::read(self.copy(number)).is_ok_and(|copy| short(Sha256::digest(copy).as_slice()) == *sum)
        };
        let copies = artifacts(&made.messages).count();
        if copies != made.sums.len() || !made.sums.iter().enumerate().all(|(number, sum)| whole(number, sum))
        {
            return None;
        }
        for (number, file) in artifacts(&made.messages).enumerate() {
            // Not written into: a file of this name may be another cell's, loaded by now.
            match fs::remove_file(&file) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return None,
                _ => {}
            }
            fs::copy(self.copy(number), &file).ok()?;
        }
        Some((made.status, made.messages))
    }

    /// Keeps what the compiler made of it.
    pub fn keep(&self, output: &Output) -> io::Result<()> {
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        fs::create_dir_all(&self.folder)?;
        let mut sums = Vec::new();
        for (number, file) in artifacts(&messages).enumerate() {
            let copy = fs::read(file)?;
            sums.push(short(Sha256::digest(&copy).as_slice()));
            fs::write(self.copy(number), copy)?;
        }
        let Some(status) = output.status.code() else { return Ok(()) };
        // Last: without it the copies are not looked at.
        let made = Made { stamp: self.stamp.clone(), status, messages, sums };
        fs::write(self.note(), serde_json::to_vec(&made)?)
    }

    fn note(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.name))
    }

    fn copy(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{}-{number}", self.name))
    }
}

/// The size and the age of a library that is linked, `name=FILE`.
fn age(word: &OsStr) -> String {
    let file = word.to_str().and_then(|word| word.split_once('=')).map(|(_, file)| Path::new(file));
    file.filter(|file| file.is_file()).map(|file| format!("{:?}", version(file))).unwrap_or_default()
}

/// The files that the compiler says it made.
fn artifacts(messages: &str) -> impl Iterator<Item = PathBuf> + '_ {
    let said = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    said.filter_map(|message| Some(PathBuf::from(message["artifact"].as_str()?)))
}

fn short(digest: &[u8]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    const SOURCE: &str = "fn run_user_code_0(\n(\n42\n).evcxr_display();";

    #[test]
    fn what_was_made_is_made_again_without_the_compiler() {
        let root = tempfile::tempdir().unwrap();
        let (library, made) = (root.path().join("library.so"), root.path().join("cell.so"));
        fs::write(&library, "1").unwrap();
        fs::write(&made, "compiled").unwrap();
        let words = [OsString::from(format!("selfsame={}", library.display()))];
        let opening =
            |words: &[OsString]| Opening::recognise(root.path(), SOURCE, OsStr::new("rustc"), words).unwrap();
        assert!(opening(&words).again().is_none());
        let messages = format!(
            "{{\"artifact\":{:?},\"emit\":\"link\"}}\n{{\"message\":\"a\"}}\n",
            made.display().to_string()
        );
        let status = ExitStatus::from_raw(0);
        let output = Output { status, stdout: Vec::new(), stderr: messages.clone().into_bytes() };
        opening(&words).keep(&output).unwrap();
        // The next cell's file, which the session has loaded under another name.
        let loaded = root.path().join("loaded.so");
        fs::hard_link(&made, &loaded).unwrap();
        fs::write(&loaded, "another").unwrap();
        assert_eq!(opening(&words).again(), Some((0, messages)));
        assert_eq!(fs::read_to_string(&made).unwrap(), "compiled");
        assert_eq!(fs::read_to_string(&loaded).unwrap(), "another");
        // A copy that was cut.
        let copy = opening(&words).copy(0);
        fs::write(&copy, "comp").unwrap();
        assert!(opening(&words).again().is_none());
        fs::write(&copy, "compiled").unwrap();
        assert!(opening(&words).again().is_some());
        // Another flag, and another library.
        assert!(opening(&[words[0].clone(), "-O".into()]).again().is_none());
        fs::write(&library, "22").unwrap();
        assert!(opening(&words).again().is_none());
    }

    #[test]
    fn a_refusal_is_kept_too() {
        let root = tempfile::tempdir().unwrap();
        let opening = Opening::recognise(root.path(), SOURCE, OsStr::new("rustc"), &[]).unwrap();
        let output =
            Output { status: ExitStatus::from_raw(256), stdout: Vec::new(), stderr: b"{}\n".to_vec() };
        opening.keep(&output).unwrap();
        assert_eq!(opening.again(), Some((1, "{}\n".into())));
    }

    #[test]
    fn other_cells_are_compiled() {
        let root = tempfile::tempdir().unwrap();
        for source in
            ["fn run_user_code_2(\n42\n", "fn run_user_code_0(\n43\n", "fn run_user_code_10(\n42\n", "\n42\n"]
        {
            assert!(Opening::recognise(root.path(), source, OsStr::new("rustc"), &[]).is_none(), "{source}");
        }
    }
}
