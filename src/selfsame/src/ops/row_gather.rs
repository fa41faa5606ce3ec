//! Rows picked by number, and their gradients put back: what embeddings and masked autoencoders are made of.

use rayon::prelude::*;

use super::{vectorized, Real};

/// Stands for the row that is no source row.
pub(super) const FILL: u32 = u32::MAX;
/// Columns of the fill row's gradient a task sums.
const COLUMNS: usize = 64;

/// Row `i` of `y` becomes row `from[i]` of `source`, or `fill` for [`FILL`].
pub(super) fn gather_rows<E: Real>(source: &[E], from: &[u32], fill: &[E], width: usize, y: &mut [E]) {
    let rows = y.par_chunks_mut(width.max(1)).zip(from).with_min_len(64);
    rows.for_each(|(y, from)| match *from {
        FILL => y.copy_from_slice(fill),
        from => y.copy_from_slice(&source[from as usize * width..][..width]),
    });
}

/// The places of `from` that read each of `rows` source rows, in order.
pub(super) struct Readers {
    /// Where each row's readers begin in `places`, and at the end their number.
    starts: Vec<usize>,
    places: Vec<u32>,
    fills: Vec<u32>,
}

impl Readers {
    pub(super) fn new(from: &[u32], rows: usize) -> Readers {
        let mut starts = vec![0; rows + 1];
        from.iter().filter(|f| **f != FILL).for_each(|f| starts[*f as usize + 1] += 1);
        (0..rows).for_each(|row| starts[row + 1] += starts[row]);
        let mut readers = Readers { places: vec![0; starts[rows]], fills: Vec::new(), starts };
        let mut next = readers.starts.clone();
        for (place, from) in from.iter().enumerate() {
            if *from == FILL {
                readers.fills.push(place as u32);
            } else {
                readers.places[next[*from as usize]] = place as u32;
                next[*from as usize] += 1;
            }
        }
        readers
    }

    /// Adds to every source row the gradients of the rows that read it, in their order.
    pub(super) fn add_to_source<E: Real>(&self, gy: &[E], width: usize, g: &mut [E]) {
        let rows = g.par_chunks_mut(width.max(1)).zip(self.starts.par_windows(2)).with_min_len(64);
        rows.for_each(|(g, at)| add_rows(gy, &self.places[at[0]..at[1]], width, 0, g));
    }

    /// Adds the gradients of the fill row's readers to `g`, in their order.
    pub(super) fn add_to_fill<E: Real>(&self, gy: &[E], g: &mut [E]) {
        let width = g.len();
        g.par_chunks_mut(COLUMNS)
            .enumerate()
            .for_each(|(i, g)| add_rows(gy, &self.fills, width, i * COLUMNS, g));
    }
}

/// Adds the columns from `first` of the rows `places` to `sum`.
fn add_rows<E: Real>(rows: &[E], places: &[u32], width: usize, first: usize, sum: &mut [E]) {
    vectorized(
        #[inline(always)]
        || {
            for place in places {
                let row = &rows[*place as usize * width + first..][..sum.len()];
                sum.iter_mut().zip(row).for_each(|(s, r)| *s += *r);
            }
        },
    );
}
