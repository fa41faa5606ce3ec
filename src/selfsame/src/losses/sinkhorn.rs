//! Assignments of samples to prototypes that use all prototypes alike (Cuturi 2013, arXiv 1306.0895; as in SwAV,
//! arXiv 2006.09882).

use rayon::prelude::*;

use super::check;
use super::contrast::logsumexp;
use crate::error::{Error, Result};

/// Settings of [`sinkhorn`].
///
/// Cuturi 2013, arXiv 1306.0895; as in SwAV, arXiv 2006.09882.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SinkhornSettings {
    /// Divides the scores (0.05): the smaller, the nearer the assignments are to one prototype each.
    pub epsilon: f64,
    /// How often prototypes and samples are balanced in turn (3).
    pub iterations: usize,
}

impl Default for SinkhornSettings {
    fn default() -> Self {
        SinkhornSettings { epsilon: 0.05, iterations: 3 }
    }
}

/// Soft assignments from scores: `exp(scores / epsilon)`, each prototype's column scaled to the same sum and then
/// each sample's row to 1, in turn.
///
/// Cuturi 2013, arXiv 1306.0895; as in SwAV, arXiv 2006.09882.
///
/// `scores` is (samples, prototypes), row-major; so are the assignments, whose rows sum to 1. Constants: no gradient
/// goes through them. Everything is done with logarithms, so no `epsilon` overflows.
///
/// PyTorch equivalent: `lightly.loss.swav_loss.sinkhorn(scores, iterations=3, epsilon=0.05)`.
///
/// ```
/// use selfsame::losses::{sinkhorn, SinkhornSettings};
/// // Both samples prefer the first prototype, the second sample less so.
/// let codes = sinkhorn(&[1.0, 0.0, 0.6, 0.0], 2, SinkhornSettings { epsilon: 0.01, iterations: 50 })?;
/// assert!(codes[0] > 0.99 && codes[3] > 0.99);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] for no scores, or a number of scores that is no multiple of `prototypes`; [`Error::Setting`] for
/// an epsilon that is not a positive number or no iteration at all.
pub fn sinkhorn(scores: &[f64], prototypes: usize, settings: SinkhornSettings) -> Result<Vec<f64>> {
    if scores.is_empty() || prototypes == 0 || !scores.len().is_multiple_of(prototypes) {
        let expected = format!("a row of {prototypes} scores for each sample, at least one");
        return Err(Error::shape("scores of Sinkhorn", expected, format!("{} scores", scores.len())));
    }
    check::positive("epsilon", settings.epsilon, "0.05 is usual; 0.03 where every code comes out uniform.")?;
    if settings.iterations == 0 {
        return Err(Error::setting("iterations of Sinkhorn", 0, "at least 1", "3 are usual."));
    }
    let samples = scores.len() / prototypes;
    let mut log: Vec<f64> = scores.iter().map(|s| s / settings.epsilon).collect();
    for _ in 0..settings.iterations {
        // A prototype's column once as a row, for a sum in one place.
        let column = |k: usize| -> Vec<f64> { (0..samples).map(|i| log[i * prototypes + k]).collect() };
        let totals: Vec<f64> =
            (0..prototypes).into_par_iter().map(|k| logsumexp(&column(k), |_| true)).collect();
        log.par_chunks_mut(prototypes).for_each(|row| {
            row.iter_mut().zip(&totals).for_each(|(v, total)| *v -= total);
            let total = logsumexp(row, |_| true);
            row.iter_mut().for_each(|v| *v -= total);
        });
    }
    log.par_iter_mut().for_each(|v| *v = v.exp());
    Ok(log)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The same by plain multiplication, as SwAV's algorithm writes it.
    fn transcribed(scores: &[f64], k: usize, settings: SinkhornSettings) -> Vec<f64> {
        let b = scores.len() / k;
        let mut q: Vec<f64> = scores.iter().map(|s| (s / settings.epsilon).exp()).collect();
        let total: f64 = q.iter().sum();
        q.iter_mut().for_each(|q| *q /= total);
        for _ in 0..settings.iterations {
            for j in 0..k {
                let sum: f64 = (0..b).map(|i| q[i * k + j]).sum();
                (0..b).for_each(|i| q[i * k + j] /= sum * k as f64);
            }
            for i in 0..b {
                let sum: f64 = q[i * k..][..k].iter().sum();
                q[i * k..][..k].iter_mut().for_each(|q| *q /= sum * b as f64);
            }
        }
        q.iter().map(|q| q * b as f64).collect()
    }

    #[test]
    fn it_is_the_algorithm_of_the_paper() {
        let scores: Vec<f64> = (0..35).map(|i| (i as f64 * 1.3).sin()).collect();
        for (epsilon, iterations) in [(0.05, 1), (0.05, 3), (0.5, 7), (2.0, 40)] {
            let settings = SinkhornSettings { epsilon, iterations };
            let (found, expected) =
                (sinkhorn(&scores, 5, settings).unwrap(), transcribed(&scores, 5, settings));
            found.iter().zip(&expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
        }
    }

    #[test]
    fn tiny_epsilons_do_not_overflow_and_prototypes_end_up_used_alike() {
        let scores: Vec<f64> = (0..48).map(|i| (i as f64 * 0.7).cos()).collect();
        for epsilon in [0.01, 1e-4] {
            let codes = sinkhorn(&scores, 6, SinkhornSettings { epsilon, iterations: 300 }).unwrap();
            assert!(codes.iter().all(|q| q.is_finite()));
            codes.chunks_exact(6).for_each(|row| assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12));
        }
        let codes = sinkhorn(&scores, 6, SinkhornSettings { epsilon: 0.1, iterations: 500 }).unwrap();
        for k in 0..6 {
            let used: f64 = codes.iter().skip(k).step_by(6).sum();
            assert!((used - 8.0 / 6.0).abs() < 1e-6, "{k}: {used}");
        }
    }

    #[test]
    fn identical_samples_have_uniform_codes() {
        let codes = sinkhorn(&[0.9, -0.3, 0.1].repeat(4), 3, SinkhornSettings::default()).unwrap();
        codes.iter().for_each(|q| assert!((q - 1.0 / 3.0).abs() < 1e-12));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (scores, k) in [(vec![], 2), (vec![1.0], 0), (vec![1.0, 2.0, 3.0], 2)] {
            assert!(sinkhorn(&scores, k, SinkhornSettings::default()).is_err());
        }
        for settings in [
            SinkhornSettings { epsilon: 0.0, iterations: 3 },
            SinkhornSettings { epsilon: 0.05, iterations: 0 },
        ] {
            assert!(matches!(sinkhorn(&[1.0], 1, settings).unwrap_err(), Error::Setting { .. }));
        }
    }
}
