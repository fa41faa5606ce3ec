//! How many codes, prototypes or clusters are really in use.

use super::Rows;
use crate::error::{Error, Result};

/// Perplexity of a distribution, `exp(-sum p ln p)` with `0 ln 0 = 0`: the number of equally likely outcomes that would be as
/// uncertain.
///
/// `shares` must sum to 1. Between 1 and their number; NaN where one is not finite or there are none.
pub fn perplexity(shares: &[f64]) -> f64 {
    if shares.is_empty() || !shares.iter().all(|p| p.is_finite()) {
        return f64::NAN;
    }
    shares.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum::<f64>().exp()
}

/// The share of samples each of `count` codes was given: usage, from hard assignments.
///
/// All zero without samples.
///
/// # Errors
/// A code that is not below `count`.
pub fn usage(codes: &[u32], count: usize) -> Result<Vec<f64>> {
    let mut counts = vec![0u64; count];
    for &code in codes {
        let of = counts
            .get_mut(code as usize)
            .ok_or_else(|| Error::shape("code usage", format!("codes below {count}"), code))?;
        *of += 1;
    }
    Ok(counts.iter().map(|c| *c as f64 / codes.len().max(1) as f64).collect())
}

/// Perplexity of the usage of `count` codes by hard assignments (reported by VQ-VAE, wav2vec 2.0 and SwAV code;
/// arXiv:1711.00937, arXiv:2006.11477).
///
/// Between 1, every sample has the same code, and `count`, all are used alike.
///
/// Good: above half of `count`, and at least the number of classes one hopes for. Bad: 1 or 2, the codes have collapsed; below
/// a twentieth of `count`, most are dead. A batch of `n` samples cannot use more than `n`.
///
/// NaN without samples.
///
/// # Errors
/// A code that is not below `count`.
pub fn usage_perplexity(codes: &[u32], count: usize) -> Result<f64> {
    let shares = usage(codes, count)?;
    Ok(if codes.is_empty() { f64::NAN } else { perplexity(&shares) })
}

/// Perplexity of the usage of codes by soft assignments: that of the mean of the rows, each of which is a distribution over
/// codes. Not the mean of the rows' perplexities, which says how sure each is.
///
/// Range and reading as [`usage_perplexity`]. NaN without rows or where a number is not finite.
pub fn soft_usage_perplexity(probabilities: &Rows) -> f64 {
    if probabilities.is_empty() {
        return f64::NAN;
    }
    perplexity(&probabilities.mean())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_and_degenerate_usage() {
        assert_eq!(usage(&[0, 2, 2, 2], 4).unwrap(), [0.25, 0.0, 0.75, 0.0]);
        assert_eq!(usage_perplexity(&[3; 9], 4).unwrap(), 1.0);
        assert!((usage_perplexity(&[0, 1, 2, 3], 4).unwrap() - 4.0).abs() < 1e-12);
        assert!(usage_perplexity(&[], 4).unwrap().is_nan());
        assert!(usage_perplexity(&[4], 4).is_err());
        assert!(perplexity(&[]).is_nan() && perplexity(&[f64::NAN]).is_nan());
    }

    #[test]
    fn soft_usage_is_that_of_the_mean() {
        // Each row is certain, all codes are used.
        let certain = Rows::new(vec![1.0, 0.0, 0.0, 1.0], 2, 2).unwrap();
        assert!((soft_usage_perplexity(&certain) - 2.0).abs() < 1e-12);
        assert!(soft_usage_perplexity(&Rows::new(vec![], 0, 2).unwrap()).is_nan());
    }
}
