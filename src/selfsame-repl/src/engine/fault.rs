//! What went wrong with a cell, for the person who wrote it.

use std::fmt;

/// The kind of a [`Fault`]: what a notebook shows as the error's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The code does not compile; nothing of it ran.
    CompileError,
    /// The code panicked while it ran.
    Panic,
    /// A `?` met an error and ended the cell early.
    Error,
    /// The process that runs the cells has ended: by a signal, `std::process::exit`, or because it was told to.
    ProcessEnded,
    /// There is no session to run it in.
    NoSession,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FaultKind::CompileError => "CompileError",
            FaultKind::Panic => "Panic",
            FaultKind::Error => "Error",
            FaultKind::ProcessEnded => "ProcessEnded",
            FaultKind::NoSession => "NoSession",
        })
    }
}

/// What went wrong, in words first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub kind: FaultKind,
    /// The cause in a sentence.
    pub summary: String,
    /// Where in the cell, when that is known.
    pub spots: Vec<Spot>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// Everything the compiler or the process said.
    pub detail: String,
}

/// A place in a cell's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Line, from 1.
    pub line: usize,
    /// First column, from 1, in characters.
    pub column: usize,
    /// The column behind the last one on that line.
    pub end: usize,
    /// What the compiler says of it.
    pub label: String,
    /// Whether it is the place of the error itself rather than one that explains it.
    pub is_primary: bool,
}

impl Fault {
    /// A fault without a place.
    pub fn new(kind: FaultKind, summary: impl Into<String>) -> Fault {
        Fault { kind, summary: summary.into(), spots: Vec::new(), remedy: None, detail: String::new() }
    }

    /// With what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Fault {
        self.remedy = Some(remedy.into());
        self
    }

    /// With everything that was said.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Fault {
        self.detail = detail.into();
        self
    }

    /// The places in `source`, each with its line and the columns underlined.
    pub fn excerpt(&self, source: &str) -> String {
        let lines: Vec<&str> = source.lines().collect();
        let margin = self.spots.iter().map(|s| s.line.to_string().len()).max().unwrap_or(1);
        let mut text = String::new();
        let mut last = None;
        for spot in &self.spots {
            let Some(line) = spot.line.checked_sub(1).and_then(|at| lines.get(at)) else { continue };
            if last != Some(spot.line) {
                text += &format!("{:>margin$} | {line}\n", spot.line);
                last = Some(spot.line);
            }
            // Tabs stay tabs, so that the marks stand below what they mark.
            let indent: String = line
                .chars()
                .take(spot.column.saturating_sub(1))
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            let width = spot.end.saturating_sub(spot.column).max(1);
            let mark = if spot.is_primary { "^" } else { "-" }.repeat(width);
            text += format!("{:margin$} | {indent}{mark} {}", "", spot.label).trim_end();
            text.push('\n');
        }
        text
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)?;
        match &self.remedy {
            Some(remedy) => write!(f, " {remedy}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_marks_what_is_meant() {
        let mut fault = Fault::new(FaultKind::CompileError, "x");
        let spot = |line, column, end, label: &str, is_primary| Spot {
            line,
            column,
            end,
            label: label.into(),
            is_primary,
        };
        fault.spots =
            vec![spot(2, 9, 12, "here", true), spot(2, 1, 4, "", false), spot(9, 1, 2, "beyond", true)];
        assert_eq!(
            fault.excerpt("let a = 1;\nlet größe = b;"),
            "2 | let größe = b;\n  |         ^^^ here\n  | ---\n"
        );
    }
}
