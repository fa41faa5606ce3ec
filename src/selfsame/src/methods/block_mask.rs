//! Patches hidden in blocks (Bao et al. 2022, arXiv 2106.08254, algorithm 1).

use rand::Rng;

use crate::random::Stream;

/// Blocks are at least this wide for their height, or the other way round.
const ASPECT: f64 = 0.3;
/// Blocks tried before what is missing is hidden patch by patch.
const TRIES: usize = 20;

/// A grid of `rows` by `columns` patches of which exactly `hidden` (at most all) are true, in rectangles of random
/// place, size and aspect.
pub(super) fn block_mask(rows: usize, columns: usize, hidden: usize, rng: &mut Stream) -> Vec<bool> {
    let hidden = hidden.min(rows * columns);
    let mut mask = vec![false; rows * columns];
    let mut count = 0;
    for _ in 0..TRIES {
        if count == hidden {
            break;
        }
        let area = rng.gen_range(1.0..=(hidden - count) as f64);
        let aspect = rng.gen_range(ASPECT.ln()..=-ASPECT.ln()).exp();
        let height = ((area * aspect).sqrt().round() as usize).clamp(1, rows);
        let width = ((area / aspect).sqrt().round() as usize).clamp(1, columns);
        let (top, left) = (rng.gen_range(0..=rows - height), rng.gen_range(0..=columns - width));
        for at in (top..top + height).flat_map(|y| (left..left + width).map(move |x| y * columns + x)) {
            if count < hidden && !mask[at] {
                mask[at] = true;
                count += 1;
            }
        }
    }
    while count < hidden {
        let at = rng.gen_range(0..mask.len());
        if !mask[at] {
            mask[at] = true;
            count += 1;
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn as_many_as_asked_for_and_mostly_beside_each_other() {
        let rng = &mut stream(&[1]);
        let (mut hidden, mut beside) = (0, 0);
        for n in 0..=30 {
            let mask = block_mask(6, 5, n, rng);
            assert_eq!((mask.len(), mask.iter().filter(|m| **m).count()), (30, n));
            if n == 10 {
                for _ in 0..50 {
                    let mask = block_mask(6, 5, n, rng);
                    let right = (0..30).filter(|i| i % 5 < 4 && mask[*i] && mask[i + 1]).count();
                    beside += right;
                    hidden += n;
                }
            }
        }
        // Scattered, a hidden patch has a hidden right neighbour in a quarter of the cases.
        assert!(beside as f64 > 0.4 * hidden as f64, "{beside} of {hidden}");
        assert_eq!(block_mask(2, 2, 9, rng), [true; 4]);
    }
}
