use super::{checks, draw, Canvas, Transform};
use crate::error::Error;
use crate::random::Stream;

/// Swaps top and bottom: for pictures without an up, such as those from microscopes and satellites.
///
/// PyTorch equivalent: `torchvision.transforms.RandomVerticalFlip(p)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VerticalFlip {
    /// Probability of swapping. Default 0.5.
    pub p: f64,
}

impl Default for VerticalFlip {
    fn default() -> Self {
        VerticalFlip { p: 0.5 }
    }
}

impl Transform for VerticalFlip {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        if draw::chance(rng, self.p) {
            let width = canvas.size().width;
            for plane in canvas.planes_mut() {
                let mut rows = plane.chunks_exact_mut(width);
                while let (Some(upper), Some(lower)) = (rows.next(), rows.next_back()) {
                    upper.swap_with_slice(lower);
                }
            }
        }
    }

    fn validate(&self) -> Result<(), Error> {
        checks::probability("VerticalFlip.p", self.p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;

    #[test]
    fn swaps_the_rows() {
        let after = applied(&VerticalFlip { p: 1.0 }, &grey([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), 0);
        assert_eq!(after.pixels(), [5.0, 6.0, 3.0, 4.0, 1.0, 2.0]);
    }

    #[test]
    fn twice_is_not_at_all() {
        let always = VerticalFlip { p: 1.0 };
        for size in odd_sizes() {
            let before = speckled(size);
            assert_eq!(applied(&always, &applied(&always, &before, 0), 0).pixels(), before.pixels());
        }
        assert_well_behaved(&always, &VerticalFlip { p: 0.0 });
    }

    #[test]
    fn a_probability_out_of_range_is_named() {
        assert!(VerticalFlip { p: f64::NAN }
            .validate()
            .is_err_and(|e| e.to_string().contains("VerticalFlip.p is NaN")));
    }
}
