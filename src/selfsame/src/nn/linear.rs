//! A fully connected layer.

use dfdx::prelude::*;

use super::init;
use crate::error::Result;
use crate::ops::{self, Engine};
use crate::random::Stream;
use crate::tape::parameters;

/// `y = x W' + b`, from `I` to `O` features. Use `Const<N>` where the size is known, `usize` where it is not.
///
/// PyTorch equivalent: `torch.nn.Linear(I, O)`, initial values included.
///
/// # Shapes
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::nn::Linear;
/// # let dev = Cpu::default();
/// let layer = Linear::<Const<784>, Const<10>, Cpu>::new(&dev, Const, Const, &mut selfsame::random::stream(&[0]))?;
/// let x: Tensor<(usize, Const<783>), f32, _> = dev.zeros_like(&(4, Const));
/// layer.forward(x)?; // 783 is not 784
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Linear<I: Dim, O: Dim, D: Engine> {
    pub(super) weight: Tensor<(O, I), f32, D>,
    pub(super) bias: Tensor<(O,), f32, D>,
}

parameters!([I: Dim, O: Dim, D: Engine] Linear<I, O, D>, D, tensors { weight: Weight, bias: NoDecay }, modules {});

impl<I: Dim, O: Dim, D: Engine> Linear<I, O, D> {
    /// A layer with random weights, uniform in `+-1/sqrt(I)`.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, inputs: I, outputs: O, rng: &mut Stream) -> Result<Self> {
        let fan_in = inputs.size();
        let weight = init::uniform(dev, (outputs, inputs), fan_in, rng)?;
        Ok(Linear { weight, bias: init::uniform(dev, (outputs,), fan_in, rng)? })
    }

    /// (batch, I) to (batch, O).
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn forward<B: Dim, T: Tape<f32, D>>(
        &self,
        x: Tensor<(B, I), f32, D, T>,
    ) -> Result<Tensor<(B, O), f32, D, T>> {
        ops::linear(x, &self.weight, Some(&self.bias))
    }

    /// The input size.
    pub fn inputs(&self) -> I {
        self.weight.shape().1
    }

    /// The output size.
    pub fn outputs(&self) -> O {
        self.bias.shape().0
    }
}
