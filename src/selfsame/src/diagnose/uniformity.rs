//! How evenly embeddings cover the sphere.

use nalgebra::DMatrix;

use super::Rows;

/// Rows per block: two blocks and their products stay in the second-level cache for usual widths.
const BLOCK: usize = 128;

/// Log of the mean Gaussian potential, `ln mean exp(-t |u_i - u_j|^2)` over the distinct pairs of L2-normalised rows
/// (Wang and Isola 2020, arXiv:2005.10242; they use `t = 2`).
///
/// Between 0, all rows point the same way, and about `-2t`, the sphere evenly covered; more negative is more even.
///
/// Good: -2 and below for `t = 2`. Bad: above -0.5. It does not see dimensional collapse.
/// O(n^2 d): take a [`Rows::sample`] of large sets. NaN with fewer than two rows, without
/// columns, or where a number is not finite.
pub fn uniformity(rows: &Rows, t: f64) -> f64 {
    if rows.len() < 2 || rows.is_empty() || !rows.is_finite() {
        return f64::NAN;
    }
    let unit = rows.normalized();
    let (n, d) = (unit.len(), unit.dim());
    let squares: Vec<f64> = unit.iter().map(|row| row.iter().map(|v| v * v).sum()).collect();
    let blocks: Vec<(usize, DMatrix<f64>)> = unit
        .values()
        .chunks(BLOCK * d)
        .enumerate()
        .map(|(b, chunk)| (b * BLOCK, DMatrix::from_column_slice(d, chunk.len() / d, chunk)))
        .collect();
    let mut sum = 0.0;
    for (b, (left, x)) in blocks.iter().enumerate() {
        let x = x.transpose();
        for (right, y) in &blocks[b..] {
            let dots = &x * y;
            for j in 0..dots.ncols() {
                for (i, dot) in dots.column(j).iter().enumerate() {
                    // Each pair once: within a block only the part above the diagonal.
                    if left + i < right + j {
                        let distance = (squares[left + i] + squares[right + j] - 2.0 * dot).max(0.0);
                        sum += (-t * distance).exp();
                    }
                }
            }
        }
    }
    (sum / (n as f64 * (n - 1) as f64 / 2.0)).ln()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn blocks_agree_with_the_double_loop() {
        let n = 2 * BLOCK + 17;
        let rows = Rows::new((0..n * 3).map(|i| ((i * i) as f64 * 0.37).sin()).collect(), n, 3).unwrap();
        let unit: Vec<Vec<f64>> = rows.normalized().iter().map(<[f64]>::to_vec).collect();
        let mut sum = 0.0;
        for i in 0..n {
            for j in 0..i {
                let distance: f64 = unit[i].iter().zip(&unit[j]).map(|(a, b)| (a - b).powi(2)).sum();
                sum += (-2.0 * distance).exp();
            }
        }
        let expected = (sum / (n * (n - 1) / 2) as f64).ln();
        assert!((uniformity(&rows, 2.0) - expected).abs() < 1e-12);
    }

    #[test]
    fn closed_forms_and_degenerate_rows() {
        let rows = |v: Vec<f64>, n, d| Rows::new(v, n, d).unwrap();
        assert!((uniformity(&rows(vec![1.0, -1.0], 2, 1), 2.0) + 8.0).abs() < 1e-12);
        assert_eq!(uniformity(&rows(vec![0.0; 6], 3, 2), 2.0), 0.0);
        assert!(uniformity(&rows(vec![1.0], 1, 1), 2.0).is_nan());
        assert!(uniformity(&rows(vec![], 3, 0), 2.0).is_nan());
        assert!(uniformity(&rows(vec![f64::NAN, 1.0], 2, 1), 2.0).is_nan());
    }
}
