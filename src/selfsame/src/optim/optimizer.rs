//! An update rule applied to every parameter of a module.

use dfdx::prelude::*;

use super::Rule;
use crate::error::{Error, Result};
use crate::tape::{count_parameters, Parameters, Role};

/// An optimiser with its state. Weights are decayed; biases, norms and positions are not.
///
/// State is a flat list in the order of the module's parameters, so that it can be saved and read back bit by bit.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    rule: Rule,
    weight_decay: f64,
    step: u64,
    state: Vec<f32>,
}

impl Optimizer {
    /// An optimiser that has not made a step. `weight_decay` is per unit of learning rate for AdamW, as in PyTorch.
    pub fn new(rule: Rule, weight_decay: f64) -> Optimizer {
        Optimizer { rule, weight_decay, step: 0, state: Vec::new() }
    }

    /// Moves every parameter of `module` against `gradient` (a [`FlatGradient`](crate::tape::FlatGradient)'s numbers).
    ///
    /// # Errors
    /// [`Error::Shape`] when the gradient or the state belongs to another module.
    pub fn step<D: Device<f32>>(
        &mut self,
        module: &mut dyn Parameters<D>,
        gradient: &[f32],
        lr: f64,
    ) -> Result<()> {
        let slots = self.rule.slots();
        let numbers = count_parameters(&*module);
        if gradient.len() != numbers {
            return Err(Error::shape("gradient of the parameters", numbers, gradient.len()));
        }
        if self.state.is_empty() {
            self.state.resize(gradient.len() * slots, 0.0);
        }
        if self.state.len() != gradient.len() * slots {
            return Err(Error::shape(
                "optimiser",
                self.state.len() / slots,
                format!("{} gradients", gradient.len()),
            ));
        }
        self.step += 1;
        let (mut at, mut problem) = (0, None);
        module.visit_mut("", &mut |name, role, t| {
            if role == Role::Buffer || problem.is_some() {
                return;
            }
            let mut values = t.read();
            let end = at + values.len();
            let Some(g) = gradient.get(at..end) else {
                problem = Some(Error::shape(format!("gradient of {name}"), end, gradient.len()));
                return;
            };
            let weight = role == Role::Weight;
            let decay = if weight { self.weight_decay } else { 0.0 };
            let state = &mut self.state[at * slots..end * slots];
            self.rule.apply(&mut values, g, state, self.step, lr, decay, weight);
            problem = t.write(&values).err();
            at = end;
        });
        problem.map_or(Ok(()), Err)
    }

    /// Steps made and the flat state, for a checkpoint.
    pub fn state(&self) -> (u64, &[f32]) {
        (self.step, &self.state)
    }

    /// Takes over what [`Optimizer::state`] gave.
    pub fn restore(&mut self, step: u64, state: Vec<f32>) {
        (self.step, self.state) = (step, state);
    }
}
