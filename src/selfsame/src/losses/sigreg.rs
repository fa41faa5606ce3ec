//! Sketched isotropic Gaussian regularisation, and LeJEPA made of it (Balestriero and LeCun 2025, arXiv 2511.08544).

use dfdx::prelude::*;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::attach::{of_one, Graded, LossOp};
use super::check;
use super::unit_rows::{products, weighted_columns, UnitRows};
use crate::error::{Error, Result};
use crate::ops::Real;
use crate::tape::profile::op;

/// Settings of [`sigreg`].
///
/// Balestriero and LeCun 2025, arXiv 2511.08544.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SigRegSettings {
    /// Points at which characteristic functions are compared, evenly from 0 on (17).
    pub knots: usize,
    /// The last of them (3).
    pub t_max: f64,
}

impl Default for SigRegSettings {
    fn default() -> Self {
        SigRegSettings { knots: 17, t_max: 3.0 }
    }
}

/// `count` directions of `width` values, evenly distributed on the sphere: one a row, of length 1.
///
/// Balestriero and LeCun 2025, arXiv 2511.08544.
///
/// PyTorch equivalent: `torch.nn.functional.normalize(torch.randn(count, width), dim=1)`, but for the random numbers.
///
/// LeJEPA draws 1024 new ones every step.
pub fn random_directions(width: usize, count: usize, rng: &mut impl Rng) -> Vec<f64> {
    let drawn: Vec<f64> = (0..width * count).map(|_| StandardNormal.sample(rng)).collect();
    UnitRows::of(&drawn, width.max(1)).rows
}

/// How far embeddings are from a standard normal distribution, seen along random directions (the Epps-Pulley
/// statistic).
///
/// Balestriero and LeCun 2025, arXiv 2511.08544.
///
/// `z` is (V N, width), view after view, not normalised; `directions` holds unit rows of the same width
/// ([`random_directions`]). For a view and a direction a, with `f(t)` the mean over the view's N rows of
/// `exp(i t a.z)`, the statistic is `N * integral over -t_max..t_max of |f(t) - exp(-t^2 / 2)|^2 exp(-t^2 / 2) dt`,
/// by the trapezium rule at the knots. The loss is its mean over views and directions: small where every projection
/// is N(0, 1), for which no collapsed embedding will do.
///
/// PyTorch equivalent: `lightly.loss.lejepa_loss.SIGReg(num_vectors)(z.reshape(V, N, width))` with these directions.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{random_directions, sigreg, SigRegSettings};
/// use selfsame::random::stream;
/// let dev = Cpu::seed_from_u64(1);
/// let directions = random_directions(4, 64, &mut stream(&[0]));
/// let normal: Tensor<Rank2<256, 4>, f32, _> = dev.sample_normal();
/// let collapsed: Tensor<Rank2<256, 4>, f32, _> = dev.zeros();
/// let good = sigreg(normal, 1, &directions, SigRegSettings::default())?.array();
/// let bad = sigreg(collapsed, 1, &directions, SigRegSettings::default())?.array();
/// assert!(good < 2.0 && bad > 50.0);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] for rows that are no multiple of the views, or directions of another width or none;
/// [`Error::Setting`] for fewer than two knots or a `t_max` that is not a positive number; a device out of memory.
pub fn sigreg<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    views: usize,
    directions: &[f64],
    settings: SigRegSettings,
) -> Result<Tensor<Rank0, E, D, T>> {
    let width = checked("SIGReg", z.shape(), views, directions, settings)?;
    let _timed = op("sigreg");
    of_one(z, |z| Ok(statistic(z, width, views, directions, settings)))
}

/// Settings of [`lejepa`].
///
/// Balestriero and LeCun 2025, arXiv 2511.08544.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeJepaSettings {
    /// Weight of SIGReg; the invariance has one minus it (0.05).
    pub lambda: f64,
    /// See [`SigRegSettings`].
    pub sigreg: SigRegSettings,
}

impl Default for LeJepaSettings {
    fn default() -> Self {
        LeJepaSettings { lambda: 0.05, sigreg: SigRegSettings::default() }
    }
}

/// The loss of LeJEPA: views of a sample agree, and embeddings are distributed as a standard normal.
///
/// Balestriero and LeCun 2025, arXiv 2511.08544.
///
/// `z` is (V N, width), view after view, the `global` views first. The loss is `lambda` times [`sigreg`] of all
/// views plus `1 - lambda` times the mean squared difference of every view to the mean of the sample's global views.
/// No stop-gradient, no teacher.
///
/// PyTorch equivalent: `lightly.loss.LeJEPALoss(lambda_param=0.05)(local_proj=z[global:], global_proj=z[:global])`
/// with these directions.
///
/// # Errors
/// As [`sigreg`], and [`Error::Shape`] without global views, [`Error::Setting`] for a lambda outside 0 to 1.
pub fn lejepa<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    views: usize,
    global: usize,
    directions: &[f64],
    settings: LeJepaSettings,
) -> Result<Tensor<Rank0, E, D, T>> {
    let width = checked("LeJEPA", z.shape(), views, directions, settings.sigreg)?;
    if global == 0 || global > views {
        return Err(Error::shape("global views of LeJEPA", format!("1 to {views} of {views} views"), global));
    }
    let lambda = settings.lambda;
    if !(0.0..=1.0).contains(&lambda) {
        return Err(Error::setting("lambda", lambda, "between 0 and 1", "0.05 is the paper's."));
    }
    let _timed = op("lejepa");
    of_one(z, |z| {
        let Graded { value, gradients: [mut gradient] } =
            statistic(z, width, views, directions, settings.sigreg);
        gradient.iter_mut().for_each(|g| *g *= lambda);
        let apart = invariance(z, views, global, 1.0 - lambda, &mut gradient);
        Ok(Graded { value: lambda * value + (1.0 - lambda) * apart, gradients: [gradient] })
    })
}

fn checked<B: Dim, W: Dim>(
    what: &str,
    shape: &(B, W),
    views: usize,
    directions: &[f64],
    settings: SigRegSettings,
) -> Result<usize> {
    check::stacked(what, shape, views, 1)?;
    let width = shape.1.size();
    if directions.is_empty() || !directions.len().is_multiple_of(width) {
        let expected = format!("at least one direction of {width} values");
        return Err(Error::shape(
            format!("directions of {what}"),
            expected,
            format!("{} values", directions.len()),
        ));
    }
    if settings.knots < 2 {
        return Err(Error::setting("knots", settings.knots, "at least 2", "17 are the paper's."));
    }
    check::positive("t_max", settings.t_max, "3 is the paper's.")?;
    Ok(width)
}

/// The mean squared difference to the mean of the global views; its slope times `weight` is added.
fn invariance(z: &[f64], views: usize, global: usize, weight: f64, gradient: &mut [f64]) -> f64 {
    let (len, count) = (z.len() / views, z.len() as f64);
    let mut sum = 0.0;
    for i in 0..len {
        let all = || (0..views).map(|v| v * len + i);
        let mean = all().take(global).map(|at| z[at]).sum::<f64>() / global as f64;
        let off: f64 = all().map(|at| z[at] - mean).sum();
        for (v, at) in all().enumerate() {
            sum += (z[at] - mean).powi(2);
            let of_mean = if v < global { off / global as f64 } else { 0.0 };
            gradient[at] += 2.0 * weight / count * (z[at] - mean - of_mean);
        }
    }
    sum / count
}

fn statistic(
    z: &[f64],
    width: usize,
    views: usize,
    directions: &[f64],
    settings: SigRegSettings,
) -> Graded<1> {
    let (rows, count) = (z.len() / width, directions.len() / width);
    let n = rows / views;
    let knots = Knots::of(settings);
    let mut projected = products(directions, z, width);
    // What one view's statistic along one direction weighs in the mean.
    let share = 1.0 / (views * count) as f64;
    let sums: Vec<f64> = projected.par_chunks_mut(n).map(|x| knots.apart(x, share)).collect();
    let gradient = weighted_columns(&projected, rows, directions, width);
    Graded { value: share * sums.iter().sum::<f64>(), gradients: [gradient] }
}

/// Where characteristic functions are compared, and how much each place counts.
struct Knots {
    step: f64,
    normal: Vec<f64>,
    weight: Vec<f64>,
}

impl Knots {
    fn of(settings: SigRegSettings) -> Knots {
        let last = settings.knots - 1;
        let step = settings.t_max / last as f64;
        let normal: Vec<f64> = (0..=last).map(|k| (-0.5 * (k as f64 * step).powi(2)).exp()).collect();
        // Even in t: the half from 0 on counts twice.
        let width = |k: usize| if k == 0 || k == last { step } else { 2.0 * step };
        let weight = normal.iter().enumerate().map(|(k, p)| width(k) * p).collect();
        Knots { step, normal, weight }
    }

    /// The statistic of the numbers, which become its slope with respect to them times `share`.
    fn apart(&self, x: &mut [f64], share: f64) -> f64 {
        let n = x.len() as f64;
        let knots = self.normal.len();
        // cos and sin of k * step * x from those of step * x, by turning.
        let turn: Vec<(f64, f64)> = x.iter().map(|x| (self.step * x).sin_cos()).collect();
        let (mut cosine, mut sine) = (vec![0.0; knots], vec![0.0; knots]);
        let each = |(sin, cos): (f64, f64), visit: &mut dyn FnMut(usize, f64, f64)| {
            let (mut c, mut s) = (1.0, 0.0);
            for k in 0..knots {
                visit(k, c, s);
                (c, s) = (c * cos - s * sin, s * cos + c * sin);
            }
        };
        for t in &turn {
            each(*t, &mut |k, c, s| {
                cosine[k] += c / n;
                sine[k] += s / n;
            });
        }
        let real: Vec<f64> = cosine.iter().zip(&self.normal).map(|(c, p)| c - p).collect();
        for (x, t) in x.iter_mut().zip(&turn) {
            let mut slope = 0.0;
            each(*t, &mut |k, c, s| {
                slope += 2.0 * self.weight[k] * k as f64 * self.step * (sine[k] * c - real[k] * s);
            });
            *x = share * slope;
        }
        n * (0..knots).map(|k| self.weight[k] * (real[k] * real[k] + sine[k] * sine[k])).sum::<f64>()
    }
}
