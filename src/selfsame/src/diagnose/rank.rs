//! How many dimensions an embedding really uses.

/// Which published RankMe: they differ in the epsilon added to each share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RankMe {
    /// Garrido et al. 2023 (arXiv:2210.02885), equation 1: epsilon 1e-7. The default.
    #[default]
    Paper,
    /// rbalestr-lab/stable-pretraining's callback: epsilon 1e-5.
    StablePretraining,
}

/// RankMe, `exp(-sum p ln p)` with `p = s / sum(s) + eps`, from the singular values of the raw embeddings.
///
/// Not centred and not normalised again after adding the epsilon, as published. Between 1 and the number of values;
/// comparable between runs of one method only; published numbers are from about 25,600 samples.
///
/// Good: grows while training, a fifth of the width and more. Bad: a few directions of many, dimensional collapse. As nothing is
/// centred, a large mean alone brings it down.
/// NaN when there are no values, all are zero, or one is not finite.
pub fn rankme(singular_values: &[f64], convention: RankMe) -> f64 {
    let eps = match convention {
        RankMe::Paper => 1e-7,
        RankMe::StablePretraining => 1e-5,
    };
    exp_entropy(singular_values, eps)
}

/// Effective rank, `exp(-sum p ln p)` with `p = v / sum(v)` and `0 ln 0 = 0` (Roy and Vetterli 2007).
///
/// Between 1, all along one direction, and the number of values, all alike.
///
/// Good: a tenth of the width and more. Bad: 1 to 2 in wide embeddings, dimensional collapse.
///
/// Their paper takes singular values; of [`covariance_eigenvalues`](super::covariance_eigenvalues) it gives the
/// effective rank of the covariance that reports show. NaN when there are no values, all are zero, or one is not
/// finite.
pub fn effective_rank(spectrum: &[f64]) -> f64 {
    exp_entropy(spectrum, 0.0)
}

fn exp_entropy(values: &[f64], eps: f64) -> f64 {
    let sum: f64 = values.iter().sum();
    if sum.is_nan() || sum <= 0.0 || sum.is_infinite() {
        return f64::NAN;
    }
    let entropy: f64 = values.iter().map(|v| v / sum + eps).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
    entropy.exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_count_themselves_and_one_value_is_rank_one() {
        assert!((effective_rank(&[2.0; 5]) - 5.0).abs() < 1e-12);
        assert!((effective_rank(&[3.0, 0.0, 0.0]) - 1.0).abs() < 1e-12);
        assert!((rankme(&[2.0; 5], RankMe::Paper) - 5.0).abs() < 1e-5);
    }

    #[test]
    fn a_rank_that_does_not_exist_is_nan() {
        for values in [&[][..], &[0.0, 0.0], &[f64::NAN, 1.0], &[f64::INFINITY]] {
            assert!(effective_rank(values).is_nan() && rankme(values, RankMe::Paper).is_nan(), "{values:?}");
        }
    }
}
