//! Weighted nearest neighbours (Wu et al. 2018, arXiv 1805.01978), the protocol of DINO.

use rayon::prelude::*;

use super::Embeddings;
use crate::error::{Error, Result};
use crate::interrupt::interrupted;
use crate::ops::{matmul, normalize_rows, Matrix, Threads};

/// Queries compared with the whole bank at once: the scores of a block stay in cache, and memory does not grow with
/// queries times bank.
const BLOCK: usize = 64;

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
    let (n, width) = (bank.len(), bank.width());
    let (bank_rows, query_rows) = (unit_rows(bank), unit_rows(queries));
    let most = settings.iter().map(|s| s.k).max().unwrap_or(0).min(n);
    let blocks: Vec<Vec<Vec<u32>>> = query_rows
        .par_chunks(BLOCK * width.max(1))
        .map_init(
            || (vec![0f32; BLOCK * n], Vec::new()),
            |(scores, order), block| {
                if stop() {
                    return Err(Error::Interrupted);
                }
                let rows = block.len() / width.max(1);
                let scores = &mut scores[..rows * n];
                let (lq, lb) = (Matrix::new(rows, width), Matrix::new(n, width));
                matmul(block, lq, &bank_rows, lb.t(), scores, Matrix::new(rows, n), false, Threads::One);
                let mut predictions = vec![Vec::with_capacity(rows); settings.len()];
                for row in scores.chunks_exact(n) {
                    nearest(row, most, order);
                    for (s, p) in settings.iter().zip(&mut predictions) {
                        p.push(vote(row, &order[..s.k.min(n)], bank.labels(), bank.classes(), s.temperature));
                    }
                }
                Ok(predictions)
            },
        )
        .collect::<Result<_>>()?;
    Ok((0..settings.len()).map(|s| blocks.iter().flat_map(|b| b[s].iter().copied()).collect()).collect())
}

/// Positions in `bank` of the `k` rows most similar (by cosine) to each query, nearest first.
///
/// # Errors
/// [`Error::Shape`] for an empty bank or another width.
pub fn nearest_rows(bank: &Embeddings, queries: &Embeddings, k: usize) -> Result<Vec<Vec<u32>>> {
    check_widths(bank, queries)?;
    let (n, width) = (bank.len(), bank.width());
    let (bank_rows, query_rows) = (unit_rows(bank), unit_rows(queries));
    let rank = |query: &[f32]| {
        let mut scores = vec![0f32; n];
        let (lq, lb) = (Matrix::new(1, width), Matrix::new(n, width));
        matmul(query, lq, &bank_rows, lb.t(), &mut scores, Matrix::new(1, n), false, Threads::One);
        let mut order = Vec::new();
        nearest(&scores, k.min(n), &mut order);
        order
    };
    Ok(query_rows.par_chunks(width.max(1)).map(rank).collect())
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

/// The positions of the `k` largest scores, best first, ties by position.
fn nearest(scores: &[f32], k: usize, order: &mut Vec<u32>) {
    let better = |a: &u32, b: &u32| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b));
    order.clear();
    order.extend(0..scores.len() as u32);
    if k < order.len() {
        order.select_nth_unstable_by(k, better);
        order.truncate(k);
    }
    order.sort_unstable_by(better);
}

/// The label with the most weight among `neighbours`.
fn vote(scores: &[f32], neighbours: &[u32], labels: &[u32], classes: usize, temperature: f64) -> u32 {
    let mut votes = vec![0f64; classes];
    let best = neighbours.first().map_or(0.0, |&i| f64::from(scores[i as usize]));
    for &i in neighbours {
        // Relative to the best, so that a small temperature cannot overflow.
        votes[labels[i as usize] as usize] += ((f64::from(scores[i as usize]) - best) / temperature).exp();
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

    #[test]
    fn bad_settings_say_what_is_usual() {
        let q = bank();
        assert!(knn(&q, &q, &[Knn::new(0)]).unwrap_err().to_string().contains("20 and 200 are usual"));
        let narrow = Embeddings::new(vec![1.0], 1, vec![0], 1).unwrap();
        assert!(knn(&q, &narrow, &[Knn::new(1)]).is_err());
    }
}
