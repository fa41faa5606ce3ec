//! Rows of unit length and the way back through the scaling.

use crate::ops::{matmul, normalize_rows, normalize_rows_backward, Matrix, Threads};

/// Rows scaled to unit length; a row of zeros stays one.
#[derive(Debug, Clone)]
pub(crate) struct UnitRows {
    /// (rows, width), row-major.
    pub(crate) rows: Vec<f64>,
    inverse: Vec<f64>,
    pub(crate) width: usize,
}

impl UnitRows {
    pub(crate) fn of(values: &[f64], width: usize) -> UnitRows {
        let mut rows = values.to_vec();
        let inverse = normalize_rows(&mut rows, width);
        UnitRows { rows, inverse, width }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.inverse.len()
    }

    /// Row `i`.
    pub(crate) fn row(&self, i: usize) -> &[f64] {
        &self.rows[i * self.width..][..self.width]
    }

    /// A gradient with respect to the unit rows as one with respect to the rows they were made from.
    pub(crate) fn back(&self, gradient: &[f64]) -> Vec<f64> {
        let mut g = vec![0.0; gradient.len()];
        normalize_rows_backward(gradient, &self.rows, &self.inverse, self.width, &mut g);
        g
    }

    /// [`UnitRows::back`] with every row's gradient taken along another's unit row `towards(i)`, times `scale`: the
    /// gradient of `scale * sum_i cos(x_i, towards(i))`.
    pub(crate) fn back_along<'t>(&self, scale: f64, towards: impl Fn(usize) -> &'t [f64]) -> Vec<f64> {
        let gradient: Vec<f64> = (0..self.len()).flat_map(|i| towards(i).iter().map(|t| scale * t)).collect();
        self.back(&gradient)
    }
}

/// The inner product of two rows.
pub(crate) fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `a b'`: inner products of the rows of `a` with those of `b`, (rows of a, rows of b).
pub(crate) fn products(a: &[f64], b: &[f64], width: usize) -> Vec<f64> {
    let (n, m) = (a.len() / width, b.len() / width);
    let mut c = vec![0.0; n * m];
    let (la, lb) = (Matrix::new(n, width), Matrix::new(m, width));
    matmul(a, la, b, lb.t(), &mut c, Matrix::new(n, m), false, Threads::All);
    c
}

/// `s b`: sums of the rows of `b` weighted by each row of `s`.
pub(crate) fn weighted_rows(s: &[f64], b: &[f64], width: usize) -> Vec<f64> {
    let m = b.len() / width;
    let n = s.len() / m;
    let mut c = vec![0.0; n * width];
    matmul(
        s,
        Matrix::new(n, m),
        b,
        Matrix::new(m, width),
        &mut c,
        Matrix::new(n, width),
        false,
        Threads::All,
    );
    c
}

/// `s' a`: sums of the rows of `a` weighted by each column of `s`, which has `columns`.
pub(crate) fn weighted_columns(s: &[f64], columns: usize, a: &[f64], width: usize) -> Vec<f64> {
    let n = a.len() / width;
    let mut c = vec![0.0; columns * width];
    let (ls, la) = (Matrix::new(n, columns), Matrix::new(n, width));
    matmul(s, ls.t(), a, la, &mut c, Matrix::new(columns, width), false, Threads::All);
    c
}
