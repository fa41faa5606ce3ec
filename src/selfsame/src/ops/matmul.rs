//! Matrix products on slices: a checked, safe face for `gemm`.

use super::Real;

/// A matrix in a slice: `rows` by `cols`, element `(i, j)` at `i * row_stride + j * col_stride`.
#[derive(Debug, Clone, Copy)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Distance between the starts of neighbouring rows.
    pub row_stride: usize,
    /// Distance between neighbours in a row.
    pub col_stride: usize,
}

impl Matrix {
    /// Row-major without gaps.
    pub fn new(rows: usize, cols: usize) -> Matrix {
        Matrix::within(rows, cols, cols)
    }
    /// Row-major, with rows `row_stride` apart.
    pub fn within(rows: usize, cols: usize, row_stride: usize) -> Matrix {
        Matrix { rows, cols, row_stride, col_stride: 1 }
    }
    /// The transpose, without moving anything.
    pub fn t(self) -> Matrix {
        Matrix { rows: self.cols, cols: self.rows, row_stride: self.col_stride, col_stride: self.row_stride }
    }
    /// One past the last position the matrix touches.
    fn end(&self) -> usize {
        if self.rows == 0 || self.cols == 0 {
            0
        } else {
            (self.rows - 1) * self.row_stride + (self.cols - 1) * self.col_stride + 1
        }
    }
}

/// Who computes a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The calling thread: for products inside a parallel loop.
    One,
    /// All of rayon's.
    All,
}

/// `c = a b`, or `c += a b` with `add`.
///
/// PyTorch equivalent: `torch.mm(a, b, out=c)`, `c.addmm_(a, b)`.
///
/// # Panics
/// Where a matrix does not lie inside its slice or the sizes do not fit: a bug in the caller, not in its input.
#[allow(clippy::too_many_arguments)] // three (slice, layout) pairs; a struct for each would only rename them
pub fn matmul<E: Real>(
    a: &[E],
    la: Matrix,
    b: &[E],
    lb: Matrix,
    c: &mut [E],
    lc: Matrix,
    add: bool,
    threads: Threads,
) {
    assert!(
        la.cols == lb.rows && la.rows == lc.rows && lb.cols == lc.cols,
        "matmul sizes: {la:?} {lb:?} {lc:?}"
    );
    assert!(
        la.end() <= a.len() && lb.end() <= b.len() && lc.end() <= c.len(),
        "matmul bounds: {la:?} {lb:?} {lc:?}"
    );
    let parallelism = match threads {
        Threads::One => gemm::Parallelism::None,
        Threads::All => gemm::Parallelism::Rayon(0),
    };
    // SAFETY: every element gemm reads or writes lies inside its slice (asserted above: the largest offset of each
    // matrix is below its length and all strides are non-negative), `c` is borrowed mutably and so overlaps neither
    // `a` nor `b`, and distinct (i, j) of `c` are distinct positions in the layouts made by `Matrix`.
    unsafe {
        gemm::gemm(
            lc.rows,
            lc.cols,
            la.cols,
            c.as_mut_ptr(),
            lc.col_stride as isize,
            lc.row_stride as isize,
            add,
            a.as_ptr(),
            la.col_stride as isize,
            la.row_stride as isize,
            b.as_ptr(),
            lb.col_stride as isize,
            lb.row_stride as isize,
            E::one(),
            E::one(),
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_with_every_layout_match_three_loops() {
        let (m, k, n) = (5, 7, 3);
        let a: Vec<f64> = (0..m * k).map(|i| (i as f64 * 0.37).sin()).collect();
        let b: Vec<f64> = (0..k * n).map(|i| (i as f64 * 0.71).cos()).collect();
        let at: Vec<f64> = (0..m * k).map(|i| a[(i % m) * k + i / m]).collect();
        for threads in [Threads::One, Threads::All] {
            for (a, la) in [(&a, Matrix::new(m, k)), (&at, Matrix::new(k, m).t())] {
                let mut c = vec![1.0; m * n];
                matmul(a, la, &b, Matrix::new(k, n), &mut c, Matrix::new(m, n), true, threads);
                for i in 0..m {
                    for j in 0..n {
                        let want = 1.0
                            + (0..k)
                                .map(|l| a[i * la.row_stride + l * la.col_stride] * b[l * n + j])
                                .sum::<f64>();
                        assert!((c[i * n + j] - want).abs() < 1e-12);
                    }
                }
            }
        }
    }
}
