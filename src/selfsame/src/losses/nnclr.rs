//! The loss of NNCLR: an image's nearest neighbour as its other view (Dwibedi et al. 2021, arXiv 2104.14548).

use dfdx::prelude::*;

use super::attach::{of_one, wide, Graded, LossOp};
use super::check;
use super::info_nce::in_batch;
use super::nt_xent::as_sup_con;
use super::unit_rows::{products, UnitRows};
use crate::error::{device, Result};
use crate::ops::Real;
use crate::tape::profile::op;

/// What a neighbour is contrasted with in [`nnclr`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NnclrConvention {
    /// Neighbours against the predictions of the other view, one direction: the paper's equations 2 and 3,
    /// solo-learn.
    #[default]
    Paper,
    /// The whole NT-Xent of neighbours and predictions, as lightly's recipe: also neighbours against neighbours,
    /// predictions against predictions, and the other direction.
    Lightly,
}

/// Predictions are to find the nearest neighbour of their other view.
///
/// Dwibedi et al. 2021, arXiv 2104.14548.
///
/// `p` is (2N, width): row `i` and row `N + i` are the predictions for the two views of sample `i`. `neighbours` has
/// the same shape and order: row `i` is the row of the queue nearest to the *embedding* of view 1 of sample `i`, and
/// so on (see [`nearest_neighbours`]). Both are normalised inside; no gradient goes to the neighbours. The loss is
/// half the sum of `CE(n1 p2' / temperature, diagonal)` and `CE(n2 p1' / temperature, diagonal)`. Chance is `ln N`;
/// the paper's temperature is 0.1.
///
/// PyTorch equivalent: `0.5 * (nnclr_loss_func(nn1, p2) + nnclr_loss_func(nn2, p1))` of solo-learn;
/// `0.5 * (NTXentLoss()(nn1, p2) + NTXentLoss()(nn2, p1))` of lightly.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) for an odd number of rows or fewer than four, or where sizes known only at
/// run time differ, [`Error::Setting`](crate::Error::Setting) for a temperature that is not a positive number; a
/// device out of memory.
pub fn nnclr<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    p: Tensor<(B, W), E, D, T>,
    neighbours: &Tensor<(B, W), E, D>,
    temperature: f64,
    convention: NnclrConvention,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::same("neighbours of NNCLR", p.shape(), neighbours.shape())?;
    let samples = check::stacked("NNCLR", p.shape(), 2, 2)?;
    check::temperature(temperature)?;
    let _timed = op("nnclr");
    let (width, neighbours) = (p.shape().1.size(), wide(neighbours));
    of_one(p, |p| {
        let ((p1, p2), (n1, n2)) = (p.split_at(samples * width), neighbours.split_at(samples * width));
        let one = |n: &[f64], p: &[f64]| match convention {
            NnclrConvention::Paper => {
                let Graded { value, gradients: [_, gradient] } = in_batch(n, p, width, temperature);
                (value, gradient)
            }
            NnclrConvention::Lightly => {
                let Graded { value, gradients: [gradient] } =
                    as_sup_con(&[n, p].concat(), 2, width, temperature);
                (value, gradient[samples * width..].to_vec())
            }
        };
        let ((a, to_p2), (b, to_p1)) = (one(n1, p2), one(n2, p1));
        let gradient = to_p1.into_iter().chain(to_p2).map(|g| 0.5 * g).collect();
        Ok(Graded { value: 0.5 * (a + b), gradients: [gradient] })
    })
}

/// The row of `queue` with the largest cosine to each row of `z`: which it is, and a copy of it.
///
/// Dwibedi et al. 2021, arXiv 2104.14548.
///
/// `z` is (rows, width), `queue` (K, width); the copies are rows of the queue as stored, through which no gradient
/// flows. Of several as near the first is taken.
///
/// PyTorch equivalent: `queue[(F.normalize(z) @ F.normalize(queue).T).argmax(1)]`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::nearest_neighbours;
/// let dev = Cpu::default();
/// let z: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[5., 1.], [-1., -2.]]);
/// let queue: Tensor<Rank2<3, 2>, f32, _> = dev.tensor([[0., 1.], [2., 0.], [0., -1.]]);
/// let (which, rows) = nearest_neighbours(&z, &queue)?;
/// assert_eq!(which, [1, 2]);
/// assert_eq!(rows.array(), [[2., 0.], [0., -1.]]);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) for an empty queue; a device out of memory.
pub fn nearest_neighbours<B: Dim, K: Dim, W: Dim, E: Real, D: LossOp<E>>(
    z: &Tensor<(B, W), E, D>,
    queue: &Tensor<(K, W), E, D>,
) -> Result<(Vec<usize>, Tensor<(B, W), E, D>)> {
    check::as_wide("queue of neighbours", z.shape().1, queue.shape())?;
    let (width, stored) = (z.shape().1.size(), wide(queue));
    let (unit, candidates) = (UnitRows::of(&wide(z), width), UnitRows::of(&stored, width));
    let scores = products(&unit.rows, &candidates.rows, width);
    let nearest: Vec<usize> = scores.chunks_exact(candidates.len()).map(first_largest).collect();
    let rows = nearest.iter().flat_map(|i| &stored[i * width..][..width]).map(|v| E::of(*v)).collect();
    let rows = z.device().try_tensor_from_vec(rows, *z.shape()).map_err(device)?;
    Ok((nearest, rows))
}

/// Where the largest value is; the first of several.
pub(super) fn first_largest(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
}
