//! What losses refuse, in the same words everywhere.

use dfdx::prelude::*;

use crate::error::{Error, Result};

/// A temperature must be a positive number.
pub(crate) fn temperature(value: f64) -> Result<()> {
    positive("temperature", value, "Common values are 0.05 to 0.5.")
}

/// A setting that must be a positive number.
pub(crate) fn positive(name: &str, value: f64, remedy: &str) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::setting(name, value, "a positive number", remedy))
}

/// A setting that must be a number, 0 or more.
pub(crate) fn not_negative(name: &str, value: f64, remedy: &str) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::setting(name, value, "a number, 0 or more", remedy))
}

/// `samples` of rows that hold `views` of each, one view after the other: at least `least` samples, and rows that
/// are not empty.
pub(crate) fn stacked<B: Dim, W: Dim>(
    what: &str,
    shape: &(B, W),
    views: usize,
    least: usize,
) -> Result<usize> {
    let (rows, width) = (shape.0.size(), shape.1.size());
    if views == 0 || !rows.is_multiple_of(views) || rows / views < least || width == 0 {
        let expected = match views {
            1 => format!("at least {least} rows of at least one value"),
            _ => format!(
                "{views} views of at least {least} samples, one view after the other, of at least one value"
            ),
        };
        return Err(Error::shape(what, expected, format!("{rows}x{width}")));
    }
    Ok(rows / views)
}

/// Two shapes that must be the same.
pub(crate) fn same<B: Dim, W: Dim>(what: &str, expected: &(B, W), found: &(B, W)) -> Result<()> {
    let size = |shape: &(B, W)| format!("{}x{}", shape.0.size(), shape.1.size());
    if expected == found {
        return Ok(());
    }
    Err(Error::shape(what, size(expected), size(found)))
}

/// A second matrix whose rows must be as wide as the first's, at least one.
pub(crate) fn as_wide<W: Dim, K: Dim>(what: &str, width: W, found: &(K, W)) -> Result<()> {
    if found.1.size() == width.size() && found.0.size() > 0 {
        return Ok(());
    }
    let found = format!("{}x{}", found.0.size(), found.1.size());
    Err(Error::shape(what, format!("at least one row of {} values", width.size()), found))
}
