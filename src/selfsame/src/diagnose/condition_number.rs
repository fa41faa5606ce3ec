//! How far the directions of an embedding differ in size.

/// A smallest value below this share of the largest is rounding.
const ZERO: f64 = 1e-13;

/// Condition number, the largest singular value over the smallest, of the centred matrix.
///
/// From 1, a whitened embedding, upwards. Its square is that of the covariance, which says how slowly gradient descent
/// fits a linear probe.
///
/// Good: below 1e3. Bad: 1e6 and more, some directions are all but dead; NaN, some are.
///
/// NaN when the smallest value is zero (below 1e-13 of the largest), there are no values, or one is not finite.
pub fn condition_number(singular_values: &[f64]) -> f64 {
    let largest = singular_values.iter().fold(0.0_f64, |m, v| m.max(*v));
    let smallest = singular_values.iter().fold(f64::INFINITY, |m, v| m.min(*v));
    let measurable = singular_values.iter().all(|v| v.is_finite()) && smallest > ZERO * largest;
    if measurable && largest > 0.0 {
        largest / smallest
    } else {
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_and_degenerate_values() {
        assert_eq!(condition_number(&[8.0, 4.0, 2.0]), 4.0);
        assert_eq!(condition_number(&[3.0]), 1.0);
        for values in [&[][..], &[0.0], &[1.0, 0.0], &[1.0, 1e-15], &[f64::NAN, 1.0], &[f64::INFINITY, 1.0]] {
            assert!(condition_number(values).is_nan(), "{values:?}");
        }
    }
}
