//! A finding of the doctor, in words.

use serde::{Deserialize, Serialize};

/// What was seen, what it means, what to change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Machine-readable kind, `dimensional-collapse`.
    pub kind: String,
    /// Epoch it was raised in, from 1.
    pub epoch: usize,
    /// The numbers that were seen, as a clause.
    pub seen: String,
    /// What they mean, as a sentence.
    pub means: String,
    /// What to change, with a concrete setting, as a sentence.
    #[serde(rename = "try")]
    pub try_this: String,
}

impl Alarm {
    /// Where the book explains it, from the folder that holds the book: `book/diagnostics.html#total-collapse`. There is one
    /// anchor a kind, and its name does not change.
    pub fn link(&self) -> String {
        format!("book/diagnostics.html#{}", self.kind)
    }
}
