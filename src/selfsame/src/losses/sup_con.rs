//! Supervised contrast: all images of a class are each other's positives (Khosla et al. 2020, arXiv 2004.11362).

use dfdx::prelude::*;

use super::attach::{of_one, Graded, LossOp};
use super::check;
use super::contrast::{contrast, logsumexp, mean};
use super::unit_rows::{products, weighted_columns, weighted_rows, UnitRows};
use crate::error::{Error, Result};
use crate::ops::Real;
use crate::tape::profile::op;

/// Where the logarithm stands in [`sup_con`], and what the mean runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SupConConvention {
    /// The paper's L_out, the logarithm inside the sum over positives, as in the authors' code; an anchor without
    /// positives counts as 0 in the mean.
    #[default]
    Out,
    /// The paper's L_in: the logarithm of the mean over positives.
    In,
    /// L_out with the mean over anchors whose loss is not 0: pytorch-metric-learning's reducer.
    MetricLearning,
    /// The logarithm of the *sum* over positives: what solo-learn calls SupCon. It is L_in less the mean of
    /// `ln(positives)`.
    SoloLearn,
}

/// Settings of [`sup_con`].
///
/// Khosla et al. 2020, arXiv 2004.11362.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SupConSettings {
    /// Divides the cosines (0.1; the authors' code has 0.07 as its default and 0.1 in its recipes).
    pub temperature: f64,
    /// The loss is multiplied by `temperature / base_temperature`. Equal to the temperature (0.1) the factor is 1,
    /// as in the paper; the authors' code has 0.07.
    pub base_temperature: f64,
    /// See [`SupConConvention`] ([`SupConConvention::Out`]).
    pub convention: SupConConvention,
}

impl Default for SupConSettings {
    fn default() -> Self {
        SupConSettings { temperature: 0.1, base_temperature: 0.1, convention: SupConConvention::Out }
    }
}

/// Pulls all views of all samples of a class together and pushes the other classes away.
///
/// Khosla et al. 2020, arXiv 2004.11362.
///
/// `z` is (V N, width), view after view: row `v N + i` is view v of sample i, whose class is `labels[i]`; rows are
/// normalised inside. With `s_ia` the cosine of rows i and a over the temperature and P(i) the other rows of i's
/// class, L_out is the mean over all rows i of `-1/|P(i)| sum_{p in P(i)} (s_ip - log sum_{a != i} exp(s_ia))`,
/// times `temperature / base_temperature`. With all labels different and two views it is NT-Xent; with V views it is
/// NT-Xent of several positives ([`nt_xent_views`](super::nt_xent_views)). One view works too.
///
/// PyTorch equivalent:
/// `SupConLoss(temperature, base_temperature=base_temperature)(F.normalize(features, dim=2), labels)` of the
/// authors' code, with features (N, V, width).
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{sup_con, SupConSettings};
/// let dev = Cpu::default();
/// let z: Tensor<Rank2<4, 2>, f32, _> = dev.tensor([[1., 0.], [1., 0.], [0., 1.], [0., 1.]]);
/// let settings = SupConSettings { temperature: 1.0, base_temperature: 1.0, ..Default::default() };
/// // One view of four samples; the classes agree with the directions.
/// let right = sup_con(z.clone(), &[0, 0, 1, 1], settings)?.array();
/// let wrong = sup_con(z, &[0, 1, 0, 1], settings)?.array();
/// assert!((right - (1.0 + 2.0 * (-1f32).exp()).ln()).abs() < 1e-6 && wrong > right);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] where the rows are not a multiple of the labels, or fewer than two, [`Error::Setting`] for a
/// temperature that is not a positive number; a device out of memory.
pub fn sup_con<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    labels: &[u32],
    settings: SupConSettings,
) -> Result<Tensor<Rank0, E, D, T>> {
    let (rows, width) = (z.shape().0.size(), z.shape().1.size());
    if labels.is_empty() || !rows.is_multiple_of(labels.len()) || rows < 2 || width == 0 {
        let expected =
            format!("a multiple of {} rows, one label for each sample, at least two rows", labels.len());
        return Err(Error::shape("SupCon", expected, format!("{rows}x{width}")));
    }
    check::temperature(settings.temperature)?;
    check::positive(
        "base temperature",
        settings.base_temperature,
        "The temperature itself leaves the loss unscaled.",
    )?;
    let _timed = op("sup-con");
    of_one(z, |z| Ok(on_slices(z, width, labels, settings)))
}

/// [`sup_con`] on slices.
pub(super) fn on_slices(z: &[f64], width: usize, labels: &[u32], settings: SupConSettings) -> Graded<1> {
    let z = UnitRows::of(z, width);
    let n = z.len();
    let same = |i: usize, k: usize| i != k && labels[i % labels.len()] == labels[k % labels.len()];
    let positives: Vec<f64> = (0..n).map(|i| (0..n).filter(|k| same(i, *k)).count() as f64).collect();
    let mut scores = products(&z.rows, &z.rows, width);
    scores.iter_mut().for_each(|s| *s /= settings.temperature);
    let convention = settings.convention;
    let losses = match convention {
        SupConConvention::Out | SupConConvention::MetricLearning => {
            let share = |i: usize, k: usize| if same(i, k) { 1.0 / positives[i] } else { 0.0 };
            contrast(&mut scores, n, |i, k| i != k, share)
        }
        SupConConvention::In | SupConConvention::SoloLearn => {
            let kept = |i: usize| if convention == SupConConvention::In { positives[i].ln() } else { 0.0 };
            let rows = scores.chunks_exact_mut(n).enumerate();
            rows.map(|(i, row)| {
                if positives[i] > 0.0 {
                    within(row, i, same) + kept(i)
                } else {
                    row.fill(0.0);
                    0.0
                }
            })
            .collect()
        }
    };
    let counted = match convention {
        SupConConvention::MetricLearning => losses.iter().filter(|l| **l > 0.0).count().max(1),
        _ => n,
    };
    let scale = settings.temperature / settings.base_temperature * n as f64 / counted as f64;
    let factor = scale / (n as f64 * settings.temperature);
    scores.iter_mut().for_each(|s| *s *= factor);
    let mut gradient = weighted_rows(&scores, &z.rows, width);
    let columns = weighted_columns(&scores, n, &z.rows, width);
    gradient.iter_mut().zip(columns).for_each(|(g, c)| *g += c);
    Graded { value: scale * mean(&losses), gradients: [z.back(&gradient)] }
}

/// `log sum over all others - log sum over positives` of one row, which becomes its gradient.
fn within(row: &mut [f64], own: usize, same: impl Fn(usize, usize) -> bool) -> f64 {
    let all = logsumexp(row, |k| k != own);
    let positive = logsumexp(row, |k| same(own, k));
    for (k, s) in row.iter_mut().enumerate() {
        let (other, asked) = (k != own, same(own, k));
        let p = if other { (*s - all).exp() } else { 0.0 };
        *s = p - if asked { (*s - positive).exp() } else { 0.0 };
    }
    all - positive
}
