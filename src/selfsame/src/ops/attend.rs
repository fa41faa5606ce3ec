//! Attention of one sample, on slices.
//!
//! Scores live for one head and one run of queries at a time; backward makes them again from queries and keys, which is
//! cheaper than keeping them.

use super::{dot, largest, matmul, sum, vectorized, Matrix, Real, Threads};

/// Queries whose scores are made together when the mask is causal: the keys after the last of them are never touched.
const QUERIES: usize = 32;
/// Rows of scores start this far apart, or a multiple of it, so that loops over them have no remainder.
const ALIGN: usize = 16;

/// One sample's attention: sizes, and which keys may be seen.
#[derive(Clone, Copy)]
pub(crate) struct Attend<'m> {
    tokens: usize,
    width: usize,
    heads: usize,
    causal: bool,
    keys: Option<&'m [bool]>,
}

/// Some queries and the keys they need.
#[derive(Clone, Copy)]
struct Tile {
    from: usize,
    rows: usize,
    keys: usize,
    stride: usize,
}

impl<'m> Attend<'m> {
    pub(crate) fn new(
        (tokens, width, heads): (usize, usize, usize),
        causal: bool,
        keys: Option<&'m [bool]>,
    ) -> Attend<'m> {
        Attend { tokens, width, heads, causal, keys }
    }

    /// Numbers of scratch each pass needs.
    pub(crate) fn scratch(&self) -> usize {
        let rows = if self.causal { QUERIES.min(self.tokens) } else { self.tokens };
        2 * rows * self.tokens.next_multiple_of(ALIGN) + self.tokens
    }

    fn tiles(&self) -> impl DoubleEndedIterator<Item = Tile> {
        let (tokens, causal) = (self.tokens, self.causal);
        let rows = if causal { QUERIES } else { tokens.max(1) };
        (0..tokens.div_ceil(rows)).map(move |i| {
            let from = i * rows;
            let rows = rows.min(tokens - from);
            let keys = if causal { from + rows } else { tokens };
            Tile { from, rows, keys, stride: keys.next_multiple_of(ALIGN) }
        })
    }

    fn scale<E: Real>(&self) -> E {
        E::of(1.0 / ((self.width / self.heads) as f64).sqrt())
    }

    /// `rows` rows of one head's queries (0), keys (1) or values (2) in `qkv`, from row `from`: where, and how laid out.
    fn part(&self, which: usize, head: usize, from: usize, rows: usize) -> (usize, Matrix) {
        let hd = self.width / self.heads;
        let at = from * 3 * self.width + which * self.width + head * hd;
        (at, Matrix::within(rows, hd, 3 * self.width))
    }

    /// The same in the output.
    fn out(&self, head: usize, from: usize, rows: usize) -> (usize, Matrix) {
        let hd = self.width / self.heads;
        (from * self.width + head * hd, Matrix::within(rows, hd, self.width))
    }

    /// Scores of a tile, not yet scaled; negative infinity where nothing may be seen.
    fn scores<E: Real>(&self, qkv: &[E], head: usize, tile: Tile, s: &mut [E]) {
        let ((q, lq), (k, lk)) = (self.part(0, head, tile.from, tile.rows), self.part(1, head, 0, tile.keys));
        let out = Matrix::within(tile.rows, tile.keys, tile.stride);
        matmul(&qkv[q..], lq, &qkv[k..], lk.t(), s, out, false, Threads::One);
        for (i, row) in s.chunks_exact_mut(tile.stride).enumerate() {
            let seen = if self.causal { tile.from + i + 1 } else { tile.keys };
            row[seen..].fill(E::neg_infinity());
            if let Some(keys) = self.keys {
                for (s, seen) in row.iter_mut().zip(keys) {
                    if !seen {
                        *s = E::neg_infinity();
                    }
                }
            }
        }
    }

    /// Mixes values into `mixed`; `log_sums` receives a number for each head and query.
    pub(crate) fn forward<E: Real>(&self, qkv: &[E], log_sums: &mut [E], mixed: &mut [E], scratch: &mut [E]) {
        for head in 0..self.heads {
            for tile in self.tiles() {
                let s = &mut scratch[..tile.rows * tile.stride];
                self.scores(qkv, head, tile, s);
                let at = head * self.tokens + tile.from;
                let log_sums = &mut log_sums[at..at + tile.rows];
                exponentials(s, tile.stride, self.scale(), log_sums);
                let ((v, lv), (o, lo)) =
                    (self.part(2, head, 0, tile.keys), self.out(head, tile.from, tile.rows));
                let ls = Matrix::within(tile.rows, tile.keys, tile.stride);
                matmul(s, ls, &qkv[v..], lv, &mut mixed[o..], lo, false, Threads::One);
                finish(&mut mixed[o..], lo, s, tile.stride, log_sums);
            }
        }
    }

    /// Writes the gradient of queries, keys and values to `g`, given that of `mixed`.
    pub(crate) fn backward<E: Real>(
        &self,
        qkv: &[E],
        log_sums: &[E],
        mixed: &[E],
        up: &[E],
        g: &mut [E],
        scratch: &mut [E],
    ) {
        let (dots, scratch) = scratch.split_at_mut(self.tokens);
        let (s, ds) = scratch.split_at_mut(scratch.len() / 2);
        for head in 0..self.heads {
            let (o, lo) = self.out(head, 0, self.tokens);
            row_dots(&up[o..], &mixed[o..], lo, dots);
            // The last tile sees all keys and so writes where the others add.
            for (i, tile) in self.tiles().rev().enumerate() {
                let s = &mut s[..tile.rows * tile.stride];
                let ds = &mut ds[..tile.rows * tile.stride];
                self.scores(qkv, head, tile, s);
                let at = head * self.tokens + tile.from;
                let ls = Matrix::within(tile.rows, tile.keys, tile.stride);
                let (o, lo) = self.out(head, tile.from, tile.rows);
                let ((v, lv), (k, lk)) = (self.part(2, head, 0, tile.keys), self.part(1, head, 0, tile.keys));
                let (q, lq) = self.part(0, head, tile.from, tile.rows);
                matmul(&up[o..], lo, &qkv[v..], lv.t(), ds, ls, false, Threads::One);
                let logs = &log_sums[at..at + tile.rows];
                weights_backward(s, ds, tile.stride, self.scale(), logs, &dots[tile.from..]);
                matmul(s, ls.t(), &up[o..], lo, &mut g[v..], lv, i > 0, Threads::One);
                matmul(ds, ls, &qkv[k..], lk, &mut g[q..], lq, false, Threads::One);
                matmul(ds, ls.t(), &qkv[q..], lq, &mut g[k..], lk, i > 0, Threads::One);
            }
        }
    }
}

/// Each row to `exp(scale * (row - largest))`; writes `scale * largest` for now, see [`finish`].
fn exponentials<E: Real>(s: &mut [E], stride: usize, scale: E, log_sums: &mut [E]) {
    vectorized(
        #[inline(always)]
        move || {
            for (row, log) in s.chunks_exact_mut(stride).zip(log_sums) {
                let top = largest(row) * scale;
                for v in row.iter_mut() {
                    *v = (*v * scale - top).exp_down_fast();
                }
                *log = top;
            }
        },
    );
}

/// Divides each row of `mixed` by the sum of its weights; completes the logarithms.
fn finish<E: Real>(mixed: &mut [E], layout: Matrix, s: &[E], stride: usize, log_sums: &mut [E]) {
    vectorized(
        #[inline(always)]
        move || {
            for (i, (row, log)) in s.chunks_exact(stride).zip(log_sums).enumerate() {
                let total = sum(row);
                *log += total.ln();
                let at = i * layout.row_stride;
                let over = total.recip();
                mixed[at..at + layout.cols].iter_mut().for_each(|m| *m *= over);
            }
        },
    );
}

/// The products of the rows of `a` with those of `b`.
fn row_dots<E: Real>(a: &[E], b: &[E], layout: Matrix, dots: &mut [E]) {
    vectorized(
        #[inline(always)]
        move || {
            for (i, product) in dots.iter_mut().enumerate() {
                let at = i * layout.row_stride;
                let (a, b) = (&a[at..at + layout.cols], &b[at..at + layout.cols]);
                *product = dot(a, b);
            }
        },
    );
}

/// `s` from scores to weights, `ds` from the gradient of the weights to that of the scores.
fn weights_backward<E: Real>(s: &mut [E], ds: &mut [E], stride: usize, scale: E, log_sums: &[E], dots: &[E]) {
    vectorized(
        #[inline(always)]
        move || {
            let rows = s.chunks_exact_mut(stride).zip(ds.chunks_exact_mut(stride));
            for (((s, ds), log), along) in rows.zip(log_sums).zip(dots) {
                let (s, ds, log, along) = (&mut s[..stride], &mut ds[..stride], *log, *along);
                for i in 0..stride {
                    let p = (s[i] * scale - log).exp_down_fast();
                    s[i] = p;
                    ds[i] = (ds[i] - along) * p * scale;
                }
            }
        },
    );
}
