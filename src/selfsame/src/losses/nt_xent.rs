//! The normalised temperature-scaled cross-entropy of SimCLR (Chen et al. 2020, arXiv 2002.05709).

use dfdx::prelude::*;
use rayon::prelude::*;

use super::attach::{of_one, Graded, LossOp};
use super::check;
use super::sup_con::{on_slices, SupConConvention, SupConSettings};
use crate::error::{device, Error, Result};
use crate::ops::kernels::{kernels, Made};
use crate::ops::{
    l2_normalize, matmul, normalize_rows, normalize_rows_backward, L2NormalizeOp, Matrix, Real, Threads,
};
use crate::tape::{profile::op, record, slot, values};

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
/// Chen et al. 2020, arXiv 2002.05709.
///
/// `z` is (2N, width): row `i` and row `N + i` are the two views of sample `i`. With `s_ij` the cosine of rows i and
/// j, the loss is the mean over all 2N rows of
/// `-log(exp(s_ij / temperature) / sum_{k != i} exp(s_ik / temperature))`, j the other view of i. The rows are
/// normalised inside. Usual temperatures: 0.1 to 0.5.
///
/// With all similarities equal the loss is `ln(2N - 1)`. It is the mean over the 2N rows, as in lightly; the
/// reference implementation sums the means of the two directions, which is twice that.
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
    if !rows.is_multiple_of(2) || rows < 4 {
        return Err(Error::shape(
            "NT-Xent",
            "two views of at least two samples, an even number of rows",
            rows,
        ));
    }
    check::temperature(temperature)?;
    let _timed = op("nt-xent");
    D::nt_xent(z, temperature)
}

/// What [`nt_xent_as`] is the mean of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NtXentConvention {
    /// All 2N rows: the paper's equation, lightly, stable-pretraining.
    #[default]
    Mean,
    /// The N rows of each view, added: google-research/simclr, twice the above.
    Reference,
}

/// [`nt_xent`] in the convention of your choice.
///
/// Chen et al. 2020, arXiv 2002.05709.
///
/// PyTorch equivalent: as [`nt_xent`]; twice that for [`NtXentConvention::Reference`].
///
/// # Errors
/// As [`nt_xent`].
pub fn nt_xent_as<B: Dim, W: Dim, E: Real, D: NtXentOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    temperature: f64,
    convention: NtXentConvention,
) -> Result<Tensor<Rank0, E, D, T>> {
    let mean = nt_xent(z, temperature)?;
    match convention {
        NtXentConvention::Mean => Ok(mean),
        NtXentConvention::Reference => mean.try_mul(E::of(2.0)).map_err(device),
    }
}

/// [`nt_xent`] for any number of views: every other view of a sample is a positive.
///
/// Chen et al. 2020, arXiv 2002.05709.
///
/// `z` is (V N, width), view after view. The loss is the mean over all rows and over their V - 1 positives of
/// `-log(exp(s_ij / temperature) / sum_{k != i} exp(s_ik / temperature))`, the sum over all other rows, other
/// positives among them: with two views [`nt_xent`], in general SupCon with every sample a class of its own.
///
/// PyTorch equivalent: `SupConLoss(temperature, base_temperature=temperature)(features)` of the SupCon authors'
/// code, without labels.
///
/// # Errors
/// [`Error::Shape`] for fewer than two views or samples, or rows that are no multiple of the views,
/// [`Error::Setting`] for a temperature that is not a positive number; a device out of memory.
pub fn nt_xent_views<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    views: usize,
    temperature: f64,
) -> Result<Tensor<Rank0, E, D, T>> {
    if views < 2 {
        return Err(Error::shape("NT-Xent", "at least two views", views));
    }
    check::stacked("NT-Xent", z.shape(), views, 2)?;
    check::temperature(temperature)?;
    let _timed = op("nt-xent of views");
    let width = z.shape().1.size();
    of_one(z, |z| Ok(as_sup_con(z, views, width, temperature)))
}

/// [`nt_xent_views`] on slices.
pub(super) fn as_sup_con(z: &[f64], views: usize, width: usize, temperature: f64) -> Graded<1> {
    let labels: Vec<u32> = (0..(z.len() / width / views) as u32).collect();
    let convention = SupConConvention::Out;
    on_slices(z, width, &labels, SupConSettings { temperature, base_temperature: temperature, convention })
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
        let (y, backward) = E::nt_xent(values(&z), (rows, width), temperature);
        let y = z.device().try_tensor_from_vec(y, ()).map_err(device)?;
        record(&mut tape, vec![slot(&z)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernel of [`nt_xent`].
    NtXentKernel {
        fn nt_xent(z: Vec<Self>, sizes: (usize, usize), temperature: f64) -> Made<Self> = run;
    }
}

fn run<E: Real>(mut unit: Vec<E>, (rows, width): (usize, usize), temperature: f64) -> Made<E> {
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
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        // p holds d loss_i / d scores_i; every score is used by its row and its column.
        let factor = scale * gy[0] / E::of(rows as f64);
        let mut gu = vec![E::zero(); rows * width];
        matmul(&p, lp, &unit, lz, &mut gu, lz, false, Threads::All);
        matmul(&p, lp.t(), &unit, lz, &mut gu, lz, true, Threads::All);
        gu.iter_mut().for_each(|g| *g *= factor);
        normalize_rows_backward(&gu, &unit, &inverse, width.max(1), &mut g[0]);
    };
    (vec![loss], Box::new(backward))
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
    row.iter_mut().for_each(|v| *v /= sum);
    row[other] -= E::one();
    sum.ln() - positive
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn rows(z: &[f64], width: usize) -> Tensor<(usize, usize), f64, Cpu> {
        Cpu::default().tensor_from_vec(z.to_vec(), (z.len() / width, width))
    }

    fn numbers(n: usize) -> Vec<f64> {
        (0..n).map(|i| (i as f64 * 1.7).sin() + 0.1 * (i as f64 * 0.3).cos()).collect()
    }

    /// The loss as equation 1 of the paper says it, term by term.
    fn transcribed(z: &[f64], width: usize, temperature: f64) -> f64 {
        let z: Vec<&[f64]> = z.chunks_exact(width).collect();
        let n = z.len() / 2;
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let similarity = |a: &[f64], b: &[f64]| dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt());
        let one = |i: usize, j: usize| {
            let below: f64 =
                (0..2 * n).filter(|k| *k != i).map(|k| (similarity(z[i], z[k]) / temperature).exp()).sum();
            -((similarity(z[i], z[j]) / temperature).exp() / below).ln()
        };
        (0..n).map(|k| one(k, k + n) + one(k + n, k)).sum::<f64>() / (2 * n) as f64
    }

    #[test]
    fn it_is_the_formula_of_the_paper() {
        for (n, width) in [(2, 3), (3, 1), (5, 2), (7, 16)] {
            for temperature in [0.1, 0.5, 2.0] {
                let z = numbers(2 * n * width);
                let expected = transcribed(&z, width, temperature);
                let fused = nt_xent(rows(&z, width), temperature).unwrap().array();
                let from_dfdx = composed(rows(&z, width), temperature).unwrap().array();
                for found in [fused, from_dfdx] {
                    assert!((found - expected).abs() < 1e-9 * (1.0 + expected), "{found} {expected}");
                }
            }
        }
    }

    /// Two samples whose cosines can be read off.
    #[test]
    fn two_samples_by_hand() {
        let z = [1.0, 0.0, 0.0, 1.0, 0.6, 0.8, -0.8, 0.6];
        // Cosines: 0-2 0.6, 1-3 0.6, 0-1 0, 0-3 -0.8, 1-2 0.8, 2-3 0.
        let e = |c: f64| (c / 0.5).exp();
        let anchor = |own: f64, others: [f64; 2]| (1.0 + (e(others[0]) + e(others[1])) / e(own)).ln();
        let expected = [[0.0, -0.8], [0.0, 0.8], [0.8, 0.0], [-0.8, 0.0]];
        let expected = expected.map(|others| anchor(0.6, others)).iter().sum::<f64>() / 4.0;
        let found = nt_xent(rows(&z, 2), 0.5).unwrap().array();
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }

    #[test]
    fn the_views_are_alike_and_so_are_lengths() {
        let z = numbers(24);
        let swapped = [&z[12..], &z[..12]].concat();
        let longer: Vec<f64> = z.iter().enumerate().map(|(i, v)| v * (1 + i / 3) as f64).collect();
        let loss = |z: &[f64]| nt_xent(rows(z, 3), 0.2).unwrap().array();
        assert!((loss(&z) - loss(&swapped)).abs() < 1e-12);
        assert!((loss(&z) - loss(&longer)).abs() < 1e-12);
    }

    #[test]
    fn identical_rows_are_chance() {
        for n in [2, 3, 50] {
            let z = [0.3, -2.0, 0.7].repeat(2 * n);
            let x = rows(&z, 3);
            let loss = nt_xent(x.leaky_trace(), 0.1).unwrap();
            let expected = (2.0 * n as f64 - 1.0).ln();
            assert!((loss.array() - expected).abs() < 1e-12, "{} {expected}", loss.array());
            // All pulls cancel: the plateau has no slope.
            assert!(loss.backward().get(&x).as_vec().iter().all(|g| g.abs() < 1e-12));
        }
    }

    #[test]
    fn small_temperatures_stay_finite_in_float32() {
        let z: Vec<f32> = numbers(24).iter().map(|v| *v as f32).collect();
        let x: Tensor<(usize, usize), f32, _> = Cpu::default().tensor_from_vec(z, (8, 3));
        let loss = nt_xent(x.leaky_trace(), 1e-3).unwrap();
        assert!(loss.array().is_finite());
        assert!(loss.backward().get(&x).as_vec().iter().all(|g| g.is_finite()));
    }

    #[test]
    fn temperatures_that_are_none_are_refused() {
        for bad in [0.0, -0.1, f64::NAN, f64::INFINITY] {
            let e = nt_xent(rows(&numbers(8), 2), bad).unwrap_err();
            assert!(matches!(e, Error::Setting { .. }));
            assert!(e.to_string().contains("temperature") && e.to_string().contains("0.05 to 0.5"), "{e}");
        }
    }
}
