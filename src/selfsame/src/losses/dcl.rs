//! Decoupled contrast: NT-Xent without the positive in the denominator (Yeh et al. 2022, arXiv 2110.06848).

use dfdx::prelude::*;

use super::attach::{of_one, Graded, LossOp};
use super::check;
use super::contrast::contrast;
use super::unit_rows::{inner, products, weighted_columns, weighted_rows, UnitRows};
use crate::error::Result;
use crate::ops::Real;
use crate::tape::profile::op;

/// Whether the weights of [`dclw`] are constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DclwConvention {
    /// Constants, as in lightly: gradients come through the similarities only.
    #[default]
    Lightly,
    /// Differentiated like everything else, as in the authors' code. The value is the same.
    Reference,
}

/// Pulls the two views of a sample together and pushes all other samples away, each for itself.
///
/// Yeh et al. 2022, arXiv 2110.06848.
///
/// `z` is (2N, width): row `i` and row `N + i` are the two views of sample `i`; rows are normalised inside. With
/// `s_ij` the cosine of rows i and j over the temperature, the loss is the mean over all 2N rows of
/// `-s_ij + log sum_k exp(s_ik)`, j the other view of i and k over the 2N - 2 rows of other samples. It may be
/// negative, and small batches lose less than with NT-Xent. With all similarities equal it is `ln(2N - 2)`.
///
/// PyTorch equivalent: `lightly.loss.DCLLoss(temperature)(z[:n], z[n:])`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::dcl;
/// let dev = Cpu::default();
/// let z: Tensor<Rank2<4, 2>, f32, _> = dev.tensor([[1., 0.], [0., 1.], [1., 0.], [0., 1.]]);
/// assert!((dcl(z, 1.0)?.array() - (2f32.ln() - 1.0)).abs() < 1e-6);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) for an odd number of rows or fewer than four,
/// [`Error::Setting`](crate::Error::Setting) for a temperature that is not a positive number; a device out of memory.
pub fn dcl<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    temperature: f64,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::stacked("DCL", z.shape(), 2, 2)?;
    check::temperature(temperature)?;
    let _timed = op("dcl");
    let width = z.shape().1.size();
    of_one(z, |z| Ok(decoupled(z, width, temperature, None)))
}

/// [`dcl`] with more weight for the positives that are still far apart.
///
/// Yeh et al. 2022, arXiv 2110.06848.
///
/// The similarity of the pair of sample i is multiplied by `w_i = 2 - N softmax_i(cos_i / sigma)`, the softmax over
/// the samples of the batch and `cos_i` the cosine of the two views. The usual `sigma` is 0.5.
///
/// PyTorch equivalent: `lightly.loss.DCLWLoss(temperature, sigma)(z[:n], z[n:])`.
///
/// # Errors
/// As [`dcl`], and [`Error::Setting`](crate::Error::Setting) for a `sigma` that is not a positive number.
pub fn dclw<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    temperature: f64,
    sigma: f64,
    convention: DclwConvention,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::stacked("DCLW", z.shape(), 2, 2)?;
    check::temperature(temperature)?;
    check::positive("sigma", sigma, "0.5 is the paper's.")?;
    let _timed = op("dclw");
    let width = z.shape().1.size();
    of_one(z, |z| Ok(decoupled(z, width, temperature, Some((sigma, convention)))))
}

fn decoupled(z: &[f64], width: usize, temperature: f64, weights: Option<(f64, DclwConvention)>) -> Graded<1> {
    let z = UnitRows::of(z, width);
    let (rows, n) = (z.len(), z.len() / 2);
    let cosines: Vec<f64> = (0..n).map(|i| inner(z.row(i), z.row(n + i))).collect();
    let (weight, to_cosine) = match weights {
        None => (vec![1.0; n], vec![0.0; n]),
        Some((sigma, convention)) => weigh(&cosines, sigma, convention),
    };
    let mut scores = products(&z.rows, &z.rows, width);
    scores.iter_mut().for_each(|s| *s /= temperature);
    let positive = |i: usize, k: usize| i != k && i % n == k % n;
    // The positive is asked for beside the denominator: `contrast` gives log-sum-exp minus the similarity, both with
    // factor 1.
    let target = |i: usize, k: usize| if positive(i, k) { 1.0 } else { 0.0 };
    let own: Vec<f64> = (0..rows).map(|i| cosines[i % n] / temperature).collect();
    let losses = contrast(&mut scores, rows, |i, k| i % n != k % n, target);
    let each = losses.iter().zip(&own).enumerate().map(|(i, (loss, own))| loss + own * (1.0 - weight[i % n]));
    let value = each.sum::<f64>() / rows as f64;
    let factor = 1.0 / (rows as f64 * temperature);
    for (i, row) in scores.chunks_exact_mut(rows).enumerate() {
        row[(i + n) % rows] = -(weight[i % n] + to_cosine[i % n]);
        row.iter_mut().for_each(|s| *s *= factor);
    }
    let mut gradient = weighted_rows(&scores, &z.rows, width);
    let columns = weighted_columns(&scores, rows, &z.rows, width);
    gradient.iter_mut().zip(columns).for_each(|(g, c)| *g += c);
    Graded { value, gradients: [z.back(&gradient)] }
}

/// The weights, and what each sample's cosine gains in slope where the weights are differentiated:
/// `sum_k cos_k dw_k / dcos_i`.
fn weigh(cosines: &[f64], sigma: f64, convention: DclwConvention) -> (Vec<f64>, Vec<f64>) {
    let n = cosines.len() as f64;
    let max = cosines.iter().fold(f64::NEG_INFINITY, |m, c| m.max(*c));
    let powers: Vec<f64> = cosines.iter().map(|c| ((c - max) / sigma).exp()).collect();
    let sum: f64 = powers.iter().sum();
    let shares: Vec<f64> = powers.iter().map(|p| p / sum).collect();
    let weights = shares.iter().map(|p| 2.0 - n * p).collect();
    let mean = inner(&shares, cosines);
    let slope = |(c, p): (&f64, &f64)| match convention {
        DclwConvention::Lightly => 0.0,
        DclwConvention::Reference => -n * p * (c - mean) / sigma,
    };
    (weights, cosines.iter().zip(&shares).map(slope).collect())
}
