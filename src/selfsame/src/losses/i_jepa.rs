//! Predicting features instead of pixels: I-JEPA (Assran et al. 2023, arXiv 2301.08243).

use dfdx::prelude::*;

use super::attach::wide;
use super::check;
use crate::error::{device, Result};
use crate::ops::{mean_error, MeanErrorOp, Penalty, Real};
use crate::tape::profile::op;

/// Added to a token's variance.
const EPS: f64 = 1e-5;

/// How far a prediction is from its target in [`i_jepa`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum JepaConvention {
    /// Smooth absolute error, quadratic below 1: the authors' code.
    #[default]
    Reference,
    /// Mean squared error: the paper's text.
    Paper,
}

/// Mean distance of predicted tokens to the momentum encoder's, each target token standardised over its features
/// first.
///
/// Assran et al. 2023, arXiv 2301.08243.
///
/// `prediction` and `target` are (tokens, width). A target is `(t - mean) / sqrt(variance + 1e-5)` of its own
/// values, biased variance, no weights; no gradient goes to it. The mean is over all values.
///
/// PyTorch equivalent: `F.smooth_l1_loss(prediction, F.layer_norm(target.detach(), (width,)))`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{i_jepa, JepaConvention};
/// let dev = Cpu::default();
/// let target: Tensor<Rank2<1, 2>, f32, _> = dev.tensor([[10., 30.]]);
/// let prediction: Tensor<Rank2<1, 2>, f32, _> = dev.tensor([[-1., 3.]]);
/// // The target becomes -1, 1.
/// assert!((i_jepa(prediction, &target, JepaConvention::Paper)?.array() - 2.0).abs() < 1e-5);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) without tokens or where sizes known only at run time differ; a device out
/// of memory.
pub fn i_jepa<B: Dim, W: Dim, E: Real, D: MeanErrorOp<E>, T: Tape<E, D>>(
    prediction: Tensor<(B, W), E, D, T>,
    target: &Tensor<(B, W), E, D>,
    convention: JepaConvention,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::same("target of I-JEPA", prediction.shape(), target.shape())?;
    check::stacked("I-JEPA", prediction.shape(), 1, 1)?;
    let width = target.shape().1.size();
    let mut standard = wide(target);
    for row in standard.chunks_exact_mut(width) {
        let mean = row.iter().sum::<f64>() / width as f64;
        let variance = row.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / width as f64;
        row.iter_mut().for_each(|v| *v = (*v - mean) / (variance + EPS).sqrt());
    }
    let standard = standard.into_iter().map(E::of).collect();
    let standard = target.device().try_tensor_from_vec(standard, *target.shape()).map_err(device)?;
    let _timed = op("i-jepa");
    let penalty = match convention {
        JepaConvention::Reference => Penalty::SmoothAbsolute(1.0),
        JepaConvention::Paper => Penalty::Squared,
    };
    mean_error(prediction, &standard, penalty)
}
