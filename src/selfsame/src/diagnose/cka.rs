//! How alike two representations of the same samples are.

use nalgebra::DMatrix;

use super::Rows;
use crate::error::{Error, Result};

/// Linear centred kernel alignment, `|X^T Y|_F^2 / (|X^T X|_F |Y^T Y|_F)` with centred columns (Kornblith et al., ICML
/// 2019, arXiv:1905.00414; the biased estimate).
///
/// Row `i` of both is the same sample; widths may differ. Between 0 and 1, unchanged by rotations and by scaling
/// everything; with fewer rows than columns it is biased upwards.
///
/// Good: depends on the question. Between an encoder before and after training, 1 says that training changed nothing;
/// between two seeds, above 0.8 says that they found the same thing.
///
/// NaN where one of the two has no spread or a number is not finite.
///
/// # Errors
/// Different numbers of rows.
pub fn linear_cka(x: &Rows, y: &Rows) -> Result<f64> {
    if x.len() != y.len() {
        return Err(Error::shape("linear CKA", format!("{} rows in both", x.len()), y.len()));
    }
    let matrix = |rows: &Rows| {
        let centred = rows.centred();
        let scale = centred.values().iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        DMatrix::from_iterator(rows.dim(), rows.len(), centred.values().iter().map(|v| v / scale))
    };
    // (d, n) each; the transposes of the formula's.
    let (x, y) = (matrix(x), matrix(y));
    let alike = |a: &DMatrix<f64>, b: &DMatrix<f64>| (a * b.transpose()).norm_squared();
    Ok(alike(&x, &y) / (alike(&x, &x) * alike(&y, &y)).sqrt())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn it_sees_neither_rotation_nor_scale() {
        let x = Rows::new((0..60).map(|i| f64::from(i * i % 17)).collect(), 20, 3).unwrap();
        let (c, s) = (0.6, 0.8);
        let turned = x
            .iter()
            .flat_map(|r| [5.0 * (c * r[0] - s * r[1]), 5.0 * (s * r[0] + c * r[1]), 5.0 * r[2]])
            .collect();
        let turned = Rows::new(turned, 20, 3).unwrap();
        assert!((linear_cka(&x, &turned).unwrap() - 1.0).abs() < 1e-12);
        // Columns without a common direction: +-1 patterns that are orthogonal.
        let a = Rows::new(vec![1.0, 1.0, -1.0, -1.0], 4, 1).unwrap();
        let b = Rows::new(vec![1.0, -1.0, 1.0, -1.0], 4, 1).unwrap();
        assert!(linear_cka(&a, &b).unwrap().abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_compared_is_an_error_or_nan() {
        let one = Rows::new(vec![1.0; 4], 4, 1).unwrap();
        let two = Rows::new(vec![1.0, 2.0, 3.0, 4.0], 4, 1).unwrap();
        assert!(linear_cka(&one, &two).unwrap().is_nan());
        assert!(linear_cka(&Rows::new(vec![1.0, 2.0], 2, 1).unwrap(), &two).is_err());
    }
}
