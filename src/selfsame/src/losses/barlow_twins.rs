//! Redundancy reduction by the cross-correlation of two views: Barlow Twins (Zbontar et al. 2021, arXiv 2103.03230).

use dfdx::prelude::*;

use super::attach::{of_one, Graded, LossOp};
use super::check;
use super::unit_rows::{weighted_columns, weighted_rows};
use crate::error::Result;
use crate::ops::{matmul, Matrix, Real, Threads};
use crate::tape::profile::op;

/// How [`barlow_twins`] standardises a feature over the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BarlowConvention {
    /// Batch normalisation: biased variance, 1e-5 added under the root. The authors' code, lightly, solo-learn.
    #[default]
    Reference,
    /// The paper's pseudocode: the *unbiased* standard deviation and nothing added. Perfect agreement has
    /// correlation (N - 1)/N, so the loss does not reach 0. A constant feature, for which it has no value, counts as
    /// 0.
    Paper,
    /// The unbiased standard deviation with 1e-5 added to it: stable-pretraining.
    StablePretraining,
}

/// Settings of [`barlow_twins`].
///
/// Zbontar et al. 2021, arXiv 2103.03230.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BarlowSettings {
    /// Weight of the correlations between different features (0.0051; lightly and solo-learn 0.005).
    pub lambda: f64,
    /// Multiplies the whole loss (1; solo-learn 0.025, and 0.1 on CIFAR-10).
    pub scale: f64,
    /// See [`BarlowConvention`] ([`BarlowConvention::Reference`]).
    pub convention: BarlowConvention,
}

impl Default for BarlowSettings {
    fn default() -> Self {
        BarlowSettings { lambda: 0.0051, scale: 1.0, convention: BarlowConvention::Reference }
    }
}

/// A feature is to be the same in both views and uncorrelated with every other feature.
///
/// Zbontar et al. 2021, arXiv 2103.03230.
///
/// `z` is (2N, D): row `i` and row `N + i` are the two views of sample `i`. Each feature of each view is
/// standardised over the batch, `C` is their cross-correlation (D, D), `C = a'b / N`, and the loss is
/// `scale (sum_i (C_ii - 1)^2 + lambda sum_{i != j} C_ij^2)`. Sums, not means: a collapsed batch has a loss of D,
/// and the right learning rate depends on D.
///
/// PyTorch equivalent: `lightly.loss.BarlowTwinsLoss(lambda_param=0.0051)(z[:n], z[n:])`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{barlow_twins, BarlowSettings};
/// let dev = Cpu::default();
/// // Two views that agree, two features that vary by themselves.
/// let z: Tensor<Rank2<8, 2>, f32, _> =
///     dev.tensor([[2., 2.], [2., -2.], [-2., 2.], [-2., -2.], [2., 2.], [2., -2.], [-2., 2.], [-2., -2.]]);
/// assert!(barlow_twins(z, BarlowSettings::default())?.array() < 1e-9);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) for an odd number of rows or fewer than two samples,
/// [`Error::Setting`](crate::Error::Setting) for a lambda or scale that is negative or not a number; a device out of
/// memory.
pub fn barlow_twins<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    settings: BarlowSettings,
) -> Result<Tensor<Rank0, E, D, T>> {
    let samples = check::stacked("Barlow Twins", z.shape(), 2, 2)?;
    check::not_negative("lambda", settings.lambda, "0.0051 is the paper's.")?;
    check::not_negative("scale", settings.scale, "1 is the paper's.")?;
    let _timed = op("barlow twins");
    let width = z.shape().1.size();
    of_one(z, |z| {
        let (a, b) = z.split_at(samples * width);
        Ok(correlated(a, b, width, settings))
    })
}

fn correlated(a: &[f64], b: &[f64], width: usize, settings: BarlowSettings) -> Graded<1> {
    let n = a.len() / width;
    let (a, b) = (Standard::of(a, width, settings.convention), Standard::of(b, width, settings.convention));
    let mut c = vec![0.0; width * width];
    let rows = Matrix::new(n, width);
    matmul(&a.rows, rows.t(), &b.rows, rows, &mut c, Matrix::new(width, width), false, Threads::All);
    let mut value = 0.0;
    for (i, row) in c.chunks_exact_mut(width).enumerate() {
        for (j, c) in row.iter_mut().enumerate() {
            let (off, weight) =
                if i == j { (*c / n as f64 - 1.0, 1.0) } else { (*c / n as f64, settings.lambda) };
            value += weight * off * off;
            *c = 2.0 * settings.scale * weight * off / n as f64;
        }
    }
    // C = a'b / N: its slope times b is a's, transposed times a is b's.
    let to_b = weighted_rows(&a.rows, &c, width);
    let to_a = weighted_rows(&b.rows, &transposed(&c, width), width);
    let mut gradient = a.back(to_a);
    gradient.extend(b.back(to_b));
    Graded { value: settings.scale * value, gradients: [gradient] }
}

fn transposed(c: &[f64], width: usize) -> Vec<f64> {
    (0..width * width).map(|i| c[(i % width) * width + i / width]).collect()
}

/// Features standardised over the batch, and the way back.
struct Standard {
    rows: Vec<f64>,
    /// What each centred feature was multiplied with.
    factor: Vec<f64>,
    /// One over the root in the factor's derivative; the factor itself where nothing was added to the deviation.
    root: Vec<f64>,
    width: usize,
    /// What the sum of squares was divided by.
    divisor: f64,
}

impl Standard {
    fn of(z: &[f64], width: usize, convention: BarlowConvention) -> Standard {
        let n = z.len() / width;
        let ones = vec![1.0; n];
        let mean: Vec<f64> = weighted_columns(&ones, 1, z, width).into_iter().map(|s| s / n as f64).collect();
        let mut rows = z.to_vec();
        let mut squares = vec![0.0; width];
        for row in rows.chunks_exact_mut(width) {
            for ((v, m), s) in row.iter_mut().zip(&mean).zip(&mut squares) {
                *v -= m;
                *s += *v * *v;
            }
        }
        let (divisor, under, beside) = match convention {
            BarlowConvention::Reference => (n as f64, 1e-5, 0.0),
            BarlowConvention::Paper => (n as f64 - 1.0, 0.0, 0.0),
            BarlowConvention::StablePretraining => (n as f64 - 1.0, 0.0, 1e-5),
        };
        let deviation: Vec<f64> = squares.iter().map(|s| (s / divisor + under).sqrt()).collect();
        let inverse = |v: f64| if v == 0.0 { 0.0 } else { v.recip() };
        let factor: Vec<f64> = deviation.iter().map(|d| inverse(d + beside)).collect();
        let root = deviation.iter().map(|d| inverse(*d)).collect();
        for row in rows.chunks_exact_mut(width) {
            row.iter_mut().zip(&factor).for_each(|(v, f)| *v *= f);
        }
        Standard { rows, factor, root, width, divisor }
    }

    /// A gradient with respect to the standardised rows as one with respect to those they were made from.
    fn back(&self, mut gradient: Vec<f64>) -> Vec<f64> {
        let width = self.width;
        let n = self.rows.len() / width;
        let (mut sum, mut along) = (vec![0.0; width], vec![0.0; width]);
        for (g, y) in gradient.chunks_exact(width).zip(self.rows.chunks_exact(width)) {
            for j in 0..width {
                sum[j] += g[j];
                along[j] += g[j] * y[j];
            }
        }
        for (g, y) in gradient.chunks_exact_mut(width).zip(self.rows.chunks_exact(width)) {
            for j in 0..width {
                g[j] = self.factor[j] * (g[j] - sum[j] / n as f64)
                    - self.root[j] * y[j] * along[j] / self.divisor;
            }
        }
        gradient
    }
}
