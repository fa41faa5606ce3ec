//! The geometry of an embedding in a handful of numbers.

use serde::{Deserialize, Deserializer, Serialize};

use super::explained_variance::area_under_shares;
use super::{
    alignment, alpha_req, clid, condition_number, covariance_eigenvalues, effective_rank, lidar, mean_cosine,
    nesum, participation_ratio, rankme, singular_values, std_of_normalized, uniformity, AlphaFit, Lidar,
    RankMe, Rows, LIDAR_DELTA,
};
use crate::error::Result;

/// What costs O(n^2 d) is measured on at most this many rows, chosen by a fixed seed; the rest costs O(n d^2).
const UNIFORMITY_ROWS: usize = 1024;
const CLID_ROWS: usize = 512;
/// Clusters whose learnability is measured.
const CLID_CLUSTERS: usize = 20;

/// Numbers that say whether an embedding has collapsed, and how.
///
/// A number that does not exist (the rank of a zero matrix, alignment without views) is NaN here and `null` in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Geometry {
    /// Standard deviation of the L2-normalised embeddings per column, mean over columns; `1/sqrt(d)` healthy, 0 collapsed.
    #[serde(deserialize_with = "number_or_null")]
    pub std: f64,
    /// Mean cosine between different samples; 1 collapsed.
    #[serde(deserialize_with = "number_or_null")]
    pub mean_cosine: f64,
    /// RankMe.
    #[serde(deserialize_with = "number_or_null")]
    pub rankme: f64,
    /// Effective rank of the covariance.
    #[serde(deserialize_with = "number_or_null")]
    pub effective_rank: f64,
    /// Mean squared distance between two views of one sample, L2-normalised; 0 when they agree.
    #[serde(deserialize_with = "number_or_null")]
    pub alignment: f64,
    /// Log of the mean Gaussian potential between samples; more negative is more uniform, 0 collapsed.
    #[serde(deserialize_with = "number_or_null")]
    pub uniformity: f64,
    /// Mean Euclidean length of an embedding.
    #[serde(deserialize_with = "number_or_null")]
    pub norm: f64,
    /// NESum of the covariance, which is the stable rank of the centred embeddings; 1 to `d`.
    #[serde(deserialize_with = "number_or_null")]
    pub nesum: f64,
    /// Participation ratio of the covariance; 1 to `d`.
    #[serde(deserialize_with = "number_or_null")]
    pub participation_ratio: f64,
    /// Condition number of the centred embeddings; NaN where a direction is dead.
    #[serde(deserialize_with = "number_or_null")]
    pub condition_number: f64,
    /// alpha-ReQ, fitted as [`AlphaFit::of_width`] says; about 1 healthy.
    #[serde(deserialize_with = "number_or_null")]
    pub alpha_req: f64,
    /// Area under the cumulative explained variance; 0.5 whitened, 1 collapsed.
    #[serde(deserialize_with = "number_or_null")]
    pub explained_variance_auc: f64,
    /// CLID's cluster learnability with 20 clusters, 0 to 1.
    #[serde(deserialize_with = "number_or_null")]
    pub learnability: f64,
    /// CLID's intrinsic dimension.
    #[serde(deserialize_with = "number_or_null")]
    pub intrinsic_dimension: f64,
    /// LiDAR of surrogate classes; 1 to `d`.
    #[serde(deserialize_with = "number_or_null")]
    pub lidar: f64,
}

impl Default for Geometry {
    /// Nothing measured: every number NaN.
    fn default() -> Self {
        Geometry {
            std: f64::NAN,
            mean_cosine: f64::NAN,
            rankme: f64::NAN,
            effective_rank: f64::NAN,
            alignment: f64::NAN,
            uniformity: f64::NAN,
            norm: f64::NAN,
            nesum: f64::NAN,
            participation_ratio: f64::NAN,
            condition_number: f64::NAN,
            alpha_req: f64::NAN,
            explained_variance_auc: f64::NAN,
            learnability: f64::NAN,
            intrinsic_dimension: f64::NAN,
            lidar: f64::NAN,
        }
    }
}

impl Geometry {
    /// Measures `n` embeddings `z` of width `d`, row-major. `pairs` holds the embeddings of two views of the same
    /// samples, row by row and as wide as `z`, for the alignment, which is NaN without. LiDAR is NaN until
    /// [`with_lidar`](Geometry::with_lidar).
    ///
    /// Uniformity (`t = 2`) uses at most 1,024 rows and CLID at most 512, chosen by a fixed seed; everything else uses all of
    /// them. Spectra are the covariance's, so that directions below 3e-8 of the strongest count as zero.
    ///
    /// # Errors
    /// `z` or a view of another size than `n * d` (a view: any number of rows of `d`, the same in both).
    pub fn measure(z: &[f32], n: usize, d: usize, pairs: Option<(&[f32], &[f32])>) -> Result<Geometry> {
        let rows = Rows::from_f32(z, n, d)?;
        let aligned = match pairs {
            None => f64::NAN,
            Some((a, b)) => {
                let view = |v: &[f32]| Rows::from_f32(v, v.len() / d.max(1), d);
                alignment(&view(a)?, &view(b)?)?
            }
        };
        let eigenvalues = covariance_eigenvalues(&rows);
        let roots = |values: &[f64]| values.iter().map(|v| v.sqrt()).collect::<Vec<f64>>();
        let of_unit = covariance_eigenvalues(&rows.normalized());
        let clid = clid(&rows.sample(CLID_ROWS, 0), CLID_CLUSTERS, 0)?;
        Ok(Geometry {
            std: std_of_normalized(&rows),
            mean_cosine: mean_cosine(&rows),
            rankme: rankme(&singular_values(&rows), RankMe::Paper),
            effective_rank: effective_rank(&eigenvalues),
            alignment: aligned,
            uniformity: uniformity(&rows.sample(UNIFORMITY_ROWS, 0), 2.0),
            norm: mean_norm(&rows),
            nesum: nesum(&eigenvalues),
            participation_ratio: participation_ratio(&eigenvalues),
            condition_number: condition_number(&roots(&eigenvalues)),
            alpha_req: alpha_req(&eigenvalues, AlphaFit::of_width(d)),
            explained_variance_auc: area_under_shares(&roots(&of_unit)),
            learnability: clid.learnability,
            intrinsic_dimension: clid.intrinsic_dimension,
            lidar: f64::NAN,
        })
    }

    /// The same with LiDAR (the paper's, `delta` 1e-4) of surrogate classes: `rows` with `views` after one another of each
    /// image, as [`SurrogateClasses`](super::SurrogateClasses) gives them.
    ///
    /// # Errors
    /// Those of [`lidar`](super::lidar()).
    pub fn with_lidar(self, rows: &Rows, views: usize) -> Result<Geometry> {
        Ok(Geometry { lidar: lidar(rows, views, LIDAR_DELTA, Lidar::Paper)?.rank, ..self })
    }
}

/// Mean Euclidean length of the rows; NaN without rows.
fn mean_norm(rows: &Rows) -> f64 {
    let norms = rows.iter().map(|row| row.iter().map(|v| v * v).sum::<f64>().sqrt());
    norms.sum::<f64>() / if rows.is_empty() { f64::NAN } else { rows.len() as f64 }
}

/// JSON has no NaN: it is written as `null`, and read back as NaN.
fn number_or_null<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random::stream;
    use rand::Rng;
    use rand_distr::StandardNormal;

    #[test]
    fn a_gaussian_fills_the_sphere_and_a_constant_does_not() {
        let (n, d) = (500, 16);
        let mut random = stream(&[1]);
        let z: Vec<f32> = (0..n * d).map(|_| random.sample(StandardNormal)).collect();
        let healthy = Geometry::measure(&z, n, d, Some((&z, &z))).unwrap();
        assert!((healthy.std * (d as f64).sqrt() - 1.0).abs() < 0.05, "{healthy:?}");
        assert!(healthy.mean_cosine.abs() < 0.02 && healthy.rankme > 15.0 && healthy.effective_rank > 14.0);
        assert_eq!(healthy.alignment, 0.0);
        assert!(healthy.uniformity < -3.0);

        let collapsed = Geometry::measure(&[0.3_f32; 50 * 4], 50, 4, None).unwrap();
        assert_eq!(collapsed.std, 0.0);
        assert!((collapsed.mean_cosine - 1.0).abs() < 1e-12);
        assert!((collapsed.rankme - 1.0).abs() < 1e-4);
        assert!(collapsed.effective_rank.is_nan() && collapsed.alignment.is_nan());
        assert!(collapsed.uniformity.abs() < 1e-12);
    }

    #[test]
    fn numbers_that_do_not_exist_survive_json() {
        let geometry = Geometry::measure(&[1.0, 2.0], 1, 2, None).unwrap();
        assert!(geometry.std.is_nan());
        let json = serde_json::to_string(&geometry).unwrap();
        assert!(json.contains("\"std\":null"), "{json}");
        let back: Geometry = serde_json::from_str(&json).unwrap();
        assert!(back.std.is_nan());
        assert!((back.rankme - geometry.rankme).abs() < 1e-12);
    }

    #[test]
    fn views_of_another_width_are_an_error() {
        assert!(Geometry::measure(&[1.0; 8], 2, 4, Some((&[1.0; 6], &[1.0; 6]))).is_err());
        assert!(Geometry::measure(&[1.0; 8], 3, 4, None).is_err());
        assert!(Geometry::measure(&[], 0, 0, Some((&[], &[]))).unwrap().alignment.is_nan());
    }
}
