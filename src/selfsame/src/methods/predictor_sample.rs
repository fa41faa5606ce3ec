//! What a predictor was given and what it made of it, for the doctor.

use dfdx::prelude::*;

use crate::diagnose::{eigenspace_alignment, Rows};
use crate::error::Result;
use crate::ops::Engine;

/// Leading directions whose alignment is averaged.
const LEADING: usize = 8;

/// Inputs and outputs of a predictor in the latest micro-batch. No state of the run: a resumed run has none until its
/// first step.
#[derive(Debug, Default)]
pub(super) struct PredictorSample {
    inputs: Vec<f32>,
    outputs: Vec<f32>,
    width: usize,
}

impl PredictorSample {
    pub(super) fn keep<Z: Dim, D: Engine, T>(
        &mut self,
        inputs: &Tensor<(usize, Z), f32, D>,
        outputs: &Tensor<(usize, Z), f32, D, T>,
    ) {
        self.width = inputs.shape().1.size();
        let mut read = vec![0.0; inputs.shape().num_elements()];
        outputs.copy_into(&mut read);
        self.outputs = read.clone();
        inputs.copy_into(&mut read);
        self.inputs = read;
    }

    /// How far the predictor's eigenspace agrees with that of its inputs, mean over the leading directions; nothing before
    /// the first step.
    pub(super) fn alignment(&self) -> Result<Option<f64>> {
        let rows = |values: &[f32]| Rows::from_f32(values, values.len() / self.width.max(1), self.width);
        let all = eigenspace_alignment(&rows(&self.inputs)?, &rows(&self.outputs)?)?;
        let leading = &all[..all.len().min(LEADING)];
        Ok((!leading.is_empty()).then(|| leading.iter().sum::<f64>() / leading.len() as f64))
    }
}
