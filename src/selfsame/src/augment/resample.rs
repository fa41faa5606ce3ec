//! Resizing, bilinear and antialiased.
//!
//! Every output pixel is a weighted mean of the input pixels under a triangle centred on it. Enlarging, the triangle
//! reaches one input pixel to each side, which is plain bilinear interpolation; shrinking, it widens with the factor, so
//! that no input pixel is skipped. Rows and columns are independent, so one pass does each.

use crate::shape::Size;

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Region {
    /// The whole of a picture.
    pub fn whole(size: Size) -> Region {
        Region { top: 0, left: 0, height: size.height, width: size.width }
    }

    /// The part of the region that lies in a picture of `size`; at least one pixel of a picture that has any.
    pub(super) fn within(self, size: Size) -> Region {
        let top = self.top.min(size.height.saturating_sub(1));
        let left = self.left.min(size.width.saturating_sub(1));
        Region {
            top,
            left,
            height: self.height.min(size.height - top).max(1),
            width: self.width.min(size.width - left).max(1),
        }
    }
}

/// The tables and the half-resized picture, kept from one picture to the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Resampler {
    rows: Taps,
    columns: Taps,
    /// The picture after its rows were resized, as wide as the region.
    half: Vec<f32>,
}

impl Resampler {
    /// Resizes `region` of `old` (of size `from`) into `new` (of size `to`); both have the same channels.
    pub(super) fn run(&mut self, old: &[f32], from: Size, region: Region, new: &mut [f32], to: Size) {
        if from.is_empty() || to.is_empty() {
            return;
        }
        self.rows.build(region.height, to.height);
        self.columns.build(region.width, to.width);
        self.half.clear();
        self.half.resize(to.height * region.width, 0.0);
        let planes = old.chunks_exact(from.height * from.width);
        for (old, new) in planes.zip(new.chunks_exact_mut(to.height * to.width)) {
            for (y, half) in self.half.chunks_exact_mut(region.width).enumerate() {
                let (first, weights) = self.rows.of(y);
                half.fill(0.0);
                for (i, weight) in weights.iter().enumerate() {
                    let start = (region.top + first + i) * from.width + region.left;
                    add_scaled(half, &old[start..start + region.width], *weight);
                }
            }
            for (half, new) in self.half.chunks_exact(region.width).zip(new.chunks_exact_mut(to.width)) {
                self.columns.mix(half, new);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        let taps = |t: &Taps| t.first.capacity() + t.weights.capacity();
        taps(&self.rows) + taps(&self.columns) + self.half.capacity()
    }
}

/// `to += weight * from`.
pub(super) fn add_scaled(to: &mut [f32], from: &[f32], weight: f32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += weight * from;
    }
}

/// Which input positions each output position is made of, and with which weights.
#[derive(Debug, Clone, Default)]
struct Taps {
    first: Vec<usize>,
    /// `count` for each output position.
    weights: Vec<f32>,
    count: usize,
}

impl Taps {
    /// The weights that turn `input` positions into `output` ones; both at least 1.
    fn build(&mut self, input: usize, output: usize) {
        let scale = input as f64 / output as f64;
        let reach = scale.max(1.0);
        self.count = ((2.0 * reach).ceil() as usize).min(input);
        self.first.clear();
        self.weights.clear();
        for o in 0..output {
            let centre = (o as f64 + 0.5) * scale;
            let first = ((centre - reach + 0.5).max(0.0) as usize).min(input - self.count);
            let triangle = |i: usize| (1.0 - ((first + i) as f64 + 0.5 - centre).abs() / reach).max(0.0);
            let sum: f64 = (0..self.count).map(triangle).sum();
            self.first.push(first);
            self.weights.extend((0..self.count).map(|i| (triangle(i) / sum) as f32));
        }
    }

    /// First input position and weights of output position `o`.
    fn of(&self, o: usize) -> (usize, &[f32]) {
        (self.first[o], &self.weights[o * self.count..(o + 1) * self.count])
    }

    /// One row in, one row out.
    fn mix(&self, input: &[f32], output: &mut [f32]) {
        // Two taps is what enlarging always has; a loop of known length is several times faster.
        if self.count == 2 {
            for ((out, &first), w) in output.iter_mut().zip(&self.first).zip(self.weights.chunks_exact(2)) {
                let pair = &input[first..first + 2];
                *out = w[0] * pair[0] + w[1] * pair[1];
            }
            return;
        }
        let weights = self.weights.chunks_exact(self.count);
        for ((out, &first), weights) in output.iter_mut().zip(&self.first).zip(weights) {
            *out = input[first..first + self.count].iter().zip(weights).map(|(v, w)| v * w).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resize(old: &[f32], from: Size, region: Region, to: Size) -> Vec<f32> {
        let mut new = vec![0.0; to.len()];
        Resampler::default().run(old, from, region, &mut new, to);
        new
    }

    fn grey(height: usize, width: usize) -> Size {
        Size { channels: 1, height, width }
    }

    #[test]
    fn the_same_size_changes_nothing() {
        for (height, width) in [(1, 1), (1, 9), (7, 5)] {
            let size = Size { channels: 3, height, width };
            let old: Vec<f32> = (0..size.len()).map(|i| i as f32 * 0.37 % 1.0).collect();
            assert_eq!(resize(&old, size, Region::whole(size), size), old);
        }
    }

    #[test]
    fn twice_as_wide_is_a_quarter_and_three_quarters() {
        let new = resize(&[0.0, 1.0], grey(1, 2), Region::whole(grey(1, 2)), grey(1, 4));
        assert_eq!(new, [0.0, 0.25, 0.75, 1.0]);
    }

    #[test]
    fn half_as_wide_weighs_by_a_triangle() {
        // Around output 0 (centre 1.0, reach 2): inputs 0..3 weigh 3/4, 3/4, 1/4 before they are made to sum to one.
        let new = resize(&[7.0, 0.0, 0.0, 0.0], grey(1, 4), Region::whole(grey(1, 4)), grey(1, 2));
        assert!((new[0] - 3.0).abs() < 1e-6 && new[1].abs() < 1e-6, "{new:?}");
        let new = resize(&[0.0, 0.0, 7.0, 0.0], grey(1, 4), Region::whole(grey(1, 4)), grey(1, 2));
        assert!((new[0] - 1.0).abs() < 1e-6 && (new[1] - 3.0).abs() < 1e-6, "{new:?}");
    }

    #[test]
    fn a_region_resized_to_its_own_size_is_a_crop() {
        let old: Vec<f32> = (0..12).map(|v| v as f32).collect();
        let region = Region { top: 1, left: 2, height: 2, width: 2 };
        assert_eq!(resize(&old, grey(3, 4), region, grey(2, 2)), [6.0, 7.0, 10.0, 11.0]);
        let over = Region { top: 2, left: 3, height: 9, width: 9 }.within(grey(3, 4));
        assert_eq!(over, Region { top: 2, left: 3, height: 1, width: 1 });
    }
}
