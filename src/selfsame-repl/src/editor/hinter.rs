//! What history proposes behind the cursor.

use nu_ansi_term::Style;
use reedline::{CommandLineSearch, Hinter, History, SearchFilter, SearchQuery};

/// Fewer characters than this begin too much.
const FROM: usize = 2;

/// Proposes the rest of the latest input that begins as this line does: of this folder if there is one, else of any.
#[derive(Debug, Default)]
pub struct HistoryHinter {
    style: Style,
    rest: String,
}

impl HistoryHinter {
    /// Hints in `style`.
    pub fn new(style: Style) -> HistoryHinter {
        HistoryHinter { style, rest: String::new() }
    }
}

fn latest(line: &str, folder: Option<&str>, history: &dyn History) -> Option<String> {
    let search = CommandLineSearch::Prefix(line.to_string());
    let mut filter = SearchFilter::from_text_search(search, None);
    filter.cwd_exact = folder.map(str::to_string);
    let found = history.search(SearchQuery::last_with_search(filter)).ok()?;
    let rest = found.first()?.command_line.get(line.len()..)?.to_string();
    (!rest.is_empty()).then_some(rest)
}

impl Hinter for HistoryHinter {
    fn handle(
        &mut self,
        line: &str,
        pos: usize,
        history: &dyn History,
        coloured: bool,
        folder: &str,
    ) -> String {
        self.rest.clear();
        if pos == line.len() && line.chars().count() >= FROM {
            let found = latest(line, Some(folder), history).or_else(|| latest(line, None, history));
            self.rest = found.unwrap_or_default();
        }
        // The first line says which input it is; more would jump about under the cursor.
        let shown = match self.rest.split_once('\n') {
            Some((first, _)) => format!("{first} …"),
            None => self.rest.clone(),
        };
        if coloured && !shown.is_empty() {
            self.style.paint(shown).to_string()
        } else {
            shown
        }
    }

    fn complete_hint(&self) -> String {
        self.rest.clone()
    }

    fn next_hint_token(&self) -> String {
        let word = self.rest.trim_start();
        let end = word.find(char::is_whitespace).unwrap_or(word.len());
        self.rest[..self.rest.len() - word.len() + end].to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use reedline::{HistoryItem, SqliteBackedHistory};

    use super::*;

    #[test]
    fn this_folder_comes_first_and_the_latest_wins() {
        let mut history = SqliteBackedHistory::in_memory().unwrap();
        for (line, folder) in [(":train a", "/here"), (":train b", "/there"), ("let x =\n  1;", "/here")] {
            let mut item = HistoryItem::from_command_line(line);
            item.cwd = Some(folder.into());
            history.save(item).unwrap();
        }
        let mut hinter = HistoryHinter::default();
        assert_eq!(hinter.handle(":tr", 3, &history, false, "/here"), "ain a");
        assert_eq!(hinter.next_hint_token(), "ain");
        assert_eq!(hinter.handle(":tr", 3, &history, false, "/else"), "ain b");
        assert_eq!(hinter.handle("let", 3, &history, false, "/"), " x = …");
        assert_eq!(
            (hinter.complete_hint().as_str(), hinter.next_hint_token().as_str()),
            (" x =\n  1;", " x")
        );
        assert_eq!(hinter.handle(":tr", 1, &history, false, "/here"), "");
        assert_eq!(hinter.handle(":", 1, &history, false, "/here"), "");
        assert_eq!(hinter.handle(":train a", 8, &history, false, "/here"), "");
    }
}
