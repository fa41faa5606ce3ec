//! The range of every setting, by name: what objectives and the training loop hold values to, and what help says.
//!
//! A name means the same in every objective. Ends are far outside of what anybody trains with; they are where numbers
//! stop meaning what they say: counts whose memory nobody has, and numbers that are 0 or infinite in float32.

use std::fmt;

use serde_json::Value;

use crate::error::{Error, Result};

/// What a setting may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// A whole number between two, both included.
    Count(u64, u64),
    /// A number between two, both included.
    Number(f64, f64),
    /// The same, or 0.
    NumberOrZero(f64, f64),
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Range::Count(least, u64::MAX) => write!(f, "a whole number, {least} or more"),
            Range::Count(least, most) => write!(f, "a whole number from {least} to {most}"),
            Range::Number(least, most) => {
                write!(f, "a number between {} and {}", shown(*least), shown(*most))
            }
            Range::NumberOrZero(least, most) => {
                write!(f, "0 or a number between {} and {}", shown(*least), shown(*most))
            }
        }
    }
}

/// A number as people write it: without three hundred zeros.
pub(crate) fn shown(value: f64) -> String {
    match value.abs() {
        size if size.is_finite() && size != 0.0 && !(1e-5..1e15).contains(&size) => format!("{value:e}"),
        _ => value.to_string(),
    }
}

/// Layers, heads and codes: a square of it is 17 GB.
const WIDTH: u64 = 1 << 16;
/// Rows that are numbered in float32, which counts exactly up to here.
const ROWS: u64 = 1 << 24;
/// Passes, rounds and steps.
const LONG: u64 = 1_000_000_000;
/// Divides or is divided by in float32.
const SCALE: Range = Range::Number(1e-6, 1e6);
/// Multiplies a part of a loss.
const WEIGHT: Range = Range::NumberOrZero(1e-12, 1e6);
const SHARE: Range = Range::Number(0.0, 1.0);

/// Every setting that is a number, by its name in configurations.
pub const RANGES: &[(&str, Range)] = &[
    // The training loop's.
    ("epochs", Range::Count(1, LONG)),
    ("minutes", Range::Number(1e-12, 1e7)),
    ("batch_size", Range::Count(2, ROWS)),
    ("accumulate", Range::Count(1, ROWS)),
    ("probe_every", Range::Count(1, LONG)),
    ("lr", Range::Number(1e-12, 1e6)),
    ("weight_decay", Range::NumberOrZero(1e-12, 1e3)),
    ("warmup_epochs", Range::NumberOrZero(1e-9, 1e9)),
    ("clip_norm", Range::Number(1e-9, 1e9)),
    ("temperature", SCALE),
    ("projector_dim", Range::Count(1, WIDTH)),
    // Sizes of heads.
    ("hidden", Range::Count(0, WIDTH)),
    ("predictor_hidden", Range::Count(1, WIDTH)),
    ("bottleneck", Range::Count(1, WIDTH)),
    ("prototypes", Range::Count(1, 1 << 20)),
    ("clusters", Range::Count(1, 1 << 20)),
    ("heads", Range::Count(1, 64)),
    ("components", Range::Count(1, WIDTH)),
    // Memories.
    ("queue", Range::Count(0, ROWS)),
    ("images", Range::Count(1, u64::MAX)),
    // What a step does.
    ("views", Range::Count(2, 64)),
    ("globals", Range::Count(1, 64)),
    ("local_views", Range::Count(0, 62)),
    ("group", Range::Count(2, WIDTH)),
    ("shuffle_groups", Range::Count(1, WIDTH)),
    ("draws", Range::Count(1, 1000)),
    ("directions", Range::Count(1, WIDTH)),
    ("knots", Range::Count(2, 1000)),
    ("iterations", Range::Count(1, 1000)),
    ("rounds", Range::Count(1, 10_000)),
    // When.
    ("reassign", Range::Count(1, LONG)),
    ("warm_epochs", Range::Count(0, LONG)),
    ("freeze_epochs", Range::Count(0, LONG)),
    ("queue_from_epoch", Range::Count(0, LONG)),
    // Temperatures.
    ("epsilon", Range::Number(1e-3, 1e3)),
    ("sigma", Range::NumberOrZero(1e-2, 1e6)),
    ("teacher_temperature", SCALE),
    ("warm_teacher_temperature", SCALE),
    ("student_temperature", SCALE),
    ("patch_temperature", SCALE),
    ("warm_patch_temperature", SCALE),
    // Shares.
    ("momentum", SHARE),
    ("centre_momentum", SHARE),
    ("shrinkage", SHARE),
    ("mask_ratio", SHARE),
    ("mask_variance", SHARE),
    ("mask_probability", SHARE),
    // Weights.
    ("lambda", WEIGHT),
    ("scale", Range::Number(1e-12, 1e6)),
    ("invariance", WEIGHT),
    ("variance", WEIGHT),
    ("covariance", WEIGHT),
    ("patch_weight", WEIGHT),
    ("weight of a part", WEIGHT),
    // What is measured and compared.
    ("seeds", Range::Count(1, 1000)),
    ("steps", Range::Count(1, 1_000_000)),
];

/// The name in [`RANGES`] of a part's weight in a hybrid, whose setting has the part's name.
pub(crate) const PART: &str = "weight of a part";

/// The range of the setting called `name`, with dashes or underscores; `None` for one that is no number or has none, as the
/// seed.
pub fn range_of(name: &str) -> Option<Range> {
    let same = |known: &str| known.len() == name.len() && known == name.replace('-', "_");
    RANGES.iter().find(|(known, _)| *known == name || same(known)).map(|(_, range)| *range)
}

/// Checks a count against the range called `of`; `name` is how the user writes the setting.
///
/// # Errors
/// [`Error::Setting`].
pub(crate) fn count(name: &str, of: &str, value: usize, remedy: &str) -> Result<()> {
    match range_of(of) {
        Some(range @ Range::Count(least, most)) if !(least..=most).contains(&(value as u64)) => {
            Err(Error::setting(name, value, range.to_string(), remedy))
        }
        _ => Ok(()),
    }
}

/// Checks a number against the range called `of`; `name` is how the user writes the setting.
///
/// # Errors
/// [`Error::Setting`].
pub(crate) fn number(name: &str, of: &str, value: f64, remedy: &str) -> Result<()> {
    let (range, within) = match range_of(of) {
        Some(range @ Range::Number(least, most)) => (range, (least..=most).contains(&value)),
        Some(range @ Range::NumberOrZero(least, most)) => {
            (range, value == 0.0 || (least..=most).contains(&value))
        }
        _ => return Ok(()),
    };
    if within {
        return Ok(());
    }
    Err(Error::setting(name, shown(value), range.to_string(), remedy))
}

/// Checks a value of a configuration, which may be no number at all, against the range called `of`.
///
/// # Errors
/// [`Error::Setting`].
pub(crate) fn value(name: &str, of: &str, value: &Value) -> Result<()> {
    match (range_of(of), value.as_u64(), value.as_f64()) {
        (Some(Range::Count(..)), Some(whole), _) => {
            count(name, of, usize::try_from(whole).unwrap_or(usize::MAX), "")
        }
        (Some(Range::Number(..) | Range::NumberOrZero(..)), _, Some(value)) => number(name, of, value, ""),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_inside_and_what_is_beyond_them_is_refused_with_the_range() {
        assert!(count("hidden", "hidden", 1 << 16, "").is_ok());
        let message = count("--hidden", "hidden", (1 << 16) + 1, "Take less.").unwrap_err().to_string();
        assert_eq!(message, "--hidden is 65537. Expected a whole number from 0 to 65536. Take less.");
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e-308, 1e308] {
            assert!(number("lr", "lr", bad, "").is_err(), "{bad}");
        }
        assert!(number("lambda", "lambda", 0.0, "").is_ok());
        assert!(number("lambda", "lambda", 1e-300, "")
            .unwrap_err()
            .to_string()
            .contains("0 or a number between"));
        assert_eq!(
            number("lr", "lr", 1e-308, "").unwrap_err().to_string(),
            "lr is 1e-308. Expected a number between 1e-12 and 1000000. "
        );
        assert!(value("images", "images", &u64::MAX.into()).is_ok());
        assert!(value("views", "views", &u64::MAX.into()).is_err());
        assert_eq!(range_of("shuffle-groups"), range_of("shuffle_groups"));
        assert_eq!(range_of("seed"), None);
    }

    #[test]
    fn every_name_stands_once() {
        for (i, (name, _)) in RANGES.iter().enumerate() {
            assert!(RANGES[..i].iter().all(|(other, _)| other != name), "{name}");
        }
    }
}
