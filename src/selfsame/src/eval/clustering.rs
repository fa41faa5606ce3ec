//! How well clusters agree with labels.

use crate::error::{Error, Result};

/// Agreement of clusters with labels; none of the four asks which cluster stands for which label.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ClusterScores {
    /// Normalised mutual information, over the arithmetic mean of the entropies: 0 independent, 1 the same. Many clusters
    /// raise it.
    pub nmi: f64,
    /// Adjusted Rand index (Hubert and Arabie 1985): 0 on average for random clusters, 1 the same, may be negative.
    pub ari: f64,
    /// Share of samples that carry the most frequent label of their cluster. 1 when every sample is its own cluster.
    pub purity: f64,
    /// Share of samples whose cluster's label, under the best one-to-one matching, is their own.
    pub accuracy: f64,
}

/// Scores `clusters` against `labels`, sample by sample. Numbers need not be consecutive but size a table: keep them small.
///
/// # Errors
/// [`Error::Shape`] for lists of different lengths or empty ones.
pub fn cluster_scores(labels: &[u32], clusters: &[u32]) -> Result<ClusterScores> {
    if labels.len() != clusters.len() || labels.is_empty() {
        let found = format!("{} clusters for {} labels", clusters.len(), labels.len());
        return Err(Error::shape("clusters", "one for each label, and at least one", found));
    }
    let size = |of: &[u32]| of.iter().max().map_or(0, |m| *m as usize + 1);
    let (rows, columns) = (size(clusters), size(labels));
    let mut table = vec![0u64; rows * columns];
    for (c, l) in clusters.iter().zip(labels) {
        table[*c as usize * columns + *l as usize] += 1;
    }
    let sums = |transposed: bool| -> Vec<u64> {
        let (n, m) = if transposed { (columns, rows) } else { (rows, columns) };
        let at =
            |i: usize, j: usize| if transposed { table[j * columns + i] } else { table[i * columns + j] };
        (0..n).map(|i| (0..m).map(|j| at(i, j)).sum()).collect()
    };
    let (of_clusters, of_labels) = (sums(false), sums(true));
    let n = labels.len() as f64;
    let pure: u64 = table.chunks_exact(columns).map(|row| row.iter().copied().max().unwrap_or(0)).sum();
    Ok(ClusterScores {
        nmi: mutual_information(&table, &of_clusters, &of_labels, n),
        ari: rand_index(&table, &of_clusters, &of_labels, n),
        purity: pure as f64 / n,
        accuracy: best_matching(&table, rows, columns) as f64 / n,
    })
}

fn mutual_information(table: &[u64], of_clusters: &[u64], of_labels: &[u64], n: f64) -> f64 {
    let entropy = |counts: &[u64]| -> f64 {
        counts.iter().filter(|c| **c > 0).map(|c| *c as f64 / n).map(|p| -p * p.ln()).sum()
    };
    let mut information = 0.0;
    for (i, row) in table.chunks_exact(of_labels.len()).enumerate() {
        for (j, &both) in row.iter().enumerate().filter(|(_, both)| **both > 0) {
            let expected = of_clusters[i] as f64 * of_labels[j] as f64 / n;
            information += both as f64 / n * (both as f64 / expected).ln();
        }
    }
    let mean = 0.5 * (entropy(of_clusters) + entropy(of_labels));
    // One cluster and one label say the same.
    if mean > 0.0 {
        (information / mean).clamp(0.0, 1.0)
    } else {
        1.0
    }
}

fn rand_index(table: &[u64], of_clusters: &[u64], of_labels: &[u64], n: f64) -> f64 {
    let pairs = |counts: &[u64]| counts.iter().map(|&c| c as f64 * (c as f64 - 1.0) / 2.0).sum::<f64>();
    let (both, a, b) = (pairs(table), pairs(of_clusters), pairs(of_labels));
    let all = n * (n - 1.0) / 2.0;
    let expected = if all > 0.0 { a * b / all } else { 0.0 };
    let most = 0.5 * (a + b);
    // Nothing to agree about: all in one, or each alone, on both sides.
    if (most - expected).abs() < 1e-12 {
        1.0
    } else {
        (both - expected) / (most - expected)
    }
}

/// The largest sum of entries with no two in a row or a column: the Hungarian algorithm (Kuhn 1955) with potentials, O(n^3),
/// on the table padded to a square.
fn best_matching(table: &[u64], rows: usize, columns: usize) -> u64 {
    let n = rows.max(columns);
    let cost = |i: usize, j: usize| -> i64 {
        if i < rows && j < columns {
            -(table[i * columns + j] as i64)
        } else {
            0
        }
    };
    // Column 0 and row 0 stand for 'none'; `row_of[j]` is the row matched with column j.
    let (mut u, mut v) = (vec![0i64; n + 1], vec![0i64; n + 1]);
    let mut row_of = vec![0usize; n + 1];
    for i in 1..=n {
        let (mut least, mut used) = (vec![i64::MAX; n + 1], vec![false; n + 1]);
        let mut before = vec![0usize; n + 1];
        row_of[0] = i;
        let mut j = 0;
        while row_of[j] != 0 {
            used[j] = true;
            let (row, mut delta, mut next) = (row_of[j], i64::MAX, 0);
            for k in (1..=n).filter(|&k| !used[k]) {
                let slack = cost(row - 1, k - 1) - u[row] - v[k];
                if slack < least[k] {
                    (least[k], before[k]) = (slack, j);
                }
                if least[k] < delta {
                    (delta, next) = (least[k], k);
                }
            }
            for k in 0..=n {
                if used[k] {
                    u[row_of[k]] += delta;
                    v[k] -= delta;
                } else {
                    least[k] = least[k].saturating_sub(delta);
                }
            }
            j = next;
        }
        while j != 0 {
            row_of[j] = row_of[before[j]];
            j = before[j];
        }
    }
    let matched = (1..=n).filter(|&j| row_of[j] <= rows && j <= columns);
    matched.map(|j| table[(row_of[j] - 1) * columns + j - 1]).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn renamed_clusters_agree_fully() {
        let labels = [0, 0, 1, 1, 2, 2, 2];
        let scores = cluster_scores(&labels, &labels.map(|l| 5 - 2 * l)).unwrap();
        for score in [scores.nmi, scores.ari, scores.purity, scores.accuracy] {
            assert!((score - 1.0).abs() < 1e-12, "{scores:?}");
        }
    }

    #[test]
    fn one_cluster_for_all_says_nothing_and_is_as_pure_as_the_largest_class() {
        let scores = cluster_scores(&[0, 0, 0, 1], &[0; 4]).unwrap();
        assert_eq!((scores.nmi, scores.ari, scores.purity, scores.accuracy), (0.0, 0.0, 0.75, 0.75));
        let alone = cluster_scores(&[0, 0, 0, 0], &[0, 1, 2, 3]).unwrap();
        assert_eq!((alone.purity, alone.accuracy), (1.0, 0.25));
        assert!(cluster_scores(&[], &[]).is_err() && cluster_scores(&[0], &[0, 1]).is_err());
    }

    #[test]
    fn the_matching_is_the_best_of_all() {
        for seed in 0..40u64 {
            let (rows, columns) = (1 + seed as usize % 5, 1 + seed as usize / 5 % 5);
            let table: Vec<u64> = (0..rows * columns).map(|i| (i as u64 * 7919 + seed * 31) % 13).collect();
            assert_eq!(
                best_matching(&table, rows, columns),
                tried(&table, rows, columns, 0, &mut vec![]),
                "{table:?}"
            );
        }
    }

    /// Every choice of columns, row by row; a row may also go without one.
    fn tried(table: &[u64], rows: usize, columns: usize, row: usize, taken: &mut Vec<usize>) -> u64 {
        if row == rows {
            return 0;
        }
        let mut best = tried(table, rows, columns, row + 1, taken);
        for column in 0..columns {
            if !taken.contains(&column) {
                taken.push(column);
                best = best.max(table[row * columns + column] + tried(table, rows, columns, row + 1, taken));
                taken.pop();
            }
        }
        best
    }
}
