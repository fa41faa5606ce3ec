//! Rows made white by a Cholesky factor of their covariance, and the way back.

use crate::error::{Error, Result};
use crate::ops::{matmul, Matrix, Threads};

/// Centred rows times the transposed inverse of the covariance's lower Cholesky factor: their covariance is the
/// identity where nothing was shrunk.
pub(crate) struct Whitened {
    /// (rows, width).
    pub(crate) rows: Vec<f64>,
    centred: Vec<f64>,
    /// The lower Cholesky factor's inverse, (width, width).
    inverse: Vec<f64>,
    factor: Vec<f64>,
    width: usize,
    /// What a gradient of the shrunk covariance is multiplied with to be one of `centred' centred`.
    share: f64,
}

impl Whitened {
    /// At least two rows.
    pub(crate) fn of(rows: &[f64], width: usize, shrinkage: f64) -> Result<Whitened> {
        let n = rows.len() / width;
        let centred = centred(rows, width);
        let share = (1.0 - shrinkage) / (n - 1) as f64;
        let (lr, lc) = (Matrix::new(n, width), Matrix::new(width, width));
        let mut covariance = vec![0.0; width * width];
        matmul(&centred, lr.t(), &centred, lr, &mut covariance, lc, false, Threads::All);
        covariance.iter_mut().for_each(|c| *c *= share);
        (0..width).for_each(|i| covariance[i * (width + 1)] += shrinkage);
        let factor = cholesky(&covariance, width).ok_or_else(|| {
            let found = format!("of {n} rows of {width} values has no inverse");
            let remedy = "Whiten more rows at a time than there are features, or set a shrinkage (0.01).";
            Error::setting("covariance", found, "features that vary by themselves", remedy)
        })?;
        let inverse = inverted(&factor, width);
        let mut rows = vec![0.0; centred.len()];
        matmul(&centred, lr, &inverse, lc.t(), &mut rows, lr, false, Threads::All);
        Ok(Whitened { rows, centred, inverse, factor, width, share })
    }

    /// A gradient with respect to the white rows as one with respect to those they were made from.
    ///
    /// With z = x K', K the inverse of L: dx = G K from x itself; the factor's gradient is -tril(K' G' z), and that
    /// of the covariance K' P K with P the lower half of L' dL, its diagonal halved, made symmetric (Murray 2016,
    /// arXiv 1602.07527).
    pub(crate) fn back(&self, gradient: &[f64]) -> Vec<f64> {
        let (d, n) = (self.width, gradient.len() / self.width);
        let (lr, lc) = (Matrix::new(n, d), Matrix::new(d, d));
        let product = |a: &[f64], la: Matrix, b: &[f64], lb: Matrix| {
            let mut c = vec![0.0; la.rows * lb.cols];
            matmul(a, la, b, lb, &mut c, Matrix::new(la.rows, lb.cols), false, Threads::All);
            c
        };
        let outer = product(gradient, lr.t(), &self.rows, lr);
        let mut of_factor = product(&self.inverse, lc.t(), &outer, lc);
        for (i, v) in of_factor.iter_mut().enumerate() {
            *v = if i % d > i / d { 0.0 } else { -*v };
        }
        let mut lower = product(&self.factor, lc.t(), &of_factor, lc);
        for (i, v) in lower.iter_mut().enumerate() {
            *v *= match (i % d).cmp(&(i / d)) {
                std::cmp::Ordering::Greater => 0.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 1.0,
            };
        }
        let half = product(&self.inverse, lc.t(), &lower, lc);
        let whole = product(&half, lc, &self.inverse, lc);
        let symmetric: Vec<f64> =
            (0..d * d).map(|i| self.share * (whole[i] + whole[(i % d) * d + i / d])).collect();
        let mut to_rows = product(gradient, lr, &self.inverse, lc);
        matmul(&self.centred, lr, &symmetric, lc, &mut to_rows, lr, true, Threads::All);
        centred(&to_rows, d)
    }
}

/// Rows less their mean; also the way back through taking it off.
fn centred(rows: &[f64], width: usize) -> Vec<f64> {
    let n = rows.len() / width;
    let mut mean = vec![0.0; width];
    rows.chunks_exact(width).for_each(|row| mean.iter_mut().zip(row).for_each(|(m, v)| *m += v / n as f64));
    rows.iter().enumerate().map(|(i, v)| v - mean[i % width]).collect()
}

/// The lower factor of a positive definite matrix; `None` for another.
fn cholesky(matrix: &[f64], d: usize) -> Option<Vec<f64>> {
    let mut factor = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let before: f64 = (0..j).map(|k| factor[i * d + k] * factor[j * d + k]).sum();
            let rest = matrix[i * d + j] - before;
            if i != j {
                factor[i * d + j] = rest / factor[j * d + j];
            } else if rest > 1e-12 * matrix[i * d + i] {
                factor[i * d + i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(factor)
}

/// The inverse of a lower triangular matrix, column by column.
fn inverted(factor: &[f64], d: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; d * d];
    for column in 0..d {
        for i in column..d {
            let before: f64 = (column..i).map(|k| factor[i * d + k] * inverse[k * d + column]).sum();
            let own = if i == column { 1.0 } else { 0.0 };
            inverse[i * d + column] = (own - before) / factor[i * d + i];
        }
    }
    inverse
}
