//! Settings that only some objectives have, by name.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::METHODS;
use crate::error::{Error, Result};
use crate::methods::ranges;

/// Settings of every objective that have flags, and fields of [`TrainSpec`](super::TrainSpec), of their own.
const FLAGS: &[&str] = &["seed", "temperature"];

/// Reads `name=value`, as `--set` takes it: the value is JSON, or else a word.
///
/// ```
/// use selfsame::presets::read_setting;
/// assert_eq!(read_setting("momentum=0.99")?, ("momentum".into(), 0.99.into()));
/// assert_eq!(read_setting("buffers=copied")?, ("buffers".into(), "copied".into()));
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Setting`] for text that is not of this form.
pub fn read_setting(text: &str) -> Result<(String, Value)> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            let value = value.trim();
            let parsed = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_string()));
            // The names of settings have underscores; flags have dashes, and hands will type those.
            Ok((name.trim().replace('-', "_"), parsed))
        }
        _ => {
            let remedy = "`selfsame methods` lists the objectives, their pages the settings.";
            Err(Error::setting("set", text, "NAME=VALUE, for example momentum=0.99", remedy))
        }
    }
}

/// `defaults` with what `given` says instead, without the settings that are fields of the specification.
///
/// # Errors
/// [`Error::Unknown`] for a name that `defaults` has not, [`Error::Setting`] for a value of another kind.
pub(super) fn merged(
    defaults: &Map<String, Value>,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    if let Some((name, value)) =
        given.iter().find(|(name, _)| FLAGS.contains(&name.as_str()) && defaults.contains_key(*name))
    {
        let (expected, remedy) =
            (format!("another name: {name} has a flag of its own"), format!("Write --{name} {value}."));
        return Err(Error::setting("--set", format!("{name}={value}"), expected, remedy));
    }
    let mut all = defaults.clone();
    all.retain(|name, _| !FLAGS.contains(&name.as_str()));
    merged_with_flags(&all, given)
}

/// The same for an objective whose settings have no flags: a part of a hybrid.
///
/// # Errors
/// As [`merged`].
pub(super) fn merged_with_flags(
    defaults: &Map<String, Value>,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    let mut all = defaults.clone();
    for (given, value) in given {
        let Some((name, default)) = all.iter().find(|(name, _)| same_name(name, given)) else {
            let known = all.keys().cloned().collect();
            return Err(Error::Unknown { kind: "setting", given: given.clone(), known });
        };
        let name = name.clone();
        let value = of_kind(default, value).ok_or_else(|| {
            let remedy = format!("The preset is {default}.");
            Error::setting(name.as_str(), value, expected(default), remedy)
        })?;
        let of = if METHODS.contains(&name.as_str()) { ranges::PART } else { name.as_str() };
        ranges::value(&name, of, &value)?;
        all.insert(name, value);
    }
    Ok(all)
}

/// Whether two spellings are one name: hands type dashes and underscores for each other.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    let dash = |b: u8| if b == b'_' { b'-' } else { b };
    one.len() == other.len() && one.bytes().map(dash).eq(other.bytes().map(dash))
}

/// `value` where it is of the default's kind: a whole number stays one, a number may be whole.
fn of_kind(default: &Value, value: &Value) -> Option<Value> {
    let fits = match default {
        Value::Bool(_) => value.is_boolean(),
        Value::Number(n) if n.is_u64() => value.is_u64(),
        Value::Number(_) => value.is_number(),
        Value::String(_) => value.is_string(),
        Value::Array(_) => value.is_array(),
        Value::Null => value.is_number() || value.is_null(),
        Value::Object(_) => value.is_object(),
    };
    fits.then(|| match default {
        Value::Number(n) if !n.is_u64() => value.as_f64().map_or(Value::Null, Value::from),
        _ => value.clone(),
    })
}

fn expected(default: &Value) -> &'static str {
    match default {
        Value::Bool(_) => "true or false",
        Value::Number(n) if n.is_u64() => "a whole number, 0 or more",
        Value::String(_) => "a word",
        Value::Array(_) => "a list in brackets",
        Value::Object(_) => "an object in braces",
        Value::Number(_) | Value::Null => "a number",
    }
}

/// Takes the whole number called `name` out of `settings`: a length that is no field of the configuration.
///
/// # Errors
/// [`Error::Setting`] where it is missing or no whole number.
pub(super) fn taken(name: &str, settings: &mut Map<String, Value>) -> Result<usize> {
    let value = settings.remove(name).unwrap_or_default();
    match value.as_u64() {
        Some(number) => Ok(number as usize),
        None => Err(Error::setting(name, value, "a whole number, 0 or more", "")),
    }
}

/// An objective's configuration from its settings.
///
/// # Errors
/// [`Error::Setting`] for a word that is none of those a setting takes.
pub(super) fn parsed<C: DeserializeOwned>(settings: Map<String, Value>) -> Result<C> {
    let shown = Value::Object(settings.clone()).to_string();
    serde_json::from_value(Value::Object(settings)).map_err(|e| {
        Error::setting("a setting of the objective", shown, e.to_string(), "Leave it out for the preset's.")
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn map(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_given_wins_and_what_is_no_setting_is_refused_with_a_suggestion() {
        let defaults = map(r#"{"momentum": 0.99, "queue": 512, "buffers": "kept", "seed": 0}"#);
        let merge = |given| merged(&defaults, &map(given));
        assert_eq!(
            merge(r#"{"momentum": 1}"#).unwrap(),
            map(r#"{"momentum": 1.0, "queue": 512, "buffers": "kept"}"#)
        );
        let message = |given| merge(given).unwrap_err().to_string();
        assert!(message(r#"{"momentun": 1}"#).contains("did you mean 'momentum'?"));
        assert!(message(r#"{"queue": 0.5}"#).starts_with("queue is 0.5. Expected a whole number"));
        assert!(message(r#"{"buffers": 3}"#).contains("a word"));
        assert_eq!(
            message(r#"{"seed": 3}"#),
            "--set is seed=3. Expected another name: seed has a flag of its own. Write --seed 3."
        );
        assert!(message(r#"{"queue": 99999999}"#).contains("a whole number from 0 to 16777216"));
    }

    #[test]
    fn settings_are_read_as_they_are_typed() {
        assert_eq!(read_setting("a-b = true").unwrap(), ("a_b".into(), true.into()));
        for bad in ["", "momentum", "=3", "momentum="] {
            assert!(read_setting(bad).is_err(), "{bad}");
        }
    }
}
