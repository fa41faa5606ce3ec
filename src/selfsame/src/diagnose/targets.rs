//! What a teacher's targets say, and whether a student still has something to learn from them.

use super::{soft_usage_perplexity, Rows};
use crate::error::{Error, Result};

/// Mean entropy of the rows, each a distribution, in nats: `mean_i -sum_k p_ik ln p_ik` (DINO's `H(p_t)`, Caron et al. 2021,
/// arXiv:2104.14294, section 5.3).
///
/// Between 0, every target is one-hot, and `ln K`, every target is uniform.
///
/// Good: in between, falling slowly. Bad: at `ln K` (centring without sharpening: the teacher says nothing); near 0 together
/// with a usage perplexity near 1 (sharpening without centring: it always says the same).
///
/// NaN without rows or where a number is not finite.
pub fn target_entropy(probabilities: &Rows) -> f64 {
    let sum: f64 = probabilities.values().iter().map(|&p| if p > 0.0 { -p * p.ln() } else { p * 0.0 }).sum();
    if probabilities.is_empty() {
        f64::NAN
    } else {
        sum / probabilities.len() as f64
    }
}

/// Mean Kullback-Leibler divergence of the student's rows from the teacher's, `mean_i sum_k t_ik ln(t_ik / s_ik)`, in nats
/// (DINO's `KL(p_t | p_s)`, arXiv:2104.14294, section 5.3).
///
/// From 0 upwards; infinite where the student gives nothing to what the teacher gives something.
///
/// Good: positive and slowly falling. Bad: 0 from early on; teacher and student agree because both say the same of
/// everything.
///
/// NaN without rows or where a number is not finite.
///
/// # Errors
/// Different shapes.
pub fn target_kl(teacher: &Rows, student: &Rows) -> Result<f64> {
    if (teacher.len(), teacher.dim()) != (student.len(), student.dim()) {
        let shape = |r: &Rows| format!("{} rows of {}", r.len(), r.dim());
        return Err(Error::shape("divergence of a student from its teacher", shape(teacher), shape(student)));
    }
    if teacher.is_empty() || !student.is_finite() {
        return Ok(f64::NAN);
    }
    let term = |(&t, &s): (&f64, &f64)| if t > 0.0 { t * (t / s).ln() } else { t * 0.0 };
    let sum: f64 = teacher.values().iter().zip(student.values()).map(term).sum();
    Ok(sum / teacher.len() as f64)
}

/// The Euclidean norm of a teacher's centre (the running mean of its outputs that DINO subtracts).
///
/// From 0 upwards. Good: finds a level within an epoch or two. Bad: grows without end, the outputs drift and the centre
/// runs after them.
pub fn centre_norm(centre: &[f64]) -> f64 {
    centre.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// What a batch of teacher targets looks like, for the doctor.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// Mean entropy of a target, nats.
    pub entropy: f64,
    /// Divergence of the student from the teacher, nats.
    pub kl: f64,
    /// Perplexity of the mean target: how many outputs are in use.
    pub perplexity: f64,
    /// How many outputs there are.
    pub outputs: usize,
}

impl Targets {
    /// Measures targets `(n, k)` and, row by row, what the student says to the same samples.
    ///
    /// # Errors
    /// Different shapes.
    pub fn measure(teacher: &Rows, student: &Rows) -> Result<Targets> {
        Ok(Targets {
            entropy: target_entropy(teacher),
            kl: target_kl(teacher, student)?,
            perplexity: soft_usage_perplexity(teacher),
            outputs: teacher.dim(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rows(v: &[f64], n: usize) -> Rows {
        Rows::new(v.to_vec(), n, v.len() / n).unwrap()
    }

    #[test]
    fn uniform_and_one_hot_targets() {
        let uniform = rows(&[0.25; 8], 2);
        let one_hot = rows(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], 2);
        assert!((target_entropy(&uniform) - 4.0_f64.ln()).abs() < 1e-12);
        assert_eq!(target_entropy(&one_hot), 0.0);
        assert!((target_kl(&one_hot, &uniform).unwrap() - 4.0_f64.ln()).abs() < 1e-12);
        assert_eq!(target_kl(&uniform, &uniform).unwrap(), 0.0);
        assert_eq!(target_kl(&uniform, &one_hot).unwrap(), f64::INFINITY);
        let seen = Targets::measure(&one_hot, &uniform).unwrap();
        assert_eq!((seen.perplexity, seen.outputs), (1.0, 4));
        assert_eq!(centre_norm(&[3.0, -4.0]), 5.0);
    }

    #[test]
    fn what_is_not_there_is_nan() {
        let none = Rows::new(vec![], 0, 3).unwrap();
        assert!(target_entropy(&none).is_nan() && target_kl(&none, &none).unwrap().is_nan());
        let nan = rows(&[f64::NAN, 1.0], 1);
        assert!(target_entropy(&nan).is_nan() && target_kl(&nan, &rows(&[0.5, 0.5], 1)).unwrap().is_nan());
        assert!(target_kl(&none, &nan).is_err());
    }
}
