//! The picture being augmented.

use super::resample::{Region, Resampler};
use crate::error::{Error, Result};
use crate::shape::Size;

/// A picture in 0..1, channel by channel, row by row, and the buffers transforms need to change it.
///
/// Buffers are kept: once a canvas has seen its largest picture, nothing is allocated any more.
#[derive(Debug, Clone)]
pub struct Canvas {
    size: Size,
    pixels: Vec<f32>,
    /// Where a transform that cannot work in place draws.
    spare: Vec<f32>,
    /// Small tables, free for any transform to overwrite.
    pub(super) work: Vec<f32>,
    resampler: Resampler,
}

impl Default for Canvas {
    /// A canvas without a picture; give it one with [`load`](Canvas::load).
    fn default() -> Canvas {
        Canvas {
            size: Size { channels: 0, height: 0, width: 0 },
            pixels: Vec::new(),
            spare: Vec::new(),
            work: Vec::new(),
            resampler: Resampler::default(),
        }
    }
}

impl Canvas {
    /// A canvas that shows `pixels` (0..1, channel by channel, row by row).
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many pixels as `size` says, or none.
    pub fn new(size: Size, pixels: Vec<f32>) -> Result<Canvas> {
        check_length(size, pixels.len())?;
        Ok(Canvas { size, pixels, ..Canvas::default() })
    }

    /// Shows `image` (bytes, channel by channel, row by row) in place of what was there; 0..255 becomes 0..1.
    ///
    /// PyTorch equivalent: `torchvision.transforms.functional.to_tensor`.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many bytes as `size` says, or none.
    pub fn load(&mut self, image: &[u8], size: Size) -> Result<()> {
        check_length(size, image.len())?;
        self.size = size;
        self.pixels.clear();
        self.pixels.extend(image.iter().map(|b| f32::from(*b) / 255.0));
        Ok(())
    }

    /// The size of the picture.
    pub fn size(&self) -> Size {
        self.size
    }

    /// All values, channel by channel, row by row.
    pub fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// All values, to change them in place.
    pub fn pixels_mut(&mut self) -> &mut [f32] {
        &mut self.pixels
    }

    /// The rows of all channels, to change them in place.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.pixels.chunks_exact_mut(self.size.width.max(1))
    }

    /// The channels, each `height * width` values, to change them in place.
    pub fn planes_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.pixels.chunks_exact_mut((self.size.height * self.size.width).max(1))
    }

    /// Red, green and blue, if the picture has three channels.
    pub fn rgb_mut(&mut self) -> Option<[&mut [f32]; 3]> {
        if self.size.channels != 3 {
            return None;
        }
        let plane = self.size.height * self.size.width;
        let (red, rest) = self.pixels.split_at_mut(plane);
        let (green, blue) = rest.split_at_mut(plane);
        Some([red, green, blue])
    }

    /// Replaces the picture by one of `size`: `paint` gets the values of the old picture and those of the new one, black
    /// so far.
    pub fn redraw(&mut self, size: Size, paint: impl FnOnce(&[f32], &mut [f32])) {
        self.spare.clear();
        self.spare.resize(size.len(), 0.0);
        paint(&self.pixels, &mut self.spare);
        std::mem::swap(&mut self.pixels, &mut self.spare);
        self.size = size;
    }

    /// Like [`redraw`](Canvas::redraw) with the same size, one channel at a time: `paint` gets the old and the new
    /// values of each.
    pub fn redraw_planes(&mut self, mut paint: impl FnMut(&[f32], &mut [f32])) {
        let plane = (self.size.height * self.size.width).max(1);
        self.redraw(self.size, |old, new| {
            for (old, new) in old.chunks_exact(plane).zip(new.chunks_exact_mut(plane)) {
                paint(old, new);
            }
        });
    }

    /// Replaces the picture by `region` of it, resized to `height` rows and `width` columns; bilinear, antialiased where
    /// it shrinks. A region that reaches over the edge is cut there.
    ///
    /// PyTorch equivalent: `torchvision.transforms.functional.resized_crop(.., antialias=True)`.
    pub fn resize(&mut self, region: Region, height: usize, width: usize) {
        let from = self.size;
        let to = Size { channels: from.channels, height, width };
        let mut resampler = std::mem::take(&mut self.resampler);
        self.redraw(to, |old, new| resampler.run(old, from, region.within(from), new, to));
        self.resampler = resampler;
    }

    /// How many numbers all buffers together have room for.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.pixels.capacity() + self.spare.capacity() + self.work.capacity() + self.resampler.capacity()
    }
}

fn check_length(size: Size, found: usize) -> Result<()> {
    if size.is_empty() {
        return Err(Error::shape("picture", "at least one channel, row and column", size));
    }
    if found != size.len() {
        return Err(Error::shape(
            "picture",
            format!("{size}, {} values", size.len()),
            format!("{found} values"),
        ));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_zero_to_one() {
        let size = Size { channels: 1, height: 1, width: 3 };
        let mut canvas = Canvas::default();
        canvas.load(&[0, 51, 255], size).unwrap();
        assert_eq!(canvas.pixels(), [0.0, 0.2, 1.0]);
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let size = Size { channels: 3, height: 2, width: 2 };
        let message = Canvas::new(size, vec![0.0; 11]).unwrap_err().to_string();
        assert_eq!(message, "picture: expected 3x2x2, 12 values, found 11 values");
        assert!(Canvas::default().load(&[], Size { channels: 1, height: 0, width: 2 }).is_err());
    }

    #[test]
    fn redrawing_starts_from_black() {
        let size = Size { channels: 1, height: 1, width: 2 };
        let mut canvas = Canvas::new(size, vec![0.5, 0.5]).unwrap();
        canvas.redraw(size, |_, _| ());
        canvas.redraw(size, |_, new| new[0] = 1.0);
        assert_eq!(canvas.pixels(), [1.0, 0.0]);
    }
}
