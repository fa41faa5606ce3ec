//! Whether a transform's parameters are in their ranges, said in the same words everywhere.

use std::fmt::Debug;

use crate::error::{Error, Result};

/// A probability.
pub(super) fn probability(name: &str, p: f64) -> Result<()> {
    within(name, p, 0.0, 1.0, "0 never applies the transform, 1 always does.")
}

/// A number from `least` to `most`; NaN is in no range.
pub(super) fn within(name: &str, value: f64, least: f64, most: f64, remedy: &str) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::setting(name, value, format!("a number from {least} to {most}"), remedy))
}

/// Two bounds, the smaller first, both above 0 and at most `most`.
pub(super) fn bounds(name: &str, (low, high): (f64, f64), most: f64, remedy: &str) -> Result<()> {
    if 0.0 < low && low <= high && high <= most {
        return Ok(());
    }
    let expected = format!("two numbers above 0 and at most {most}, the smaller first");
    Err(Error::setting(name, shown(&(low, high)), expected, remedy))
}

/// A count or a length of at least 1.
pub(super) fn at_least_one(name: &str, value: usize) -> Result<()> {
    if value >= 1 {
        return Ok(());
    }
    Err(Error::setting(
        name,
        value,
        "at least 1",
        "A picture without pixels, or nothing done, is not a view.",
    ))
}

fn shown(value: &impl Debug) -> String {
    format!("{value:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_parameter_its_value_and_its_range() {
        let message = |r: Result<()>| r.map_or_else(|e| e.to_string(), |()| String::from("passed"));
        assert_eq!(
            message(probability("Noise.p", 1.5)),
            "Noise.p is 1.5. Expected a number from 0 to 1. 0 never applies the transform, 1 always does."
        );
        assert_eq!(
            message(bounds("Crop.scale", (0.5, 0.2), 1.0, "Swap them.")),
            "Crop.scale is (0.5, 0.2). Expected two numbers above 0 and at most 1, the smaller first. Swap them."
        );
        assert!(message(at_least_one("Crop.height", 0)).starts_with("Crop.height is 0. Expected at least 1."));
    }

    #[test]
    fn nan_and_the_infinite_are_in_no_range() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e-9, 1.0 + 1e-9] {
            assert!(probability("p", bad).is_err(), "{bad}");
            assert!(bounds("b", (0.5, bad), 1.0, "").is_err(), "{bad}");
        }
        assert!(probability("p", 0.0).is_ok() && probability("p", 1.0).is_ok());
        assert!(bounds("b", (1.0, 1.0), 1.0, "").is_ok());
        assert!(bounds("b", (0.0, 1.0), 1.0, "").is_err());
    }
}
