//! The largest of many scores that come block by block.

use crate::ops::vectorized;

/// A row of a bank and how similar it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Neighbour {
    pub(super) row: u32,
    pub(super) score: f32,
}

/// The `k` largest scores seen so far, and perhaps some more: only every so often the smaller ones are dropped, so that a
/// score costs one comparison with the smallest that could still count.
#[derive(Debug)]
pub(super) struct Nearest {
    k: usize,
    /// Scores and rows as numbers that sort as they rank: larger scores first, of equal ones the earlier row.
    kept: Vec<u64>,
    /// What a score must exceed; NaN, which nothing is at most, until there are `k`.
    floor: f32,
}

/// Scores looked at together.
const LANES: usize = 16;
/// Scores kept beyond `k` before the smaller ones are dropped, at least.
const SLACK: usize = 64;

impl Nearest {
    pub(super) fn new(k: usize) -> Nearest {
        Nearest { k, kept: Vec::new(), floor: f32::NAN }
    }

    /// Looks at the scores of the rows from `first` on, which come after all rows seen before.
    pub(super) fn offer(&mut self, first: usize, scores: &[f32]) {
        if self.k == 0 {
            return;
        }
        vectorized(|| {
            for (number, chunk) in scores.chunks(LANES).enumerate() {
                // A later row with the floor's score ranks behind the k that are there.
                let floor = self.floor;
                let any = match <&[f32; LANES]>::try_from(chunk) {
                    Ok(lanes) => any_above(lanes, floor),
                    Err(_) => true,
                };
                if any {
                    self.take((first + number * LANES) as u32, chunk);
                }
            }
        });
    }

    fn take(&mut self, first: u32, scores: &[f32]) {
        for (score, row) in scores.iter().zip(first..) {
            if !at_most(*score, self.floor) {
                self.kept.push(rank(*score, row));
            }
        }
        if self.kept.len() >= 2 * self.k + SLACK {
            self.drop_the_rest();
        }
    }

    fn drop_the_rest(&mut self) {
        if self.kept.len() > self.k {
            self.kept.select_nth_unstable_by(self.k - 1, |a, b| b.cmp(a));
            self.kept.truncate(self.k);
            self.floor = neighbour(self.kept[self.k - 1]).score;
        }
    }

    /// At most `k` neighbours, the nearest first.
    pub(super) fn into_sorted(mut self) -> Vec<Neighbour> {
        if self.k > 0 {
            self.drop_the_rest();
        }
        self.kept.sort_unstable_by(|a, b| b.cmp(a));
        self.kept.into_iter().map(neighbour).collect()
    }
}

/// False for NaN on either side, as comparisons are: a score that cannot be compared is kept and ranked later.
#[inline(always)]
fn at_most(score: f32, floor: f32) -> bool {
    score <= floor
}

#[inline(always)]
fn any_above(scores: &[f32; LANES], floor: f32) -> bool {
    scores.iter().fold(false, |any, score| any | !at_most(*score, floor))
}

/// A number that grows with the score, in the order of `f32::total_cmp`, and for equal scores with an earlier row.
fn rank(score: f32, row: u32) -> u64 {
    // Both zeros are one score.
    let bits = (score + 0.0).to_bits();
    let ordered = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(ordered) << 32 | u64::from(!row)
}

/// What [`rank`] was made from.
fn neighbour(rank: u64) -> Neighbour {
    let ordered = (rank >> 32) as u32;
    let bits = if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered };
    Neighbour { row: !(rank as u32), score: f32::from_bits(bits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(scores: &[f32], k: usize, block: usize) -> Vec<u32> {
        let mut near = Nearest::new(k);
        for (number, scores) in scores.chunks(block).enumerate() {
            near.offer(number * block, scores);
        }
        near.into_sorted().iter().map(|n| n.row).collect()
    }

    #[test]
    fn ranks_sort_as_scores_do_and_lead_back() {
        let scores = [f32::INFINITY, 1.0, 0.5, 1e-40, 0.0, -1e-40, -0.5, f32::NEG_INFINITY];
        for pair in scores.windows(2) {
            assert!(rank(pair[0], 9) > rank(pair[1], 2), "{pair:?}");
        }
        assert!(rank(0.5, 3) > rank(0.5, 4));
        assert!(rank(-0.0, 3) > rank(0.0, 4));
        for score in scores {
            assert_eq!(neighbour(rank(score, 7)), Neighbour { row: 7, score });
        }
    }

    #[test]
    fn any_block_size_finds_the_same() {
        let scores: Vec<f32> = (0..1000u32).map(|i| (i * 7919 % 97) as f32 / 97.0 - 0.5).collect();
        let mut order: Vec<u32> = (0..1000).collect();
        order.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b)));
        for k in [1, 2, 17, 400, 1000, 2000] {
            for block in [1, 15, 16, 64, 333, 1000] {
                assert_eq!(found(&scores, k, block), order[..k.min(1000)], "k {k}, blocks of {block}");
            }
        }
        assert!(found(&scores, 0, 64).is_empty());
    }

    #[test]
    fn what_cannot_be_compared_is_not_lost() {
        let mut scores = vec![f32::NEG_INFINITY; 300];
        scores[40] = 0.25;
        scores[280] = f32::NAN;
        assert_eq!(found(&scores, 3, 100), [280, 40, 0]);
        assert_eq!(found(&[f32::NAN; 200], 3, 50), [0, 1, 2]);
    }
}
