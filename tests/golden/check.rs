//! What a function found, held against what an entry says.

use std::collections::BTreeMap;

use crate::file::{Array, Entry};

/// The results of one entry's function. Built by chaining:
/// `Found::value(v).output("Q", q).grad("z0", g)`.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    value: Option<f64>,
    undefined: bool,
    outputs: BTreeMap<String, Vec<f64>>,
    grads: BTreeMap<String, Vec<f64>>,
    single: bool,
    within: BTreeMap<String, f64>,
}

impl Found {
    /// The entry's scalar.
    pub fn value(value: f64) -> Found {
        Found { value: Some(value), ..Found::default() }
    }

    /// No scalar: a table, compared by its outputs.
    pub fn table() -> Found {
        Found::default()
    }

    /// The function said that no value exists (an error, or a NaN), which an entry marked "undefined" asks for.
    pub fn undefined() -> Found {
        Found { undefined: true, ..Found::default() }
    }

    /// One of the entry's outputs. What an entry has beyond these is not compared.
    pub fn output(mut self, name: &str, values: impl Into<Vec<f64>>) -> Found {
        self.outputs.insert(name.to_string(), values.into());
        self
    }

    /// The gradient with respect to an input. Every gradient an entry has must be there.
    pub fn grad(mut self, name: &str, values: impl Into<Vec<f64>>) -> Found {
        self.grads.insert(name.to_string(), values.into());
        self
    }

    /// Computed in float32: the file's own float32 tolerances hold.
    pub fn single(mut self) -> Found {
        self.single = true;
        self
    }

    /// Holds one result (`"value"`, or the name of an output) to an absolute tolerance of its own. Only for
    /// iterative fits and the like, with the reason beside the call.
    pub fn within(mut self, name: &str, tolerance: f64) -> Found {
        self.within.insert(name.to_string(), tolerance);
        self
    }
}

/// One result of an entry.
pub struct Row {
    /// `value`, an output's name, or `d/d` and an input's.
    pub what: String,
    /// Largest `|found - expected|`, over `1 + max|expected|`; NaN where a number is missing or not finite.
    pub error: f64,
    /// What is allowed.
    pub allowed: f64,
}

impl Row {
    /// Whether it is near enough; a NaN is not.
    pub fn holds(&self) -> bool {
        self.error <= self.allowed
    }
}

/// What became of an entry.
pub enum Verdict {
    /// Everything near enough.
    Held(Vec<Row>),
    /// Something off or missing.
    Failed {
        /// What could be compared.
        rows: Vec<Row>,
        /// What went wrong otherwise.
        why: Option<String>,
    },
    /// Not compared, and why.
    Skipped(String),
}

impl Verdict {
    /// Nothing could be compared.
    pub fn failed(why: String) -> Verdict {
        Verdict::Failed { rows: Vec::new(), why: Some(why) }
    }
}

/// In float64, `|a - b| <= 1e-9 + 1e-9 max|b|` for every array.
const DOUBLE: f64 = 1e-9;
/// In float32 where the file says that plain arithmetic overflows.
const OVERFLOWING: f64 = 1e-4;

/// Compares all that the entry has and the function gave.
pub fn compare(entry: &Entry, found: &Found) -> Verdict {
    if entry.undefined.is_some() {
        let nothing = found.undefined || found.value.is_some_and(f64::is_nan);
        return match nothing {
            true => Verdict::Held(vec![Row { what: "undefined".into(), error: 0.0, allowed: 0.0 }]),
            false => Verdict::failed(format!("a value, {:?}, where none exists", found.value)),
        };
    }
    let mut rows = Vec::new();
    let mut missing = Vec::new();
    let single = |pick: &dyn Fn(&crate::file::Tolerances) -> Option<f64>| match (&entry.tol_f32, found.single)
    {
        (_, false) => None,
        (Some(tolerances), true) => pick(tolerances).or(Some(0.0)),
        (None, true) => Some(OVERFLOWING),
    };
    if let (Some(expected), Some(value)) = (entry.value, found.value) {
        let expected = Array { shape: Vec::new(), data: vec![expected], integer: false };
        let tolerance = found.within.get("value").copied().or_else(|| single(&|t| t.value));
        rows.push(row("value".into(), &[value], &expected, tolerance));
    }
    for (name, values) in &found.outputs {
        let Some(expected) = entry.outputs.get(name) else {
            missing.push(format!("the entry has no output '{name}'"));
            continue;
        };
        let tolerance = found.within.get(name).copied().or_else(|| single(&|t| t.outputs.get(name).copied()));
        rows.push(row(name.clone(), values, expected, tolerance));
    }
    if rows.is_empty() {
        missing.push("neither the value nor an output was computed".into());
    }
    for (name, expected) in &entry.grads {
        match found.grads.get(name) {
            None => missing.push(format!("no gradient with respect to '{name}'")),
            Some(values) => {
                let tolerance = single(&|t| t.grads.get(name).copied());
                rows.push(row(format!("d/d {name}"), values, expected, tolerance));
            }
        }
    }
    match missing.is_empty() && rows.iter().all(Row::holds) {
        true => Verdict::Held(rows),
        false => Verdict::Failed { rows, why: (!missing.is_empty()).then(|| missing.join("; ")) },
    }
}

fn row(what: String, found: &[f64], expected: &Array, tolerance: Option<f64>) -> Row {
    let largest = expected.data.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let scale = 1.0 + largest;
    let off = found.iter().zip(&expected.data).map(|(a, b)| (a - b).abs());
    // `max` would hide a NaN.
    let worst = off.fold(0.0, |m: f64, v| if v.is_nan() || v > m { v } else { m });
    let error = if found.len() == expected.data.len() { worst / scale } else { f64::NAN };
    let allowed = match tolerance {
        _ if expected.integer => 0.0,
        Some(absolute) => absolute / scale,
        None => DOUBLE,
    };
    Row { what, error, allowed }
}
