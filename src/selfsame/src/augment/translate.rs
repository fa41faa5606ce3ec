use super::{checks, draw, Border, Canvas, Transform};
use crate::error::Error;
use crate::random::Stream;

/// Moves the picture by whole pixels.
///
/// PyTorch equivalent: `torchvision.transforms.RandomAffine(0, translate=(fraction, fraction))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Translate {
    /// Farthest move, as a share of the height (up or down) and of the width (left or right). Default 0.1.
    pub fraction: f64,
    /// Probability of moving at all. Default 1.
    pub p: f64,
    /// What comes in at the edge. Default black.
    pub border: Border,
}

impl Default for Translate {
    fn default() -> Self {
        Translate { fraction: 0.1, p: 1.0, border: Border::Black }
    }
}

impl Transform for Translate {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        let size = canvas.size();
        let mut pixels = |length: usize| {
            let farthest = self.fraction * length as f64;
            draw::uniform(rng, (-farthest, farthest)).round() as isize
        };
        let (down, right) = (pixels(size.height), pixels(size.width));
        if draw::chance(rng, self.p) && (down, right) != (0, 0) {
            canvas.redraw_planes(|old, new| {
                self.border.window(old, (size.height, size.width), (-down, -right), new, size.width);
            });
        }
    }

    fn validate(&self) -> Result<(), Error> {
        let remedy = "This is a share of the picture's side; 0.1 is usual.";
        checks::within("Translate.fraction", self.fraction, 0.0, 1.0, remedy)?;
        checks::probability("Translate.p", self.p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;
    use crate::shape::Size;

    #[test]
    fn is_well_behaved() {
        let idle = Translate { p: 0.0, fraction: 0.5, ..Default::default() };
        for border in [Border::Black, Border::Edge, Border::Reflect] {
            assert_well_behaved(&Translate { fraction: 0.5, p: 1.0, border }, &idle);
        }
        assert_well_behaved(&Translate { fraction: 0.0, ..Default::default() }, &idle);
    }

    #[test]
    fn one_lit_pixel_visits_every_place_within_reach() {
        let mut pixels = vec![0.0; 25];
        pixels[12] = 1.0;
        let before = picture(Size { channels: 1, height: 5, width: 5 }, pixels);
        let mut visits = [0; 25];
        for seed in 0..900 {
            let after = applied(&Translate { fraction: 0.2, ..Default::default() }, &before, seed);
            let lit: Vec<usize> = (0..25).filter(|&i| after.pixels()[i] == 1.0).collect();
            assert_eq!(lit.len(), 1);
            visits[lit[0]] += 1;
        }
        // Moves of -1, 0, 1 come with weights 1/4, 1/2, 1/4, rounding being what it is.
        let reach: Vec<usize> = (0..25).filter(|&i| visits[i] > 0).collect();
        assert_eq!(reach, [6, 7, 8, 11, 12, 13, 16, 17, 18]);
        assert!((170..280).contains(&visits[12]), "{visits:?}");
        assert!((30..85).contains(&visits[6]), "{visits:?}");
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let far = Translate { fraction: 1.1, ..Default::default() };
        assert!(far.validate().is_err_and(|e| e.to_string().starts_with("Translate.fraction is 1.1.")));
        assert!(Translate { p: -0.1, ..Default::default() }.validate().is_err());
    }
}
