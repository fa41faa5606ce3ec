//! How values of options are read.

/// A count: 0 and up. What the setting's own limits are, the library says.
pub(super) fn whole(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a whole number, 0 or more".to_string())
}

/// A number; `nan` and `inf` pass, for the library to refuse with the setting's range.
pub(super) fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "expected a number, for example 0.2 or 1e-3".to_string())
}

/// A setting of an objective.
pub(super) fn setting(text: &str) -> Result<(String, serde_json::Value), String> {
    selfsame::presets::read_setting(text)
        .map_err(|_| "expected NAME=VALUE, for example momentum=0.99".to_string())
}
