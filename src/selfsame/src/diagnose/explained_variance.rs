//! How soon a few directions explain everything.

use super::{singular_values, Rows};

/// Cumulative explained variance: the share of the first `j` values in their sum, for `j` from 1 (Li, Efros and Pathak,
/// ECCV 2022, arXiv:2209.15007).
///
/// They take the singular values of the normalised and centred embeddings, as [`explained_variance_auc`] does. Ends at
/// 1. All NaN when the values sum to zero or one is not finite.
pub fn cumulative_explained_variance(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    let mut so_far = 0.0;
    let share = |v: &f64| {
        so_far += v;
        if sum > 0.0 && sum.is_finite() {
            so_far / sum
        } else {
            f64::NAN
        }
    };
    values.iter().map(share).collect()
}

/// Area under the cumulative explained variance over the share of directions, both from 0 to 1 (Li, Efros and Pathak, ECCV
/// 2022, arXiv:2209.15007): rows L2-normalised, centred, singular values, trapezoids from the origin.
///
/// Between 0.5, all directions alike, and `1 - 1/(2d)`, all variance along one.
///
/// Good: up to 0.8. Bad: above 0.95; it sees partial collapse, which the spread of normalised embeddings misses.
///
/// NaN without rows or columns, where all rows point the same way, or where a number is not finite.
pub fn explained_variance_auc(rows: &Rows) -> f64 {
    area_under_shares(&singular_values(&rows.normalized().centred()))
}

/// The area for given values, largest first.
pub(super) fn area_under_shares(values: &[f64]) -> f64 {
    let mut before = 0.0;
    let mut area = 0.0;
    for share in cumulative_explained_variance(values) {
        area += 0.5 * (before + share);
        before = share;
    }
    if values.is_empty() {
        f64::NAN
    } else {
        area / values.len() as f64
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms() {
        assert_eq!(cumulative_explained_variance(&[2.0, 1.0, 1.0]), [0.5, 0.75, 1.0]);
        assert!((area_under_shares(&[3.0; 8]) - 0.5).abs() < 1e-12);
        assert!((area_under_shares(&[1.0, 0.0, 0.0, 0.0]) - (1.0 - 0.125)).abs() < 1e-12);
        // Points on two axes: after centring, one direction holds everything.
        let line = Rows::new(vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0], 4, 2).unwrap();
        assert!((explained_variance_auc(&line) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn degenerate_rows_are_nan() {
        assert!(explained_variance_auc(&Rows::new(vec![0.5; 12], 4, 3).unwrap()).is_nan());
        assert!(explained_variance_auc(&Rows::new(vec![], 0, 3).unwrap()).is_nan());
        assert!(explained_variance_auc(&Rows::new(vec![f64::NAN, 1.0, 2.0, 3.0], 2, 2).unwrap()).is_nan());
        assert!(cumulative_explained_variance(&[0.0, 0.0]).iter().all(|v| v.is_nan()));
    }
}
