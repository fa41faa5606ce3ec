//! k-means, Euclidean and on the sphere: where DeepCluster's labels come from, and the clusters of diagnostics.

use rand::seq::index::sample;
use rand::Rng;
use rayon::prelude::*;

use super::nnclr::first_largest;
use super::unit_rows::{inner, products, UnitRows};
use crate::error::{Error, Result};

/// Points scored against all centroids at a time.
const CHUNK: usize = 1024;

/// What k-means found.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// (clusters, width), row-major.
    pub centroids: Vec<f64>,
    /// The cluster of every point.
    pub assignments: Vec<u32>,
    width: usize,
}

impl Clusters {
    /// How many clusters there are.
    pub fn len(&self) -> usize {
        self.centroids.len() / self.width
    }

    /// Whether there are none, which k-means does not return.
    pub fn is_empty(&self) -> bool {
        self.centroids.is_empty()
    }

    /// How many points each cluster has.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.len()];
        self.assignments.iter().for_each(|a| sizes[*a as usize] += 1);
        sizes
    }
}

/// How near a point and a centroid are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KMeans {
    /// By squared distance; an empty cluster takes half of the largest (as faiss, which DeepCluster v1 calls).
    Euclidean,
    /// By inner product, centroids scaled to unit length; an empty cluster stays where it is (as DeepCluster v2).
    Spherical,
}

impl KMeans {
    /// `rounds` of assigning points to the nearest centroid and moving centroids to the mean of their points, then a
    /// last assignment; fewer where a round changes nothing. The first centroids are the points `start`.
    ///
    /// `points` is (points, width), row-major; for [`KMeans::Spherical`] rows of unit length. Of several centroids
    /// as near the first is taken.
    ///
    /// PyTorch equivalent: `swav:main_deepclusterv2.py`, `cluster_memory`; `faiss.Clustering` for the Euclidean one.
    ///
    /// # Errors
    /// [`Error::Shape`] where numbers do not make rows, there is no start, or one that is not a point.
    pub fn from_points(
        self,
        points: &[f64],
        width: usize,
        start: &[usize],
        rounds: usize,
    ) -> Result<Clusters> {
        if width == 0 || points.is_empty() || !points.len().is_multiple_of(width) {
            return Err(Error::shape("points of k-means", format!("rows of {width} values"), points.len()));
        }
        let n = points.len() / width;
        if start.is_empty() || start.iter().any(|i| *i >= n) {
            return Err(Error::shape(
                "first centroids",
                format!("at least one of {n} points"),
                format!("{start:?}"),
            ));
        }
        let mut centroids: Vec<f64> =
            start.iter().flat_map(|i| &points[i * width..][..width]).copied().collect();
        let mut assignments = self.assign(points, &centroids, width);
        for _ in 0..rounds {
            let moved = self.moved(points, &assignments, centroids.clone(), width);
            if moved == centroids {
                break;
            }
            centroids = moved;
            assignments = self.assign(points, &centroids, width);
        }
        Ok(Clusters { centroids, assignments, width })
    }

    /// [`KMeans::from_points`] from `clusters` points drawn by `rng`.
    ///
    /// # Errors
    /// As [`KMeans::from_points`], and [`Error::Shape`] for fewer points than clusters.
    pub fn run(
        self,
        points: &[f64],
        width: usize,
        clusters: usize,
        rounds: usize,
        rng: &mut impl Rng,
    ) -> Result<Clusters> {
        let n = enough(points, width, clusters)?;
        self.from_points(points, width, &sample(rng, n, clusters).into_vec(), rounds)
    }

    /// A start for [`KMeans::from_points`]: points drawn one after the other, each with a chance that grows with the square
    /// of its distance to those drawn (k-means++, Arthur and Vassilvitskii 2007). Slower than [`KMeans::run`]'s, and
    /// far better where clusters lie far apart.
    ///
    /// # Errors
    /// [`Error::Shape`] for fewer points than clusters.
    pub fn plus_plus(
        points: &[f64],
        width: usize,
        clusters: usize,
        rng: &mut impl Rng,
    ) -> Result<Vec<usize>> {
        let n = enough(points, width, clusters)?;
        let mut chosen = vec![rng.gen_range(0..n)];
        let mut nearest = vec![f64::INFINITY; n];
        while chosen.len() < clusters {
            let last = &points[chosen[chosen.len() - 1] * width..][..width];
            for (near, point) in nearest.iter_mut().zip(points.chunks_exact(width)) {
                *near = near.min(point.iter().zip(last).map(|(a, b)| (a - b).powi(2)).sum());
            }
            let mut left = rng.gen::<f64>() * nearest.iter().sum::<f64>();
            let drawn = nearest.iter().position(|d| {
                left -= d;
                left < 0.0
            });
            // All points equal, or rounding at the very end of the line: any will do.
            chosen.push(drawn.unwrap_or_else(|| rng.gen_range(0..n)));
        }
        Ok(chosen)
    }

    /// The nearest of the centroids, (clusters, width), to every point.
    pub fn assign(self, points: &[f64], centroids: &[f64], width: usize) -> Vec<u32> {
        let clusters = centroids.len() / width;
        // |p - c|^2 is |p|^2 - 2 (p.c - |c|^2 / 2), and |p|^2 is the same for all centroids.
        let half = |c: &[f64]| if self == KMeans::Euclidean { 0.5 * inner(c, c) } else { 0.0 };
        let halves: Vec<f64> = centroids.chunks_exact(width).map(half).collect();
        let nearest = |chunk: &[f64]| -> Vec<u32> {
            let mut scores = products(chunk, centroids, width);
            let rows = scores.chunks_exact_mut(clusters).map(|row| {
                row.iter_mut().zip(&halves).for_each(|(s, h)| *s -= h);
                first_largest(row) as u32
            });
            rows.collect()
        };
        points.par_chunks(CHUNK * width).map(nearest).collect::<Vec<_>>().concat()
    }

    fn moved(self, points: &[f64], assignments: &[u32], mut centroids: Vec<f64>, width: usize) -> Vec<f64> {
        let clusters = centroids.len() / width;
        let (mut sums, mut counts) = (vec![0.0; centroids.len()], vec![0usize; clusters]);
        for (point, a) in points.chunks_exact(width).zip(assignments) {
            counts[*a as usize] += 1;
            sums[*a as usize * width..][..width].iter_mut().zip(point).for_each(|(s, v)| *s += v);
        }
        for k in (0..clusters).filter(|k| counts[*k] > 0) {
            let to = centroids[k * width..][..width].iter_mut().zip(&sums[k * width..]);
            to.for_each(|(c, s)| *c = s / counts[k] as f64);
        }
        match self {
            KMeans::Spherical => UnitRows::of(&centroids, width).rows,
            KMeans::Euclidean => {
                split_largest(&mut centroids, &mut counts, width);
                centroids
            }
        }
    }
}

/// How many points there are, if that is enough.
fn enough(points: &[f64], width: usize, clusters: usize) -> Result<usize> {
    let n = points.len() / width.max(1);
    match clusters == 0 || clusters > n {
        true => Err(Error::shape("k-means", format!("1 to {n} clusters of {n} points"), clusters)),
        false => Ok(n),
    }
}

/// Puts each centroid without points beside the one with the most, the two a little apart on either side of where it
/// was.
fn split_largest(centroids: &mut [f64], counts: &mut [usize], width: usize) {
    const APART: f64 = 1.0 / 1024.0;
    for empty in 0..counts.len() {
        if counts[empty] > 0 {
            continue;
        }
        let largest = (0..counts.len()).fold(0, |best, k| if counts[k] > counts[best] { k } else { best });
        for j in 0..width {
            let at = centroids[largest * width + j];
            let by = if j % 2 == 0 { APART } else { -APART };
            centroids[empty * width + j] = at * (1.0 + by);
            centroids[largest * width + j] = at * (1.0 - by);
        }
        counts[empty] = counts[largest] / 2;
        counts[largest] -= counts[empty];
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn two_clouds_are_told_apart() {
        let points: Vec<f64> =
            (0..40).flat_map(|i| [if i < 20 { 5.0 } else { -5.0 } + (i as f64).sin(), 1.0]).collect();
        for kind in [KMeans::Euclidean, KMeans::Spherical] {
            let points =
                if kind == KMeans::Spherical { UnitRows::of(&points, 2).rows } else { points.clone() };
            let found = kind.run(&points, 2, 2, 10, &mut stream(&[3])).unwrap();
            assert_eq!(found.sizes(), [20, 20]);
            assert!(found.assignments[..20].iter().all(|a| *a == found.assignments[0]));
            assert_ne!(found.assignments[0], found.assignments[39]);
        }
    }

    #[test]
    fn an_empty_cluster_splits_the_largest_or_stays() {
        // Three equal points and one apart; two centroids start at the same place.
        let points = [1.0, 0.0, 1.0, 0.0, 0.9, 0.1, 0.0, 1.0];
        let euclidean = KMeans::Euclidean.from_points(&points, 2, &[0, 1, 3], 5).unwrap();
        assert!(euclidean.sizes().iter().all(|n| *n > 0), "{:?}", euclidean.sizes());
        let unit = UnitRows::of(&points, 2).rows;
        let spherical = |rounds| KMeans::Spherical.from_points(&unit, 2, &[0, 1, 3], rounds).unwrap();
        assert_eq!(spherical(0).sizes(), [3, 0, 1]);
        assert_eq!(&spherical(1).centroids[2..4], &[1.0, 0.0]);
    }

    #[test]
    fn groups_far_apart_are_found_from_any_start_that_is_spread_out() {
        let centre = [[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]];
        let points: Vec<f64> = (0..60)
            .flat_map(|i| {
                let [x, y] = centre[i % 3];
                [x + (i as f64 * 0.7).sin(), y + (i as f64 * 1.3).cos()]
            })
            .collect();
        for seed in 0..20 {
            let start = KMeans::plus_plus(&points, 2, 3, &mut stream(&[seed])).unwrap();
            assert_eq!(start, KMeans::plus_plus(&points, 2, 3, &mut stream(&[seed])).unwrap());
            let found = KMeans::Euclidean.from_points(&points, 2, &start, 50).unwrap();
            assert_eq!(found.sizes(), [20, 20, 20], "seed {seed}");
            assert!((3..60).all(|i| found.assignments[i] == found.assignments[i % 3]), "seed {seed}");
        }
        let same = KMeans::plus_plus(&[4.0; 10], 2, 2, &mut stream(&[0])).unwrap();
        assert_eq!(KMeans::Euclidean.from_points(&[4.0; 10], 2, &same, 10).unwrap().len(), 2);
    }

    #[test]
    fn what_cannot_be_clustered_is_refused() {
        assert!(KMeans::plus_plus(&[1.0, 2.0], 1, 3, &mut stream(&[1])).is_err());
        assert!(KMeans::plus_plus(&[], 0, 1, &mut stream(&[1])).is_err());
        assert!(KMeans::Euclidean.run(&[1.0, 2.0], 1, 3, 1, &mut stream(&[1])).is_err());
        assert!(KMeans::Euclidean.from_points(&[1.0, 2.0, 3.0], 2, &[0], 1).is_err());
        assert!(KMeans::Spherical.from_points(&[1.0], 1, &[1], 1).is_err());
    }
}
