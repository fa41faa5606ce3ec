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
    /// One past the last position the matrix touches; `None` where that is no `usize`.
    fn end(&self) -> Option<usize> {
        if self.rows == 0 || self.cols == 0 {
            return Some(0);
        }
        let down = (self.rows - 1).checked_mul(self.row_stride)?;
        let along = (self.cols - 1).checked_mul(self.col_stride)?;
        down.checked_add(along)?.checked_add(1)
    }
    /// Whether it lies inside `len` numbers of type `E`, with strides that are distances in memory.
    fn lies_in<E>(&self, len: usize) -> bool {
        let longest = isize::MAX as usize / size_of::<E>().max(1);
        self.end().is_some_and(|end| end <= len) && self.row_stride.max(self.col_stride) <= longest
    }
    /// Whether no two of its elements have one position.
    ///
    /// Two have when `i row_stride = j col_stride` for some `i` below the rows and `j` below the columns, not both 0; the
    /// smallest such `i` is the column stride over the strides' common divisor, and `j` the row stride.
    fn has_distinct_places(&self) -> bool {
        let Matrix { rows, cols, row_stride, col_stride } = *self;
        if rows == 0 || cols == 0 || (col_stride == 1 && row_stride >= cols) {
            return true;
        }
        let common = common_divisor(row_stride, col_stride);
        match common {
            0 => rows == 1 && cols == 1,
            _ => !(col_stride / common < rows && row_stride / common < cols),
        }
    }
}

/// The greatest common divisor; that of 0 and a number is the number.
fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 {
        a
    } else {
        common_divisor(b, a % b)
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
/// Where a matrix does not lie inside its slice, a stride is above `isize::MAX` bytes, two elements of `c` have one place, or
/// the sizes do not fit: a bug in the caller, not in its input.
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
        la.lies_in::<E>(a.len()) && lb.lies_in::<E>(b.len()) && lc.lies_in::<E>(c.len()),
        "matmul bounds: {la:?} of {} numbers, {lb:?} of {}, {lc:?} of {}",
        a.len(),
        b.len(),
        c.len()
    );
    assert!(lc.has_distinct_places(), "matmul output: two elements of {lc:?} have one place");
    let parallelism = match threads {
        Threads::One => gemm::Parallelism::None,
        Threads::All => gemm::Parallelism::Rayon(0),
    };
    // SAFETY: gemm asks for three things, which are asserted above. Every element it reads or writes lies inside its slice: the
    // largest offset of each matrix, computed without overflow, is below its length, and strides, being at most `isize::MAX`
    // bytes and not negative, stay what they are as `isize`. `c` overlaps neither `a` nor `b`: it is borrowed mutably. And
    // threads that write different elements of `c` write different places: `has_distinct_places`.
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
    use std::panic::catch_unwind;

    use super::*;

    /// Whether `c = a b` of 2x2 matrices is refused for `lc`, with `c` of `len` numbers.
    fn refused(lc: Matrix, len: usize) -> bool {
        let ones = vec![1f32; lc.rows.max(lc.cols).min(64)];
        catch_unwind(move || {
            let (la, lb) = (Matrix::new(lc.rows, 1), Matrix::new(1, lc.cols));
            let mut c = vec![0f32; len];
            matmul(&ones, la, &ones, lb, &mut c, lc, false, Threads::All);
        })
        .is_err()
    }

    #[test]
    fn layouts_that_reach_outside_their_slices_are_refused() {
        let of = |rows, cols, row_stride, col_stride| Matrix { rows, cols, row_stride, col_stride };
        for (lc, len) in [
            // One number too few.
            (of(2, 2, 2, 1), 3),
            (of(2, 2, 5, 3), 8),
            // Products and sums that wrap around to something small.
            (of(3, 2, 1 << 63, 1), 8),
            (of(2, 2, usize::MAX, 1), 8),
            (of(2, 2, usize::MAX, 2), 8),
            (of(5, 2, 1 << 62, 1), 8),
            // A stride that nothing is read with, but that is none.
            (of(1, 2, usize::MAX, 1), 8),
            (of(1, 2, isize::MAX as usize / 4 + 1, 1), 8),
            // Two elements in one place.
            (of(2, 2, 0, 1), 8),
            (of(2, 2, 1, 0), 8),
            (of(2, 2, 0, 0), 8),
            (of(2, 2, 1, 1), 8),
            (of(3, 4, 3, 2), 32),
        ] {
            assert!(refused(lc, len), "{lc:?} in {len}");
        }
        for (lc, len) in [
            (of(2, 2, 2, 1), 4),
            (of(2, 2, 5, 3), 9),
            (of(1, 2, isize::MAX as usize / 4, 1), 2),
            (of(1, 1, 0, 0), 1),
            (of(2, 2, 2, 3), 6),
            (of(2, 4, 3, 2), 32),
            (of(0, 5, 0, 0), 0),
        ] {
            assert!(!refused(lc, len), "{lc:?} in {len}");
        }
    }

    #[test]
    fn distinct_places_are_what_counting_them_says() {
        for (rows, cols) in [(1, 1), (1, 4), (3, 1), (2, 3), (4, 4)] {
            for row_stride in 0..9 {
                for col_stride in 0..9 {
                    let matrix = Matrix { rows, cols, row_stride, col_stride };
                    let places =
                        (0..rows).flat_map(|i| (0..cols).map(move |j| i * row_stride + j * col_stride));
                    let different = places.collect::<std::collections::BTreeSet<_>>().len();
                    assert_eq!(matrix.has_distinct_places(), different == rows * cols, "{matrix:?}");
                }
            }
        }
    }

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
