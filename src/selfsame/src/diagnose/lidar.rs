//! Whether an embedding tells samples apart better than it tells two views of one sample apart.

use nalgebra::{DMatrix, SymmetricEigen};

use super::Rows;
use crate::error::{Error, Result};

/// Which published LiDAR: they differ in divisors and in where the epsilon goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Lidar {
    /// Thilak et al., ICLR 2024 (arXiv:2312.04000), equations 1 to 4 with expectations as means: divisors `n` and `n q`, and
    /// `p = l / sum(l) + eps`, not normalised again. The default.
    #[default]
    Paper,
    /// rbalestr-lab/stable-pretraining's callback: divisors `n - 1` and `n (q - 1)`, and `p = (l + eps) / sum(l + eps)`.
    StablePretraining,
}

/// The paper's `delta`, added to the within-sample covariance's diagonal.
pub const LIDAR_DELTA: f64 = 1e-4;
/// The epsilon inside the entropy, the same in both conventions.
const EPS: f64 = 1e-8;

/// LiDAR and the spectrum it is made of.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LidarScore {
    /// `exp` of the entropy of the shares.
    pub rank: f64,
    /// Eigenvalues of `S_w^-1/2 S_b S_w^-1/2`, descending: the variance between samples in units of that within, by
    /// discriminant direction.
    pub eigenvalues: Vec<f64>,
}

/// LiDAR: the effective rank of the linear discriminant that separates samples by their views (Thilak et al., ICLR 2024,
/// arXiv:2312.04000).
///
/// `rows` holds `n` samples of `views` views each, one sample after the other, so `n * views` rows: what
/// [`SurrogateClasses`](super::SurrogateClasses) gives. With `S_b` the covariance of the samples' means and `S_w` the pooled
/// covariance of views around them plus `delta` on the diagonal, `exp(H(p))` of the shares `p` of the eigenvalues of
/// `S_w^-1/2 S_b S_w^-1/2`. The paper takes a thousand samples of 50 views and `delta` = 1e-4.
///
/// Between 1 and the smaller of the width and `n - 1`. Unlike [`rankme`](super::rankme()) it does not count directions in
/// which views of one sample differ as much as samples do.
///
/// Good: grows while training; compare runs of one width. Bad: below a twentieth of the width, or falling while RankMe
/// grows (the rank that is gained is augmentation noise).
///
/// NaN where samples do not differ or a number is not finite.
///
/// # Errors
/// Fewer than two views or samples, rows that are no multiple of `views`, a `delta` that is not positive.
pub fn lidar(rows: &Rows, views: usize, delta: f64, convention: Lidar) -> Result<LidarScore> {
    if views < 2 || rows.len() < 2 * views || !rows.len().is_multiple_of(views) {
        let expected = format!("two samples or more of {} views", views.max(2));
        return Err(Error::shape("LiDAR", expected, format!("{} rows", rows.len())));
    }
    if !(delta > 0.0 && delta.is_finite()) {
        return Err(Error::setting("delta", delta, "a positive number", "The paper takes 1e-4."));
    }
    let (n, d) = (rows.len() / views, rows.dim());
    if !rows.is_finite() || d == 0 {
        return Ok(LidarScore { rank: f64::NAN, eigenvalues: vec![f64::NAN; d] });
    }
    let (between, within) = scatter(rows, views);
    let (over_between, over_within) = match convention {
        Lidar::Paper => (n as f64, (n * views) as f64),
        Lidar::StablePretraining => ((n - 1) as f64, (n * (views - 1)) as f64),
    };
    let within = within / over_within + DMatrix::identity(d, d) * delta;
    let w = SymmetricEigen::new(within);
    // V diag(1/sqrt(l)) is S_w^-1/2 up to a rotation, which eigenvalues do not see.
    let mut root = w.eigenvectors;
    for (mut column, value) in root.column_iter_mut().zip(w.eigenvalues.iter()) {
        column /= value.max(f64::MIN_POSITIVE).sqrt();
    }
    let discriminant = root.transpose() * (between / over_between) * &root;
    let mut eigenvalues: Vec<f64> =
        SymmetricEigen::new(discriminant).eigenvalues.iter().map(|v| v.max(0.0)).collect();
    eigenvalues.sort_by(|a, b| b.total_cmp(a));
    Ok(LidarScore { rank: rank(&eigenvalues, convention), eigenvalues })
}

fn rank(eigenvalues: &[f64], convention: Lidar) -> f64 {
    let sum: f64 = eigenvalues.iter().sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return f64::NAN;
    }
    let with_eps = sum + EPS * eigenvalues.len() as f64;
    let share = |v: &f64| match convention {
        Lidar::Paper => v / sum + EPS,
        Lidar::StablePretraining => (v + EPS) / with_eps,
    };
    eigenvalues.iter().map(share).map(|p| -p * p.ln()).sum::<f64>().exp()
}

/// Sums of squares between samples' means, and of views around them.
fn scatter(rows: &Rows, views: usize) -> (DMatrix<f64>, DMatrix<f64>) {
    let (n, d) = (rows.len() / views, rows.dim());
    let mut means = DMatrix::<f64>::zeros(d, n);
    for (i, row) in rows.iter().enumerate() {
        for (m, v) in means.column_mut(i / views).iter_mut().zip(row) {
            *m += v / views as f64;
        }
    }
    let mut around = DMatrix::from_column_slice(d, rows.len(), rows.values());
    for (i, mut row) in around.column_iter_mut().enumerate() {
        row -= means.column(i / views);
    }
    let grand = means.column_mean();
    for mut mean in means.column_iter_mut() {
        mean -= &grand;
    }
    (&means * means.transpose(), &around * around.transpose())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random::stream;
    use rand::Rng;
    use rand_distr::StandardNormal;

    /// 40 samples of 6 views: samples differ along the first `signal` columns, views along all.
    fn samples(signal: usize) -> Rows {
        let mut random = stream(&[5]);
        let mut normal = || random.sample::<f64, _>(StandardNormal);
        let mut values = Vec::new();
        for _ in 0..40 {
            let sample: Vec<f64> = (0..8).map(|j| if j < signal { 3.0 * normal() } else { 0.0 }).collect();
            for _ in 0..6 {
                values.extend(sample.iter().map(|v| v + 0.1 * normal()));
            }
        }
        Rows::new(values, 240, 8).unwrap()
    }

    #[test]
    fn it_counts_the_directions_samples_differ_in() {
        for convention in [Lidar::Paper, Lidar::StablePretraining] {
            for signal in [1, 3, 8] {
                let found = lidar(&samples(signal), 6, LIDAR_DELTA, convention).unwrap();
                assert_eq!(found.eigenvalues.len(), 8);
                assert!((found.rank - signal as f64).abs() < 0.12 * signal as f64, "{signal}: {found:?}");
            }
        }
    }

    #[test]
    fn degenerate_rows_are_defined() {
        let same = Rows::new(vec![1.0; 24], 8, 3).unwrap();
        assert!(lidar(&same, 2, LIDAR_DELTA, Lidar::Paper).unwrap().rank.is_nan());
        let nan = Rows::new(vec![f64::NAN; 24], 8, 3).unwrap();
        assert!(lidar(&nan, 2, LIDAR_DELTA, Lidar::Paper).unwrap().rank.is_nan());
        for views in [0, 1, 3, 8] {
            assert!(lidar(&same, views, LIDAR_DELTA, Lidar::Paper).is_err(), "{views}");
        }
        assert!(lidar(&same, 2, 0.0, Lidar::Paper).is_err());
    }
}
