//! Weighted nearest neighbours (Wu et al. 2018, arXiv 1805.01978), the protocol of DINO.

use rayon::prelude::*;

use super::nearest::{Nearest, Neighbour};
use super::Embeddings;
use crate::error::{Error, Result};
use crate::interrupt::interrupted;
use crate::ops::{matmul, normalize_rows, Matrix, Threads};

/// Queries and rows of the bank whose similarities are computed at once: they stay in cache until they are looked at, and
/// memory does not grow with queries times bank.
const QUERIES: usize = 512;
const BANK: usize = 1024;

/// Settings of [`knn`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knn {
    /// Neighbours that vote (20, or 200).
    pub k: usize,
    /// A neighbour's vote weighs `exp(cosine / temperature)` (0.07).
    pub temperature: f64,
}

impl Knn {
    /// `k` neighbours at temperature 0.07.
    pub fn new(k: usize) -> Knn {
        Knn { k, temperature: 0.07 }
    }
}

/// Predicts each query's label from its `k` most similar rows of `bank`, for several settings at once.
///
/// Rows are L2-normalised inside. Of equally similar neighbours the one that stands first in the bank counts; of
/// classes with equal votes the lower label wins; with `k` above the bank's size every row votes. Returns predictions
/// for each setting in order.
///
/// # Errors
/// [`Error::Shape`] for an empty bank or another width, [`Error::Setting`] for `k` of 0 or a temperature that is not
/// positive, [`Error::Interrupted`] when a stop was asked for.
pub fn knn(bank: &Embeddings, queries: &Embeddings, settings: &[Knn]) -> Result<Vec<Vec<u32>>> {
    predict(bank, queries, settings, interrupted)
}

/// [`knn`] that does not stop on request: for the short probes of a training run, which stops itself.
pub(crate) fn knn_to_the_end(
    bank: &Embeddings,
    queries: &Embeddings,
    settings: &[Knn],
) -> Result<Vec<Vec<u32>>> {
    predict(bank, queries, settings, || false)
}

fn predict(
    bank: &Embeddings,
    queries: &Embeddings,
    settings: &[Knn],
    stop: impl Fn() -> bool + Sync,
) -> Result<Vec<Vec<u32>>> {
    check_widths(bank, queries)?;
    for s in settings {
        if s.k == 0 {
            return Err(Error::setting("k", s.k, "at least one neighbour", "20 and 200 are usual."));
        }
        if !(s.temperature > 0.0 && s.temperature.is_finite()) {
            return Err(Error::setting(
                "kNN temperature",
                s.temperature,
                "a positive number",
                "0.07 is usual.",
            ));
        }
    }
    let most = settings.iter().map(|s| s.k).max().unwrap_or(0);
    let votes = |neighbours: &[Neighbour]| -> Vec<u32> {
        let label = |s: &Knn| {
            let near = &neighbours[..s.k.min(neighbours.len())];
            vote(near, bank.labels(), bank.classes(), s.temperature)
        };
        settings.iter().map(label).collect()
    };
    let labels = nearest(bank, queries, most, stop, votes)?;
    Ok((0..settings.len()).map(|s| labels.iter().map(|l| l[s]).collect()).collect())
}

/// Positions in `bank` of the `k` rows most similar (by cosine) to each query, nearest first.
///
/// # Errors
/// [`Error::Shape`] for an empty bank or another width, [`Error::Interrupted`] when a stop was asked for.
pub fn nearest_rows(bank: &Embeddings, queries: &Embeddings, k: usize) -> Result<Vec<Vec<u32>>> {
    check_widths(bank, queries)?;
    nearest(bank, queries, k, interrupted, |neighbours| neighbours.iter().map(|n| n.row).collect())
}

/// What `take` makes of the `k` nearest rows of each query, nearest first.
fn nearest<R: Send>(
    bank: &Embeddings,
    queries: &Embeddings,
    k: usize,
    stop: impl Fn() -> bool + Sync,
    take: impl Fn(&[Neighbour]) -> R + Sync,
) -> Result<Vec<R>> {
    let width = bank.width().max(1);
    let (bank, queries) = (unit_rows(bank), unit_rows(queries));
    let blocks: Vec<Vec<R>> = queries
        .par_chunks(QUERIES * width)
        .map_init(
            || vec![0f32; QUERIES * BANK],
            |scores, queries| {
                if stop() {
                    return Err(Error::Interrupted);
                }
                let near = search(&bank, queries, width, k, scores);
                Ok(near.into_iter().map(|n| take(&n.into_sorted())).collect())
            },
        )
        .collect::<Result<_>>()?;
    Ok(blocks.into_iter().flatten().collect())
}

/// The nearest rows of a block of queries; `scores` has room for those of a block of the bank.
fn search(bank: &[f32], queries: &[f32], width: usize, k: usize, scores: &mut [f32]) -> Vec<Nearest> {
    let rows = queries.len() / width;
    let mut near: Vec<Nearest> = (0..rows).map(|_| Nearest::new(k)).collect();
    for (number, block) in bank.chunks(BANK * width).enumerate() {
        let n = block.len() / width;
        let scores = &mut scores[..rows * n];
        let (lq, lb) = (Matrix::new(rows, width), Matrix::new(n, width));
        matmul(queries, lq, block, lb.t(), scores, Matrix::new(rows, n), false, Threads::One);
        for (near, scores) in near.iter_mut().zip(scores.chunks_exact(n)) {
            near.offer(number * BANK, scores);
        }
    }
    near
}

fn check_widths(bank: &Embeddings, queries: &Embeddings) -> Result<()> {
    if bank.is_empty() || bank.width() != queries.width() {
        let found = format!("{} rows of {} for queries of {}", bank.len(), bank.width(), queries.width());
        return Err(Error::shape("kNN bank", "at least one row, as wide as the queries", found));
    }
    Ok(())
}

fn unit_rows(e: &Embeddings) -> Vec<f32> {
    let mut rows = e.values().to_vec();
    normalize_rows(&mut rows, e.width().max(1));
    rows
}

/// The label with the most weight among `neighbours`, nearest first.
fn vote(neighbours: &[Neighbour], labels: &[u32], classes: usize, temperature: f64) -> u32 {
    let mut votes = vec![0f64; classes];
    let best = neighbours.first().map_or(0.0, |n| f64::from(n.score));
    for n in neighbours {
        // Relative to the best, so that a small temperature cannot overflow.
        votes[labels[n.row as usize] as usize] += ((f64::from(n.score) - best) / temperature).exp();
    }
    let mut winner = 0;
    for (class, v) in votes.iter().enumerate() {
        if *v > votes[winner] {
            winner = class;
        }
    }
    winner as u32
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bank() -> Embeddings {
        // angles 0, 10, 90, 100 degrees
        let angle = |d: f32| [d.to_radians().cos() * 3.0, d.to_radians().sin() * 3.0];
        let values = [0.0, 10.0, 90.0, 100.0].iter().flat_map(|d| angle(*d)).collect();
        Embeddings::new(values, 2, vec![0, 0, 1, 1], 2).unwrap()
    }

    #[test]
    fn neighbours_vote_by_angle_not_length() {
        let q = Embeddings::new(vec![0.9, 0.1, 0.0, 50.0], 2, vec![0, 1], 2).unwrap();
        let p = knn(&bank(), &q, &[Knn::new(1), Knn::new(3)]).unwrap();
        assert_eq!(p, [[0, 1], [0, 1]]);
    }

    #[test]
    fn k_above_the_bank_lets_every_row_vote_and_ties_go_to_the_lower_label() {
        let same = Embeddings::new(vec![1.0, 0.0, 1.0, 0.0], 2, vec![1, 0], 2).unwrap();
        let q = Embeddings::new(vec![1.0, 0.0], 2, vec![0], 2).unwrap();
        assert_eq!(knn(&same, &q, &[Knn::new(1), Knn::new(200)]).unwrap(), [[1], [0]]);
    }

    /// More rows and queries than fit into one block, with many rows that are equally near.
    #[test]
    fn blocks_find_what_a_sort_of_everything_finds() {
        let corner = |i: usize| [(i * 7 % 5) as f32 - 2.0, (i * 11 % 3) as f32 - 1.0, (i * 13 % 4) as f32];
        let rows = |n: usize| (0..n).flat_map(corner).collect::<Vec<f32>>();
        let (n, m) = (2 * BANK + 77, QUERIES + 5);
        let bank = Embeddings::new(rows(n), 3, vec![0; n], 1).unwrap();
        let queries = Embeddings::new(rows(m), 3, vec![0; m], 1).unwrap();
        let found = nearest_rows(&bank, &queries, 150).unwrap();
        let unit = unit_rows(&bank);
        for (query, found) in unit_rows(&queries).chunks_exact(3).zip(&found) {
            let mut scores = vec![0f32; n];
            let (lq, lb) = (Matrix::new(1, 3), Matrix::new(n, 3).t());
            matmul(query, lq, &unit, lb, &mut scores, Matrix::new(1, n), false, Threads::One);
            let mut order: Vec<u32> = (0..n as u32).collect();
            order.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b)));
            assert_eq!(found, &order[..150]);
        }
        assert_eq!(nearest_rows(&bank, &queries, n + 1).unwrap()[0].len(), n);
    }

    #[test]
    fn bad_settings_say_what_is_usual() {
        let q = bank();
        assert!(knn(&q, &q, &[Knn::new(0)]).unwrap_err().to_string().contains("20 and 200 are usual"));
        let narrow = Embeddings::new(vec![1.0], 1, vec![0], 1).unwrap();
        assert!(knn(&q, &narrow, &[Knn::new(1)]).is_err());
    }
}
