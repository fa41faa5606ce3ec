//! The Kozachenko-Leonenko regulariser: no embedding is to have a near neighbour (Sablayrolles et al. 2019, arXiv
//! 1806.03198).

use dfdx::prelude::*;

use super::attach::{of_one, Graded, LossOp};
use super::check;
use super::unit_rows::{inner, products, UnitRows};
use crate::error::Result;
use crate::ops::Real;
use crate::tape::profile::op;

/// Added to every difference and to the distance, so that duplicates have a logarithm.
const EPS: f64 = 1e-8;

/// Spreads rows over the sphere: minus the mean logarithm of each row's distance to its nearest neighbour.
///
/// Sablayrolles et al. 2019, arXiv 1806.03198.
///
/// `x` is (N, width), normalised inside. With `n(i)` the row of the largest cosine to row i, the loss is
/// `-mean_i log(|x_i - x_n(i) + 1e-8| + 1e-8)`. The gradient reaches both rows of a pair. DINOv2 adds it with weight
/// 0.1. Duplicates have a loss of about 17 and a very steep gradient.
///
/// PyTorch equivalent: `lightly.loss.KoLeoLoss()(x)`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::koleo;
/// let dev = Cpu::default();
/// let x: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[1., 0.], [0., 1.]]);
/// assert!((koleo(x)?.array() + 0.5 * 2f32.ln()).abs() < 1e-6);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) for fewer than two rows; a device out of memory.
pub fn koleo<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    x: Tensor<(B, W), E, D, T>,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::stacked("KoLeo", x.shape(), 1, 2)?;
    let _timed = op("koleo");
    let width = x.shape().1.size();
    of_one(x, |x| {
        let unit = UnitRows::of(x, width);
        let n = unit.len();
        let scores = products(&unit.rows, &unit.rows, width);
        let mut gradient = vec![0.0; x.len()];
        let mut sum = 0.0;
        for (i, row) in scores.chunks_exact(n).enumerate() {
            let better =
                |best: usize, k: usize| if k != i && (best == i || row[k] > row[best]) { k } else { best };
            let nearest = (0..n).fold(i, better);
            let off: Vec<f64> = unit.row(i).iter().zip(unit.row(nearest)).map(|(a, b)| a - b + EPS).collect();
            let distance = inner(&off, &off).sqrt();
            sum -= (distance + EPS).ln();
            let slope = -1.0 / (n as f64 * (distance + EPS) * distance);
            for (k, off) in off.iter().enumerate() {
                gradient[i * width + k] += slope * off;
                gradient[nearest * width + k] -= slope * off;
            }
        }
        Ok(Graded { value: sum / n as f64, gradients: [unit.back(&gradient)] })
    })
}
