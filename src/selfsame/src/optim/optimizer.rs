//! An update rule applied to every parameter of a module.

use dfdx::prelude::*;

use super::rule::Trained;
use super::Rule;
use crate::error::{Error, Result};
use crate::tape::{count_parameters, Parameters, Role, Scratch};

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
        let mut values = Scratch::<f32>::any(numbers);
        let tensors = read(&*module, &mut values)?;
        self.step += 1;
        self.rule.apply(&tensors, &mut values, gradient, &mut self.state, self.step, lr, self.weight_decay);
        write(module, &values)
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

/// Copies all trained values of `module` into `values`, one tensor after the other.
fn read<D: Device<f32>>(module: &dyn Parameters<D>, values: &mut [f32]) -> Result<Vec<Trained>> {
    let (mut tensors, mut rest, mut problem) = (Vec::new(), values, None);
    module.visit("", &mut |_, role, t| {
        if role == Role::Buffer {
            return;
        }
        let (own, after) = std::mem::take(&mut rest).split_at_mut(t.numel());
        rest = after;
        problem = problem.take().or(t.read_into(own).err());
        tensors.push(Trained { len: t.numel(), weight: role == Role::Weight });
    });
    problem.map_or(Ok(tensors), Err)
}

/// The way back.
fn write<D: Device<f32>>(module: &mut dyn Parameters<D>, values: &[f32]) -> Result<()> {
    let (mut rest, mut problem) = (values, None);
    module.visit_mut("", &mut |_, role, t| {
        if role != Role::Buffer {
            let (own, after) = rest.split_at(t.numel());
            rest = after;
            problem = problem.take().or(t.write(own).err());
        }
    });
    problem.map_or(Ok(()), Err)
}
