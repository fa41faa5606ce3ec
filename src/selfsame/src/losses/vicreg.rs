//! Variance, invariance, covariance: VICReg (Bardes, Ponce and LeCun 2022, arXiv 2105.04906).

use dfdx::prelude::*;
use rayon::prelude::*;

use super::attach::{of_one, Graded, LossOp};
use super::check;
use crate::error::{device, Error, Result};
use crate::ops::kernels::{kernels, Made};
use crate::ops::{dot, matmul, vectorized, Matrix, Real, Threads};
use crate::tape::{profile::op, record, slot, values, Scratch};

/// Added to a variance before the root is taken, as in the authors' code.
const EPS: f64 = 1e-4;
/// Values a thread works on at a time.
const CHUNK: usize = 1 << 14;

/// How much each term of [`vicreg`] weighs.
///
/// Bardes, Ponce and LeCun 2022, arXiv 2105.04906.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VicRegWeights {
    /// Of the squared distance between the two views (25).
    pub invariance: f64,
    /// Of the hinge that keeps every feature's deviation above 1 (25).
    pub variance: f64,
    /// Of the squared covariances between features (1).
    pub covariance: f64,
}

impl Default for VicRegWeights {
    fn default() -> Self {
        VicRegWeights { invariance: 25.0, variance: 25.0, covariance: 1.0 }
    }
}

/// What the weights of [`vicreg_as`] multiply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum VicRegConvention {
    /// See [`vicreg`]: the authors' code, lightly, pytorch-metric-learning, stable-pretraining.
    #[default]
    Reference,
    /// The hinges of the two views are added, not averaged: the variance weighs twice as much.
    SoloLearn,
    /// The equations as printed: the squared distance summed over the features, the hinges added.
    Paper,
    /// The hinges added, the covariances averaged over the D (D - 1) pairs of features. Its own weights are 1, 1 and
    /// 1 to 100.
    EbJepa,
}

impl VicRegConvention {
    /// Weights that mean the same in [`VicRegConvention::Reference`], for embeddings of `width` features.
    pub fn in_reference(self, weights: VicRegWeights, width: usize) -> VicRegWeights {
        let VicRegWeights { invariance, variance, covariance } = weights;
        match self {
            VicRegConvention::Reference => weights,
            VicRegConvention::SoloLearn => VicRegWeights { variance: 2.0 * variance, ..weights },
            VicRegConvention::Paper => {
                VicRegWeights { invariance: invariance * width as f64, variance: 2.0 * variance, covariance }
            }
            VicRegConvention::EbJepa => {
                let pairs = width.saturating_sub(1).max(1) as f64;
                VicRegWeights { invariance, variance: 2.0 * variance, covariance: covariance / pairs }
            }
        }
    }
}

/// Devices with [`vicreg`].
pub trait VicRegOp<E: Real>: LossOp<E> {
    /// See [`vicreg`]; sizes and weights are already checked.
    fn vicreg<B: Dim, W: Dim, T: Tape<E, Self> + Merge<R>, R: Tape<E, Self>>(
        a: Tensor<(B, W), E, Self, T>,
        b: Tensor<(B, W), E, Self, R>,
        weights: VicRegWeights,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        composed(a, b, weights).map_err(device)
    }
    /// See [`vicreg_views`]; sizes and weights are already checked.
    fn vicreg_views<B: Dim, W: Dim, T: Tape<E, Self>>(
        z: Tensor<(B, W), E, Self, T>,
        weights: VicRegWeights,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        let (rows, width) = (z.shape().0.size(), z.shape().1.size());
        of_one(z, |z| {
            let (loss, pair) = Pair::of(z, &z[rows / 2 * width..], rows / 2, width, weights);
            let mut gradient = vec![0.0; z.len()];
            let (a, b) = gradient.split_at_mut(rows / 2 * width);
            pair.add_gradient(1.0, a, b);
            Ok(Graded { value: loss, gradients: [gradient] })
        })
    }
}

/// Two views' embeddings are to agree while every feature varies and no two features say the same.
///
/// Bardes, Ponce and LeCun 2022, arXiv 2105.04906.
///
/// `a` and `b` are (N, D), row `i` of each from the same sample. With centred columns, `C(z) = z'z / (N - 1)` and
/// `std_j(z) = sqrt(C(z)_jj + 1e-4)`, the loss is the sum of
/// - `invariance * mean (a - b)^2`, over all N D values,
/// - `variance / 2 * (mean_j max(0, 1 - std_j(a)) + the same of b)`,
/// - `covariance / D * (sum of the squared C(a)_jk, j != k, + the same of b)`.
///
/// These are the conventions of the authors' code, lightly and stable-pretraining: variances divided by N - 1, the
/// hinge halved over the views, the covariance divided by D. Others do not halve (solo-learn) or sum the invariance
/// over D as the paper's equation does, so their weights mean other things: see [`vicreg_as`]. Rows are not
/// normalised. A batch whose rows are all equal has loss `0.99 variance`.
///
/// PyTorch equivalent: `lightly.loss.VICRegLoss(lambda_param=25, mu_param=25, nu_param=1)(a, b)`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::{vicreg, VicRegWeights};
/// let dev = Cpu::default();
/// // The views agree and the two features vary by themselves: only the covariance of 0 is left.
/// let z: Tensor<Rank2<4, 2>, f32, _> = dev.tensor([[2., 2.], [2., -2.], [-2., 2.], [-2., -2.]]);
/// assert_eq!(vicreg(z.clone(), z, VicRegWeights::default())?.array(), 0.0);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Shapes
/// Views of different widths do not compile:
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::losses::{vicreg, VicRegWeights};
/// let dev = Cpu::default();
/// let (a, b): (Tensor<Rank2<4, 2>, f32, _>, Tensor<Rank2<4, 3>, f32, _>) = (dev.zeros(), dev.zeros());
/// vicreg(a, b, VicRegWeights::default());
/// ```
///
/// # Errors
/// [`Error::Shape`] for fewer than two rows or where sizes known only at run time differ, [`Error::Setting`] for a
/// weight that is negative or not a number; a device out of memory.
pub fn vicreg<B: Dim, W: Dim, E: Real, D: VicRegOp<E>, T: Tape<E, D> + Merge<R>, R: Tape<E, D>>(
    a: Tensor<(B, W), E, D, T>,
    b: Tensor<(B, W), E, D, R>,
    weights: VicRegWeights,
) -> Result<Tensor<Rank0, E, D, T>> {
    let size = |shape: &(B, W)| format!("{}x{}", shape.0.size(), shape.1.size());
    if a.shape() != b.shape() {
        return Err(Error::shape("second view of VICReg", size(a.shape()), size(b.shape())));
    }
    if a.shape().0.size() < 2 || a.shape().1.size() == 0 {
        return Err(Error::shape("VICReg", "at least two rows of at least one feature", size(a.shape())));
    }
    weights.check()?;
    let _timed = op("vicreg");
    D::vicreg(a, b, weights)
}

/// [`vicreg`] in the convention of your choice.
///
/// Bardes, Ponce and LeCun 2022, arXiv 2105.04906.
///
/// PyTorch equivalent: `solo.losses.vicreg_loss_func(a, b)` for [`VicRegConvention::SoloLearn`].
///
/// # Errors
/// As [`vicreg`].
pub fn vicreg_as<B: Dim, W: Dim, E: Real, D: VicRegOp<E>, T: Tape<E, D> + Merge<R>, R: Tape<E, D>>(
    a: Tensor<(B, W), E, D, T>,
    b: Tensor<(B, W), E, D, R>,
    weights: VicRegWeights,
    convention: VicRegConvention,
) -> Result<Tensor<Rank0, E, D, T>> {
    let width = a.shape().1.size();
    vicreg(a, b, convention.in_reference(weights, width))
}

/// [`vicreg_as`] of two views in one tensor: `z` is (2N, D), row `i` and row `N + i` are the two views of sample `i`.
///
/// Bardes, Ponce and LeCun 2022, arXiv 2105.04906.
///
/// PyTorch equivalent: `lightly.loss.VICRegLoss(lambda_param=25, mu_param=25, nu_param=1)(z[:n], z[n:])`.
///
/// # Errors
/// [`Error::Shape`] for an odd number of rows or fewer than four, [`Error::Setting`] for a weight that is negative
/// or not a number; a device out of memory.
pub fn vicreg_views<B: Dim, W: Dim, E: Real, D: VicRegOp<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    weights: VicRegWeights,
    convention: VicRegConvention,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::stacked("VICReg", z.shape(), 2, 2)?;
    weights.check()?;
    let _timed = op("vicreg");
    let width = z.shape().1.size();
    D::vicreg_views(z, convention.in_reference(weights, width))
}

impl VicRegWeights {
    fn check(self) -> Result<()> {
        let VicRegWeights { invariance, variance, covariance } = self;
        for (name, weight) in [("invariance", invariance), ("variance", variance), ("covariance", covariance)]
        {
            check::not_negative(&format!("{name} weight"), weight, "25, 25 and 1 are the paper's weights.")?;
        }
        Ok(())
    }
}

/// The loss from dfdx's operations.
pub(crate) fn composed<B: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D> + Merge<R>, R: Tape<E, D>>(
    a: Tensor<(B, W), E, D, T>,
    b: Tensor<(B, W), E, D, R>,
    weights: VicRegWeights,
) -> std::result::Result<Tensor<Rank0, E, D, T>, D::Err> {
    let (n, d) = (a.shape().0.size(), a.shape().1.size());
    let ((a, ta), (b, tb)) = (a.split_tape(), b.split_tape());
    // Reshaped on the tape: a permuted tensor is copied by it.
    let (a, tape) = a.put_tape(ta.merge(tb)).try_reshape_like(&(n, d))?.split_tape();
    let (b, tape) = b.put_tape(tape).try_reshape_like(&(n, d))?.split_tape();
    // Perhaps one tensor twice, which dfdx cannot subtract from itself: a fresh id.
    let (twin, tape) = b.clone().put_tape(tape).try_mul(E::one())?.split_tape();
    let distance = a.clone().put_tape(tape).try_sub(twin)?.try_square()?;
    let loss = distance.try_mean::<Rank0, _>()?.try_mul(E::of(weights.invariance))?;
    let (loss, tape) = loss.split_tape();
    let (of_a, tape) = composed_spread(a.put_tape(tape), weights)?.split_tape();
    let (of_b, tape) = composed_spread(b.put_tape(tape), weights)?.split_tape();
    loss.put_tape(tape).try_add(of_a)?.try_add(of_b)
}

/// The variance and covariance terms of one view.
fn composed_spread<E: Real, D: Device<E>, T: Tape<E, D>>(
    z: Tensor<(usize, usize), E, D, T>,
    weights: VicRegWeights,
) -> std::result::Result<Tensor<Rank0, E, D, T>, D::Err> {
    let (n, d) = *z.shape();
    let dev = z.device().clone();
    let (z, tape) = z.split_tape();
    let mean = z.clone().put_tape(tape).try_mean::<(usize,), Axis<0>>()?;
    let centred = mean.try_broadcast_like::<_, Axis<0>>(&(n, d))?.try_sub(z)?;
    let (centred, tape) = centred.split_tape();
    let variance = centred.clone().put_tape(tape).try_square()?.try_sum::<(usize,), Axis<0>>()?;
    let std = variance.try_mul(E::of(1.0 / (n - 1) as f64))?.try_add(E::of(EPS))?.try_sqrt()?;
    let hinge = std.try_negate()?.try_add(E::one())?.try_relu()?.try_sum::<Rank0, _>()?;
    let (hinge, tape) = hinge.try_mul(E::of(0.5 * weights.variance / d as f64))?.split_tape();
    let (other, tape) = centred.clone().put_tape(tape).try_mul(E::one())?.split_tape();
    let gram = other.put_tape(tape).try_permute::<(usize, usize), Axes2<1, 0>>()?.try_matmul(centred)?;
    let off =
        (0..d * d).map(|i| if i / d == i % d { E::zero() } else { E::of(1.0 / (n - 1) as f64) }).collect();
    let gram = gram.try_mul(dev.try_tensor_from_vec(off, (d, d))?)?;
    let squares = gram.try_square()?.try_sum::<Rank0, _>()?;
    squares.try_mul(E::of(weights.covariance / d as f64))?.try_add(hinge)
}

impl<E: Real> VicRegOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn vicreg<B: Dim, W: Dim, T: Tape<E, Self> + Merge<R>, R: Tape<E, Self>>(
        a: Tensor<(B, W), E, Self, T>,
        b: Tensor<(B, W), E, Self, R>,
        weights: VicRegWeights,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        let ((a, ta), (b, tb)) = (a.split_tape(), b.split_tape());
        let mut tape = ta.merge(tb);
        let (n, d) = (a.shape().0.size(), a.shape().1.size());
        let (y, backward) = E::vicreg(values(&a), values(&b), (n, d), weights);
        let y = a.device().try_tensor_from_vec(y, ()).map_err(device)?;
        record(&mut tape, vec![slot(&a), slot(&b)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }

    fn vicreg_views<B: Dim, W: Dim, T: Tape<E, Self>>(
        z: Tensor<(B, W), E, Self, T>,
        weights: VicRegWeights,
    ) -> Result<Tensor<Rank0, E, Self, T>> {
        let (z, mut tape) = z.split_tape();
        let (n, d) = (z.shape().0.size() / 2, z.shape().1.size());
        let (y, backward) = E::vicreg_views(values(&z), (n, d), weights);
        let y = z.device().try_tensor_from_vec(y, ()).map_err(device)?;
        record(&mut tape, vec![slot(&z)], slot(&y), backward);
        Ok(y.put_tape(tape))
    }
}

kernels! {
    /// The kernels of [`vicreg`] and [`vicreg_views`].
    VicRegKernels {
        fn vicreg(a: Vec<Self>, b: Vec<Self>, sizes: (usize, usize), weights: VicRegWeights) -> Made<Self> = run;
        fn vicreg_views(z: Vec<Self>, sizes: (usize, usize), weights: VicRegWeights) -> Made<Self> = run_views;
    }
}

fn run<E: Real>(a: Vec<E>, b: Vec<E>, (n, d): (usize, usize), weights: VicRegWeights) -> Made<E> {
    let (loss, pair) = Pair::of(&a, &b, n, d, weights);
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        if let [a, b] = g {
            pair.add_gradient(gy[0], a, b);
        }
    };
    (vec![loss], Box::new(backward))
}

fn run_views<E: Real>(both: Vec<E>, (n, d): (usize, usize), weights: VicRegWeights) -> Made<E> {
    let (loss, pair) = Pair::of(&both[..n * d], &both[n * d..], n, d, weights);
    let backward = move |gy: &[E], g: &mut [Vec<E>]| {
        let (a, b) = g[0].split_at_mut(n * d);
        pair.add_gradient(gy[0], a, b);
    };
    (vec![loss], Box::new(backward))
}

/// Two views and what the loss's gradient needs of them.
struct Pair<E: Real> {
    n: usize,
    d: usize,
    difference: Scratch<E>,
    /// What the squared differences weigh.
    invariance: E,
    views: [Spread<E>; 2],
}

impl<E: Real> Pair<E> {
    /// The loss of `n` rows of `d` values each in `a` and `b`.
    fn of(a: &[E], b: &[E], n: usize, d: usize, weights: VicRegWeights) -> (E, Pair<E>) {
        let (a, b) = (&a[..n * d], &b[..n * d]);
        let mut difference = Scratch::any(n * d);
        let squares = subtract(a, b, &mut difference);
        let views = [Spread::of(a, n, d, weights), Spread::of(b, n, d, weights)];
        let invariance = E::of(weights.invariance / (n * d) as f64);
        let loss = invariance * squares + views[0].loss + views[1].loss;
        (loss, Pair { n, d, difference, invariance, views })
    }

    /// Adds the gradient, times `upstream`, to that of each view.
    fn add_gradient(self, upstream: E, a: &mut [E], b: &mut [E]) {
        let Pair { n, d, difference, invariance, views } = self;
        let pull = E::of(2.0) * invariance * upstream;
        for ((g, view), sign) in [a, b].into_iter().zip(views).zip([pull, -pull]) {
            view.add_gradient(n, d, upstream, g);
            g.par_chunks_mut(CHUNK).zip(difference.par_chunks(CHUNK)).for_each(|(g, difference)| {
                g.iter_mut().zip(difference).for_each(|(g, difference)| *g += sign * *difference);
            });
        }
    }
}

/// `a - b`, and the sum of its squares.
fn subtract<E: Real>(a: &[E], b: &[E], difference: &mut [E]) -> E {
    let parts: Vec<E> = difference
        .par_chunks_mut(CHUNK)
        .zip(a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK)))
        .map(|(difference, (a, b))| {
            vectorized(
                #[inline(always)]
                move || {
                    difference.iter_mut().zip(a.iter().zip(b)).for_each(|(d, (a, b))| *d = *a - *b);
                    dot(difference, difference)
                },
            )
        })
        .collect();
    parts.into_iter().sum()
}

/// The variance and covariance terms of one view and what their gradient needs.
struct Spread<E: Real> {
    loss: E,
    /// (N, D), columns centred.
    centred: Scratch<E>,
    /// (D, D): the gradient with respect to the values is `centred * pull`. Its rows need no centring of their own,
    /// because the columns of `centred` sum to zero.
    pull: Scratch<E>,
}

impl<E: Real> Spread<E> {
    fn of(z: &[E], n: usize, d: usize, weights: VicRegWeights) -> Spread<E> {
        let mut mean = vec![E::zero(); d];
        mean.par_chunks_mut(COLUMNS).enumerate().for_each(|(i, mean)| add_columns(z, d, i * COLUMNS, mean));
        let count = E::of(n as f64);
        mean.iter_mut().for_each(|m| *m /= count);
        let mut centred = Scratch::any(n * d);
        centred.par_chunks_mut(d).zip(z.par_chunks(d)).for_each(|(out, row)| {
            out.iter_mut().zip(row.iter().zip(&mean)).for_each(|(o, (v, m))| *o = *v - *m);
        });
        let mut pull = Scratch::any(d * d);
        let (rows, square) = (Matrix::new(n, d), Matrix::new(d, d));
        matmul(&centred, rows.t(), &centred, rows, &mut pull, square, false, Threads::All);
        let terms: Vec<E> = pull
            .par_chunks_mut(d)
            .enumerate()
            .map(|(feature, row)| feature_terms(row, feature, n, weights))
            .collect();
        Spread { loss: terms.into_iter().sum(), centred, pull }
    }

    /// Adds the terms' gradient, times `upstream`.
    fn add_gradient(mut self, n: usize, d: usize, upstream: E, gradient: &mut [E]) {
        self.pull.iter_mut().for_each(|p| *p *= upstream);
        let rows = Matrix::new(n, d);
        matmul(&self.centred, rows, &self.pull, Matrix::new(d, d), gradient, rows, true, Threads::All);
    }
}

/// Columns a task sums.
const COLUMNS: usize = 64;

/// Adds the columns of `z`, `width` wide, from `first` on to `sums`, as many as it has.
fn add_columns<E: Real>(z: &[E], width: usize, first: usize, sums: &mut [E]) {
    vectorized(
        #[inline(always)]
        move || {
            let n = sums.len();
            for row in z.chunks_exact(width) {
                let row = &row[first..first + n];
                for i in 0..n {
                    sums[i] += row[i];
                }
            }
        },
    );
}

/// One feature's hinge and covariances; its row of `z'z` becomes its row of [`Spread::pull`].
fn feature_terms<E: Real>(row: &mut [E], feature: usize, n: usize, weights: VicRegWeights) -> E {
    let features = row.len() as f64;
    let normal = E::of(1.0 / (n - 1) as f64);
    let std = (row[feature] * normal + E::of(EPS)).sqrt();
    // A NaN must come through: `max` would hide it.
    let inside = std >= E::one();
    let hinge = if inside { E::zero() } else { E::one() - std };
    row[feature] = E::zero();
    let scale = E::of(4.0 * weights.covariance / features) * normal * normal;
    let covariances = normal * normal * vectorized(|| dot(row, row));
    row.iter_mut().for_each(|v| *v *= scale);
    let half = E::of(0.5 * weights.variance / features);
    row[feature] = if inside { E::zero() } else { -half * normal / std };
    half * hinge + E::of(weights.covariance / features) * covariances
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    type Rows<E> = Tensor<(usize, usize), E, Cpu>;

    fn rows(values: &[f64], width: usize) -> Rows<f64> {
        Cpu::default().tensor_from_vec(values.to_vec(), (values.len() / width, width))
    }

    fn only(invariance: f64, variance: f64, covariance: f64) -> VicRegWeights {
        VicRegWeights { invariance, variance, covariance }
    }

    /// The authors' code on N = 8, D = 4: the value every library with their conventions gives.
    #[test]
    fn the_value_of_the_authors_code() {
        let mut state = 42u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / 2f64.powi(31) * 2.0 - 1.0
        };
        let a: Vec<f64> = (0..32).map(|_| next()).collect();
        let b: Vec<f64> = a.iter().map(|a| 0.8 * a + 0.3 * next()).collect();
        let loss = vicreg(rows(&a, 4), rows(&b, 4), VicRegWeights::default()).unwrap().array();
        assert!((loss - 15.471751).abs() < 1e-6, "{loss}");
    }

    #[test]
    fn each_term_by_hand() {
        // Columns (1, -1, 0) and (2, -2, 0): variances 1 and 4, covariance 2.
        let (a, b) = ([1.0, 2.0, -1.0, -2.0, 0.0, 0.0], [1.0, 2.0, -1.0, -2.0, 0.0, 3.0]);
        let loss = |a: &[f64], b: &[f64], weights| vicreg(rows(a, 2), rows(b, 2), weights).unwrap().array();
        assert!((loss(&a, &b, only(2.0, 0.0, 0.0)) - 2.0 * 9.0 / 6.0).abs() < 1e-12);
        // Two views, two entries each of 2^2, over two features.
        assert!((loss(&a, &a, only(0.0, 0.0, 3.0)) - 3.0 * 8.0).abs() < 1e-12);
        let tenth = a.map(|v| v / 10.0);
        let hinge = |variance: f64| 1.0 - (variance + 1e-4f64).sqrt();
        let expected = 5.0 * (hinge(0.01) + hinge(0.04)) / 2.0;
        assert!((loss(&tenth, &tenth, only(0.0, 5.0, 0.0)) - expected).abs() < 1e-12);
    }

    #[test]
    fn rows_that_are_all_equal_cost_the_hinge_and_have_no_slope() {
        let z = rows(&[0.3, -2.0, 0.7].repeat(5), 3);
        let loss = vicreg(z.leaky_trace(), z.clone(), VicRegWeights::default()).unwrap();
        assert!((loss.array() - 24.75).abs() < 1e-12);
        assert!(loss.backward().get(&z).as_vec().iter().all(|g| g.abs() < 1e-12));
    }

    #[test]
    fn both_views_may_carry_a_tape() {
        let (a, b) = (rows(&[1.0, 0.2, -0.4, 0.5], 2), rows(&[0.0, 0.3, -0.1, 0.9], 2));
        let weights = VicRegWeights::default();
        let both = vicreg(a.leaky_trace(), b.leaky_trace(), weights).unwrap().backward();
        let one = vicreg(a.leaky_trace(), b.clone(), weights).unwrap().backward();
        assert_eq!(both.get(&a).as_vec(), one.get(&a).as_vec());
        assert_eq!(both.get(&b).as_vec(), one.get(&b).as_vec());
    }

    #[test]
    fn bad_weights_and_a_nan_are_not_hidden() {
        let z = || rows(&[1.0, 0.2, -0.4, 0.5], 2);
        for bad in [only(-1.0, 0.0, 0.0), only(0.0, f64::NAN, 0.0), only(0.0, 0.0, f64::INFINITY)] {
            let e = vicreg(z(), z(), bad).unwrap_err();
            assert!(e.to_string().contains("the paper's weights"), "{e}");
        }
        let bad = rows(&[1.0, f64::NAN, -0.4, 0.5], 2);
        for weights in [only(1.0, 0.0, 0.0), only(0.0, 1.0, 0.0), only(0.0, 0.0, 1.0)] {
            assert!(vicreg(bad.clone(), z(), weights).unwrap().array().is_nan(), "{weights:?}");
        }
    }
}
