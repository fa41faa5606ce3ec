//! How close two views of one sample lie.

use super::Rows;
use crate::error::{Error, Result};

/// Mean squared distance between the L2-normalised rows `a[i]` and `b[i]`, two views of sample `i` (Wang and Isola
/// 2020, arXiv:2005.10242, with exponent 2).
///
/// `mean_i |a_i/|a_i| - b_i/|b_i||^2`, between 0, views agree, and 4, views point opposite ways.
///
/// Good: falls to some tenths while uniformity stays. Bad: 0, everything is the same or the views are; above 1, views of one
/// image are no more alike than images are.
/// NaN without rows or where a number is not finite.
///
/// # Errors
/// `a` and `b` of different shapes.
pub fn alignment(a: &Rows, b: &Rows) -> Result<f64> {
    if (a.len(), a.dim()) != (b.len(), b.dim()) {
        return Err(Error::shape(
            "alignment of two views",
            format!("{} rows of {} in both", a.len(), a.dim()),
            format!("{} rows of {} in the second", b.len(), b.dim()),
        ));
    }
    let (a, b) = (a.normalized(), b.normalized());
    let sum: f64 = a.values().iter().zip(b.values()).map(|(x, y)| (x - y).powi(2)).sum();
    Ok(sum / a.len() as f64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_and_degenerate_rows() {
        let rows = |v: Vec<f64>, n, d| Rows::new(v, n, d).unwrap();
        let a = rows(vec![1.0, 0.0, 0.0, 2.0], 2, 2);
        assert_eq!(alignment(&a, &a).unwrap(), 0.0);
        let opposite = rows(vec![-5.0, 0.0, 0.0, -1.0], 2, 2);
        assert_eq!(alignment(&a, &opposite).unwrap(), 4.0);
        assert!(alignment(&a, &rows(vec![1.0; 4], 1, 4)).is_err());
        let none = rows(vec![], 0, 2);
        assert!(alignment(&none, &none).unwrap().is_nan());
        let nan = rows(vec![f64::NAN; 4], 2, 2);
        assert!(alignment(&a, &nan).unwrap().is_nan());
    }
}
