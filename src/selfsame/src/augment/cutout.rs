use super::{checks, draw, Canvas, Transform};
use crate::error::Error;
use crate::random::Stream;

/// Blackens rectangles that lie wholly inside the picture, in all channels.
///
/// A rectangle longer than the picture is cut to its side and made wider or higher, so that the area stays; sides are
/// whole pixels, at least one.
///
/// PyTorch equivalent: `torchvision.transforms.RandomErasing(p, scale=area, ratio=ratio)`, once for each of `count`.
/// Sources: Cutout, <https://arxiv.org/abs/1708.04552>; Random Erasing, <https://arxiv.org/abs/1708.04896>.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cutout {
    /// How many rectangles; they may overlap. Default 1.
    pub count: usize,
    /// Smallest and largest area of one, as a share of the picture's. Default 0.02 to 0.33.
    pub area: (f64, f64),
    /// Smallest and largest height / width of one. Default 0.3 to 3.3.
    pub ratio: (f64, f64),
    /// Probability of blackening anything. Default 0.5.
    pub p: f64,
}

impl Default for Cutout {
    fn default() -> Self {
        Cutout { count: 1, area: (0.02, 0.33), ratio: (0.3, 3.3), p: 0.5 }
    }
}

impl Transform for Cutout {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        let acts = draw::chance(rng, self.p);
        let size = canvas.size();
        for _ in 0..self.count {
            let area = draw::uniform(rng, self.area) * (size.height * size.width) as f64;
            let ratio = draw::log_uniform(rng, self.ratio);
            let (height, width) = sides(area, ratio, size.height as f64, size.width as f64);
            let top = draw::below(rng, size.height - height + 1);
            let left = draw::below(rng, size.width - width + 1);
            if acts {
                for plane in canvas.planes_mut() {
                    for row in plane.chunks_exact_mut(size.width).skip(top).take(height) {
                        row[left..left + width].fill(0.0);
                    }
                }
            }
        }
    }

    fn validate(&self) -> Result<(), Error> {
        checks::at_least_one("Cutout.count", self.count)?;
        checks::bounds(
            "Cutout.area",
            self.area,
            1.0,
            "These are shares of the area; (0.02, 0.33) is usual.",
        )?;
        checks::bounds("Cutout.ratio", self.ratio, 1000.0, "This is height / width; (0.3, 3.3) is usual.")?;
        checks::probability("Cutout.p", self.p)
    }
}

/// Height and width, in whole pixels, of a rectangle of about `area` and height / width about `ratio` inside `most_high`
/// times `most_wide`.
fn sides(area: f64, ratio: f64, most_high: f64, most_wide: f64) -> (usize, usize) {
    let width = (area / ratio).sqrt().min(most_wide);
    let height = (area / width).min(most_high);
    let width = (area / height).min(most_wide);
    (height.round().max(1.0) as usize, width.round().max(1.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;
    use crate::shape::Size;

    #[test]
    fn a_square_of_a_quarter_of_the_area() {
        let size = Size { channels: 3, height: 16, width: 16 };
        let cutout = Cutout { count: 1, area: (0.25, 0.25), ratio: (1.0, 1.0), p: 1.0 };
        for seed in 0..50 {
            let after = applied(&cutout, &speckled(size), seed);
            for plane in after.pixels().chunks(256) {
                let black: Vec<usize> = (0..256).filter(|&i| plane[i] == 0.0).collect();
                assert_eq!(black.len(), 64);
                let (top, left) = (black[0] / 16, black[0] % 16);
                assert!(black
                    .iter()
                    .all(|i| (top..top + 8).contains(&(i / 16)) && (left..left + 8).contains(&(i % 16))));
            }
        }
    }

    #[test]
    fn sides_keep_the_area_where_the_picture_ends() {
        assert_eq!(sides(64.0, 1.0, 16.0, 16.0), (8, 8));
        assert_eq!(sides(64.0, 4.0, 100.0, 100.0), (16, 4));
        assert_eq!(sides(64.0, 16.0, 16.0, 16.0), (16, 4), "32 by 2 is too high");
        assert_eq!(sides(64.0, 0.25, 100.0, 8.0), (8, 8), "4 by 16 is too wide");
        assert_eq!(sides(0.01, 1.0, 1.0, 1.0), (1, 1));
        assert_eq!(sides(30.0, 1.0, 1.0, 30.0), (1, 30));
    }

    #[test]
    fn is_well_behaved() {
        for count in [1, 3] {
            assert_well_behaved(
                &Cutout { count, p: 1.0, ..Default::default() },
                &Cutout { count, p: 0.0, ..Default::default() },
            );
        }
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let ok = Cutout::default();
        let message = |cutout: Cutout| cutout.validate().err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(message(ok), "");
        assert!(message(Cutout { count: 0, ..ok }).contains("Cutout.count is 0"));
        assert!(message(Cutout { area: (0.0, 0.5), ..ok }).contains("Cutout.area is (0.0, 0.5)"));
        assert!(message(Cutout { ratio: (3.0, 0.3), ..ok }).contains("Cutout.ratio is (3.0, 0.3)"));
        assert!(message(Cutout { p: 7.0, ..ok }).contains("Cutout.p is 7"));
    }
}
