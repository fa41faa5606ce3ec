use super::{checks, draw, Canvas, Transform};
use crate::error::Error;
use crate::random::Stream;

/// Mirrors left and right.
///
/// Wrong for glyphs: a mirrored digit is another sign, and an encoder told to ignore the difference cannot read.
///
/// PyTorch equivalent: `torchvision.transforms.RandomHorizontalFlip(p)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HorizontalFlip {
    /// Probability of mirroring. Default 0.5.
    pub p: f64,
}

impl Default for HorizontalFlip {
    fn default() -> Self {
        HorizontalFlip { p: 0.5 }
    }
}

impl Transform for HorizontalFlip {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        if draw::chance(rng, self.p) {
            canvas.rows_mut().for_each(<[f32]>::reverse);
        }
    }

    fn validate(&self) -> Result<(), Error> {
        checks::probability("HorizontalFlip.p", self.p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;

    #[test]
    fn mirrors_each_row() {
        let after = applied(&HorizontalFlip { p: 1.0 }, &grey([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), 0);
        assert_eq!(after.pixels(), [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
    }

    #[test]
    fn twice_is_not_at_all() {
        let always = HorizontalFlip { p: 1.0 };
        for size in odd_sizes() {
            let before = speckled(size);
            assert_eq!(applied(&always, &applied(&always, &before, 0), 0).pixels(), before.pixels());
        }
        assert_well_behaved(&always, &HorizontalFlip { p: 0.0 });
    }

    #[test]
    fn half_of_the_time() {
        let before = grey([[0.0, 1.0]]);
        let flipped = |seed| applied(&HorizontalFlip::default(), &before, seed).pixels()[0] == 1.0;
        let count = (0..1000).filter(|&seed| flipped(seed)).count();
        assert!((420..580).contains(&count), "{count} of 1000");
    }

    #[test]
    fn a_probability_out_of_range_is_named() {
        assert!(HorizontalFlip { p: 50.0 }
            .validate()
            .is_err_and(|e| e.to_string().contains("HorizontalFlip.p is 50")));
    }
}
