//! What was run, for `history_request`: in this kernel, and before it in notebooks and at the prompt, which remember in one
//! place.

use std::path::Path;

use reedline::{History, HistoryItem};
use serde_json::{json, Value};

use super::message::Request;
use crate::editor::{search, Remembered, Search};

/// So many inputs of earlier sessions are read; a notebook goes back one at a time.
const EARLIER: usize = 1000;

/// The numbers of sessions: all earlier ones together, and this one.
const SESSIONS: (i64, i64) = (1, 2);

/// Inputs of this kernel's session and of those before it.
#[derive(Default)]
pub struct Past {
    /// Where inputs are kept; nowhere where even memory will not do.
    store: Option<Remembered>,
    cells: Vec<Cell>,
}

#[derive(Debug)]
struct Cell {
    session: i64,
    number: u64,
    input: String,
}

impl Past {
    /// What is remembered in `file`, of which at most `most` inputs are kept.
    pub fn open(file: Option<&Path>, most: usize) -> Past {
        let Ok(store) = Remembered::open(file, None, most) else { return Past::default() };
        let wanted = Search { limit: EARLIER.min(most), ..Search::default() };
        let earlier = search(&store, &wanted).unwrap_or_default();
        let cell = |(number, input)| Cell { session: SESSIONS.0, number, input };
        let cells = (1..).zip(earlier.into_iter().map(|past| past.text)).map(cell).collect();
        Past { store: Some(store), cells }
    }

    /// A cell was run that is to be remembered.
    pub fn add(&mut self, number: u64, input: &str) {
        self.cells.push(Cell { session: SESSIONS.1, number, input: input.to_string() });
        if let Some(store) = &mut self.store {
            // An input that is too long is remembered here alone.
            let _ = store.save(HistoryItem::from_command_line(input));
        }
    }

    /// The answer to a request: the last ones, a range of one session, or those that fit a pattern with `*` and `?`.
    pub fn answer(&self, request: &Request) -> Value {
        let most = request.number("n").and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        let mut found: Vec<&Cell> = match request.text("hist_access_type") {
            "tail" => self.cells.iter().collect(),
            "search" => self.search(request.text("pattern"), request.flag("unique", false)),
            _ => self.range(request),
        };
        if request.text("hist_access_type") != "range" {
            found.drain(..found.len().saturating_sub(most));
        }
        let with_output = request.flag("output", false);
        let row = |cell: &Cell| match with_output {
            true => json!([cell.session, cell.number, [cell.input, null]]),
            false => json!([cell.session, cell.number, cell.input]),
        };
        json!({ "status": "ok", "history": found.into_iter().map(row).collect::<Vec<_>>() })
    }

    fn range(&self, request: &Request) -> Vec<&Cell> {
        // From 0, this session, backwards; or a session by its number.
        let session = match request.number("session") {
            None | Some(0) => SESSIONS.1,
            Some(n) if n < 0 => SESSIONS.1.saturating_add(n),
            Some(n) => n,
        };
        let (start, stop) =
            (request.number("start").unwrap_or(0), request.number("stop").unwrap_or(i64::MAX));
        let within = |cell: &&Cell| {
            cell.session == session && i64::try_from(cell.number).is_ok_and(|n| (start..stop).contains(&n))
        };
        self.cells.iter().filter(within).collect()
    }

    fn search(&self, pattern: &str, unique: bool) -> Vec<&Cell> {
        let pattern: Vec<char> = pattern.chars().collect();
        let mut found: Vec<&Cell> = Vec::new();
        for cell in &self.cells {
            let text: Vec<char> = cell.input.chars().collect();
            if fits(&text, &pattern) {
                if unique {
                    found.retain(|earlier| earlier.input != cell.input);
                }
                found.push(cell);
            }
        }
        found
    }
}

/// Whether `text` is what `pattern` says; `*` is anything, `?` any character.
fn fits(text: &[char], pattern: &[char]) -> bool {
    // Where the last `*` stood, and how much of the text it has taken.
    let (mut t, mut p, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (t, p) = (t + 1, p + 1),
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::message::tests::request;
    use super::*;

    fn past(file: Option<&Path>) -> Past {
        let mut past = Past::open(file, 100);
        for (number, input) in [(1, "let a = 1;"), (2, "a + 1"), (3, "let b = 2;"), (4, "a + 1")] {
            past.add(number, input);
        }
        past
    }

    fn numbers(past: &Past, content: Value) -> Vec<(i64, i64)> {
        let answer = past.answer(&request("history_request", content));
        let rows = answer["history"].as_array().into_iter().flatten();
        rows.filter_map(|row| Some((row[0].as_i64()?, row[1].as_i64()?))).collect()
    }

    #[test]
    fn the_past_is_found_by_end_range_and_pattern() {
        let numbers = |content| numbers(&past(None), content).into_iter().map(|(_, n)| n).collect::<Vec<_>>();
        assert_eq!(numbers(json!({ "hist_access_type": "tail", "n": 2 })), [3, 4]);
        assert_eq!(
            numbers(json!({ "hist_access_type": "range", "session": 0, "start": 1, "stop": 3 })),
            [1, 2]
        );
        assert_eq!(
            numbers(json!({ "hist_access_type": "range", "session": -1, "start": 0 })),
            [] as [i64; 0]
        );
        assert_eq!(numbers(json!({ "hist_access_type": "search", "pattern": "let ?*", "n": 9 })), [1, 3]);
        assert_eq!(numbers(json!({ "hist_access_type": "search", "pattern": "a*", "unique": true })), [4]);
        assert_eq!(numbers(json!({ "hist_access_type": "search", "pattern": "*" , "n": 1 })), [4]);
    }

    #[test]
    fn the_next_kernel_knows_what_was_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        drop(past(Some(&file)));
        let past = past(Some(&file));
        let tail = json!({ "hist_access_type": "tail", "n": 6 });
        assert_eq!(numbers(&past, tail), [(1, 3), (1, 4), (2, 1), (2, 2), (2, 3), (2, 4)]);
        let before = json!({ "hist_access_type": "range", "session": -1, "start": 1, "stop": 3 });
        assert_eq!(numbers(&past, before), [(1, 1), (1, 2)]);
        let found = json!({ "hist_access_type": "search", "pattern": "let b*" });
        assert_eq!(numbers(&past, found), [(1, 3), (2, 3)]);
    }

    #[test]
    fn a_pattern_covers_the_whole_input() {
        let fits = |text: &str, pattern: &str| {
            fits(&text.chars().collect::<Vec<_>>(), &pattern.chars().collect::<Vec<_>>())
        };
        assert!(fits("abcabd", "*ab?") && fits("", "*") && !fits("abc", "ab") && !fits("", "?"));
    }
}
