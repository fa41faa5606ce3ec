//! How far embeddings spread, column by column.

use super::Rows;

/// Unbiased standard deviation of each column. NaN everywhere with fewer than two rows.
pub fn column_std(rows: &Rows) -> Vec<f64> {
    let mut sums = vec![0.0; rows.dim()];
    for row in rows.centred().iter() {
        sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += v * v);
    }
    let divisor = if rows.len() < 2 { f64::NAN } else { (rows.len() - 1) as f64 };
    sums.iter().map(|sum| (sum / divisor).sqrt()).collect()
}

/// Standard deviation of the L2-normalised rows: unbiased per column, mean over columns (SimSiam, arXiv:2011.10566;
/// lightly's `std_of_l2_normalized`).
///
/// `mean_j std_i(z_ij / |z_i|)`, between 0 and about `1/sqrt(d)`; in one dimension, where a normalised number is its sign, 0 or
/// about 1.
///
/// Good: near `1/sqrt(d)`, embeddings fill the sphere (encoders that end in a ReLU stay at a half of it). Bad: below a tenth of
/// it, every embedding is the same; it does not see dimensional collapse.
/// NaN with fewer than two rows, no columns, or numbers that are not
/// finite.
pub fn std_of_normalized(rows: &Rows) -> f64 {
    let std = column_std(&rows.normalized());
    std.iter().sum::<f64>() / std.len() as f64
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn degenerate_rows_are_defined() {
        assert!(std_of_normalized(&Rows::new(vec![1.0, 2.0], 1, 2).unwrap()).is_nan());
        assert!(std_of_normalized(&Rows::new(vec![], 0, 4).unwrap()).is_nan());
        assert!(std_of_normalized(&Rows::new(vec![], 4, 0).unwrap()).is_nan());
        assert!(std_of_normalized(&Rows::new(vec![f64::NAN, 1.0], 2, 1).unwrap()).is_nan());
        assert!(std_of_normalized(&Rows::new(vec![f64::INFINITY, 1.0], 2, 1).unwrap()).is_nan());
        assert_eq!(std_of_normalized(&Rows::new(vec![0.0; 6], 3, 2).unwrap()), 0.0);
        // Signs: -1 and +1 twice each, unbiased variance 4/3.
        let signs = Rows::new(vec![-3.0, 0.2, -0.1, 7.0], 4, 1).unwrap();
        assert!((std_of_normalized(&signs) - (4.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    }
}
