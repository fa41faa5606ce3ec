//! What was typed, kept between sessions in a database in the user's data folder.
//!
//! Every input is kept with its time, its folder, how long it took and whether it succeeded. Where the database cannot be
//! read or written (a read-only folder, a full disk, a damaged file) the session remembers for itself alone and says so
//! once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use reedline::{
    CommandLineSearch, History, HistoryItem, HistoryItemId, HistorySessionId, ReedlineError,
    ReedlineErrorVariants, Result, SearchDirection, SearchFilter, SearchQuery, SqliteBackedHistory,
};

/// Longer inputs are not kept: nobody calls them back, and every search would read them.
const MOST_BYTES: usize = 64 << 10;

/// Something the user should be told once, left by whoever found it out.
#[derive(Debug, Clone, Default)]
pub struct Notice(Arc<Mutex<Option<String>>>);

impl Notice {
    pub(super) fn leave(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// The text, if there is one that nobody has taken yet.
    pub fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Where the database stands: `selfsame/history.sqlite3` in the user's data folder; `None` where no home is known.
pub fn default_file() -> Option<PathBuf> {
    Some(dirs::data_dir()?.join("selfsame").join("history.sqlite3"))
}

/// A history that never fails: what cannot be kept on disk is kept in memory.
pub struct Remembered {
    store: SqliteBackedHistory,
    on_disk: bool,
    notice: Notice,
}

impl Remembered {
    /// Opens the database in `file`, or one in memory when there is no file. Of more than `most` inputs the oldest are
    /// forgotten.
    ///
    /// # Errors
    /// When not even memory will do.
    pub fn open(file: Option<&Path>, session: Option<HistorySessionId>, most: usize) -> Result<Remembered> {
        let notice = Notice::default();
        let opened = match file {
            Some(file) => on_disk(file, session, most).map(Some).unwrap_or_else(|why| {
                notice.leave(in_memory_because(&format!("{}: {why}", file.display())));
                None
            }),
            None => None,
        };
        let on_disk = opened.is_some();
        let store = match opened {
            Some(store) => store,
            None => SqliteBackedHistory::in_memory()?,
        };
        Ok(Remembered { store, on_disk, notice })
    }

    /// Where a failure is told.
    pub fn notice(&self) -> Notice {
        self.notice.clone()
    }

    /// Goes on in memory with what the database still gives.
    fn leave_the_disk(&mut self, why: &ReedlineError) -> Result<()> {
        let mut memory = SqliteBackedHistory::in_memory()?;
        let all = SearchQuery::everything(SearchDirection::Forward, None);
        for item in self.store.search(all).unwrap_or_default() {
            memory.save(HistoryItem { id: None, ..item })?;
        }
        self.store = memory;
        self.on_disk = false;
        self.notice.leave(in_memory_because(&why.to_string()));
        Ok(())
    }
}

fn in_memory_because(why: &str) -> String {
    format!("this session's inputs are not kept: {why}")
}

fn on_disk(file: &Path, session: Option<HistorySessionId>, most: usize) -> Result<SqliteBackedHistory> {
    closed(file).map_err(|e| ReedlineError(ReedlineErrorVariants::IOError(e)))?;
    let mut store = SqliteBackedHistory::with_file(file.to_path_buf(), session, None)?;
    let surplus = store.count_all()? - i64::try_from(most).unwrap_or(i64::MAX);
    if surplus > 0 {
        let mut oldest = SearchQuery::everything(SearchDirection::Forward, None);
        oldest.limit = Some(surplus);
        for id in store.search(oldest)?.into_iter().filter_map(|item| item.id) {
            store.delete(id)?;
        }
    }
    // A database that can be read but not written is found out now, not after the first input.
    let probe = store.save(HistoryItem::from_command_line(""))?;
    probe.id.map_or(Ok(()), |id| store.delete(id))?;
    Ok(store)
}

/// Closes the database to other users: people type passwords. What SQLite writes beside it has the database's mode; what an
/// earlier version left has its own.
fn closed(file: &Path) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        crate::private::make(folder)?;
    }
    crate::private::close(file)?;
    for end in ["-wal", "-shm"] {
        let mut beside = file.as_os_str().to_os_string();
        beside.push(end);
        if Path::new(&beside).exists() {
            crate::private::close(Path::new(&beside))?;
        }
    }
    Ok(())
}

impl History for Remembered {
    fn save(&mut self, mut item: HistoryItem) -> Result<HistoryItem> {
        if item.command_line.len() > MOST_BYTES {
            let why = "the input is too long to be kept";
            return Err(ReedlineError(ReedlineErrorVariants::OtherHistoryError(why)));
        }
        item.start_timestamp.get_or_insert_with(|| SystemTime::now().into());
        if item.cwd.is_none() {
            item.cwd = std::env::current_dir().ok().map(|folder| folder.display().to_string());
        }
        match self.store.save(item.clone()) {
            Err(why) if self.on_disk => {
                self.leave_the_disk(&why)?;
                self.store.save(item)
            }
            saved => saved,
        }
    }

    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.store.load(id)
    }

    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.store.count(query)
    }

    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.store.search(query)
    }

    fn update(&mut self, id: HistoryItemId, updater: &dyn Fn(HistoryItem) -> HistoryItem) -> Result<()> {
        self.store.update(id, updater)
    }

    fn clear(&mut self) -> Result<()> {
        self.store.clear()
    }

    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.store.delete(id)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.store.sync()
    }

    fn session(&self) -> Option<HistorySessionId> {
        self.store.session()
    }
}

/// An input as `:history` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The input.
    pub text: String,
    /// How long ago it was given.
    pub ago: Option<Duration>,
    /// The folder it was given in.
    pub folder: Option<String>,
    /// How long it took.
    pub took: Option<Duration>,
    /// Whether it succeeded.
    pub succeeded: Option<bool>,
}

/// Which inputs are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search<'a> {
    /// Those that hold this text; all when `None`.
    pub text: Option<&'a str>,
    /// Those given in this folder or below it.
    pub folder: Option<&'a Path>,
    /// Those of this session.
    pub session: Option<HistorySessionId>,
    /// At most so many, the latest.
    pub limit: usize,
}

/// The inputs that fit, oldest first.
///
/// # Errors
/// A database that cannot be read.
pub fn search(history: &dyn History, wanted: &Search<'_>) -> Result<Vec<Past>> {
    let mut filter = SearchFilter::anything(wanted.session);
    filter.command_line = wanted.text.map(|text| CommandLineSearch::Substring(text.to_string()));
    filter.cwd_prefix = wanted.folder.map(|folder| folder.display().to_string());
    let mut query = SearchQuery::everything(SearchDirection::Backward, None);
    query.filter = filter;
    query.limit = Some(i64::try_from(wanted.limit).unwrap_or(i64::MAX));
    let past = |item: HistoryItem| Past {
        ago: item.start_timestamp.and_then(|t| SystemTime::from(t).elapsed().ok()),
        text: item.command_line,
        folder: item.cwd,
        took: item.duration,
        succeeded: item.exit_status.map(|status| status == 0),
    };
    let mut found: Vec<Past> = history.search(query)?.into_iter().map(past).collect();
    found.reverse();
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn texts(history: &dyn History, wanted: &Search<'_>) -> Vec<String> {
        search(history, wanted).unwrap().into_iter().map(|past| past.text).collect()
    }

    fn save(history: &mut dyn History, line: &str, folder: &str) -> HistoryItemId {
        let mut item = HistoryItem::from_command_line(line);
        item.cwd = Some(folder.into());
        history.save(item).unwrap().id.unwrap()
    }

    #[test]
    fn inputs_outlive_the_session_and_are_found_by_text_and_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/history.sqlite3");
        let mut history = Remembered::open(Some(&file), None, 100).unwrap();
        save(&mut history, ":train simclr digits", "/work/a");
        let last = save(&mut history, "run.knn(20)", "/work/a/b");
        let done =
            |item| HistoryItem { duration: Some(Duration::from_secs(2)), exit_status: Some(1), ..item };
        history.update(last, &done).unwrap();
        assert_eq!(history.notice().take(), None);
        drop(history);

        let history = Remembered::open(Some(&file), None, 100).unwrap();
        let all = Search { limit: 9, ..Search::default() };
        assert_eq!(texts(&history, &all), [":train simclr digits", "run.knn(20)"]);
        assert_eq!(texts(&history, &Search { text: Some("knn"), ..all.clone() }), ["run.knn(20)"]);
        assert_eq!(
            texts(&history, &Search { folder: Some(Path::new("/work/a/b")), ..all.clone() }),
            ["run.knn(20)"]
        );
        assert_eq!(texts(&history, &Search { limit: 1, ..all.clone() }), ["run.knn(20)"]);
        let past = search(&history, &all).unwrap().pop().unwrap();
        assert_eq!((past.took, past.succeeded), (Some(Duration::from_secs(2)), Some(false)));
        assert!(past.ago.is_some_and(|ago| ago < Duration::from_secs(60)));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_what_was_typed() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open.sqlite3");
        drop(SqliteBackedHistory::with_file(open.clone(), None, None).unwrap());
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
        for file in [open, folder.path().join("new/history.sqlite3")] {
            let mut history = Remembered::open(Some(&file), None, 100).unwrap();
            save(&mut history, "let token = \"secret\";", "/");
            assert_eq!(history.notice().take(), None);
            // Beside the database there are its log and its index as long as it is open.
            let there = std::fs::read_dir(file.parent().unwrap()).unwrap().map(|e| e.unwrap());
            let files: Vec<_> = there.filter(|e| e.file_type().unwrap().is_file()).collect();
            assert!(!files.is_empty());
            for found in files {
                assert_eq!(found.metadata().unwrap().mode() & 0o777, 0o600, "{found:?}");
            }
        }
    }

    #[test]
    fn the_oldest_are_forgotten_and_the_longest_never_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("h");
        let mut history = Remembered::open(Some(&file), None, 100).unwrap();
        (0..10).for_each(|i| _ = save(&mut history, &format!("input {i}"), "/"));
        assert!(history.save(HistoryItem::from_command_line("x".repeat(MOST_BYTES + 1))).is_err());
        assert_eq!(history.notice().take(), None);
        drop(history);
        let history = Remembered::open(Some(&file), None, 3).unwrap();
        assert_eq!(
            texts(&history, &Search { limit: 99, ..Search::default() }),
            ["input 7", "input 8", "input 9"]
        );
    }

    #[test]
    fn a_database_that_cannot_be_used_is_left_for_memory() {
        let folder = tempfile::tempdir().unwrap();
        let damaged = folder.path().join("damaged");
        std::fs::write(&damaged, "no database at all, but long enough to look like one ".repeat(50)).unwrap();
        let below_a_file = damaged.join("history");
        for file in [damaged.as_path(), &below_a_file] {
            let mut history = Remembered::open(Some(file), None, 9).unwrap();
            let said = history.notice().take().unwrap();
            assert!(
                said.starts_with("this session's inputs are not kept") && said.contains("damaged"),
                "{said}"
            );
            save(&mut history, "1 + 1", "/");
            assert_eq!(texts(&history, &Search { limit: 9, ..Search::default() }), ["1 + 1"]);
        }
    }

    #[test]
    fn a_disk_that_fails_later_is_left_with_what_was_known() {
        let folder = tempfile::tempdir().unwrap();
        let mut history = Remembered::open(Some(&folder.path().join("h")), None, 9).unwrap();
        save(&mut history, "before", "/");
        let why = ReedlineError(ReedlineErrorVariants::OtherHistoryError("disk full"));
        history.leave_the_disk(&why).unwrap();
        save(&mut history, "after", "/");
        assert_eq!(texts(&history, &Search { limit: 9, ..Search::default() }), ["before", "after"]);
        assert!(history.notice().take().unwrap().contains("disk full"));
    }
}
