//! Whether a predictor acts along the directions its input varies in.

use nalgebra::{DMatrix, SymmetricEigen};

use super::Rows;
use crate::error::{Error, Result};

/// Directions that carry less than this share of the strongest's correlation are not looked at.
const NEGLIGIBLE: f64 = 1e-6;

/// Eigenspace alignment of a predictor (Tian, Chen and Ganguli, ICML 2021, arXiv:2102.06810, DirectPred).
///
/// With `F` the correlation matrix of its `inputs` (not centred) and `u_j` its eigenvectors, the cosine between `u_j` and
/// what the predictor makes of it, `W u_j`; for a predictor that is no matrix, `W` is its best linear fit on these samples,
/// so that `W u_j = E[output input^T] u_j / l_j` and no weights are needed.
///
/// One number a direction, strongest first, from -1 to 1; directions with less than 1e-6 of the strongest's eigenvalue are
/// left out. Empty without rows or where a number is not finite.
///
/// Good: near 1 for the leading directions after a few epochs: BYOL's and SimSiam's predictors align by themselves when they
/// work. Bad: near 0, predictor and representation do not speak of the same directions; a healthy spread in the rest with
/// that is about to fall.
///
/// # Errors
/// Different shapes.
pub fn eigenspace_alignment(inputs: &Rows, outputs: &Rows) -> Result<Vec<f64>> {
    if (inputs.len(), inputs.dim()) != (outputs.len(), outputs.dim()) {
        let shape = |r: &Rows| format!("{} rows of {}", r.len(), r.dim());
        return Err(Error::shape("a predictor's inputs and outputs", shape(inputs), shape(outputs)));
    }
    if inputs.is_empty() || !inputs.is_finite() || !outputs.is_finite() {
        return Ok(Vec::new());
    }
    let matrix = |rows: &Rows| DMatrix::from_column_slice(rows.dim(), rows.len(), rows.values());
    let (x, y) = (matrix(inputs), matrix(outputs));
    let correlation = SymmetricEigen::new(&x * x.transpose());
    let mapped = (&y * x.transpose()) * &correlation.eigenvectors;
    let mut order: Vec<usize> = (0..inputs.dim()).collect();
    order.sort_by(|&a, &b| correlation.eigenvalues[b].total_cmp(&correlation.eigenvalues[a]));
    let strongest = order.first().map_or(0.0, |&j| correlation.eigenvalues[j]);
    let cosine = |&j: &usize| {
        let (u, w) = (correlation.eigenvectors.column(j), mapped.column(j));
        u.dot(&w) / w.norm().max(f64::MIN_POSITIVE)
    };
    Ok(order
        .iter()
        .take_while(|&&j| correlation.eigenvalues[j] > NEGLIGIBLE * strongest)
        .map(cosine)
        .collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::random::stream;
    use rand::Rng;
    use rand_distr::StandardNormal;

    /// Inputs with a spread of 4, 2 and 1 along the axes, and what `of` makes of each.
    fn predicted(of: impl Fn(&[f64]) -> [f64; 3]) -> Vec<f64> {
        let mut random = stream(&[8]);
        let inputs: Vec<f64> =
            (0..900).map(|i| [4.0, 2.0, 1.0][i % 3] * random.sample::<f64, _>(StandardNormal)).collect();
        let outputs = inputs.chunks_exact(3).flat_map(of).collect();
        eigenspace_alignment(&Rows::new(inputs, 300, 3).unwrap(), &Rows::new(outputs, 300, 3).unwrap())
            .unwrap()
    }

    #[test]
    fn a_predictor_along_the_axes_is_aligned_and_a_rotation_is_not() {
        let along = predicted(|x| [0.5 * x[0], 2.0 * x[1], x[2]]);
        assert_eq!(along.len(), 3);
        assert!(along.iter().all(|a| *a > 0.99), "{along:?}");
        let across = predicted(|x| [x[1], x[2], x[0]]);
        assert!(across.iter().all(|a| a.abs() < 0.3), "{across:?}");
        let against = predicted(|x| [-x[0], -x[1], -x[2]]);
        assert!(against.iter().all(|a| (a + 1.0).abs() < 1e-9), "{against:?}");
    }

    #[test]
    fn what_is_not_there_is_empty_or_an_error() {
        let none = Rows::new(vec![], 0, 3).unwrap();
        assert!(eigenspace_alignment(&none, &none).unwrap().is_empty());
        let nan = Rows::new(vec![f64::NAN; 3], 1, 3).unwrap();
        assert!(eigenspace_alignment(&nan, &nan).unwrap().is_empty());
        assert!(eigenspace_alignment(&none, &nan).is_err());
    }
}
