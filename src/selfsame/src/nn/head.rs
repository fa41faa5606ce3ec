//! Projectors and predictors of any depth.

use dfdx::prelude::*;

use super::{BatchNorm, Linear, Mode};
use crate::error::{device, Result};
use crate::ops::{self, Engine};
use crate::random::Stream;
use crate::tape::parameters;

/// What a [`Head`] is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadPlan<'h> {
    /// Widths of the hidden layers, each a linear layer with ReLU; none makes the head a single linear layer.
    pub hidden: &'h [usize],
    /// Whether hidden layers have batch norm before their ReLU.
    pub norm: bool,
    /// Whether a batch norm without scale and shift follows the last layer, as in SimSiam and MoCo v3.
    pub last_norm: bool,
}

/// A multi-layer perceptron between an encoder and a loss, or between two embeddings: linear, batch norm, ReLU for each
/// hidden layer, then linear.
///
/// The sizes at its ends are in its type, those between are values.
///
/// PyTorch equivalent: `Sequential(Linear(I, H), BatchNorm1d(H), ReLU(), ..., Linear(H, O))`, and with `last_norm` a
/// `BatchNorm1d(O, affine=False)` behind it.
///
/// # Shapes
/// (batch, I) to (batch, O). Features of another size do not compile:
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::nn::{Head, HeadPlan, Mode};
/// # let dev = Cpu::default();
/// # let rng = &mut selfsame::random::stream(&[0]);
/// let plan = HeadPlan { hidden: &[512], norm: true, last_norm: false };
/// let head = Head::<Const<256>, Const<64>, Cpu>::new(&dev, Const, Const, plan, rng)?;
/// let features: Tensor<(usize, Const<128>), f32, _> = dev.zeros_like(&(4, Const));
/// head.forward(features, Mode::Eval)?; // the head takes 256 features, the encoder gives 128
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct Head<I: Dim, O: Dim, D: Engine> {
    hidden: Vec<Hidden<D>>,
    output: Linear<usize, usize, D>,
    last_norm: Option<BatchNorm<usize, D>>,
    inputs: I,
    outputs: O,
}

parameters!(
    [I: Dim, O: Dim, D: Engine] Head<I, O, D>, D,
    tensors {}, modules { hidden, output, last_norm }, plain { inputs, outputs }
);

#[derive(Debug)]
struct Hidden<D: Engine> {
    linear: Linear<usize, usize, D>,
    norm: Option<BatchNorm<usize, D>>,
}

parameters!([D: Engine] Hidden<D>, D, tensors {}, modules { linear, norm });

impl<I: Dim, O: Dim, D: Engine> Head<I, O, D> {
    /// A head with random weights.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, inputs: I, outputs: O, plan: HeadPlan<'_>, rng: &mut Stream) -> Result<Self> {
        let (mut hidden, mut width) = (Vec::with_capacity(plan.hidden.len()), inputs.size());
        for &wide in plan.hidden {
            let linear = Linear::new(dev, width, wide, rng)?;
            let norm = plan.norm.then(|| BatchNorm::new(dev, wide)).transpose()?;
            hidden.push(Hidden { linear, norm });
            width = wide;
        }
        Ok(Head {
            hidden,
            output: Linear::new(dev, width, outputs.size(), rng)?,
            last_norm: plan.last_norm.then(|| BatchNorm::plain(dev, outputs.size())).transpose()?,
            inputs,
            outputs,
        })
    }

    /// (batch, I) to (batch, O).
    ///
    /// # Errors
    /// A batch of one in training mode where there is batch norm; a device out of memory.
    pub fn forward<T: Tape<f32, D>>(
        &self,
        x: Tensor<(usize, I), f32, D, T>,
        mode: Mode,
    ) -> Result<Tensor<(usize, O), f32, D, T>> {
        let rows = x.shape().0;
        let mut x = x.try_reshape_like(&(rows, self.inputs.size())).map_err(device)?;
        for Hidden { linear, norm } in &self.hidden {
            x = linear.forward(x)?;
            if let Some(norm) = norm {
                x = norm.forward(x, mode)?;
            }
            x = ops::relu(x)?;
        }
        x = self.output.forward(x)?;
        if let Some(norm) = &self.last_norm {
            x = norm.forward(x, mode)?;
        }
        x.try_reshape_like(&(rows, self.outputs)).map_err(device)
    }

    /// The input size.
    pub fn inputs(&self) -> I {
        self.inputs
    }

    /// The output size.
    pub fn outputs(&self) -> O {
        self.outputs
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nn::Projector;
    use crate::random::stream;
    use crate::tape::{Parameters, Role};

    #[test]
    fn two_layers_with_norm_are_the_projector() {
        let dev = Cpu::seed_from_u64(1);
        let plan = HeadPlan { hidden: &[6], norm: true, last_norm: false };
        let head = Head::new(&dev, Const::<5>, Const::<3>, plan, &mut stream(&[2])).unwrap();
        let projector = Projector::new(&dev, Const::<5>, Const::<6>, Const::<3>, &mut stream(&[2])).unwrap();
        let x: Tensor<(usize, Const<5>), f32, _> = dev.sample_normal_like(&(7, Const));
        for mode in [Mode::Train, Mode::Eval] {
            let found = head.forward(x.clone(), mode).unwrap().as_vec();
            assert_eq!(found, projector.forward(x.clone(), mode).unwrap().as_vec());
        }
    }

    #[test]
    fn a_last_norm_is_not_trained_and_no_hidden_layer_is_linear() {
        let dev = Cpu::seed_from_u64(1);
        let plan = HeadPlan { hidden: &[], norm: true, last_norm: true };
        let head = Head::new(&dev, Const::<5>, Const::<3>, plan, &mut stream(&[2])).unwrap();
        let mut trained = Vec::new();
        head.visit("", &mut |name, role, _| {
            if role != Role::Buffer {
                trained.push(name.to_string());
            }
        });
        assert_eq!(trained, ["output.weight", "output.bias"]);
        let x: Tensor<(usize, Const<5>), f32, _> = dev.sample_normal_like(&(50, Const));
        let y = head.forward(x, Mode::Train).unwrap().as_vec();
        for column in 0..3 {
            let column: Vec<f32> = y.iter().skip(column).step_by(3).copied().collect();
            let mean = column.iter().sum::<f32>() / 50.0;
            let variance = column.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 50.0;
            assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-3, "{mean} {variance}");
        }
    }
}
