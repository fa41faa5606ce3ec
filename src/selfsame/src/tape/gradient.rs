//! One step's gradient as a flat list of numbers, in the order of a module's parameters.
//!
//! Optimisers, clipping and accumulation are plain loops over this list.

use dfdx::prelude::*;
use dfdx::tensor::Gradients;

use super::{Parameters, Role};
use crate::error::Result;

/// The mean gradient of the micro-batches added so far; buffers have no place in it.
///
/// PyTorch equivalent: the `.grad` fields after `loss.backward()` (with the division by the number of micro-batches
/// done), `torch.nn.utils.clip_grad_norm_`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FlatGradient {
    sum: Vec<f32>,
    parts: usize,
}

impl FlatGradient {
    /// Nothing yet.
    pub fn new() -> FlatGradient {
        FlatGradient::default()
    }

    /// Adds the gradients one backward pass left for `module`.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn add<D: Device<f32>>(
        &mut self,
        module: &dyn Parameters<D>,
        mut grads: Gradients<f32, D>,
    ) -> Result<()> {
        let (mut at, mut problem) = (0, None);
        module.visit("", &mut |_, role, t| {
            if role != Role::Buffer {
                let end = at + t.numel();
                if self.sum.len() < end {
                    self.sum.resize(end, 0.0);
                }
                problem = problem.take().or(t.add_gradient(&mut grads, &mut self.sum[at..end]).err());
                at = end;
            }
        });
        self.parts += 1;
        problem.map_or(Ok(()), Err)
    }

    /// Divides by the number of parts added and returns the numbers, leaving this empty for the next step but keeping
    /// its memory.
    pub fn mean(&mut self) -> &mut [f32] {
        if self.parts > 1 {
            let scale = 1.0 / self.parts as f32;
            self.sum.iter_mut().for_each(|g| *g *= scale);
        }
        self.parts = 1;
        &mut self.sum
    }

    /// Forgets the numbers before the next step.
    pub fn clear(&mut self) {
        self.sum.iter_mut().for_each(|g| *g = 0.0);
        self.parts = 0;
    }

    /// The L2 norm over all parameters, summed in float64.
    pub fn norm(&self) -> f64 {
        self.sum.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt()
    }

    /// Scales the gradient so that its global norm is at most `max_norm`; returns the norm before.
    pub fn clip_norm(&mut self, max_norm: f64) -> f64 {
        let norm = self.norm();
        if norm > max_norm {
            let scale = (max_norm / norm) as f32;
            self.sum.iter_mut().for_each(|g| *g *= scale);
        }
        norm
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nn::Linear;

    #[test]
    fn parts_average_and_clipping_bounds_the_norm() {
        let dev = Cpu::seed_from_u64(1);
        let lin =
            Linear::<Const<3>, Const<2>, Cpu>::new(&dev, Const, Const, &mut crate::random::stream(&[1]))
                .unwrap();
        let x: Tensor<(usize, Const<3>), f32, _> = dev.sample_normal_like(&(4, Const));
        let pass = |x: &Tensor<(usize, Const<3>), f32, Cpu>| {
            lin.forward(x.leaky_trace()).unwrap().square().mean::<Rank0, _>().backward()
        };
        let mut once = FlatGradient::new();
        once.add(&lin, pass(&x)).unwrap();
        let mut twice = FlatGradient::new();
        twice.add(&lin, pass(&x)).unwrap();
        twice.add(&lin, pass(&x)).unwrap();
        assert_eq!(once.mean(), twice.mean());
        let norm = once.norm();
        assert!(norm > 0.1);
        assert_eq!(once.clip_norm(norm * 2.0), norm);
        assert_eq!(once.norm(), norm);
        once.clip_norm(0.1);
        assert!((once.norm() - 0.1).abs() < 1e-6);
    }
}
