//! Temporary files, and what a process that was killed left of them.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;

const START: &str = ".selfsame-";
const END: &str = ".tmp";
/// How files of a run end.
const ENDS: [&str; 5] = ["json", "jsonl", "html", "safetensors", "svg"];

/// A name for a temporary file of this process, which nobody can foretell: `.selfsame-PID-RANDOM-NUMBER.tmp`.
pub(super) fn temporary_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{START}{}-{:016x}-{number}{END}", std::process::id(), token())
}

/// Tells this process from one that had its number before.
fn token() -> u64 {
    static TOKEN: OnceLock<u64> = OnceLock::new();
    *TOKEN.get_or_init(|| RandomState::new().hash_one(std::process::id()))
}

/// Removes from `folder` the temporary files of processes that are gone. Failing to harms nobody.
pub fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(is_leftover) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_leftover(name: &str) -> bool {
    let Some(name) = name.strip_suffix(END) else { return false };
    if let Some(name) = name.strip_prefix(START) {
        let mut parts = name.split('-');
        let process = parts.next().and_then(|id| id.parse().ok());
        let own = parts.next().is_some_and(|random| random == format!("{:016x}", token()));
        return process.is_some_and(|process| !own && is_gone(process));
    }
    // As versions before this one called them: FILE.PID.tmp, where FILE was one of a run's.
    name.rsplit_once('.').is_some_and(|(file, id)| {
        let of_a_run = file.rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end));
        of_a_run && id.parse().is_ok_and(is_gone)
    })
}

/// Whether no process has the number `id`, or this one has it, which did not make what is asked about.
fn is_gone(id: u32) -> bool {
    id == std::process::id() || !is_alive(id)
}

#[cfg(unix)]
fn is_alive(id: u32) -> bool {
    let Some(id) = i32::try_from(id).ok().filter(|id| *id > 0) else { return false };
    // SAFETY: signal 0 is sent to nobody; the call only says whether it could be.
    let asked = unsafe { libc::kill(id, 0) };
    asked == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

#[cfg(not(unix))]
fn is_alive(_: u32) -> bool {
    true
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_dead_process_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let own = std::process::id();
        let init = 1;
        let gone = [
            format!(".selfsame-4294967295-{:016x}-0.tmp", 7),
            // In a container every process may have the same number.
            format!(".selfsame-{own}-{:016x}-3.tmp", token() ^ 1),
            "metrics.jsonl.4294967295.tmp".into(),
            ".map.svg.4294967295.tmp".into(),
        ];
        let kept = [
            temporary_name(),
            format!(".selfsame-{init}-{:016x}-0.tmp", 7),
            "config.json".into(),
            "my.tmp".into(),
            "notes.4294967295.tmp".into(),
            "weights-4294967295.safetensors".into(),
        ];
        for name in gone.iter().chain(&kept) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        remove_leftovers(folder.path());
        let mut left: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut kept = kept.to_vec();
        kept.sort();
        assert_eq!(left, kept);
    }
}
