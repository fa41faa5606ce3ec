use super::{checks, draw, Canvas, Region, Transform};
use crate::error::Error;
use crate::random::Stream;
use crate::shape::Size;

/// A random part of the picture, resized to a fixed size: the transform contrastive learning depends on most.
///
/// The part's area is a uniform share of the picture's, the logarithm of its aspect ratio (width / height) is uniform, and
/// its place is uniform. A part that does not fit is drawn again, up to ten times; after that it is the largest centred
/// part whose aspect ratio is in range. Resizing is bilinear, antialiased where it shrinks.
///
/// PyTorch equivalent: `torchvision.transforms.RandomResizedCrop((height, width), scale, ratio, antialias=True)`.
/// Source: Szegedy et al. 2014, <https://arxiv.org/abs/1409.4842>; as SimCLR uses it, <https://arxiv.org/abs/2002.05709>.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomResizedCrop {
    /// Rows of the result. Default 32.
    pub height: usize,
    /// Columns of the result. Default 32.
    pub width: usize,
    /// Smallest and largest share of the picture's area. Default 0.08 to 1 (torchvision, SimCLR, BYOL); on small pictures
    /// 0.2 to 1 is common.
    pub scale: (f64, f64),
    /// Smallest and largest width / height. Default 3/4 to 4/3.
    pub ratio: (f64, f64),
}

impl Default for RandomResizedCrop {
    fn default() -> Self {
        RandomResizedCrop { height: 32, width: 32, scale: (0.08, 1.0), ratio: (3.0 / 4.0, 4.0 / 3.0) }
    }
}

impl RandomResizedCrop {
    /// The default crop, resized to `height` rows and `width` columns.
    pub fn to(height: usize, width: usize) -> Self {
        RandomResizedCrop { height, width, ..Default::default() }
    }

    /// The part of a picture of `size` to show.
    fn region(&self, size: Size, rng: &mut Stream) -> Region {
        let area = (size.height * size.width) as f64;
        for _ in 0..10 {
            let target = area * draw::uniform(rng, self.scale);
            let ratio = draw::log_uniform(rng, self.ratio);
            let width = (target * ratio).sqrt().round_ties_even() as usize;
            let height = (target / ratio).sqrt().round_ties_even() as usize;
            if (1..=size.width).contains(&width) && (1..=size.height).contains(&height) {
                let top = draw::below(rng, size.height - height + 1);
                let left = draw::below(rng, size.width - width + 1);
                return Region { top, left, height, width };
            }
        }
        self.centred(size)
    }

    /// The largest centred part whose aspect ratio is in range.
    fn centred(&self, size: Size) -> Region {
        let (mut height, mut width) = (size.height, size.width);
        let ratio = width as f64 / height as f64;
        if ratio < self.ratio.0 {
            height = (width as f64 / self.ratio.0).round_ties_even().max(1.0) as usize;
        } else if ratio > self.ratio.1 {
            width = (height as f64 * self.ratio.1).round_ties_even().max(1.0) as usize;
        }
        let (height, width) = (height.min(size.height), width.min(size.width));
        Region { top: (size.height - height) / 2, left: (size.width - width) / 2, height, width }
    }
}

impl Transform for RandomResizedCrop {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        // The number of tries is random, so they have a stream of their own.
        let region = self.region(canvas.size(), &mut draw::branch(rng));
        canvas.resize(region, self.height, self.width);
    }

    fn output_size(&self, input: Size) -> Size {
        Size { channels: input.channels, height: self.height, width: self.width }
    }

    fn validate(&self) -> Result<(), Error> {
        checks::at_least_one("RandomResizedCrop.height", self.height)?;
        checks::at_least_one("RandomResizedCrop.width", self.width)?;
        let scale = "These are shares of the area; (0.08, 1.0) is usual, (0.2, 1.0) for small pictures.";
        checks::bounds("RandomResizedCrop.scale", self.scale, 1.0, scale)?;
        let ratio = "This is width / height; (0.75, 1.3333) is usual.";
        checks::bounds("RandomResizedCrop.ratio", self.ratio, 1000.0, ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;
    use crate::augment::Resize;
    use crate::random::stream;

    #[test]
    fn the_whole_picture_is_a_resize() {
        for size in odd_sizes() {
            let aspect = size.width as f64 / size.height as f64;
            let crop = RandomResizedCrop { height: 4, width: 9, scale: (1.0, 1.0), ratio: (aspect, aspect) };
            let before = speckled(size);
            let expected = applied(&Resize { height: 4, width: 9 }, &before, 0);
            assert_eq!(applied(&crop, &before, 3).pixels(), expected.pixels(), "{size}");
            assert_eq!(crop.output_size(size), expected.size());
        }
    }

    #[test]
    fn every_size_crops_to_the_size_asked_for() {
        for size in odd_sizes() {
            for seed in 0..50 {
                let after = applied(&RandomResizedCrop::to(5, 3), &speckled(size), seed);
                assert_eq!(after.size(), Size { height: 5, width: 3, ..size });
                assert!(after.pixels().iter().all(|v| (0.04..0.96).contains(v)));
            }
        }
    }

    #[test]
    fn areas_ratios_and_places_are_uniform() {
        let size = Size { channels: 1, height: 400, width: 400 };
        let crop = RandomResizedCrop { scale: (0.2, 0.6), ratio: (0.625, 1.6), ..Default::default() };
        let mut rng = stream(&[5]);
        let n = 4000.0;
        let (mut area, mut square, mut log_ratio, mut middle) = (0.0, 0.0, 0.0, (0.0, 0.0));
        for _ in 0..4000 {
            let r = crop.region(size, &mut rng);
            assert!(r.top + r.height <= 400 && r.left + r.width <= 400);
            let share = (r.height * r.width) as f64 / 160_000.0;
            assert!((0.195..0.605).contains(&share), "{r:?}");
            area += share / n;
            square += share * share / n;
            log_ratio += (r.width as f64 / r.height as f64).ln() / n;
            middle.0 += (r.top as f64 + r.height as f64 / 2.0) / 400.0 / n;
            middle.1 += (r.left as f64 + r.width as f64 / 2.0) / 400.0 / n;
        }
        // No try is turned down here (0.6 * 1.6 is below 1), so the shares are uniform on 0.2..0.6: mean 0.4, variance
        // 0.4^2 / 12. The bounds are five standard errors.
        assert!((area - 0.4).abs() < 0.0091, "mean share {area}");
        assert!((square - area * area - 0.16 / 12.0).abs() < 0.00094, "variance {}", square - area * area);
        assert!(log_ratio.abs() < 0.0215, "mean log ratio {log_ratio}");
        assert!((middle.0 - 0.5).abs() < 0.0085 && (middle.1 - 0.5).abs() < 0.0085, "centre {middle:?}");
    }

    #[test]
    fn a_part_that_never_fits_is_the_centre() {
        let mut rng = stream(&[6]);
        let tall = Size { channels: 1, height: 100, width: 30 };
        let crop = RandomResizedCrop { scale: (1.0, 1.0), ..Default::default() };
        assert_eq!(crop.region(tall, &mut rng), Region { top: 30, left: 0, height: 40, width: 30 });
        let wide = Size { channels: 1, height: 3, width: 100 };
        assert_eq!(crop.region(wide, &mut rng), Region { top: 0, left: 48, height: 3, width: 4 });
    }

    #[test]
    fn the_stream_moves_on_by_the_same_amount_however_many_tries_it_took() {
        let after = |height, width| {
            let mut rng = stream(&[8]);
            let size = Size { channels: 1, height, width };
            RandomResizedCrop::default().apply(&mut speckled(size), &mut rng);
            rng
        };
        assert_eq!(after(32, 32), after(2, 90));
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let message =
            |crop: RandomResizedCrop| crop.validate().err().map(|e| e.to_string()).unwrap_or_default();
        let ok = RandomResizedCrop::default();
        assert_eq!(message(ok), "");
        assert!(message(RandomResizedCrop { height: 0, ..ok }).contains("RandomResizedCrop.height is 0"));
        assert!(
            message(RandomResizedCrop { scale: (0.0, 1.0), ..ok }).contains("scale is (0.0, 1.0). Expected")
        );
        assert!(message(RandomResizedCrop { scale: (0.5, 1.5), ..ok }).contains("at most 1,"));
        assert!(message(RandomResizedCrop { ratio: (2.0, 1.0), ..ok }).contains("ratio is (2.0, 1.0)"));
        assert!(message(RandomResizedCrop { ratio: (f64::NAN, 1.0), ..ok }).contains("ratio is (NaN, 1.0)"));
    }
}
