//! What the compiler said, as far as explanations need it.

use serde_json::Value;

/// One error of the compiler.
#[derive(Debug, Clone, Default)]
pub(super) struct Diagnosis {
    /// `E0277`; empty where there is none.
    pub code: String,
    /// The message.
    pub message: String,
    /// What it says at the places it names.
    pub labels: Vec<String>,
    /// Notes and helps, with the file of the first place each names.
    pub notes: Vec<Note>,
}

/// A note or a help.
#[derive(Debug, Clone, Default)]
pub(super) struct Note {
    /// Whether it says what to do.
    pub is_help: bool,
    /// Its text.
    pub text: String,
    /// The file it points to, or empty.
    pub file: String,
}

impl Diagnosis {
    /// Reads the compiler's JSON; `message` stands in where there is none.
    pub fn read(json: &Value, message: &str) -> Diagnosis {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        Diagnosis {
            code: text(&json["code"]["code"]),
            message: json["message"].as_str().unwrap_or(message).to_string(),
            labels: list(&json["spans"])
                .iter()
                .map(|span| text(&span["label"]))
                .filter(|l| !l.is_empty())
                .collect(),
            notes: list(&json["children"])
                .iter()
                .map(|child| Note {
                    is_help: child["level"] == "help",
                    text: text(&child["message"]),
                    file: text(&child["spans"][0]["file_name"]),
                })
                .collect(),
        }
    }

    /// The first note whose text has `part` in it.
    pub fn note(&self, part: &str) -> Option<&Note> {
        self.notes.iter().find(|note| note.text.contains(part))
    }

    /// What stands in `text` between backticks, in order.
    pub fn quoted(text: &str) -> Vec<&str> {
        text.split('`').skip(1).step_by(2).collect()
    }

    /// For `the trait X is not implemented for Y`: X and Y.
    pub fn unimplemented(&self) -> Option<(&str, &str)> {
        let note = self.note("is not implemented for")?;
        let found = Diagnosis::quoted(note.text.lines().next()?);
        Some((found.first()?, found.get(1)?))
    }

    /// For mismatched types: what was expected and what was found.
    pub fn mismatch(&self) -> Option<(&str, &str)> {
        let note =
            self.notes.iter().find(|n| n.text.starts_with("expected ") && n.text.contains("found "))?;
        let found = Diagnosis::quoted(&note.text);
        Some((found.first()?, found.get(1)?))
    }
}
