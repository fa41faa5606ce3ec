//! Whitening as the way not to collapse: W-MSE (Ermolov et al. 2021, arXiv 2007.06346).

use dfdx::prelude::*;

use super::attach::{of_one, Graded, LossOp};
use super::check;
use super::unit_rows::{inner, UnitRows};
use super::whiten::Whitened;
use crate::error::{Error, Result};
use crate::ops::Real;
use crate::tape::profile::op;

/// What [`w_mse`] compares, and what carries gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WMseConvention {
    /// `2 - 2 cos` of whitened rows, both views differentiated: the authors' code with its `norm` setting, lightly.
    #[default]
    Reference,
    /// The mean squared difference of whitened values, both views differentiated: the authors' code without it.
    Plain,
    /// As [`WMseConvention::Reference`] in value, with the second view as a constant: solo-learn.
    SoloLearn,
}

/// Settings of [`w_mse`].
///
/// Ermolov et al. 2021, arXiv 2007.06346.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WMseSettings {
    /// Samples whitened together (128). More than the width, at least twice is advised.
    pub group: usize,
    /// Share of the identity in the covariance (0): `(1 - shrinkage) S + shrinkage I`.
    pub shrinkage: f64,
    /// See [`WMseConvention`] ([`WMseConvention::Reference`]).
    pub convention: WMseConvention,
}

impl Default for WMseSettings {
    fn default() -> Self {
        WMseSettings { group: 128, shrinkage: 0.0, convention: WMseConvention::Reference }
    }
}

/// The two views of a sample are to agree once each view of the batch is white, which a collapsed one cannot be.
///
/// Ermolov et al. 2021, arXiv 2007.06346.
///
/// `z` is (2N, width): row `i` and row `N + i` are the two views of sample `i`. `order` is a permutation of the N
/// samples; every `group` of them in that order is whitened by itself, each view by itself: `L^-1 (x - mean)` with
/// `L L' = (1 - shrinkage) S + shrinkage I`, S the covariance divided by group - 1. The loss is the mean over
/// samples of `2 - 2 cos` of the whitened views. The authors draw a new order every step, and average over several.
///
/// PyTorch equivalent: `lightly.loss.WMSELoss(embedding_dim, w_size=group, eps=shrinkage, num_samples=2)(z)`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{w_mse, WMseSettings};
/// let dev = Cpu::seed_from_u64(1);
/// let view: Tensor<Rank2<8, 3>, f32, _> = dev.sample_normal();
/// let z: Tensor<Rank2<16, 3>, f32, _> = dev.tensor_from_vec([view.as_vec(), view.as_vec()].concat(), (Const, Const));
/// let order: Vec<usize> = (0..8).collect();
/// let loss = w_mse(z, &order, WMseSettings { group: 8, ..Default::default() })?.array();
/// assert!(loss.abs() < 1e-5);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] for an odd number of rows, an order that is no permutation, or samples that are no multiple of
/// the group; [`Error::Setting`] for a group of less than two, a shrinkage outside 0 to 1, or a covariance that has
/// no inverse because the group is no larger than the width or features repeat each other; a device out of memory.
pub fn w_mse<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    order: &[usize],
    settings: WMseSettings,
) -> Result<Tensor<Rank0, E, D, T>> {
    let WMseSettings { group, shrinkage, .. } = settings;
    let samples = check::stacked("W-MSE", z.shape(), 2, 2)?;
    if group < 2 || !samples.is_multiple_of(group) {
        let expected = format!("at least 2 and a divisor of the {samples} samples of a batch");
        return Err(Error::setting(
            "group",
            group,
            expected,
            "Choose a batch that is a multiple of the group.",
        ));
    }
    if !(0.0..=1.0).contains(&shrinkage) {
        return Err(Error::setting(
            "shrinkage",
            shrinkage,
            "between 0 and 1",
            "0 is the paper's, 0.01 is safe.",
        ));
    }
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..samples) {
        let found = format!("{} numbers that are not", order.len());
        return Err(Error::shape("order of W-MSE", format!("a permutation of {samples} samples"), found));
    }
    let _timed = op("w-mse");
    let width = z.shape().1.size();
    of_one(z, |z| whitened_distance(z, width, order, settings))
}

fn whitened_distance(z: &[f64], width: usize, order: &[usize], settings: WMseSettings) -> Result<Graded<1>> {
    let samples = order.len();
    let mut white = vec![0.0; z.len()];
    let mut groups = Vec::new();
    for members in order.chunks_exact(settings.group) {
        for view in 0..2 {
            let places: Vec<usize> = members.iter().map(|i| i + view * samples).collect();
            let rows: Vec<f64> = places.iter().flat_map(|i| &z[i * width..][..width]).copied().collect();
            let whitened = Whitened::of(&rows, width, settings.shrinkage)?;
            for (row, place) in whitened.rows.chunks_exact(width).zip(&places) {
                white[place * width..][..width].copy_from_slice(row);
            }
            groups.push((places, whitened));
        }
    }
    let (value, slopes) = match settings.convention {
        WMseConvention::Plain => distance(&white, width),
        WMseConvention::Reference | WMseConvention::SoloLearn => angle(&white, width),
    };
    let mut gradient = vec![0.0; z.len()];
    for (places, whitened) in groups {
        if settings.convention == WMseConvention::SoloLearn && places[0] >= samples {
            continue;
        }
        let slopes: Vec<f64> = places.iter().flat_map(|i| &slopes[i * width..][..width]).copied().collect();
        for (row, place) in whitened.back(&slopes).chunks_exact(width).zip(&places) {
            gradient[place * width..][..width].copy_from_slice(row);
        }
    }
    Ok(Graded { value, gradients: [gradient] })
}

/// `mean (2 - 2 cos)` of the two halves' rows.
fn angle(white: &[f64], width: usize) -> (f64, Vec<f64>) {
    let unit = UnitRows::of(white, width);
    let n = unit.len() / 2;
    let cosines: f64 = (0..n).map(|i| inner(unit.row(i), unit.row(n + i))).sum();
    let slopes = unit.back_along(-2.0 / n as f64, |i| unit.row((i + n) % (2 * n)));
    (2.0 - 2.0 * cosines / n as f64, slopes)
}

/// The mean squared difference of the two halves.
fn distance(white: &[f64], width: usize) -> (f64, Vec<f64>) {
    let n = white.len() / width / 2;
    let (a, b) = white.split_at(n * width);
    let off: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let slope = 2.0 / off.len() as f64;
    let slopes = off.iter().map(|o| slope * o).chain(off.iter().map(|o| -slope * o)).collect();
    (inner(&off, &off) / off.len() as f64, slopes)
}
