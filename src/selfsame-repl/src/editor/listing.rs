//! Folders read on a thread of their own: a slow disk must not stop the keys.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use selfsame::files::{read_text, MOST_SETTINGS};
use selfsame::text::visible;

/// How long a list is used before the folder is read again.
const FRESH: Duration = Duration::from_secs(2);
/// More entries than this are not proposed.
const MOST: usize = 2000;

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Query {
    /// Files and folders in a folder.
    Files(PathBuf),
    /// Runs in the folder that holds run folders.
    Runs(PathBuf),
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// What it is, in words; may be empty.
    pub about: String,
}

/// Reads folders and remembers them for a moment.
pub struct Listing {
    queries: Option<Sender<Query>>,
    answers: Receiver<(Query, Vec<Entry>)>,
    known: HashMap<Query, (Instant, Vec<Entry>)>,
    waiting: Option<Query>,
}

impl Listing {
    /// Starts the thread; without one nothing is ever found.
    pub fn new() -> Listing {
        let (queries, inbox) = channel();
        let (outbox, answers) = channel();
        let spawned = thread::Builder::new().name("listing".into()).spawn(move || {
            for query in inbox {
                let found = read(&query);
                if outbox.send((query, found)).is_err() {
                    return;
                }
            }
        });
        Listing { queries: spawned.is_ok().then_some(queries), answers, known: HashMap::new(), waiting: None }
    }

    /// What `query` finds, if that is known within `patience`; otherwise [`Listing::arrived`] says when it is.
    pub fn list(&mut self, query: &Query, patience: Duration) -> Option<&[Entry]> {
        self.collect(Duration::ZERO);
        let fresh = |known: &HashMap<Query, (Instant, Vec<Entry>)>| {
            known.get(query).is_some_and(|(at, _)| at.elapsed() < FRESH)
        };
        if !fresh(&self.known) {
            if self.waiting.as_ref() != Some(query) {
                self.waiting = Some(query.clone());
                self.queries.as_ref()?.send(query.clone()).ok()?;
            }
            self.collect(patience);
        }
        fresh(&self.known).then(|| self.known.get(query).map(|(_, found)| found.as_slice())).flatten()
    }

    /// Whether an answer is still to come.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether what was waited for has come since the last call.
    pub fn arrived(&mut self) -> bool {
        let waited = self.is_waiting();
        self.collect(Duration::ZERO);
        waited && !self.is_waiting()
    }

    /// Takes the answers that are there, waiting for one as long as `patience`.
    fn collect(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        while self.is_waiting() {
            match self.answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok((query, found)) => {
                    if self.waiting.as_ref() == Some(&query) {
                        self.waiting = None;
                    }
                    self.known.insert(query, (Instant::now(), found));
                }
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => self.waiting = None,
            }
        }
    }
}

fn read(query: &Query) -> Vec<Entry> {
    let mut found = match query {
        Query::Files(folder) => entries(folder),
        Query::Runs(folder) => {
            let mut runs = entries(folder);
            runs.retain(|entry| entry.is_folder);
            runs.iter_mut().for_each(|run| run.about = about(&folder.join(&run.name)).unwrap_or_default());
            runs.retain(|run| !run.about.is_empty());
            runs
        }
    };
    found.sort_by(|a, b| (!a.is_folder, &a.name).cmp(&(!b.is_folder, &b.name)));
    found
}

/// A folder that cannot be read proposes nothing.
fn entries(folder: &Path) -> Vec<Entry> {
    let Ok(read) = fs::read_dir(folder) else { return Vec::new() };
    let entry = |entry: fs::DirEntry| {
        // A name that a terminal would obey is proposed to nobody.
        let name = entry.file_name().into_string().ok().filter(|name| visible(name) == *name)?;
        // Through a link too.
        let is_folder = fs::metadata(entry.path()).is_ok_and(|m| m.is_dir());
        Some(Entry { name, is_folder, about: String::new() })
    };
    read.take(MOST).filter_map(|found| entry(found.ok()?)).collect()
}

/// `simclr on digits`, from a run's configuration; `None` where there is none.
fn about(run: &Path) -> Option<String> {
    let text = read_text(run.join("config.json"), MOST_SETTINGS).ok()?;
    let config: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(visible(&format!("{} on {}", config["method"].as_str()?, config["data"].as_str()?)).into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn files_and_runs_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for run in ["b", "a", "no-run"] {
            fs::create_dir(folder.path().join(run)).unwrap();
        }
        for run in ["a", "b"] {
            let config = folder.path().join(run).join("config.json");
            fs::write(config, r#"{"method": "simclr", "data": "digits"}"#).unwrap();
        }
        fs::write(folder.path().join("0.txt"), "").unwrap();
        let mut listing = Listing::new();
        let patience = Duration::from_secs(20);
        let names =
            |found: Option<&[Entry]>| found.unwrap().iter().map(|e| e.name.clone()).collect::<Vec<_>>();
        let files = Query::Files(folder.path().into());
        assert_eq!(names(listing.list(&files, patience)), ["a", "b", "no-run", "0.txt"]);
        let runs = Query::Runs(folder.path().into());
        assert_eq!(names(listing.list(&runs, patience)), ["a", "b"]);
        assert_eq!(listing.list(&runs, patience).unwrap()[0].about, "simclr on digits");
        assert!(!listing.is_waiting() && !listing.arrived());
        assert_eq!(listing.list(&Query::Files("no/such".into()), patience), Some(&[][..]));
    }

    #[test]
    fn without_patience_the_answer_arrives_later() {
        let mut listing = Listing::new();
        let query = Query::Files(".".into());
        if listing.list(&query, Duration::ZERO).is_none() {
            while !listing.arrived() {
                thread::sleep(Duration::from_millis(1));
            }
        }
        assert!(listing.list(&query, Duration::ZERO).is_some());
    }
}
