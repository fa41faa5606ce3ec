//! Whether what an embedding distinguishes can be learned from few samples.

use rand::seq::SliceRandom;

use super::Rows;
use crate::error::Result;
use crate::losses::KMeans;
use crate::random::{stream, Purpose};

/// Rounds of k-means; the clusters need not be perfect.
const ROUNDS: usize = 25;
/// Neighbours that vote.
const NEIGHBOURS: usize = 5;

/// Cluster learnability and intrinsic dimension, the two halves of CLID (Lu et al. 2022, arXiv:2206.01251).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Clid {
    /// Cluster learnability: how often a 5-nearest-neighbour classifier that has seen only the samples before names the
    /// k-means cluster of the next one, 0 to 1.
    ///
    /// Good: rises while training. Bad: near `1 / clusters`, the embedding has no clusters; 1 from early on, it has little
    /// else.
    pub learnability: f64,
    /// Intrinsic dimension by the TwoNN estimator (Facco et al. 2017, arXiv:1803.06992), from 0 upwards: the dimension of
    /// the surface the embeddings lie on, whatever they are embedded in.
    ///
    /// Good: some tens in wide embeddings. Bad: 1 to 2, dimensional collapse along a curved surface that ranks of the
    /// covariance may miss.
    pub intrinsic_dimension: f64,
}

impl Clid {
    /// CLID of each of several models: both halves are brought to 0..1 over the models compared, and added, so that 2 is
    /// best at both. A half in which all are equal counts 0. One model alone has no CLID, only its halves.
    pub fn scores(of: &[Clid]) -> Vec<f64> {
        let scaled = |value: fn(&Clid) -> f64| -> Vec<f64> {
            let (low, high) = of
                .iter()
                .map(value)
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
            of.iter().map(|c| if high > low { (value(c) - low) / (high - low) } else { 0.0 }).collect()
        };
        let (cl, id) = (scaled(|c| c.learnability), scaled(|c| c.intrinsic_dimension));
        cl.iter().zip(id).map(|(c, i)| c + i).collect()
    }
}

/// Measures both halves on L2-normalised rows, in O(n^2 d): take a [`Rows::sample`] of large sets. `clusters` is reduced to
/// a quarter of the rows where there are too few; `seed` orders the samples and starts k-means.
///
/// Learnability depends on the number of clusters and of samples, so only runs measured alike compare. Both are NaN with
/// fewer than 8 rows or where a number is not finite; a half is where it has no answer, as the dimension of equal rows.
///
/// # Errors
/// Never for finite rows.
pub fn clid(rows: &Rows, clusters: usize, seed: u64) -> Result<Clid> {
    if rows.len() < 8 || rows.is_empty() || !rows.is_finite() {
        return Ok(Clid { learnability: f64::NAN, intrinsic_dimension: f64::NAN });
    }
    let unit = rows.normalized();
    let (points, width) = (unit.values(), unit.dim());
    let rng = &mut stream(&[seed, Purpose::Judge as u64]);
    let start = KMeans::plus_plus(points, width, clusters.clamp(1, rows.len() / 4), rng)?;
    let labels = KMeans::Euclidean.from_points(points, width, &start, ROUNDS)?.assignments;
    let x = nalgebra::DMatrix::from_column_slice(unit.dim(), unit.len(), unit.values());
    let similarity = x.transpose() * &x;
    Ok(Clid {
        learnability: learnability(&similarity, &labels, seed),
        intrinsic_dimension: intrinsic_dimension(&unit, &similarity),
    })
}

/// Each sample in a random order, named by its nearest among those before; the first has none and is not counted.
fn learnability(similarity: &nalgebra::DMatrix<f64>, labels: &[u32], seed: u64) -> f64 {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.shuffle(&mut stream(&[seed, 1, Purpose::Judge as u64]));
    let mut right = 0;
    for (seen, &i) in order.iter().enumerate().skip(1) {
        let mut before: Vec<usize> = order[..seen].to_vec();
        let k = NEIGHBOURS.min(seen);
        let nearer =
            |a: &usize, b: &usize| similarity[(*b, i)].total_cmp(&similarity[(*a, i)]).then(a.cmp(b));
        before.select_nth_unstable_by(k - 1, nearer);
        before.truncate(k);
        before.sort_by(nearer);
        right += usize::from(vote(&before, labels) == labels[i]);
    }
    right as f64 / (labels.len() - 1) as f64
}

/// The label most of `near` have, nearest first; of equals the one whose nearest is nearer.
fn vote(near: &[usize], labels: &[u32]) -> u32 {
    let votes = |label: u32| near.iter().filter(|&&j| labels[j] == label).count();
    let first = near.first().map_or(0, |&j| labels[j]);
    near.iter().map(|&j| labels[j]).fold(first, |best, l| if votes(l) > votes(best) { l } else { best })
}

/// The maximum-likelihood form of TwoNN: `(n - 1) / sum ln(r2 / r1)` over samples whose nearest is not themselves.
fn intrinsic_dimension(unit: &Rows, similarity: &nalgebra::DMatrix<f64>) -> f64 {
    let rows: Vec<&[f64]> = unit.iter().collect();
    // Differences of products cannot tell near duplicates apart; the two nearest are measured again, exactly.
    let distance =
        |i: usize, j: usize| rows[i].iter().zip(rows[j]).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let (mut sum, mut count) = (0.0, 0usize);
    for i in 0..rows.len() {
        let mut others: Vec<usize> = (0..rows.len()).filter(|&j| j != i).collect();
        others.select_nth_unstable_by(1, |a, b| similarity[(*b, i)].total_cmp(&similarity[(*a, i)]));
        let (a, b) = (distance(i, others[0]), distance(i, others[1]));
        let (near, far) = (a.min(b), a.max(b));
        if near > 1e-12 {
            sum += (far / near).ln();
            count += 1;
        }
    }
    if count < 3 || sum <= 0.0 {
        return f64::NAN;
    }
    (count - 1) as f64 / sum
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::Rng;
    use rand_distr::StandardNormal;

    fn gaussian(n: usize, dims: usize, width: usize) -> Rows {
        let mut random = stream(&[3]);
        let values = (0..n)
            .flat_map(|_| {
                let inner: Vec<f64> = (0..dims).map(|_| random.sample::<f64, _>(StandardNormal)).collect();
                // The same fixed map for every row.
                (0..width)
                    .map(|j| {
                        inner
                            .iter()
                            .enumerate()
                            .map(|(k, v)| v * (((j * 31 + k * 57 + j * k * 13) % 23) as f64).cos())
                            .sum()
                    })
                    .collect::<Vec<f64>>()
            })
            .collect();
        Rows::new(values, n, width).unwrap()
    }

    #[test]
    fn the_dimension_is_that_of_the_surface() {
        // Normalising takes one away.
        for (dims, low, high) in [(2, 0.8, 1.3), (4, 2.4, 3.6)] {
            let found = clid(&gaussian(600, dims, 12), 10, 0).unwrap().intrinsic_dimension;
            assert!((low..high).contains(&found), "{dims}: {found}");
        }
    }

    #[test]
    fn tight_groups_are_learnable_and_noise_is_less_so() {
        let mut random = stream(&[4]);
        let values: Vec<f64> = (0..300)
            .flat_map(|i| {
                let mut row: Vec<f64> =
                    (0..6).map(|_| 0.05 * random.sample::<f64, _>(StandardNormal)).collect();
                row[i % 6] += 1.0;
                row
            })
            .collect();
        let tight = clid(&Rows::new(values, 300, 6).unwrap(), 6, 0).unwrap();
        let noise = clid(&gaussian(300, 30, 30), 6, 0).unwrap();
        assert!(tight.learnability > 0.95, "{tight:?}");
        assert!(noise.learnability < tight.learnability - 0.2, "{noise:?}");
        assert_eq!(Clid::scores(&[tight, noise]), [1.0, 1.0]);
        assert_eq!(Clid::scores(&[tight]), [0.0]);
    }

    #[test]
    fn degenerate_rows_are_nan() {
        let same = clid(&Rows::new(vec![0.5; 40], 20, 2).unwrap(), 4, 0).unwrap();
        assert!(same.intrinsic_dimension.is_nan());
        let few = clid(&Rows::new(vec![0.5; 6], 3, 2).unwrap(), 4, 0).unwrap();
        assert!(few.learnability.is_nan() && few.intrinsic_dimension.is_nan());
        assert!(clid(&Rows::new(vec![f64::NAN; 40], 20, 2).unwrap(), 4, 0).unwrap().learnability.is_nan());
    }
}
