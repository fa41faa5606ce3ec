//! Matrix products on slices: a checked, safe face for `gemm`.

use rayon::prelude::*;

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
    let whole = Product {
        size: (lc.rows, lc.cols, la.cols),
        a: (a.as_ptr(), la),
        b: (b.as_ptr(), lb),
        c: (c.as_mut_ptr(), lc),
        add,
    };
    let count = rayon::current_num_threads();
    let multiplications = lc.rows * lc.cols * la.cols;
    // SAFETY: every element a product reads or writes lies inside its slice (asserted above: the largest offset of each
    // matrix is below its length and all strides are non-negative), `c` is borrowed mutably and so overlaps neither
    // `a` nor `b`, distinct (i, j) of `c` are distinct positions in the layouts made by `Matrix`, and parts cover
    // disjoint rows or columns of it.
    unsafe {
        match threads {
            Threads::All if count > PARTS => whole.compute(gemm::Parallelism::Rayon(0)),
            Threads::All if count > 1 && multiplications > ALONE => {
                let parts = whole.parts(count);
                parts.par_iter().for_each(|part| part.compute(gemm::Parallelism::None));
            }
            _ => whole.compute(gemm::Parallelism::None),
        }
    }
}

/// Up to this many threads compute a part of the product each, for themselves: a part packs what it needs again, which
/// costs less than waiting for one another. With more threads gemm's own sharing is better.
const PARTS: usize = 4;
/// Products of no more multiplications are done before another thread has woken up.
const ALONE: usize = 48 * 48 * 256;
/// Parts begin at multiples of this many rows or columns, what a kernel computes at once.
const TILE: usize = 16;

/// A product of matrices whose bounds have been checked.
struct Product<E> {
    /// Rows and columns of `c`, and the length of the sums.
    size: (usize, usize, usize),
    a: (*const E, Matrix),
    b: (*const E, Matrix),
    c: (*mut E, Matrix),
    add: bool,
}

// SAFETY: a product is a reading of `a` and `b`, which threads may share, and a writing of `c`, of which each product of
// `Product::parts` has rows or columns of its own.
unsafe impl<E: Send> Send for Product<E> {}
// SAFETY: as above.
unsafe impl<E: Sync> Sync for Product<E> {}

impl<E: Real> Product<E> {
    /// The product in `count` parts: by rows, or by columns where packing `b` is the dear part because its columns, not
    /// its rows, lie in one piece.
    fn parts(&self, count: usize) -> Vec<Product<E>> {
        let (rows, cols, inner) = self.size;
        let by_columns = self.b.1.col_stride > self.b.1.row_stride && cols >= count * TILE;
        let length = if by_columns { cols } else { rows };
        let step = length.div_ceil(count).next_multiple_of(TILE);
        (0..length)
            .step_by(step)
            .map(|start| {
                let many = step.min(length - start);
                let ((a, la), (b, lb), (c, lc)) = (self.a, self.b, self.c);
                let (size, a_at, b_at, c_at) = match by_columns {
                    true => ((rows, many, inner), 0, start * lb.col_stride, start * lc.col_stride),
                    false => ((many, cols, inner), start * la.row_stride, 0, start * lc.row_stride),
                };
                // `wrapping_add` moves a pointer within its slice here, so nothing wraps.
                let (a, b, c) = (a.wrapping_add(a_at), b.wrapping_add(b_at), c.wrapping_add(c_at));
                Product { size, a: (a, la), b: (b, lb), c: (c, lc), add: self.add }
            })
            .collect()
    }

    /// # Safety
    /// The matrices lie inside live memory, and `c` is nobody else's meanwhile.
    unsafe fn compute(&self, parallelism: gemm::Parallelism) {
        let Product { size: (rows, cols, inner), a: (a, la), b: (b, lb), c: (c, lc), add } = *self;
        // SAFETY: passed on to the caller.
        unsafe {
            gemm::gemm(
                rows,
                cols,
                inner,
                c,
                lc.col_stride as isize,
                lc.row_stride as isize,
                add,
                a,
                la.col_stride as isize,
                la.row_stride as isize,
                b,
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
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
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

    #[test]
    fn parts_of_a_product_make_the_whole_on_any_number_of_threads() {
        // Large enough to be shared, of sizes no tile divides.
        let (m, k, n) = (149, 83, 97);
        let a: Vec<f32> = (0..m * k).map(|i| (i as f32 * 0.37).sin()).collect();
        let b: Vec<f32> = (0..k * n).map(|i| (i as f32 * 0.71).cos()).collect();
        for lb in [Matrix::new(k, n), Matrix::new(n, k).t()] {
            let product = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut c = vec![1.0; m * n];
                pool.install(|| {
                    matmul(&a, Matrix::new(m, k), &b, lb, &mut c, Matrix::new(m, n), true, Threads::All);
                });
                c
            };
            let one = product(1);
            for threads in 2..=6 {
                let many = product(threads);
                assert_eq!(one, many, "{threads} threads");
            }
        }
    }
}
