//! Numbers that JSON has no word for.

use serde::{Deserialize, Deserializer};

/// NaN where there is `null`, which is what serde_json writes for a number that is not finite.
pub(crate) fn nan_from_null<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}
