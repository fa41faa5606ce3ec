//! Finding samples of the same label, and the other half of a pair, by similarity.

use rayon::prelude::*;

use super::Embeddings;
use crate::error::{Error, Result};
use crate::interrupt::interrupted;
use crate::ops::{matmul, normalize_rows, Matrix, Threads};

/// Queries whose similarities to everything are computed at once.
const QUERIES: usize = 64;

/// How well the labels of a sample's nearest neighbours are its own, leave-one-out: every sample is a query, all others are
/// ranked by cosine similarity, of equals the earlier first.
///
/// Samples that are alone with their label are no queries. All means are NaN when there are no queries.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Retrieval {
    /// Share of queries with at least one of their label among the `k` nearest, for each `k` asked for.
    pub recall: Vec<f64>,
    /// Share of their label among the `k` nearest, mean over queries, for each `k` asked for.
    pub precision: Vec<f64>,
    /// Mean average precision over the full ranking.
    pub map: f64,
    /// Precision at `R`, the number of others with the query's label (Musgrave et al. 2020, arXiv:2003.08505).
    pub r_precision: f64,
    /// Average precision cut at `R` and divided by `R` (MAP@R of the same paper).
    pub map_at_r: f64,
    /// The average precision of every sample; NaN where it is no query.
    pub average_precision: Vec<f64>,
}

/// Ranks all other samples of `of` for each sample, and scores the rankings; `ks` are the depths for recall and precision.
/// Costs O(n^2 d) time and O(n) memory a thread.
///
/// Not to be compared with scores that count recall as a share of all relevant samples; this one is metric learning's.
///
/// # Errors
/// [`Error::Setting`] for a depth of 0 or more than there are others; [`Error::Interrupted`] when a stop was asked for.
pub fn retrieval(of: &Embeddings, ks: &[usize]) -> Result<Retrieval> {
    if let Some(k) = ks.iter().find(|k| **k == 0 || **k >= of.len()) {
        let expected = format!("1 to {}, the number of other samples", of.len().saturating_sub(1));
        return Err(Error::setting("k", k, expected, "1, 5 and 10 are usual."));
    }
    let width = of.width().max(1);
    let mut unit = of.values().to_vec();
    normalize_rows(&mut unit, width);
    let blocks: Vec<Vec<Query>> = unit
        .par_chunks(QUERIES * width)
        .enumerate()
        .map(|(block, queries)| {
            if interrupted() {
                return Err(Error::Interrupted);
            }
            let scores = similarities(queries, &unit, width);
            let score = |(i, row): (usize, &[f32])| score(of.labels(), block * QUERIES + i, row, ks);
            Ok(scores.chunks_exact(of.len().max(1)).enumerate().map(score).collect())
        })
        .collect::<Result<_>>()?;
    let queries: Vec<Query> = blocks.into_iter().flatten().collect();
    let some: Vec<&Query> = queries.iter().filter(|q| q.ap.is_finite()).collect();
    let mean = |of: &dyn Fn(&Query) -> f64| some.iter().map(|q| of(q)).sum::<f64>() / some.len() as f64;
    Ok(Retrieval {
        recall: (0..ks.len()).map(|k| mean(&|q| f64::from(q.hits[k] > 0))).collect(),
        precision: ks.iter().enumerate().map(|(i, k)| mean(&|q| f64::from(q.hits[i]) / *k as f64)).collect(),
        map: mean(&|q| q.ap),
        r_precision: mean(&|q| q.r_precision),
        map_at_r: mean(&|q| q.ap_at_r),
        average_precision: queries.iter().map(|q| q.ap).collect(),
    })
}

/// One query's scores.
struct Query {
    /// Samples of its label among the nearest, for each depth.
    hits: Vec<u32>,
    ap: f64,
    r_precision: f64,
    ap_at_r: f64,
}

fn score(labels: &[u32], query: usize, similarity: &[f32], ks: &[usize]) -> Query {
    let mut order: Vec<u32> = (0..labels.len() as u32).filter(|&i| i as usize != query).collect();
    order.sort_by(|&a, &b| similarity[b as usize].total_cmp(&similarity[a as usize]).then(a.cmp(&b)));
    let relevant: Vec<bool> = order.iter().map(|&i| labels[i as usize] == labels[query]).collect();
    let all = relevant.iter().filter(|r| **r).count();
    let hits = ks.iter().map(|&k| relevant[..k].iter().filter(|r| **r).count() as u32).collect();
    let (mut found, mut sum, mut at_r) = (0.0, 0.0, (0.0, 0.0));
    for (rank, _) in relevant.iter().enumerate().filter(|(_, r)| **r) {
        found += 1.0;
        sum += found / (rank + 1) as f64;
        if rank < all {
            at_r = (found, sum);
        }
    }
    // 0/0 where the label is alone.
    let all = all as f64;
    Query { hits, ap: sum / all, r_precision: at_r.0 / all, ap_at_r: at_r.1 / all }
}

/// How well one half of a pair finds the other, by cosine similarity.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PairedRetrieval {
    /// Rows of the first that look for their partner in the second.
    pub forward: PartnerRanks,
    /// Rows of the second that look for theirs in the first.
    pub backward: PartnerRanks,
}

/// Where each row's partner stands in its ranking.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PartnerRanks {
    /// The number of strictly more similar wrong rows; 0 is best.
    pub ranks: Vec<u32>,
    /// Share of ranks below `k`, for each `k` asked for.
    pub recall: Vec<f64>,
    /// The median rank.
    pub median: f64,
}

/// Scores of two row-major sets of `width` columns whose rows belong together by position, as two views or an image and its
/// text do. Recall and ranks are those of CLIP's and image-text papers' tables.
///
/// # Errors
/// [`Error::Shape`] for sets of different sizes or without rows.
pub fn paired_retrieval(x: &[f32], y: &[f32], width: usize, ks: &[usize]) -> Result<PairedRetrieval> {
    if x.len() != y.len() || width == 0 || x.is_empty() || !x.len().is_multiple_of(width) {
        let found = format!("{} and {} values of width {width}", x.len(), y.len());
        return Err(Error::shape("paired retrieval", "as many rows in both, one or more", found));
    }
    let unit = |v: &[f32]| {
        let mut v = v.to_vec();
        normalize_rows(&mut v, width);
        v
    };
    let (x, y) = (unit(x), unit(y));
    let ranks = |from: &[f32], to: &[f32]| {
        let blocks = from.par_chunks(QUERIES * width).enumerate().map(|(block, queries)| {
            let scores = similarities(queries, to, width);
            let rank = |(i, row): (usize, &[f32])| {
                let own = row[block * QUERIES + i];
                row.iter().filter(|s| **s > own).count() as u32
            };
            scores.chunks_exact(to.len() / width).enumerate().map(rank).collect::<Vec<u32>>()
        });
        partners(blocks.collect::<Vec<_>>().concat(), ks)
    };
    Ok(PairedRetrieval { forward: ranks(&x, &y), backward: ranks(&y, &x) })
}

fn partners(ranks: Vec<u32>, ks: &[usize]) -> PartnerRanks {
    let share = |k: &usize| ranks.iter().filter(|r| (**r as usize) < *k).count() as f64 / ranks.len() as f64;
    let recall = ks.iter().map(share).collect();
    let mut sorted = ranks.clone();
    sorted.sort_unstable();
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    PartnerRanks { ranks, recall, median: (f64::from(low) + f64::from(high)) / 2.0 }
}

/// Products of every row of `queries` with every row of `bank`.
fn similarities(queries: &[f32], bank: &[f32], width: usize) -> Vec<f32> {
    let (n, m) = (queries.len() / width, bank.len() / width);
    let mut scores = vec![0f32; n * m];
    let (lq, lb) = (Matrix::new(n, width), Matrix::new(m, width));
    matmul(queries, lq, bank, lb.t(), &mut scores, Matrix::new(n, m), false, Threads::One);
    scores
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_ranking_by_hand() {
        // On a circle at 0, 10, 30, 60, 100 degrees, labels a b a a c.
        let at = |d: f32| [d.to_radians().cos(), d.to_radians().sin()];
        let values: Vec<f32> = [0.0, 10.0, 30.0, 60.0, 100.0].iter().flat_map(|d| at(*d)).collect();
        let set = Embeddings::new(values, 2, vec![0, 1, 0, 0, 2], 3).unwrap();
        let found = retrieval(&set, &[1, 2]).unwrap();
        // 0: b a a c, 30: b a(0 or 60: equal, earlier first) a c, 60: a c b a.
        let ap = [(1.0 / 2.0 + 2.0 / 3.0) / 2.0, (1.0 / 2.0 + 2.0 / 3.0) / 2.0, (1.0 + 2.0 / 4.0) / 2.0];
        assert!((found.map - ap.iter().sum::<f64>() / 3.0).abs() < 1e-12, "{found:?}");
        assert!(found.average_precision[1].is_nan() && found.average_precision[4].is_nan());
        assert_eq!(found.recall, [1.0 / 3.0, 1.0]);
        assert!((found.precision[1] - 0.5).abs() < 1e-12);
        assert!((found.r_precision - 0.5).abs() < 1e-12);
        assert!((found.map_at_r - (0.25 + 0.25 + 0.5) / 3.0).abs() < 1e-12, "{found:?}");
        assert!(retrieval(&set, &[5]).is_err() && retrieval(&set, &[0]).is_err());
    }

    #[test]
    fn pairs_find_each_other() {
        let x: Vec<f32> = (0..200).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
        let same = paired_retrieval(&x, &x, 10, &[1]).unwrap();
        assert_eq!((same.forward.recall[0], same.forward.median), (1.0, 0.0));
        let opposite: Vec<f32> = x.iter().map(|v| -v).collect();
        let worst = paired_retrieval(&x, &opposite, 10, &[1]).unwrap();
        assert!(worst.backward.ranks.iter().all(|r| *r == 19));
        assert!(
            paired_retrieval(&x, &x[..100], 10, &[1]).is_err() && paired_retrieval(&[], &[], 2, &[]).is_err()
        );
    }
}
