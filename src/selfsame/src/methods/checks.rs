//! Checks of settings in the words several objectives share; upper ends are those of [`RANGES`](super::RANGES).

use dfdx::prelude::Dim;

use super::ranges;
use crate::error::{Error, Result};

/// What to do about a temperature that is none.
pub(super) const TEMPERATURES: &str = "Common values are 0.1 to 0.5.";

/// A number above 0.
pub(super) fn positive(name: &str, value: f64, remedy: &str) -> Result<()> {
    match value > 0.0 && value.is_finite() {
        true => ranges::number(name, name, value, remedy),
        false => Err(Error::setting(name, value, "a positive number", remedy)),
    }
}

/// A number from 0 on.
pub(super) fn not_negative(name: &str, value: f64, remedy: &str) -> Result<()> {
    match value >= 0.0 && value.is_finite() {
        true => ranges::number(name, name, value, remedy),
        false => Err(Error::setting(name, value, "0 or a positive number", remedy)),
    }
}

/// A share from 0 to 1, both included.
pub(super) fn share(name: &str, value: f64, remedy: &str) -> Result<()> {
    match (0.0..=1.0).contains(&value) {
        true => Ok(()),
        false => Err(Error::setting(name, value, "a number between 0 and 1", remedy)),
    }
}

/// A count from 1 on.
pub(super) fn at_least_one(name: &str, value: usize, remedy: &str) -> Result<()> {
    match value {
        0 => Err(Error::setting(name, 0, "at least 1", remedy)),
        _ => ranges::count(name, name, value, remedy),
    }
}

/// A count within its range, where nothing else is known of it.
pub(super) fn within(name: &str, value: usize, remedy: &str) -> Result<()> {
    ranges::count(name, name, value, remedy)
}

/// No more clusters than images.
pub(super) fn clusters(name: &str, clusters: usize, training: usize) -> Result<()> {
    if clusters <= training {
        return Ok(());
    }
    let expected = format!("at most the {training} training images");
    Err(Error::setting(name, clusters, expected, "Some ten for each class one hopes for are usual."))
}

/// Room for the cluster of every image.
pub(super) fn room(images: usize, training: usize) -> Result<()> {
    if images >= training {
        return Ok(());
    }
    let expected = format!("at least {training}, the number of training images");
    Err(Error::setting("images", images, expected, "It is room in the checkpoint, four bytes each."))
}

/// A projector's width.
pub(super) fn width<Z: Dim>(width: Z) -> Result<()> {
    at_least_one("projector-dim", width.size(), "64 and 128 are common.")
}
