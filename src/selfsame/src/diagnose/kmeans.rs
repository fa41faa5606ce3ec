//! Clusters of embeddings.

use nalgebra::DMatrix;
use rand::Rng;

use super::Rows;
use crate::error::{Error, Result};
use crate::random::{stream, Purpose};

/// Centroids and who belongs to them.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    /// `(k, d)`: a centroid a row.
    pub centroids: Rows,
    /// For each sample the row of its centroid.
    pub clusters: Vec<u32>,
    /// Mean squared distance to the nearest centroid.
    pub inertia: f64,
}

/// Lloyd's k-means from a k-means++ start (Arthur and Vassilvitskii 2007), the same for the same `seed`.
///
/// Ends when no sample changes its cluster, after `rounds` at most. A cluster that loses all samples takes the sample
/// farthest from its centroid.
///
/// # Errors
/// `k` of 0 or above the number of rows, numbers that are not finite.
pub fn kmeans(rows: &Rows, k: usize, rounds: usize, seed: u64) -> Result<KMeans> {
    if k == 0 || k > rows.len() {
        let expected = format!("1 to {}, the number of samples", rows.len());
        return Err(Error::setting("clusters", k, expected, "Ask for fewer clusters or give more samples."));
    }
    if !rows.is_finite() {
        return Err(Error::shape("k-means", "finite numbers", "NaN or infinity"));
    }
    let x = DMatrix::from_column_slice(rows.dim(), rows.len(), rows.values());
    let mut centroids = start(&x, k, seed);
    let (mut clusters, mut distances) = nearest(&x, &centroids);
    for _ in 0..rounds {
        centroids = means(&x, &clusters, &mut distances, k);
        let (now, at) = nearest(&x, &centroids);
        let settled = now == clusters;
        (clusters, distances) = (now, at);
        if settled {
            break;
        }
    }
    let inertia = distances.iter().sum::<f64>() / rows.len() as f64;
    Ok(KMeans { centroids: Rows::new(centroids.as_slice().to_vec(), k, rows.dim())?, clusters, inertia })
}

/// Samples drawn one after the other, each with a chance that grows with the square of its distance to those drawn.
fn start(x: &DMatrix<f64>, k: usize, seed: u64) -> DMatrix<f64> {
    let n = x.ncols();
    let mut random = stream(&[seed, Purpose::Judge as u64]);
    let mut chosen = vec![random.gen_range(0..n)];
    let mut nearest = vec![f64::INFINITY; n];
    while chosen.len() < k {
        let last = x.column(chosen[chosen.len() - 1]);
        for (near, sample) in nearest.iter_mut().zip(x.column_iter()) {
            *near = near.min((sample - last).norm_squared());
        }
        let total: f64 = nearest.iter().sum();
        let mut left = random.gen::<f64>() * total;
        let drawn = nearest.iter().position(|d| {
            left -= d;
            left < 0.0
        });
        // All samples equal, or rounding at the very end of the line: any will do.
        chosen.push(drawn.unwrap_or_else(|| random.gen_range(0..n)));
    }
    x.select_columns(&chosen)
}

/// The nearest centroid of each sample, of equals the first, and the squared distance to it.
fn nearest(x: &DMatrix<f64>, centroids: &DMatrix<f64>) -> (Vec<u32>, Vec<f64>) {
    let norms: Vec<f64> = centroids.column_iter().map(|c| c.norm_squared()).collect();
    let dots = centroids.transpose() * x;
    x.column_iter()
        .zip(dots.column_iter())
        .map(|(sample, dots)| {
            let far = |j: usize| norms[j] - 2.0 * dots[j];
            let best = (1..norms.len()).fold(0, |best, j| if far(j) < far(best) { j } else { best });
            (best as u32, (far(best) + sample.norm_squared()).max(0.0))
        })
        .unzip()
}

/// The mean of each cluster's samples; `distances` are those to the old centroids.
fn means(x: &DMatrix<f64>, clusters: &[u32], distances: &mut [f64], k: usize) -> DMatrix<f64> {
    let mut sums = DMatrix::<f64>::zeros(x.nrows(), k);
    let mut counts = vec![0usize; k];
    for (sample, &cluster) in x.column_iter().zip(clusters) {
        let mut sum = sums.column_mut(cluster as usize);
        sum += sample;
        counts[cluster as usize] += 1;
    }
    for (j, &count) in counts.iter().enumerate() {
        if count > 0 {
            sums.column_mut(j).scale_mut(1.0 / count as f64);
            continue;
        }
        let farthest =
            (1..distances.len()).fold(0, |far, i| if distances[i] > distances[far] { i } else { far });
        sums.set_column(j, &x.column(farthest));
        distances[farthest] = 0.0;
    }
    sums
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Three groups far apart, interleaved.
    fn groups() -> Rows {
        let centre = [[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]];
        let values = (0..60).flat_map(|i| {
            let [x, y] = centre[i % 3];
            [x + (i as f64 * 0.7).sin(), y + (i as f64 * 1.3).cos()]
        });
        Rows::new(values.collect(), 60, 2).unwrap()
    }

    #[test]
    fn groups_far_apart_are_found_from_any_start() {
        for seed in 0..20 {
            let found = kmeans(&groups(), 3, 50, seed).unwrap();
            for i in 3..60 {
                assert_eq!(found.clusters[i], found.clusters[i % 3], "seed {seed}");
            }
            assert!(found.inertia < 1.1, "seed {seed}: {}", found.inertia);
            assert_eq!((found.centroids.len(), found.centroids.dim()), (3, 2));
            assert_eq!(found, kmeans(&groups(), 3, 50, seed).unwrap());
        }
    }

    #[test]
    fn every_sample_its_own_cluster_and_equal_samples() {
        let few = Rows::new(vec![1.0, 2.0, 9.0], 3, 1).unwrap();
        assert_eq!(kmeans(&few, 3, 10, 0).unwrap().inertia, 0.0);
        let same = Rows::new(vec![4.0; 10], 5, 2).unwrap();
        assert_eq!(kmeans(&same, 2, 10, 0).unwrap().inertia, 0.0);
        assert!(kmeans(&few, 4, 10, 0).is_err() && kmeans(&few, 0, 10, 0).is_err());
        assert!(kmeans(&Rows::new(vec![f64::NAN; 3], 3, 1).unwrap(), 1, 10, 0).is_err());
    }
}
