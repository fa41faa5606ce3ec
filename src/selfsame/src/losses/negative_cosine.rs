//! The negative cosine between predictions and targets, and the losses made of it: SimSiam's and BYOL's.

use dfdx::prelude::*;

use super::attach::{of_one, wide, Graded, LossOp};
use super::check;
use super::unit_rows::{inner, UnitRows};
use crate::error::Result;
use crate::ops::Real;
use crate::tape::profile::op;

/// Mean over the rows of `-cos(p_i, z_i)`; `p` and `z` are (rows, width), `z` is a target and receives no gradient.
///
/// Chen and He 2021, arXiv 2011.10566.
///
/// Between -1 and 1; a row of zeros has cosine 0.
///
/// PyTorch equivalent: `-F.cosine_similarity(p, z.detach()).mean()`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::negative_cosine;
/// let dev = Cpu::default();
/// let p: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[2., 0.], [0., 3.]]);
/// let z: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[1., 0.], [1., 0.]]);
/// assert_eq!(negative_cosine(p, &z)?.array(), -0.5);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Shapes
/// Targets of another width do not compile:
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::losses::negative_cosine;
/// let dev = Cpu::default();
/// let (p, z): (Tensor<Rank2<2, 2>, f32, _>, Tensor<Rank2<2, 3>, f32, _>) = (dev.zeros(), dev.zeros());
/// negative_cosine(p, &z);
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) without rows or where sizes known only at run time differ; a device out of
/// memory.
pub fn negative_cosine<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    p: Tensor<(B, W), E, D, T>,
    z: &Tensor<(B, W), E, D>,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::same("targets of the negative cosine", p.shape(), z.shape())?;
    check::stacked("negative cosine", p.shape(), 1, 1)?;
    let _timed = op("negative cosine");
    let (width, z) = (p.shape().1.size(), wide(z));
    of_one(p, |p| Ok(towards(p, &z, width, 0, 1.0, 0.0)))
}

/// The loss of SimSiam (Chen and He 2021, arXiv 2011.10566): each view's prediction is to point where the other
/// view's embedding does.
///
/// `p` (predictions) and `z` (embeddings) are (2N, width): row `i` and row `N + i` are the two views of sample `i`.
/// The loss is `(-mean cos(p of view 1, z of view 2) - mean cos(p of view 2, z of view 1)) / 2`. No gradient goes to
/// `z`. A collapsed encoder has -1, the least there is.
///
/// PyTorch equivalent: `simsiam:main_simsiam.py`,
/// `-(criterion(p1, z2.detach()).mean() + criterion(p2, z1.detach()).mean()) * 0.5`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::simsiam;
/// let dev = Cpu::default();
/// let p: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[1., 0.], [0., 1.]]);
/// let z: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[0., 1.], [1., 0.]]);
/// assert_eq!(simsiam(p, &z)?.array(), -1.0);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// As [`negative_cosine`], and [`Error::Shape`](crate::Error::Shape) for an odd number of rows.
pub fn simsiam<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    p: Tensor<(B, W), E, D, T>,
    z: &Tensor<(B, W), E, D>,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::same("targets of SimSiam", p.shape(), z.shape())?;
    let samples = check::stacked("SimSiam", p.shape(), 2, 1)?;
    let _timed = op("simsiam");
    let (width, z) = (p.shape().1.size(), wide(z));
    of_one(p, |p| Ok(towards(p, &z, width, samples, 1.0, 0.0)))
}

/// The scale of [`byol`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ByolConvention {
    /// The sum over both directions of the squared distance of unit vectors, `2 - 2 cos`: the paper's equation 2,
    /// byol-pytorch, solo-learn. 0 where predictions are perfect.
    #[default]
    Paper,
    /// Half the sum of the negative cosines, as lightly's recipe: a quarter of the slope, -1 where predictions are
    /// perfect.
    Lightly,
}

/// The loss of BYOL (Grill et al. 2020, arXiv 2006.07733): each view's prediction is to be the momentum encoder's
/// projection of the other view.
///
/// `p` (predictions) and `z` (the momentum encoder's projections) are (2N, width): row `i` and row `N + i` are the
/// two views of sample `i`. In the paper's convention the loss is `mean (2 - 2 cos(p of view 1, z of view 2))` plus
/// the same of the other direction. No gradient goes to `z`.
///
/// PyTorch equivalent:
/// `(2 - 2 * F.cosine_similarity(p1, z2.detach())).mean() + (2 - 2 * F.cosine_similarity(p2, z1.detach())).mean()`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{byol, ByolConvention};
/// let dev = Cpu::default();
/// let p: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[1., 0.], [0., 1.]]);
/// // Each prediction is at a right angle to the other view's projection.
/// assert_eq!(byol(p.clone(), &p, ByolConvention::Paper)?.array(), 4.0);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// As [`simsiam`].
pub fn byol<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    p: Tensor<(B, W), E, D, T>,
    z: &Tensor<(B, W), E, D>,
    convention: ByolConvention,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::same("targets of BYOL", p.shape(), z.shape())?;
    let samples = check::stacked("BYOL", p.shape(), 2, 1)?;
    let _timed = op("byol");
    let (width, z) = (p.shape().1.size(), wide(z));
    // The mean over both directions' rows is half the sum of the directions' means.
    let (scale, constant) = match convention {
        ByolConvention::Paper => (4.0, 4.0),
        ByolConvention::Lightly => (1.0, 0.0),
    };
    of_one(p, |p| Ok(towards(p, &z, width, samples, scale, constant)))
}

/// `constant - scale * mean_i cos(p_i, z_{i + shift})`, rows counted round.
fn towards(p: &[f64], z: &[f64], width: usize, shift: usize, scale: f64, constant: f64) -> Graded<1> {
    let (p, z) = (UnitRows::of(p, width), UnitRows::of(z, width));
    let n = p.len();
    let target = |i: usize| z.row((i + shift) % n);
    let cosines: f64 = (0..n).map(|i| inner(p.row(i), target(i))).sum();
    let gradient = p.back_along(-scale / n as f64, target);
    Graded { value: constant - scale * cosines / n as f64, gradients: [gradient] }
}
