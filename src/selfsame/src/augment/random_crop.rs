use super::{checks, draw, Border, Canvas, Transform};
use crate::error::Error;
use crate::random::Stream;
use crate::shape::Size;

/// A random window of the padded picture, not resized: the usual augmentation of supervised training on small pictures.
///
/// A picture that is smaller than the window even when padded is padded further, evenly on both sides.
///
/// PyTorch equivalent: `torchvision.transforms.RandomCrop((height, width), padding, pad_if_needed=True)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomCrop {
    /// Rows of the window. Default 32.
    pub height: usize,
    /// Columns of the window. Default 32.
    pub width: usize,
    /// Pixels added on each side first. Default 4.
    pub padding: usize,
    /// What they show. Default black.
    pub border: Border,
}

impl Default for RandomCrop {
    fn default() -> Self {
        RandomCrop { height: 32, width: 32, padding: 4, border: Border::Black }
    }
}

/// Where a window of `window` pixels begins in a picture of `length`, counted from the picture's first pixel.
fn offset(rng: &mut Stream, length: usize, padding: usize, window: usize) -> isize {
    let padded = length + 2 * padding;
    let start = draw::below(rng, padded.saturating_sub(window) + 1);
    let lacking = window.saturating_sub(padded);
    start as isize - padding as isize - (lacking / 2) as isize
}

impl Transform for RandomCrop {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        let Size { channels, height, width } = canvas.size();
        let top = offset(rng, height, self.padding, self.height);
        let left = offset(rng, width, self.padding, self.width);
        let to = Size { channels, height: self.height, width: self.width };
        canvas.redraw(to, |old, new| {
            for (old, new) in old.chunks_exact(height * width).zip(new.chunks_exact_mut(to.height * to.width))
            {
                self.border.window(old, (height, width), (top, left), new, to.width);
            }
        });
    }

    fn output_size(&self, input: Size) -> Size {
        Size { channels: input.channels, height: self.height, width: self.width }
    }

    fn validate(&self) -> Result<(), Error> {
        checks::at_least_one("RandomCrop.height", self.height)?;
        checks::at_least_one("RandomCrop.width", self.width)?;
        let remedy = "4 is usual for pictures of 32 pixels.";
        checks::within("RandomCrop.padding", self.padding as f64, 0.0, 4096.0, remedy)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::augment::testing::*;

    #[test]
    fn the_whole_picture_without_padding_is_the_picture() {
        for size in odd_sizes() {
            let crop =
                RandomCrop { height: size.height, width: size.width, padding: 0, ..Default::default() };
            let before = speckled(size);
            assert_eq!(applied(&crop, &before, 1).pixels(), before.pixels());
        }
    }

    #[test]
    fn every_window_of_the_padded_picture_and_no_other_comes_up() {
        let before = grey([[0.1, 0.2]]);
        let crop = RandomCrop { height: 1, width: 2, padding: 1, border: Border::Black };
        let seen: BTreeSet<String> =
            (0..300).map(|seed| format!("{:?}", applied(&crop, &before, seed).pixels())).collect();
        let expected = ["[0.0, 0.0]", "[0.0, 0.1]", "[0.1, 0.2]", "[0.2, 0.0]"];
        assert_eq!(seen, expected.map(String::from).into());

        let mirrored = RandomCrop { border: Border::Reflect, ..crop };
        let seen: BTreeSet<String> =
            (0..300).map(|seed| format!("{:?}", applied(&mirrored, &before, seed).pixels())).collect();
        assert_eq!(seen, ["[0.1, 0.2]", "[0.2, 0.1]"].map(String::from).into());
    }

    #[test]
    fn a_picture_too_small_is_padded_evenly() {
        let crop = RandomCrop { height: 3, width: 4, padding: 0, border: Border::Black };
        let after = applied(&crop, &grey([[0.1, 0.2]]), 2);
        assert_eq!(after.pixels(), [0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let bad = RandomCrop { padding: usize::MAX, ..Default::default() };
        assert!(bad.validate().is_err_and(|e| e.to_string().starts_with("RandomCrop.padding is ")));
        assert!(RandomCrop { width: 0, ..Default::default() }.validate().is_err());
        assert!(RandomCrop::default().validate().is_ok());
    }
}
