//! Principal components: the plane embeddings are drawn in, and a baseline that costs nothing.

use nalgebra::{DMatrix, SymmetricEigen};
use rand::seq::index::sample;
use rand::Rng;
use rand_distr::StandardNormal;

use crate::error::{Error, Result};
use crate::random::{stream, Purpose};

/// Fitting looks at no more numbers than this (64 MB of f64); of larger sets at rows chosen by a fixed seed.
const FIT_NUMBERS: usize = 8_000_000;
/// Up to this width all eigenvectors are computed; above it only the wanted ones, by subspace iteration.
const EXACT_DIM: usize = 512;
/// Extra directions and rounds of the subspace iteration; seven rounds separate eigenvalues to `(l2/l1)^14`.
const EXTRA: usize = 16;
const ROUNDS: usize = 7;
/// Rows converted and multiplied at a time.
const BLOCK: usize = 256;

/// Mean and leading principal components of a set of features.
///
/// Fit on the training part only and apply to both parts. Signs are fixed: the component's entry of largest size is
/// positive.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    mean: Vec<f64>,
    /// `(d, k)`: one component a column.
    components: DMatrix<f64>,
    explained_variance: Vec<f64>,
    total_variance: f64,
}

impl Pca {
    /// Fits `components` principal components to `n` rows of width `d`, row-major.
    ///
    /// At most 8 million numbers are looked at; of larger sets a seeded choice of rows. Up to `d = 512` the
    /// decomposition is exact; above, a seeded subspace iteration (Halko, Martinsson and Tropp 2011,
    /// arXiv:0909.4061) finds the leading components only. Rows that are all equal give components with variance 0.
    ///
    /// # Errors
    /// `x` not of size `n * d`, fewer than two rows, no components or more than columns, numbers that are not finite.
    pub fn fit(x: &[f32], n: usize, d: usize, components: usize) -> Result<Pca> {
        check(x, n, d)?;
        if n < 2 {
            return Err(Error::shape("principal components", "at least 2 rows", n));
        }
        if components == 0 || components > d {
            return Err(Error::setting(
                "components",
                components,
                format!("1 to {d}, the width of the features"),
                "Ask for fewer components.",
            ));
        }
        let rows = n.min((FIT_NUMBERS / d).max(2));
        let mut chosen = sample(&mut stream(&[0, Purpose::Judge as u64]), n, rows).into_vec();
        chosen.sort_unstable();
        let row = |i: usize| &x[i * d..(i + 1) * d];

        let mut mean = vec![0.0; d];
        for &i in &chosen {
            mean.iter_mut().zip(row(i)).for_each(|(m, &v)| *m += f64::from(v));
        }
        mean.iter_mut().for_each(|m| *m /= rows as f64);
        if let Some(column) = mean.iter().position(|m| !m.is_finite()) {
            return Err(Error::shape(
                "principal components",
                "finite numbers",
                format!("a column ({column}) without a finite mean"),
            ));
        }
        let centred = |i: usize| row(i).iter().zip(&mean).map(|(&v, m)| f64::from(v) - m);
        // Blocks of rows as (d, block) matrices: a row-major slice is its transpose column by column.
        let blocks = || {
            chosen
                .chunks(BLOCK)
                .map(|c| DMatrix::from_iterator(d, c.len(), c.iter().flat_map(|&i| centred(i))))
        };
        let total_variance = blocks().map(|b| b.norm_squared()).sum::<f64>() / (rows - 1) as f64;
        let (values, mut vectors) = if d <= EXACT_DIM {
            exact(d, blocks())
        } else {
            subspace(d, (components + EXTRA).min(d), blocks)
        };
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        order.truncate(components);
        vectors = vectors.select_columns(&order);
        for mut column in vectors.column_iter_mut() {
            let largest = column.iter().fold(0.0_f64, |m, &v| if v.abs() > m.abs() { v } else { m });
            if largest < 0.0 {
                column.neg_mut();
            }
        }
        let explained_variance = order.iter().map(|&i| values[i].max(0.0) / (rows - 1) as f64).collect();
        Ok(Pca { mean, components: vectors, explained_variance, total_variance })
    }

    /// The coordinates of `n` rows in the components: `(n, k)`, row-major.
    ///
    /// # Errors
    /// `x` not of size `n * d`.
    pub fn transform(&self, x: &[f32], n: usize) -> Result<Vec<f32>> {
        let d = self.mean.len();
        check(x, n, d)?;
        let mut out = Vec::with_capacity(n * self.components.ncols());
        for block in x.chunks(BLOCK * d) {
            let centred = block
                .chunks_exact(d)
                .flat_map(|row| row.iter().zip(&self.mean).map(|(&v, m)| f64::from(v) - m));
            let block = DMatrix::from_iterator(d, block.len() / d, centred);
            // (k, block), column by column, is (block, k) row by row.
            out.extend((self.components.transpose() * block).iter().map(|&v| v as f32));
        }
        Ok(out)
    }

    /// Variance along each component (divisor `n - 1`), descending.
    pub fn explained_variance(&self) -> &[f64] {
        &self.explained_variance
    }

    /// Variance along all directions together, those left out included.
    pub fn total_variance(&self) -> f64 {
        self.total_variance
    }
}

fn check(x: &[f32], n: usize, d: usize) -> Result<()> {
    if d == 0 || n.checked_mul(d) != Some(x.len()) {
        return Err(Error::shape(
            "features",
            format!("{n} rows of {d} numbers"),
            format!("{} numbers", x.len()),
        ));
    }
    Ok(())
}

/// All eigenvalues and eigenvectors of the scatter matrix.
fn exact(d: usize, blocks: impl Iterator<Item = DMatrix<f64>>) -> (Vec<f64>, DMatrix<f64>) {
    let mut scatter = DMatrix::zeros(d, d);
    for block in blocks {
        scatter.gemm(1.0, &block, &block.transpose(), 1.0);
    }
    let eigen = SymmetricEigen::new(scatter);
    (eigen.eigenvalues.iter().copied().collect(), eigen.eigenvectors)
}

/// The leading `k` eigenpairs of the scatter matrix, which is never formed.
fn subspace<B: Iterator<Item = DMatrix<f64>>>(
    d: usize,
    k: usize,
    blocks: impl Fn() -> B,
) -> (Vec<f64>, DMatrix<f64>) {
    let times_scatter = |basis: &DMatrix<f64>| {
        let mut out = DMatrix::zeros(d, k);
        for block in blocks() {
            let coordinates = block.transpose() * basis;
            out.gemm(1.0, &block, &coordinates, 1.0);
        }
        out
    };
    let mut random = stream(&[1, Purpose::Judge as u64]);
    let mut basis = DMatrix::from_fn(d, k, |_, _| random.sample::<f64, _>(StandardNormal)).qr().q();
    for _ in 0..ROUNDS {
        basis = times_scatter(&basis).qr().q();
    }
    let small = basis.transpose() * times_scatter(&basis);
    let eigen = SymmetricEigen::new((&small + small.transpose()) * 0.5);
    (eigen.eigenvalues.iter().copied().collect(), basis * eigen.eigenvectors)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Points along (3, 4)/5 with small noise across it, moved by (10, -2).
    fn line() -> Vec<f32> {
        (0..50)
            .flat_map(|i| {
                let (along, across) = (i as f32 - 24.5, if i % 2 == 0 { 0.1 } else { -0.1 });
                [10.0 + 0.6 * along - 0.8 * across, -2.0 + 0.8 * along + 0.6 * across]
            })
            .collect()
    }

    #[test]
    fn the_first_component_is_the_line_with_a_fixed_sign() {
        let x = line();
        let pca = Pca::fit(&x, 50, 2, 1).unwrap();
        let scores = pca.transform(&x, 50).unwrap();
        assert_eq!(scores.len(), 50);
        // The direction's largest entry, 0.8, is positive: scores rise along the line, from -24.5 to 24.5.
        assert!((scores[0] + 24.5).abs() < 0.05 && (scores[49] - 24.5).abs() < 0.05, "{scores:?}");
        assert!(pca.explained_variance()[0] / pca.total_variance() > 0.999);
    }

    #[test]
    fn the_subspace_iteration_agrees_with_the_exact_decomposition() {
        let (n, d, k) = (300, 40, 5);
        let mut random = stream(&[3]);
        let x =
            DMatrix::from_fn(d, n, |i, _| random.sample::<f64, _>(StandardNormal) * 0.6_f64.powi(i as i32));
        let (mut all, _) = exact(d, std::iter::once(x.clone()));
        all.sort_by(|a, b| b.total_cmp(a));
        let (mut leading, _) = subspace(d, k + EXTRA, || std::iter::once(x.clone()));
        leading.sort_by(|a, b| b.total_cmp(a));
        for (a, b) in all.iter().zip(&leading).take(k) {
            assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
        }
    }

    #[test]
    fn wide_features_take_the_other_path_and_keep_their_shape() {
        let (n, d) = (20, EXACT_DIM + 8);
        let x: Vec<f32> = (0..n * d).map(|i| ((i * 7) as f32 * 0.013).sin()).collect();
        let pca = Pca::fit(&x, n, d, 3).unwrap();
        let z = pca.transform(&x, n).unwrap();
        assert_eq!(z.len(), n * 3);
        let variance: f64 = (0..n).map(|i| f64::from(z[i * 3]).powi(2)).sum::<f64>() / (n - 1) as f64;
        assert!((variance / pca.explained_variance()[0] - 1.0).abs() < 1e-4);
    }

    #[test]
    fn what_cannot_be_fitted_is_an_error_and_equal_rows_are_not() {
        assert!(Pca::fit(&[1.0; 6], 2, 4, 1).is_err());
        assert!(Pca::fit(&[1.0; 4], 1, 4, 1).is_err());
        assert!(Pca::fit(&[1.0; 8], 2, 4, 0).is_err());
        assert!(Pca::fit(&[1.0; 8], 2, 4, 5).is_err());
        assert!(Pca::fit(&[], 0, 0, 1).is_err());
        assert!(Pca::fit(&[f32::NAN; 8], 2, 4, 1).is_err());
        let pca = Pca::fit(&[1.5; 8], 2, 4, 2).unwrap();
        assert_eq!(pca.explained_variance(), [0.0, 0.0]);
        assert_eq!(pca.transform(&[1.5; 4], 1).unwrap(), [0.0, 0.0]);
        assert!(pca.transform(&[1.0; 3], 1).is_err());
    }
}
