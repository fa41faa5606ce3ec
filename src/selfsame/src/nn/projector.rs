//! The head between encoder and contrastive loss.

use dfdx::prelude::*;

use super::{BatchNorm, Linear, Mode};
use crate::error::Result;
use crate::ops::{self, Engine};
use crate::random::Stream;
use crate::tape::parameters;

/// Linear, batch norm, ReLU, linear: from the encoder's features `I` over `H` hidden ones to `O` (Chen et al. 2020).
///
/// PyTorch equivalent: `Sequential(Linear(I, H), BatchNorm1d(H), ReLU(), Linear(H, O))`.
///
/// # Shapes
/// (batch, I) to (batch, O). Features of another size do not compile:
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::nn::{Mode, Projector};
/// # let dev = Cpu::default();
/// # let rng = &mut selfsame::random::stream(&[0]);
/// let head = Projector::<Const<256>, Const<256>, Const<64>, Cpu>::new(&dev, Const, Const, Const, rng)?;
/// let features: Tensor<(usize, Const<128>), f32, _> = dev.zeros_like(&(4, Const));
/// head.forward(features, Mode::Eval)?; // the projector takes 256 features, the encoder gives 128
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct Projector<I: Dim, H: Dim, O: Dim, D: Engine> {
    hidden: Linear<I, H, D>,
    norm: BatchNorm<H, D>,
    output: Linear<H, O, D>,
}

parameters!([I: Dim, H: Dim, O: Dim, D: Engine] Projector<I, H, O, D>, D, tensors {}, modules { hidden, norm, output });

impl<I: Dim, H: Dim, O: Dim, D: Engine> Projector<I, H, O, D> {
    /// A head with random weights.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, inputs: I, hidden: H, outputs: O, rng: &mut Stream) -> Result<Self> {
        Ok(Projector {
            hidden: Linear::new(dev, inputs, hidden, rng)?,
            norm: BatchNorm::new(dev, hidden)?,
            output: Linear::new(dev, hidden, outputs, rng)?,
        })
    }

    /// (batch, I) to (batch, O).
    ///
    /// # Errors
    /// A batch of one in training mode; a device out of memory.
    pub fn forward<B: Dim, T: Tape<f32, D>>(
        &self,
        x: Tensor<(B, I), f32, D, T>,
        mode: Mode,
    ) -> Result<Tensor<(B, O), f32, D, T>> {
        let x = self.norm.forward(self.hidden.forward(x)?, mode)?;
        self.output.forward(ops::relu(x)?)
    }

    /// The output size.
    pub fn outputs(&self) -> O {
        self.output.outputs()
    }
}
