//! The normalised temperature-scaled cross-entropy of SimCLR (Chen et al. 2020, arXiv 2002.05709).

use dfdx::prelude::*;
use rayon::prelude::*;

use crate::error::{device, Error, Result};
use crate::ops::{
    l2_normalize, matmul, normalize_rows, normalize_rows_backward, L2NormalizeOp, Matrix, Real, Threads,
};
use crate::tape::{record, slot, values};

/// Devices with [`nt_xent`].
pub trait NtXentOp<E: Real>: L2NormalizeOp<E> {
    /// See [`nt_xent`]; sizes are already checked.
    fn nt_xent<B: Dim, W: Dim, T: Tape<E, Self>>(
        z: Tensor<(B, W), E, Self, T>,
        temperature: f64,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        composed(z, temperature)
    }
}

/// Contrasts each embedding's other view with all other embeddings of the batch.
///
/// `z` is (2N, width): row `i` and row `N + i` are the two views of sample `i`. With `s_ij` the cosine of rows i and j,
/// the loss is the mean over all 2N rows of `-log(exp(s_ij / temperature) / sum_{k != i} exp(s_ik / temperature))`,
/// j the other view of i. The rows are normalised inside. Usual temperatures: 0.1 to 0.5.
///
/// With all similarities equal the loss is `ln(2N - 1)`. It is the mean over the 2N rows, as in lightly; the reference
/// implementation sums the means of the two directions, which is twice that.
///
/// PyTorch equivalent: `lightly.loss.NTXentLoss(temperature)(z[:n], z[n:])`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::nt_xent;
/// let dev = Cpu::default();
/// // Two samples whose views agree and which are orthogonal to each other.
/// let z: Tensor<Rank2<4, 2>, f32, _> = dev.tensor([[1., 0.], [0., 1.], [1., 0.], [0., 1.]]);
/// let loss = nt_xent(z, 1.0)?.array();
/// assert!((loss - (1.0f32.exp() + 2.0).ln() + 1.0).abs() < 1e-6);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] for an odd number of rows or fewer than four, [`Error::Setting`] for a temperature that is not a
/// positive number; a device out of memory.
pub fn nt_xent<B: Dim, W: Dim, E: Real, D: NtXentOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    temperature: f64,
) -> Result<Tensor<Rank0, E, D, T>> {
    let rows = z.shape().0.size();
    if rows % 2 != 0 || rows < 4 {
        return Err(Error::shape(
            "NT-Xent",
            "two views of at least two samples, an even number of rows",
            rows,
        ));
    }
    if !(temperature > 0.0 && temperature.is_finite()) {
        let remedy = "Common values are 0.1 to 0.5.";
        return Err(Error::setting("temperature", temperature, "a positive number", remedy));
    }
    D::nt_xent(z, temperature)
}

/// The loss from dfdx's operations.
pub(crate) fn composed<B: Dim, W: Dim, E: Real, D: L2NormalizeOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    temperature: f64,
) -> Result<Tensor<Rank0, E, D, T>> {
    let (rows, width) = (z.shape().0.size(), z.shape().1.size());
    let z = z.try_reshape_like(&(rows, width)).map_err(device)?;
    let unit = l2_normalize(z)?;
    let inner = || {
        // The same values under a second id on the same tape: dfdx cannot multiply a tensor with itself.
        let (unit, tape) = unit.split_tape();
        let (other, tape) = unit.clone().put_tape(tape).try_mul(E::one())?.split_tape();
        let other = other.try_permute::<(usize, usize), Axes2<1, 0>>()?;
        let scores = unit.put_tape(tape).try_matmul(other)?.try_mul(E::of(1.0 / temperature))?;
        let dev = scores.device().clone();
        let (mut own, mut pair) = (vec![E::zero(); rows * rows], vec![E::zero(); rows * rows]);
        for i in 0..rows {
            own[i * rows + i] = E::of(-1e9);
            pair[i * rows + (i + rows / 2) % rows] = E::of(-1.0 / rows as f64);
        }
        let scores = scores.try_add(dev.try_tensor_from_vec(own, (rows, rows))?)?;
        let log = scores.try_log_softmax::<Axis<1>>()?;
        log.try_mul(dev.try_tensor_from_vec(pair, (rows, rows))?)?.try_sum::<Rank0, _>()
    };
    inner().map_err(device)
}

impl<E: Real> NtXentOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn nt_xent<B: Dim, W: Dim, T: Tape<E, Self>>(
        z: Tensor<(B, W), E, Self, T>,
        temperature: f64,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        let (z, mut tape) = z.split_tape();
        let (rows, width) = (z.shape().0.size(), z.shape().1.size());
        let mut unit = values(&z);
        let inverse = normalize_rows(&mut unit, width.max(1));
        let mut p = vec![E::zero(); rows * rows];
        let (lz, lp) = (Matrix::new(rows, width), Matrix::new(rows, rows));
        matmul(&unit, lz, &unit, lz.t(), &mut p, lp, false, Threads::All);
        let scale = E::of(1.0 / temperature);
        let losses: Vec<E> = p
            .par_chunks_mut(rows)
            .enumerate()
            .map(|(i, row)| anchor(row, i, (i + rows / 2) % rows, scale))
            .collect();
        let loss = losses.into_iter().sum::<E>() / E::of(rows as f64);
        let y = z.device().try_tensor_from_vec(vec![loss], ()).map_err(device)?;
        record(&mut tape, vec![slot(&z)], slot(&y), move |gy, g| {
            // p holds d loss_i / d scores_i; every score is used by its row and its column.
            let factor = scale * gy[0] / E::of(rows as f64);
            let mut gu = vec![E::zero(); rows * width];
            matmul(&p, lp, &unit, lz, &mut gu, lz, false, Threads::All);
            matmul(&p, lp.t(), &unit, lz, &mut gu, lz, true, Threads::All);
            gu.iter_mut().for_each(|g| *g *= factor);
            normalize_rows_backward(&gu, &unit, &inverse, width.max(1), &mut g[0]);
        });
        Ok(y.put_tape(tape))
    }
}

/// One anchor's loss; its row of similarities becomes the loss's gradient with respect to the scaled scores.
fn anchor<E: Real>(row: &mut [E], own: usize, other: usize, scale: E) -> E {
    let others = |row: &[E]| {
        row.iter().enumerate().filter(|(k, _)| *k != own).map(|(_, v)| *v).fold(E::neg_infinity(), E::max)
    };
    // A NaN must come through: `max` ignores it, the sum below does not.
    let max = others(row);
    let positive = (row[other] - max) * scale;
    let mut sum = E::zero();
    for (k, v) in row.iter_mut().enumerate() {
        *v = if k == own { E::zero() } else { ((*v - max) * scale).exp() };
        sum += *v;
    }
    row.iter_mut().for_each(|v| *v = *v / sum);
    row[other] -= E::one();
    sum.ln() - positive
}
