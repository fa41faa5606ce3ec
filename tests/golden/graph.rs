//! Inputs of an entry as leaves of a graph, and gradients back out of it, in float64 or float32.

use dfdx::prelude::*;
use dfdx::tensor::Gradients;
use selfsame::ops::{Engine, Real};
use selfsame::tape::values;

use crate::file::Entry;

/// A matrix of run-time sizes.
pub type Rows<E, T = NoneTape> = Tensor<(usize, usize), E, Cpu, T>;
/// A loss on its tape.
pub type Loss<E> = Tensor<Rank0, E, Cpu, OwnedTape<E, Cpu>>;

/// A tensor of any shape.
pub fn tensor<S: Shape, E: Real>(values: &[f64], shape: S) -> Tensor<S, E, Cpu>
where
    Cpu: Engine<E>,
{
    Cpu::default().tensor_from_vec(values.iter().map(|v| E::of(*v)).collect(), shape)
}

/// A matrix of `width` columns.
pub fn matrix<E: Real>(values: &[f64], width: usize) -> Rows<E>
where
    Cpu: Engine<E>,
{
    tensor(values, (values.len() / width.max(1), width))
}

/// An input with all axes but the last folded into one.
pub fn rows<E: Real>(entry: &Entry, name: &str) -> Result<Rows<E>, String>
where
    Cpu: Engine<E>,
{
    let input = entry.input(name)?;
    Ok(matrix(&input.data, input.shape.last().copied().unwrap_or(1)))
}

/// Several inputs of one width as one matrix, one below the other.
pub fn stacked<E: Real>(entry: &Entry, names: &[&str]) -> Result<Rows<E>, String>
where
    Cpu: Engine<E>,
{
    let mut all = Vec::new();
    for name in names {
        all.extend_from_slice(entry.numbers(name)?);
    }
    let width = entry.input(names[0])?.shape.last().copied().unwrap_or(1);
    Ok(matrix(&all, width))
}

/// A tensor's values in float64, row-major.
pub fn wide<S: Shape, E: Real>(x: &Tensor<S, E, Cpu>) -> Vec<f64>
where
    Cpu: Engine<E>,
{
    values(x).into_iter().map(Real::wide).collect()
}

/// The value of a loss and the means to get at its gradients.
pub struct Slopes<E: Real> {
    /// The loss.
    pub value: f64,
    gradients: Gradients<E, Cpu>,
}

impl<E: Real> Slopes<E>
where
    Cpu: Engine<E>,
{
    /// Runs backward; a loss the library refused becomes a message.
    pub fn of(loss: Result<Loss<E>, selfsame::Error>) -> Result<Slopes<E>, String> {
        let loss = loss.map_err(|e| e.to_string())?;
        let value = wide(&loss.retaped::<NoneTape>())[0];
        Ok(Slopes { value, gradients: loss.backward() })
    }

    /// The gradient with respect to a leaf; zeros where none reached it.
    pub fn to<S: Shape>(&mut self, leaf: &Tensor<S, E, Cpu>) -> Result<Vec<f64>, String> {
        self.gradients.try_alloc_for(leaf).map_err(|e| format!("{e:?}"))?;
        Ok(wide(&self.gradients.get(leaf)))
    }

    /// The gradient with respect to [`stacked`] inputs, one part for each.
    pub fn parts(&mut self, leaf: &Rows<E>, n: usize) -> Result<Vec<Vec<f64>>, String> {
        let all = self.to(leaf)?;
        Ok(all.chunks(all.len() / n).map(<[f64]>::to_vec).collect())
    }
}
