use super::{checks, draw, Canvas, Transform};
use crate::error::Error;
use crate::random::Stream;

/// What red, green and blue add to brightness (ITU-R BT.601, as in Pillow); they sum to one, so grey stays what it is.
pub(super) const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// Takes the colour away: all three channels become the brightness. Pictures without three channels stay as they are.
///
/// PyTorch equivalent: `torchvision.transforms.RandomGrayscale(p)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Greyscale {
    /// Probability of greying. Default 0.2 (SimCLR, MoCo v2, BYOL).
    pub p: f64,
}

impl Default for Greyscale {
    fn default() -> Self {
        Greyscale { p: 0.2 }
    }
}

impl Transform for Greyscale {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        if !draw::chance(rng, self.p) {
            return;
        }
        if let Some([red, green, blue]) = canvas.rgb_mut() {
            for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
                let grey = LUMA[0] * *r + LUMA[1] * *g + LUMA[2] * *b;
                (*r, *g, *b) = (grey, grey, grey);
            }
        }
    }

    fn validate(&self) -> Result<(), Error> {
        checks::probability("Greyscale.p", self.p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;

    #[test]
    fn colours_become_their_brightness() {
        let always = Greyscale { p: 1.0 };
        for (rgb, grey) in [
            ([1.0, 0.0, 0.0], 0.299),
            ([0.0, 1.0, 0.0], 0.587),
            ([0.0, 0.0, 1.0], 0.114),
            ([0.4, 0.4, 0.4], 0.4),
        ] {
            assert_close(applied(&always, &pixel(rgb), 0).pixels(), &[grey; 3], 1e-6);
        }
        assert_well_behaved(&always, &Greyscale { p: 0.0 });
    }

    #[test]
    fn grey_pictures_stay() {
        let before = grey([[0.1, 0.2]]);
        assert_eq!(applied(&Greyscale { p: 1.0 }, &before, 0).pixels(), before.pixels());
    }

    #[test]
    fn a_probability_out_of_range_is_named() {
        assert!(Greyscale { p: 2.0 }.validate().is_err_and(|e| e.to_string().contains("Greyscale.p is 2")));
    }
}
