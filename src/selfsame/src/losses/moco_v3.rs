//! The loss of MoCo v3 (Chen, Xie and He 2021, arXiv 2104.02057).

use dfdx::prelude::*;

use super::attach::{of_one, wide, Graded, LossOp};
use super::check;
use super::info_nce::in_batch;
use crate::error::Result;
use crate::ops::Real;
use crate::tape::profile::op;

/// By what the two directions of [`moco_v3`] are multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MoCoV3Convention {
    /// Their sum times `2 temperature`, as the authors' code and the paper's algorithm: the learning rate then need
    /// not follow the temperature.
    #[default]
    Reference,
    /// Their plain sum: the contrastive loss of equation 1.
    Paper,
}

/// Predictions of each view are to find the momentum encoder's key of the other view, both ways.
///
/// Chen, Xie and He 2021, arXiv 2104.02057.
///
/// `q` and `k` are (2N, width): row `i` and row `N + i` are the two views of sample `i`; rows are normalised inside.
/// With `c(q, k)` the [`info_nce`](super::info_nce) of predictions and keys, the loss is
/// `c(q of view 1, k of view 2) + c(q of view 2, k of view 1)`, times `2 temperature` in the reference convention.
/// No gradient goes to the keys. Chance is `4 temperature ln N`. The paper's temperatures are 1.0 for a ResNet and
/// 0.2 for a ViT.
///
/// PyTorch equivalent: `moco-v3:moco/builder.py`, `contrastive_loss(q1, k2) + contrastive_loss(q2, k1)`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{moco_v3, MoCoV3Convention};
/// let dev = Cpu::default();
/// let z: Tensor<Rank2<4, 2>, f32, _> = dev.tensor([[1., 0.], [0., 1.], [1., 0.], [0., 1.]]);
/// let loss = moco_v3(z.clone(), &z, 1.0, MoCoV3Convention::Reference)?.array();
/// assert!((loss - 4.0 * (1.0 + (-1f32).exp()).ln()).abs() < 1e-6);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) for an odd number of rows or none, or where sizes known only at run time
/// differ, [`Error::Setting`](crate::Error::Setting) for a temperature that is not a positive number; a device out
/// of memory.
pub fn moco_v3<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    q: Tensor<(B, W), E, D, T>,
    keys: &Tensor<(B, W), E, D>,
    temperature: f64,
    convention: MoCoV3Convention,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::same("keys of MoCo v3", q.shape(), keys.shape())?;
    let samples = check::stacked("MoCo v3", q.shape(), 2, 1)?;
    check::temperature(temperature)?;
    let _timed = op("moco v3");
    let (width, keys) = (q.shape().1.size(), wide(keys));
    let factor = match convention {
        MoCoV3Convention::Reference => 2.0 * temperature,
        MoCoV3Convention::Paper => 1.0,
    };
    of_one(q, |q| {
        let ((q1, q2), (k1, k2)) = (q.split_at(samples * width), keys.split_at(samples * width));
        let (there, back) = (in_batch(q1, k2, width, temperature), in_batch(q2, k1, width, temperature));
        let (Graded { gradients: [g1, _], .. }, Graded { gradients: [g2, _], .. }) = (&there, &back);
        let gradient = g1.iter().chain(g2).map(|g| factor * g).collect();
        Ok(Graded { value: factor * (there.value + back.value), gradients: [gradient] })
    })
}
