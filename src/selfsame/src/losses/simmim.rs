//! The absolute error of reconstructed pixels where they were masked: SimMIM (Xie et al. 2022, arXiv 2111.09886).

use dfdx::prelude::*;

use super::attach::{of_one, Graded, LossOp};
use crate::error::{Error, Result};
use crate::ops::Real;
use crate::tape::profile::op;

/// Added to the number of masked pixels, as in the authors' code: an empty mask gives 0.
const EPS: f64 = 1e-5;

/// Mean absolute difference of the masked pixels: `sum |prediction - target| mask / (sum mask + 1e-5) / channels`.
///
/// Xie et al. 2022, arXiv 2111.09886.
///
/// `prediction` is (images, channels, height, width), `target` as many values, row-major; `mask` has one value for
/// every image and pixel (images, height, width), true where the pixel was masked, which all channels share.
/// Gradient goes to the prediction.
///
/// PyTorch equivalent: `SimMIM:models/simmim.py`,
/// `(F.l1_loss(x, x_rec, reduction="none") * mask).sum() / (mask.sum() + 1e-5) / channels`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::simmim;
/// let dev = Cpu::default();
/// let prediction: Tensor<Rank4<1, 1, 1, 2>, f32, _> = dev.tensor([[[[1.0, 5.0]]]]);
/// assert!((simmim(prediction, &[4.0, 0.0], &[true, false])?.array() - 3.0).abs() < 1e-4);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] where lengths differ; a device out of memory.
pub fn simmim<B: Dim, C: Dim, H: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    prediction: Tensor<(B, C, H, W), E, D, T>,
    target: &[E],
    mask: &[bool],
) -> Result<Tensor<Rank0, E, D, T>> {
    let &(images, channels, height, width) = prediction.shape();
    let (images, channels, pixels) = (images.size(), channels.size(), height.size() * width.size());
    if target.len() != images * channels * pixels {
        let expected = format!("{} values", images * channels * pixels);
        return Err(Error::shape("target of SimMIM", expected, target.len()));
    }
    if mask.len() != images * pixels {
        return Err(Error::shape("mask of SimMIM", format!("{} pixels", images * pixels), mask.len()));
    }
    let _timed = op("simmim");
    let masked = mask.iter().filter(|m| **m).count() as f64;
    let weight = 1.0 / ((masked + EPS) * channels as f64);
    of_one(prediction, |prediction| {
        let mut gradient = vec![0.0; prediction.len()];
        let mut sum = 0.0;
        for (i, (p, t)) in prediction.iter().zip(target).enumerate() {
            let (image, pixel) = (i / (channels * pixels), i % pixels);
            let off = p - t.wide();
            if mask[image * pixels + pixel] && off != 0.0 {
                sum += off.abs();
                gradient[i] = weight * off.signum();
            }
        }
        Ok(Graded { value: weight * sum, gradients: [gradient] })
    })
}
