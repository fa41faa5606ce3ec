//! What was run, for `history_request`.

use serde_json::{json, Value};

use super::message::Request;

/// Inputs of this kernel's session with their results.
#[derive(Debug, Default)]
pub struct Past {
    cells: Vec<Cell>,
}

#[derive(Debug)]
struct Cell {
    number: u64,
    input: String,
}

impl Past {
    /// A cell was run that is to be remembered.
    pub fn add(&mut self, number: u64, input: &str) {
        self.cells.push(Cell { number, input: input.to_string() });
    }

    /// The answer to a request: the last ones, a range, or those that fit a pattern with `*` and `?`.
    pub fn answer(&self, request: &Request) -> Value {
        let most = request.number("n").and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        let mut found: Vec<&Cell> = match request.text("hist_access_type") {
            "tail" => self.cells.iter().collect(),
            "search" => self.search(request.text("pattern"), request.flag("unique", false)),
            // 0 and 1 are this session; of earlier ones nothing is kept.
            _ if !matches!(request.number("session"), None | Some(0 | 1)) => Vec::new(),
            _ => {
                let start = request.number("start").unwrap_or(0);
                let stop = request.number("stop").unwrap_or(i64::MAX);
                let within =
                    |cell: &&Cell| i64::try_from(cell.number).is_ok_and(|n| (start..stop).contains(&n));
                self.cells.iter().filter(within).collect()
            }
        };
        if request.text("hist_access_type") != "range" {
            found.drain(..found.len().saturating_sub(most));
        }
        let with_output = request.flag("output", false);
        let row = |cell: &Cell| match with_output {
            true => json!([1, cell.number, [cell.input, null]]),
            false => json!([1, cell.number, cell.input]),
        };
        json!({ "status": "ok", "history": found.into_iter().map(row).collect::<Vec<_>>() })
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
mod tests {
    use super::super::message::tests::request;
    use super::*;

    fn past() -> Past {
        let mut past = Past::default();
        for (number, input) in [(1, "let a = 1;"), (2, "a + 1"), (3, "let b = 2;"), (4, "a + 1")] {
            past.add(number, input);
        }
        past
    }

    fn numbers(content: Value) -> Vec<i64> {
        let answer = past().answer(&request("history_request", content));
        answer["history"].as_array().into_iter().flatten().filter_map(|row| row[1].as_i64()).collect()
    }

    #[test]
    fn the_past_is_found_by_end_range_and_pattern() {
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
    fn a_pattern_covers_the_whole_input() {
        let fits = |text: &str, pattern: &str| {
            fits(&text.chars().collect::<Vec<_>>(), &pattern.chars().collect::<Vec<_>>())
        };
        assert!(fits("abcabd", "*ab?") && fits("", "*") && !fits("abc", "ab") && !fits("", "?"));
    }
}
