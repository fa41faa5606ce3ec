use super::{checks, Canvas, Region, Transform};
use crate::error::Error;
use crate::random::Stream;
use crate::shape::Size;

/// The whole picture at another size: bilinear, antialiased where it shrinks, the aspect ratio not kept.
///
/// PyTorch equivalent: `torchvision.transforms.Resize((height, width), antialias=True)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resize {
    /// Rows of the result.
    pub height: usize,
    /// Columns of the result.
    pub width: usize,
}

impl Transform for Resize {
    fn apply(&self, canvas: &mut Canvas, _rng: &mut Stream) {
        if (canvas.size().height, canvas.size().width) != (self.height, self.width) {
            canvas.resize(Region::whole(canvas.size()), self.height, self.width);
        }
    }

    fn output_size(&self, input: Size) -> Size {
        Size { channels: input.channels, height: self.height, width: self.width }
    }

    fn validate(&self) -> Result<(), Error> {
        checks::at_least_one("Resize.height", self.height)?;
        checks::at_least_one("Resize.width", self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;

    // Made with Pillow 13.0, an independent implementation:
    //   import numpy as np; from PIL import Image
    //   x = np.array([[(7*y + 3*x*x + x*y) % 11 / 11 for x in range(7)] for y in range(5)], dtype=np.float32)
    //   for w, h in ((3, 2), (9, 8)):
    //       print(np.array(Image.fromarray(x).resize((w, h), Image.BILINEAR)).ravel().round(6))
    const SMALLER: &[f32] = &[0.373377, 0.427807, 0.464286, 0.519481, 0.320856, 0.266234];
    const LARGER: &[f32] = &[
        0.000000, 0.181818, 0.191919, 0.171717, 0.454545, 0.383838, 0.616162, 0.818182, 0.818182, 0.278409,
        0.195076, 0.284722, 0.441288, 0.414773, 0.375000, 0.638258, 0.725379, 0.460227, 0.613636, 0.234848,
        0.424242, 0.777778, 0.357955, 0.362374, 0.635101, 0.571970, 0.011364, 0.386364, 0.462121, 0.626263,
        0.676768, 0.301136, 0.349747, 0.319444, 0.231061, 0.125000, 0.471591, 0.585227, 0.654672, 0.575758,
        0.244318, 0.337121, 0.177399, 0.098485, 0.238636, 0.869318, 0.604167, 0.509470, 0.474748, 0.187500,
        0.324495, 0.208965, 0.174242, 0.352273, 0.704545, 0.435606, 0.364268, 0.373737, 0.130682, 0.311869,
        0.240530, 0.250000, 0.465909, 0.545455, 0.303030, 0.262626, 0.303030, 0.090909, 0.303030, 0.262626,
        0.303030, 0.545455,
    ];

    #[test]
    fn matches_pillow() {
        let value = |y: usize, x: usize| ((7 * y + 3 * x * x + x * y) % 11) as f32 / 11.0;
        let pixels = (0..35).map(|i| value(i / 7, i % 7)).collect();
        let before = picture(Size { channels: 1, height: 5, width: 7 }, pixels);
        for (height, width, expected) in [(2, 3, SMALLER), (8, 9, LARGER)] {
            assert_close(applied(&Resize { height, width }, &before, 0).pixels(), expected, 2e-6);
        }
    }

    #[test]
    fn channels_do_not_mix_and_constants_stay() {
        let size = Size { channels: 3, height: 7, width: 5 };
        let flat = picture(size, [[0.25; 35], [0.5; 35], [0.75; 35]].concat());
        for (height, width) in [(1, 1), (3, 9), (20, 20)] {
            let after = applied(&Resize { height, width }, &flat, 0);
            let n = height * width;
            let expected = [vec![0.25; n], vec![0.5; n], vec![0.75; n]].concat();
            assert_close(after.pixels(), &expected, 1e-6);
        }
    }

    #[test]
    fn no_pixels_are_refused() {
        let message =
            Resize { height: 4, width: 0 }.validate().err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.starts_with("Resize.width is 0. Expected at least 1."), "{message}");
    }
}
