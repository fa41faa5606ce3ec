//! Cross-entropies along the rows of a matrix of scores.

use rayon::prelude::*;

/// Every row's `sum_k target_k (logsumexp over candidates - score_k)`.
///
/// `candidate(row, column)` says which scores are in the denominator, `target(row, column)` how much a score is
/// asked for: 1 for the one positive of InfoNCE, a share for several. A positive need not be a candidate. The scores
/// become the losses' gradient with respect to them: `sum(target) * softmax - target`. The largest candidate is
/// subtracted before anything is raised to a power, so no temperature overflows.
///
/// A row that asks for nothing costs nothing.
pub(crate) fn contrast(
    scores: &mut [f64],
    columns: usize,
    candidate: impl Fn(usize, usize) -> bool + Sync,
    target: impl Fn(usize, usize) -> f64 + Sync,
) -> Vec<f64> {
    let one = |(i, row): (usize, &mut [f64])| {
        let lse = logsumexp(row, |k| candidate(i, k));
        let (mut asked, mut total) = (0.0, 0.0);
        for (k, s) in row.iter().enumerate() {
            let t = target(i, k);
            if t != 0.0 {
                asked += t * s;
                total += t;
            }
        }
        for (k, s) in row.iter_mut().enumerate() {
            let p = if total != 0.0 && candidate(i, k) { total * (*s - lse).exp() } else { 0.0 };
            *s = p - target(i, k);
        }
        match total == 0.0 {
            true => 0.0,
            false => total * lse - asked,
        }
    };
    scores.par_chunks_mut(columns.max(1)).enumerate().map(one).collect()
}

/// The logarithm of the sum of the exponentials of the chosen values; minus infinity where none is.
pub(crate) fn logsumexp(row: &[f64], chosen: impl Fn(usize) -> bool) -> f64 {
    let picked = || row.iter().enumerate().filter(|(k, _)| chosen(*k)).map(|(_, v)| *v);
    let max = picked().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        // Nothing chosen, or nothing but NaN, which must come through.
        return picked().fold(max, |m, v| if v.is_nan() { v } else { m });
    }
    max + picked().map(|v| (v - max).exp()).sum::<f64>().ln()
}

/// The mean.
pub(crate) fn mean(losses: &[f64]) -> f64 {
    losses.iter().sum::<f64>() / losses.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_softmax_minus_target() {
        let mut scores = [1.0, 2.0, 0.5, 1e4, -1e4, 0.0];
        let losses = contrast(&mut scores, 3, |_, _| true, |_, k| if k == 1 { 1.0 } else { 0.0 });
        let e = [1f64.exp(), 2f64.exp(), 0.5f64.exp()];
        let sum: f64 = e.iter().sum();
        assert!((losses[0] - (sum / e[1]).ln()).abs() < 1e-14);
        assert_eq!(losses[1], 2e4);
        for (k, slope) in [e[0] / sum, e[1] / sum - 1.0, e[2] / sum, 1.0, -1.0, 0.0].iter().enumerate() {
            assert!((scores[k] - slope).abs() < 1e-14, "{k}");
        }
    }

    #[test]
    fn what_is_no_candidate_is_not_in_the_sum_and_a_row_without_target_is_free() {
        let mut scores = [5.0, 1.0, 1.0, 7.0, 1.0, 2.0];
        let target = |i: usize, k: usize| if i == 0 && k == 0 { 1.0 } else { 0.0 };
        let losses = contrast(&mut scores, 3, |_, k| k != 0, target);
        assert!((losses[0] - (1.0 + 2f64.ln() - 5.0)).abs() < 1e-14);
        assert_eq!((losses[1], &scores[3..], scores[0]), (0.0, [0.0; 3].as_slice(), -1.0));
        assert!((scores[1] - 0.5).abs() < 1e-14 && (scores[2] - 0.5).abs() < 1e-14);
        assert!(logsumexp(&[f64::NAN, 1.0], |_| true).is_nan() && logsumexp(&[f64::NAN], |_| true).is_nan());
        assert_eq!(logsumexp(&[3.0], |_| false), f64::NEG_INFINITY);
    }
}
