//! What an objective's loss gives back.

use dfdx::prelude::*;

use crate::error::{device, Result};
use crate::ops::Engine;

/// A loss on its tape, with what it is the sum of.
#[derive(Debug)]
pub struct Loss<D: Engine> {
    /// What is minimised.
    pub total: Tensor<Rank0, f32, D, OwnedTape<f32, D>>,
    /// Its terms by name, as they are logged; empty where there is only one. They need not add up to the total: each is
    /// written down before it is weighted.
    pub parts: Vec<(String, f64)>,
}

impl<D: Engine> Loss<D> {
    /// The value of the loss.
    pub fn value(&self) -> f64 {
        scalar(&self.total)
    }

    /// Names a term of it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: f64) -> Loss<D> {
        self.parts.push((name.into(), value));
        self
    }
}

impl<D: Engine> From<Tensor<Rank0, f32, D, OwnedTape<f32, D>>> for Loss<D> {
    fn from(total: Tensor<Rank0, f32, D, OwnedTape<f32, D>>) -> Loss<D> {
        Loss { total, parts: Vec::new() }
    }
}

/// The number in a tensor of one.
pub(crate) fn scalar<D: Engine, T>(x: &Tensor<Rank0, f32, D, T>) -> f64 {
    let mut value = [f32::NAN];
    x.copy_into(&mut value);
    f64::from(value[0])
}

/// `weight * a + b`, on the tape of both.
pub(crate) fn weighted<D: Engine>(
    a: Tensor<Rank0, f32, D, OwnedTape<f32, D>>,
    weight: f64,
    b: Option<Tensor<Rank0, f32, D, OwnedTape<f32, D>>>,
) -> Result<Tensor<Rank0, f32, D, OwnedTape<f32, D>>> {
    let a = a.try_mul(weight as f32).map_err(device)?;
    match b {
        Some(b) => a.try_add(b).map_err(device),
        None => Ok(a),
    }
}
