//! Convolution of every channel by itself, channels last.
//!
//! As matrix products these would be products with one column. With its channels last, a tap is a multiplication of a
//! pixel's channels by the tap's weights, and the channels are the vector. Weights are (taps, channels).

use super::conv_plan::Plan;
use super::{vectorized, ConvWindow, Real};

impl Plan {
    /// Whether every channel goes to one channel of its own.
    pub(super) fn depthwise(&self) -> bool {
        self.window.groups == self.channels && self.channels == self.outs && self.channels > 1
    }

    /// [`Plan::forward`].
    pub(super) fn depthwise_forward<E: Real>(&self, x: &[E], weight: &[E], y: &mut [E]) {
        let c = self.channels;
        y.fill(E::zero());
        let samples = x.chunks_exact(self.image_len()).zip(y.chunks_exact_mut(self.out_len()));
        for (x, y) in samples {
            vectorized(|| {
                self.meetings(|pixel, tap, place| {
                    add_product(&mut y[pixel * c..][..c], &x[place * c..][..c], &weight[tap * c..][..c]);
                });
            });
        }
    }

    /// [`Plan::weight_gradient`].
    pub(super) fn depthwise_weight_gradient<E: Real>(&self, x: &[E], gy: &[E], gw: &mut [E], add: bool) {
        let c = self.channels;
        if !add {
            gw.fill(E::zero());
        }
        for (x, gy) in x.chunks_exact(self.image_len()).zip(gy.chunks_exact(self.out_len())) {
            vectorized(|| {
                self.meetings(|pixel, tap, place| {
                    add_product(&mut gw[tap * c..][..c], &x[place * c..][..c], &gy[pixel * c..][..c]);
                });
            });
        }
    }

    /// [`Plan::image_gradient`].
    pub(super) fn depthwise_image_gradient<E: Real>(&self, gy: &[E], weight: &[E], gx: &mut [E]) {
        let c = self.channels;
        gx.fill(E::zero());
        for (gy, gx) in gy.chunks_exact(self.out_len()).zip(gx.chunks_exact_mut(self.image_len())) {
            vectorized(|| {
                self.meetings(|pixel, tap, place| {
                    add_product(&mut gx[place * c..][..c], &gy[pixel * c..][..c], &weight[tap * c..][..c]);
                });
            });
        }
    }

    /// Calls `f` for every output pixel and tap inside the image, with the place the tap falls on.
    #[inline(always)]
    fn meetings(&self, mut f: impl FnMut(usize, usize, usize)) {
        let (h, w) = self.image;
        let ConvWindow { kernel, stride, padding, dilation, .. } = self.window;
        for oy in 0..self.out.0 {
            for ox in 0..self.out.1 {
                for ky in 0..kernel.0 {
                    let y = (oy * stride.0 + ky * dilation.0).wrapping_sub(padding.0);
                    if y >= h {
                        continue;
                    }
                    for kx in 0..kernel.1 {
                        let x = (ox * stride.1 + kx * dilation.1).wrapping_sub(padding.1);
                        if x < w {
                            f(oy * self.out.1 + ox, ky * kernel.1 + kx, y * w + x);
                        }
                    }
                }
            }
        }
    }
}

/// `sum += a * b`, value by value. A function so that a compiler knows the slices apart.
#[inline(always)]
fn add_product<E: Real>(sum: &mut [E], a: &[E], b: &[E]) {
    for ((sum, a), b) in sum.iter_mut().zip(a).zip(b) {
        *sum += *a * *b;
    }
}
