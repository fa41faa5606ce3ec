//! The head of DINO: an MLP, a narrow layer of unit length, prototypes.

use dfdx::prelude::*;

use super::{BatchNorm, Linear, Mode, Prototypes};
use crate::error::{device, Result};
use crate::ops::{self, Engine};
use crate::random::Stream;
use crate::tape::parameters;

/// From features `I` over two hidden layers with GELU to a bottleneck of width `Z`, scaled to length 1, whose
/// cosines with `K` prototypes are the logits (Caron et al. 2021, arXiv 2104.14294).
///
/// The last layer is weight-normalised with its lengths fixed at 1 (`norm_last_layer=True` of the authors' code).
///
/// PyTorch equivalent: `dino:vision_transformer.py`,
/// `DINOHead(I, K, use_bn=plan.norm, norm_last_layer=True, nlayers=3, hidden_dim=plan.hidden, bottleneck_dim=Z)`.
///
/// # Shapes
/// (batch, I) to (batch, K). Features of another size do not compile:
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::nn::{DinoHead, DinoHeadPlan, LastLayer, Mode};
/// # let dev = Cpu::default();
/// # let rng = &mut selfsame::random::stream(&[0]);
/// let plan = DinoHeadPlan { hidden: 512, norm: false };
/// let head = DinoHead::<Const<256>, Const<64>, Const<512>, Cpu>::new(&dev, Const, plan, Const, Const, rng)?;
/// let features: Tensor<(usize, Const<128>), f32, _> = dev.zeros_like(&(4, Const));
/// head.forward(features, LastLayer::Trained, Mode::Train)?; // the head takes 256 features
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct DinoHead<I: Dim, Z: Dim, K: Dim, D: Engine> {
    first: Linear<I, usize, D>,
    first_norm: Option<BatchNorm<usize, D>>,
    second: Linear<usize, usize, D>,
    second_norm: Option<BatchNorm<usize, D>>,
    bottleneck: Linear<usize, Z, D>,
    prototypes: Prototypes<Z, K, D>,
}

parameters!(
    [I: Dim, Z: Dim, K: Dim, D: Engine] DinoHead<I, Z, K, D>, D,
    tensors {}, modules { first, first_norm, second, second_norm, bottleneck, prototypes }
);

/// What the hidden layers of a [`DinoHead`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DinoHeadPlan {
    /// Units of each of the two hidden layers.
    pub hidden: usize,
    /// Whether they have batch norm before their GELU.
    pub norm: bool,
}

/// Whether prototypes learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LastLayer {
    /// Gradients reach them.
    Trained,
    /// None does: how the first epoch of DINO and SwAV begins.
    Frozen,
}

impl<I: Dim, Z: Dim, K: Dim, D: Engine> DinoHead<I, Z, K, D> {
    /// A head with random weights.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for no prototypes; a device out of memory.
    pub fn new(
        dev: &D,
        inputs: I,
        plan: DinoHeadPlan,
        bottleneck: Z,
        prototypes: K,
        rng: &mut Stream,
    ) -> Result<Self> {
        let DinoHeadPlan { hidden, norm } = plan;
        let norm = || norm.then(|| BatchNorm::new(dev, hidden)).transpose();
        Ok(DinoHead {
            first: Linear::new(dev, inputs, hidden, rng)?,
            first_norm: norm()?,
            second: Linear::new(dev, hidden, hidden, rng)?,
            second_norm: norm()?,
            bottleneck: Linear::new(dev, hidden, bottleneck, rng)?,
            prototypes: Prototypes::new(dev, bottleneck, prototypes, rng)?,
        })
    }

    /// Features (batch, I) to logits (batch, K), cosines between -1 and 1.
    ///
    /// # Errors
    /// A batch of one in training mode where there is batch norm; a device out of memory.
    pub fn forward<T: Tape<f32, D>>(
        &self,
        x: Tensor<(usize, I), f32, D, T>,
        last: LastLayer,
        mode: Mode,
    ) -> Result<Tensor<(usize, K), f32, D, T>> {
        let z = self.embed(x, mode)?;
        match last {
            LastLayer::Trained => self.prototypes.cosines(z),
            LastLayer::Frozen => self.prototypes.fixed_cosines(z),
        }
    }

    /// Features (batch, I) to the bottleneck's rows of length 1, (batch, Z).
    ///
    /// # Errors
    /// As [`DinoHead::forward`].
    pub fn embed<T: Tape<f32, D>>(
        &self,
        x: Tensor<(usize, I), f32, D, T>,
        mode: Mode,
    ) -> Result<Tensor<(usize, Z), f32, D, T>> {
        let normed = |x, norm: &Option<BatchNorm<usize, D>>| match norm {
            Some(norm) => norm.forward::<(usize, usize), T>(x, mode),
            None => Ok(x),
        };
        let x = ops::gelu(normed(self.first.forward(x)?, &self.first_norm)?)?;
        let x = ops::gelu(normed(self.second.forward(x)?, &self.second_norm)?)?;
        let rows = x.shape().0;
        let x = x.try_reshape_like(&(rows, self.second.outputs())).map_err(device)?;
        ops::l2_normalize(self.bottleneck.forward(x)?)
    }

    /// How wide the bottleneck is.
    pub fn bottleneck(&self) -> Z {
        self.bottleneck.outputs()
    }

    /// How many prototypes there are.
    pub fn prototypes(&self) -> K {
        self.prototypes.dim()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random::stream;
    use crate::tape::Parameters;

    fn head(norm: bool) -> DinoHead<Const<5>, Const<4>, Const<7>, Cpu> {
        let plan = DinoHeadPlan { hidden: 6, norm };
        DinoHead::new(&Cpu::default(), Const, plan, Const, Const, &mut stream(&[2])).unwrap()
    }

    fn slopes(last: LastLayer) -> Vec<(String, f32)> {
        let head = head(false);
        let x: Tensor<(usize, Const<5>), f32, _> = Cpu::seed_from_u64(1).sample_normal_like(&(3, Const));
        let logits = head.forward(x.leaky_trace(), last, Mode::Train).unwrap();
        assert!(logits.as_vec().iter().all(|v| v.abs() <= 1.0 + 1e-6));
        let mut grads = logits.square().sum::<Rank0, _>().backward();
        let mut found = Vec::new();
        head.visit("", &mut |name, _, t| {
            let mut sum = vec![0.0; t.numel()];
            t.add_gradient(&mut grads, &mut sum).unwrap();
            found.push((name.to_string(), sum.iter().map(|g| g.abs()).sum()));
        });
        found
    }

    #[test]
    fn a_frozen_last_layer_alone_gets_no_gradient() {
        let names = |last, zero: bool| -> Vec<String> {
            slopes(last).into_iter().filter(|(_, g)| (*g == 0.0) == zero).map(|(name, _)| name).collect()
        };
        assert!(names(LastLayer::Trained, true).is_empty());
        assert_eq!(names(LastLayer::Frozen, true), ["prototypes.weight"]);
        let (trained, frozen) = (slopes(LastLayer::Trained), slopes(LastLayer::Frozen));
        assert!(trained[..6].iter().zip(&frozen[..6]).all(|(a, b)| (a.1 - b.1).abs() < 1e-5 * a.1.max(1.0)));
    }

    #[test]
    fn batch_norm_sets_rows_apart_that_are_nearly_alike() {
        let dev = Cpu::seed_from_u64(1);
        let noise: Tensor<(usize, Const<5>), f32, _> = dev.sample_normal_like(&(40, Const));
        let x = noise * 0.01 + 1.0;
        let mean_cosine = |norm: bool, mode: Mode| {
            let z = head(norm).embed(x.clone(), mode).unwrap().as_vec();
            let sum = |j: usize| z.iter().skip(j).step_by(4).sum::<f32>();
            ((0..4).map(|j| sum(j).powi(2)).sum::<f32>() - 40.0) / (40.0 * 39.0)
        };
        assert!(mean_cosine(false, Mode::Train) > 0.99);
        assert!(mean_cosine(true, Mode::Train) < 0.9);
        // Without a step of training the running statistics are those of nothing.
        assert!(mean_cosine(true, Mode::Eval) > 0.99);
        let one: Tensor<(usize, Const<5>), f32, _> = dev.zeros_like(&(1, Const));
        assert!(head(true).embed(one, Mode::Train).is_err());
    }
}
