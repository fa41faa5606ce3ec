//! Alignment and uniformity on the hypersphere as a loss (Wang and Isola 2020, arXiv 2005.10242).

use dfdx::prelude::*;

use super::attach::{of_one, Graded, LossOp};
use super::check;
use super::unit_rows::{inner, UnitRows};
use crate::error::Result;
use crate::ops::Real;
use crate::tape::profile::op;

/// Settings of [`align_uniform`].
///
/// Wang and Isola 2020, arXiv 2005.10242.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlignUniformSettings {
    /// Power of the distance between a sample's views (2).
    pub alpha: f64,
    /// Sharpness of the Gaussian potential between samples (2).
    pub t: f64,
    /// Weight of the uniformity (1).
    pub lambda: f64,
}

impl Default for AlignUniformSettings {
    fn default() -> Self {
        AlignUniformSettings { alpha: 2.0, t: 2.0, lambda: 1.0 }
    }
}

/// A sample's views are to be near, the samples spread evenly over the sphere.
///
/// Wang and Isola 2020, arXiv 2005.10242.
///
/// `z` is (2N, width): row `i` and row `N + i` are the two views of sample `i`; rows are normalised inside. With
/// unit rows x and y of the two views the loss is `mean_i |x_i - y_i|^alpha + lambda / 2 (u(x) + u(y))`, and
/// `u(x) = log mean_{i < j} exp(-t |x_i - x_j|^2)`. A collapsed batch has a loss of 0.
///
/// PyTorch equivalent: `lightly.loss.HypersphereLoss(t, lam, alpha)(z[:n], z[n:])`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{align_uniform, AlignUniformSettings};
/// let dev = Cpu::default();
/// // Views agree; the two samples are opposite: the squared distance is 4, the potential exp(-8).
/// let z: Tensor<Rank2<4, 2>, f32, _> = dev.tensor([[1., 0.], [-1., 0.], [1., 0.], [-1., 0.]]);
/// assert_eq!(align_uniform(z, AlignUniformSettings::default())?.array(), -8.0);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) for an odd number of rows or fewer than four,
/// [`Error::Setting`](crate::Error::Setting) for a setting that is not a positive number (lambda: 0 or more); a
/// device out of memory.
pub fn align_uniform<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    settings: AlignUniformSettings,
) -> Result<Tensor<Rank0, E, D, T>> {
    let samples = check::stacked("alignment and uniformity", z.shape(), 2, 2)?;
    check::positive("alpha", settings.alpha, "2 is the paper's.")?;
    check::positive("t", settings.t, "2 is the paper's.")?;
    check::not_negative("lambda", settings.lambda, "1 weighs both alike.")?;
    let _timed = op("align and uniform");
    let width = z.shape().1.size();
    of_one(z, |z| {
        let z = UnitRows::of(z, width);
        let mut gradient = vec![0.0; z.rows.len()];
        let aligned = align(&z, samples, settings.alpha, &mut gradient);
        let views = gradient.chunks_exact_mut(samples * width).zip(z.rows.chunks_exact(samples * width));
        let uniform: f64 =
            views.map(|(g, rows)| uniformity(rows, width, settings.t, 0.5 * settings.lambda, g)).sum();
        let value = aligned + 0.5 * settings.lambda * uniform;
        Ok(Graded { value, gradients: [z.back(&gradient)] })
    })
}

fn align(z: &UnitRows, samples: usize, alpha: f64, gradient: &mut [f64]) -> f64 {
    let mut sum = 0.0;
    for i in 0..samples {
        let off: Vec<f64> = z.row(i).iter().zip(z.row(samples + i)).map(|(a, b)| a - b).collect();
        let square = inner(&off, &off);
        sum += square.powf(0.5 * alpha);
        // The distance of equal rows has no slope for alpha > 1; at a kink none is the usual choice.
        let slope = if square == 0.0 { 0.0 } else { alpha * square.powf(0.5 * alpha - 1.0) / samples as f64 };
        for (k, off) in off.iter().enumerate() {
            gradient[i * z.width + k] += slope * off;
            gradient[(samples + i) * z.width + k] -= slope * off;
        }
    }
    sum / samples as f64
}

/// The uniformity of one view; its slope times `weight` is added.
fn uniformity(rows: &[f64], width: usize, t: f64, weight: f64, gradient: &mut [f64]) -> f64 {
    let n = rows.len() / width;
    let row = |i: usize| &rows[i * width..][..width];
    let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect();
    let square = |i: usize, j: usize| row(i).iter().zip(row(j)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let powers: Vec<f64> = pairs.iter().map(|(i, j)| -t * square(*i, *j)).collect();
    let lse = super::contrast::logsumexp(&powers, |_| true);
    for ((i, j), power) in pairs.iter().zip(&powers) {
        let pull = -2.0 * t * weight * (power - lse).exp();
        for k in 0..width {
            let off = pull * (rows[i * width + k] - rows[j * width + k]);
            gradient[i * width + k] += off;
            gradient[j * width + k] -= off;
        }
    }
    lse - (pairs.len() as f64).ln()
}
