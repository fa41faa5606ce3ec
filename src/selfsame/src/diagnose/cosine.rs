//! How alike embeddings are.

use super::Rows;

/// Mean cosine between different rows, over all `n (n - 1)` ordered pairs, in O(n d).
///
/// `(|sum u|^2 - sum |u|^2) / (n (n - 1))` with unit rows `u`, between `-1/(n-1)` and 1.
///
/// Good: near 0 (features behind a ReLU lie in one octant: 0.3 to 0.8). Bad: above 0.99, total collapse.
///
/// Rows need not be normalised; they are here. With unit rows `u`, the pairs sum to `|sum u|^2 - sum |u|^2`. A row of
/// zeros has cosine 0 with every other. 1 where every row points the same way; NaN with fewer than two rows, no
/// columns, or numbers that are not finite.
pub fn mean_cosine(rows: &Rows) -> f64 {
    if rows.len() < 2 || rows.is_empty() {
        return f64::NAN;
    }
    let unit = rows.normalized();
    let mut sum = vec![0.0; unit.dim()];
    for row in unit.iter() {
        sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
    }
    let all = sum.iter().map(|s| s * s).sum::<f64>();
    // Summed, not taken as n: rows of zeros have norm 0.
    let own = unit.values().iter().map(|v| v * v).sum::<f64>();
    (all - own) / (unit.len() as f64 * (unit.len() - 1) as f64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms() {
        let orthogonal = Rows::new(vec![2.0, 0.0, 0.0, 5.0], 2, 2).unwrap();
        assert_eq!(mean_cosine(&orthogonal), 0.0);
        let opposite = Rows::new(vec![2.0, 0.0, -7.0, 0.0], 2, 2).unwrap();
        assert_eq!(mean_cosine(&opposite), -1.0);
        // One of three rows is zero: only the pair of equal rows counts, two of six ordered pairs.
        let with_zero = Rows::new(vec![1.0, 1.0, 0.0, 0.0, 3.0, 3.0], 3, 2).unwrap();
        assert!((mean_cosine(&with_zero) - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn degenerate_rows_are_defined() {
        assert!(mean_cosine(&Rows::new(vec![1.0], 1, 1).unwrap()).is_nan());
        assert!(mean_cosine(&Rows::new(vec![], 3, 0).unwrap()).is_nan());
        assert!(mean_cosine(&Rows::new(vec![1.0, f64::NAN], 2, 1).unwrap()).is_nan());
        assert_eq!(mean_cosine(&Rows::new(vec![0.0; 4], 2, 2).unwrap()), 0.0);
    }
}
