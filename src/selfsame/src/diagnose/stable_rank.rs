//! How many directions carry the energy of the strongest.

/// Stable rank, `sum s_i^2 / s_1^2 = |Z|_F^2 / |Z|_2^2`, from the singular values (Rudelson and Vershynin 2007,
/// arXiv:math/0503442).
///
/// Between 1 and the number of values; unlike the rank it hardly moves when tiny values do. Give it the values of the
/// centred matrix ([`Rows::centred`](super::Rows::centred)) unless the mean is meant to count: it usually dominates.
///
/// Good: above ten, or a fifth of the width in narrow embeddings. Bad: near 1, where one direction outweighs all others
/// together.
///
/// NaN when there are no values, all are zero, or one is not finite.
pub fn stable_rank(singular_values: &[f64]) -> f64 {
    let largest = singular_values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if !(largest > 0.0 && singular_values.iter().all(|v| v.is_finite())) {
        return f64::NAN;
    }
    singular_values.iter().map(|v| (v / largest).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_and_degenerate_values() {
        assert_eq!(stable_rank(&[3.0, 3.0, 3.0]), 3.0);
        assert_eq!(stable_rank(&[2.0, 1.0]), 1.25);
        assert_eq!(stable_rank(&[1e200, 0.0]), 1.0);
        for values in [&[][..], &[0.0, 0.0], &[f64::NAN, 1.0], &[f64::INFINITY, 1.0]] {
            assert!(stable_rank(values).is_nan(), "{values:?}");
        }
    }
}
