//! The singular spectrum of an embedding.

use nalgebra::{DMatrix, SymmetricEigen};

use super::Rows;

/// Values below this share of the largest are rounding errors of the decomposition, and are given as exact zeros.
const RELATIVE_ZERO: f64 = 1e-15;

/// Singular values of the raw (not centred) `(n, d)` matrix, descending, `min(n, d)` of them.
///
/// Good: falls slowly and without a cliff on a logarithmic scale. Bad: a cliff to rounding errors, the directions behind it are
/// dead (Jing et al. 2022, arXiv:2110.09348).
///
/// Computed from the R of a QR decomposition, never from the Gram matrix, whose eigenvalues lose every singular value
/// below 1e-8 of the largest. Center first with [`Rows::centred`] where that is meant. All NaN where a number is not
/// finite; all 0 for a zero matrix; empty without rows or columns.
pub fn singular_values(rows: &Rows) -> Vec<f64> {
    let (n, d) = (rows.len(), rows.dim());
    if rows.is_empty() {
        return Vec::new();
    }
    if !rows.is_finite() {
        return vec![f64::NAN; n.min(d)];
    }
    // Scaled to 1, so that squares neither overflow nor vanish.
    let scale = rows.values().iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if scale == 0.0 {
        return vec![0.0; n.min(d)];
    }
    // A row-major (n, d) slice is a column-major (d, n) matrix; QR takes whichever way round is tall.
    let transposed = DMatrix::from_iterator(d, n, rows.values().iter().map(|v| v / scale));
    let tall = if n >= d { transposed.transpose() } else { transposed };
    let r = tall.qr().r();
    let gram = || (r.transpose() * &r).symmetric_eigenvalues().map(|v| v.max(0.0).sqrt());
    let values = match r.clone().try_svd(false, false, f64::EPSILON, 100 * n.min(d)) {
        Some(svd) => svd.singular_values,
        // Has not been seen to happen; the squares' eigenvalues are less exact and always there.
        None => gram(),
    };
    descending(values.iter().copied(), scale)
}

/// Eigenvalues of the covariance (divisor `n - 1`), descending, `d` of them; their sum is the total variance.
///
/// Zeros among them are dimensions that collapsed (Jing et al. 2022, arXiv:2110.09348). All NaN with fewer than two
/// rows or where a number is not finite; all 0 where every row is the same.
pub fn covariance_eigenvalues(rows: &Rows) -> Vec<f64> {
    let (n, d) = (rows.len(), rows.dim());
    if n < 2 || !rows.is_finite() {
        return vec![f64::NAN; d];
    }
    let centred = rows.centred();
    let scale = centred.values().iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if scale == 0.0 || d == 0 {
        return vec![0.0; d];
    }
    let x = DMatrix::from_iterator(d, n, centred.values().iter().map(|v| v / scale));
    let covariance = (&x * x.transpose()) / (n - 1) as f64;
    let values = SymmetricEigen::new(covariance).eigenvalues;
    descending(values.iter().map(|v| v.max(0.0)), scale * scale)
}

/// Sorted from the largest, times `scale`, rounding errors set to zero.
fn descending(values: impl Iterator<Item = f64>, scale: f64) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(|a, b| b.total_cmp(a));
    let zero = values.first().map_or(0.0, |v| v * RELATIVE_ZERO);
    values.iter().map(|&v| if v > zero { v * scale } else { 0.0 }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_diagonal_matrix_gives_its_diagonal() {
        let rows = Rows::new(vec![0.0, -3.0, 0.0, 2.0, 0.0, 0.0], 2, 3).unwrap();
        let values = singular_values(&rows);
        assert_eq!(values.len(), 2);
        assert!((values[0] - 3.0).abs() < 1e-12 && (values[1] - 2.0).abs() < 1e-12, "{values:?}");
    }

    #[test]
    fn degenerate_rows_are_defined() {
        let one = Rows::new(vec![3.0, 4.0], 1, 2).unwrap();
        assert!((singular_values(&one)[0] - 5.0).abs() < 1e-12);
        assert!(covariance_eigenvalues(&one).iter().all(|v| v.is_nan()));
        let zeros = Rows::new(vec![0.0; 6], 3, 2).unwrap();
        assert_eq!(singular_values(&zeros), [0.0, 0.0]);
        assert_eq!(covariance_eigenvalues(&zeros), [0.0, 0.0]);
        let nan = Rows::new(vec![1.0, f64::NAN, 0.0, 1.0], 2, 2).unwrap();
        assert!(singular_values(&nan).iter().chain(&covariance_eigenvalues(&nan)).all(|v| v.is_nan()));
        assert!(singular_values(&Rows::new(vec![], 0, 3).unwrap()).is_empty());
        assert_eq!(covariance_eigenvalues(&Rows::new(vec![], 3, 0).unwrap()).len(), 0);
        // Numbers whose squares overflow.
        let huge = Rows::new(vec![1e200, 0.0, 0.0, 1e200], 2, 2).unwrap();
        assert!((singular_values(&huge)[1] / 1e200 - 1.0).abs() < 1e-12);
    }
}
