//! The number of directions that take part, counted by variance.

/// Participation ratio, `(sum l_i)^2 / sum l_i^2`, of the covariance's eigenvalues (Gao et al. 2017, bioRxiv 214262).
///
/// Between 1, all variance along one direction, and the number of eigenvalues, equal variance along all. It counts the
/// directions that carry most of the variance and ignores a long tail, where
/// [`effective_rank`](super::effective_rank()) still sees it.
///
/// Good: a tenth of the width or more. Bad: 1 to 2 in wide embeddings.
///
/// NaN when there are no values, all are zero, or one is not finite.
pub fn participation_ratio(eigenvalues: &[f64]) -> f64 {
    let largest = eigenvalues.iter().fold(0.0_f64, |m, v| m.max(*v));
    if !(largest > 0.0 && eigenvalues.iter().all(|v| v.is_finite())) {
        return f64::NAN;
    }
    // In units of the largest, so that squares neither overflow nor vanish.
    let (sum, squares) =
        eigenvalues.iter().map(|v| v / largest).fold((0.0, 0.0), |(s, q), v| (s + v, q + v * v));
    sum * sum / squares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_and_degenerate_values() {
        assert!((participation_ratio(&[0.3; 5]) - 5.0).abs() < 1e-12);
        assert_eq!(participation_ratio(&[7.0, 0.0, 0.0]), 1.0);
        assert!((participation_ratio(&[2e200, 1e200]) - 1.8).abs() < 1e-12);
        for values in [&[][..], &[0.0], &[f64::NAN, 1.0], &[f64::INFINITY]] {
            assert!(participation_ratio(values).is_nan(), "{values:?}");
        }
    }
}
