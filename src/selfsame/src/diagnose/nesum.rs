//! The sum of a spectrum in units of its largest value.

/// NESum, the sum of the eigenvalues over the largest, `sum l_i / l_1`, of the covariance (He and Ozay, ICML 2022,
/// 'Exploring the gap between collapsed and whitened features in self-supervised learning').
///
/// Between 1 and the number of eigenvalues. Whitened features reach the width, which is not the best either: the paper finds the
/// best probes between the two. The same number as the [`stable_rank`](super::stable_rank()) of the centred matrix.
///
/// Good: well inside, growing while training. Bad: near 1, one direction carries all variance.
///
/// NaN when there are no values, all are zero, or one is not finite.
pub fn nesum(eigenvalues: &[f64]) -> f64 {
    let largest = eigenvalues.iter().fold(0.0_f64, |m, v| m.max(*v));
    if !(largest > 0.0 && eigenvalues.iter().all(|v| v.is_finite())) {
        return f64::NAN;
    }
    eigenvalues.iter().map(|v| v / largest).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_and_degenerate_values() {
        assert_eq!(nesum(&[4.0, 2.0, 1.0, 1.0]), 2.0);
        assert_eq!(nesum(&[0.5; 7]), 7.0);
        for values in [&[][..], &[0.0], &[f64::NAN, 1.0], &[f64::INFINITY]] {
            assert!(nesum(values).is_nan(), "{values:?}");
        }
    }
}
