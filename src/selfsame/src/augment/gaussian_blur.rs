use super::resample::add_scaled;
use super::{checks, draw, Border, Canvas, Transform};
use crate::error::Error;
use crate::random::Stream;

/// Blurs with a Gaussian of random width.
///
/// The kernel has `2 * ceil(3 * sigma) + 1` taps each way, which is 99.7 % of the Gaussian, made to sum to one; beyond the
/// edge the picture is mirrored ([`Border::Reflect`]).
///
/// PyTorch equivalent: `RandomApply([GaussianBlur(kernel_size, sigma)], p)` with the kernel size above (torchvision asks
/// for a fixed one; SimCLR's is a tenth of the side).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianBlur {
    /// Smallest and largest standard deviation, in pixels. Default 0.1 to 2.
    pub sigma: (f64, f64),
    /// Probability of blurring. Default 0.5 (SimCLR; BYOL's first view 1, its second 0.1).
    pub p: f64,
}

impl Default for GaussianBlur {
    fn default() -> Self {
        GaussianBlur { sigma: (0.1, 2.0), p: 0.5 }
    }
}

impl Transform for GaussianBlur {
    fn apply(&self, canvas: &mut Canvas, rng: &mut Stream) {
        let acts = draw::chance(rng, self.p);
        let sigma = draw::uniform(rng, self.sigma);
        if acts {
            blur(canvas, sigma);
        }
    }

    fn validate(&self) -> Result<(), Error> {
        let remedy = "These are pixels; (0.1, 2.0) is usual.";
        checks::bounds("GaussianBlur.sigma", self.sigma, 100.0, remedy)?;
        checks::probability("GaussianBlur.p", self.p)
    }
}

/// Blurs with standard deviation `sigma`: along the rows, then along the columns.
fn blur(canvas: &mut Canvas, sigma: f64) {
    let radius = (3.0 * sigma).ceil() as usize;
    let taps = 2 * radius + 1;
    let (height, width) = (canvas.size().height, canvas.size().width);
    let mut work = std::mem::take(&mut canvas.work);
    work.clear();
    work.resize(taps + width + 2 * radius, 0.0);
    let (kernel, padded) = work.split_at_mut(taps);
    fill_gaussian(kernel, sigma);

    canvas.redraw_planes(|old, new| {
        for (old, new) in old.chunks_exact(width).zip(new.chunks_exact_mut(width)) {
            for (i, value) in padded.iter_mut().enumerate() {
                *value = Border::Reflect.at(old, 1, width, 0, i as isize - radius as isize);
            }
            for (tap, weight) in kernel.iter().enumerate() {
                add_scaled(new, &padded[tap..tap + width], *weight);
            }
        }
    });
    canvas.redraw_planes(|old, new| {
        for (y, new) in new.chunks_exact_mut(width).enumerate() {
            for (tap, weight) in kernel.iter().enumerate() {
                if let Some(row) = Border::Reflect.resolve((y + tap) as isize - radius as isize, height) {
                    add_scaled(new, &old[row * width..(row + 1) * width], *weight);
                }
            }
        }
    });
    canvas.work = work;
}

/// The Gaussian at whole pixels about the middle of `kernel`, scaled to sum to one.
fn fill_gaussian(kernel: &mut [f32], sigma: f64) {
    let middle = (kernel.len() / 2) as f64;
    let bell = |i: usize| (-0.5 * ((i as f64 - middle) / sigma).powi(2)).exp();
    let sum: f64 = (0..kernel.len()).map(bell).sum();
    for (i, value) in kernel.iter_mut().enumerate() {
        *value = (bell(i) / sum) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::testing::*;
    use crate::shape::Size;

    fn always(sigma: f64) -> GaussianBlur {
        GaussianBlur { sigma: (sigma, sigma), p: 1.0 }
    }

    #[test]
    fn constants_stay() {
        for size in odd_sizes() {
            let flat = picture(size, vec![0.7; size.len()]);
            assert_close(applied(&always(1.3), &flat, 0).pixels(), flat.pixels(), 1e-6);
        }
    }

    #[test]
    fn one_lit_pixel_becomes_the_gaussian_and_keeps_its_sum() {
        let mut pixels = vec![0.0; 21 * 21];
        pixels[10 * 21 + 10] = 1.0;
        let before = picture(Size { channels: 1, height: 21, width: 21 }, pixels);
        let after = applied(&always(1.5), &before, 0);
        let at = |y: usize, x: usize| after.pixels()[y * 21 + x];
        let sum: f32 = after.pixels().iter().sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        for d in 0..=5usize {
            let expected = (-0.5 * (d as f32 / 1.5).powi(2)).exp();
            for other in [at(10, 10 + d), at(10, 10 - d), at(10 + d, 10), at(10 - d, 10)] {
                assert!((other / at(10, 10) - expected).abs() < 1e-5);
            }
        }
        assert_eq!((at(10, 16), at(4, 10)), (0.0, 0.0), "the kernel ends after ceil(3 sigma) pixels");
    }

    #[test]
    fn by_hand_with_a_mirrored_edge() {
        // Sigma 1/3: radius 1, weights e^-4.5, 1, e^-4.5 over their sum.
        let side = (-4.5f32).exp() / (1.0 + 2.0 * (-4.5f32).exp());
        let middle = 1.0 - 2.0 * side;
        let after = applied(&always(1.0 / 3.0), &grey([[0.9, 0.1, 0.4]]), 0);
        let expected = [
            middle * 0.9 + 2.0 * side * 0.1,
            middle * 0.1 + side * (0.9 + 0.4),
            middle * 0.4 + 2.0 * side * 0.1,
        ];
        assert_close(after.pixels(), &expected, 1e-6);
    }

    #[test]
    fn is_well_behaved() {
        assert_well_behaved(&always(4.0), &GaussianBlur { sigma: (4.0, 4.0), p: 0.0 });
        assert_well_behaved(
            &GaussianBlur { p: 1.0, ..Default::default() },
            &GaussianBlur { p: 0.0, ..Default::default() },
        );
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        let bad = GaussianBlur { sigma: (0.0, 2.0), p: 0.5 };
        assert!(bad.validate().is_err_and(|e| e.to_string().contains("GaussianBlur.sigma is (0.0, 2.0)")));
        assert!(GaussianBlur { sigma: (1.0, 1e9), p: 0.5 }.validate().is_err());
        assert!(GaussianBlur { p: 3.0, ..Default::default() }.validate().is_err());
        assert!(GaussianBlur::default().validate().is_ok());
    }
}
