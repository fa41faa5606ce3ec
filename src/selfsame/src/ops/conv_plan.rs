//! Convolution of channels-last images by matrix products.
//!
//! With its channels last, the pixels under one row of a kernel are one run of memory, whatever the stride: taking them
//! out, and adding them back on the way to the image's gradient, moves whole runs. The operations' own order is channels
//! first; they turn a few samples at a time, in cache.

use std::ops::Range;

use rayon::prelude::*;

use super::{matmul, vectorized, ConvWindow, Matrix, Real, Threads};
use crate::tape::Scratch;

/// Values of columns that stay in cache with what they are multiplied by: a megabyte in float32.
const COLUMNS: usize = 1 << 18;

/// The sizes of one convolution, for the kernels.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub(super) image: (usize, usize),
    pub(super) channels: usize,
    pub(super) out: (usize, usize),
    pub(super) outs: usize,
    pub(super) window: ConvWindow,
}

impl Plan {
    pub(super) fn places(&self) -> usize {
        self.image.0 * self.image.1
    }
    pub(super) fn image_len(&self) -> usize {
        self.places() * self.channels
    }
    pub(super) fn pixels(&self) -> usize {
        self.out.0 * self.out.1
    }
    pub(super) fn out_len(&self) -> usize {
        self.pixels() * self.outs
    }
    /// Channels in and out of one group.
    fn shares(&self) -> (usize, usize) {
        (self.channels / self.window.groups, self.outs / self.window.groups)
    }
    /// Values one output is computed from.
    pub(super) fn fan_in(&self) -> usize {
        self.window.kernel.0 * self.window.kernel.1 * self.shares().0
    }
    pub(super) fn weight_len(&self) -> usize {
        self.outs * self.fan_in()
    }

    /// Samples whose weight gradients are summed before the groups' sums are, by one thread: fixed by the sizes alone, so
    /// that the order of the additions does not depend on the number of threads.
    pub(super) fn group(&self) -> usize {
        const PIXELS: usize = 4096;
        const MOST: usize = 16;
        (PIXELS / self.pixels().max(1)).clamp(1, MOST)
    }
    /// Samples to convolve at once: enough pixels for an efficient product, few enough for its operands to stay in cache.
    pub(super) fn block(&self) -> usize {
        const PIXELS: usize = 256;
        let (pixels, group) = (self.pixels().max(1), self.group());
        let most = (COLUMNS / (pixels * self.fan_in()).max(1)).max(1);
        let block = PIXELS.div_ceil(pixels).min(most).min(group);
        // Equal parts of a group.
        group.div_ceil(group.div_ceil(block))
    }
    /// The rows of output pixels of `samples` samples, counted through, in parts whose columns stay in cache: all of them
    /// for a block of small images, some of one large image's.
    fn tiles(&self, samples: usize) -> impl Iterator<Item = Range<usize>> {
        let lines = samples * self.out.0;
        let tile = if self.pointwise() { lines.max(1) } else { self.tile() };
        (0..lines).step_by(tile).map(move |start| start..lines.min(start + tile))
    }
    fn tile(&self) -> usize {
        (COLUMNS / (self.out.1 * self.fan_in()).max(1)).max(1)
    }

    /// Whether the taps of a pixel are the pixel.
    fn pointwise(&self) -> bool {
        let w = self.window;
        (w.kernel, w.stride, w.padding, w.groups) == ((1, 1), (1, 1), (0, 0), 1)
    }
    /// Length of the work buffer for `samples` samples.
    pub(super) fn columns_len(&self, samples: usize) -> usize {
        if self.pointwise() || self.depthwise() {
            0
        } else {
            (samples * self.out.0).min(self.tile()) * self.out.1 * self.fan_in()
        }
    }

    /// Convolves samples (height, width, in) to (pixels, out) with weights by tap, see [`Plan::by_tap`].
    pub(super) fn forward<E: Real>(&self, x: &[E], by_tap: &[E], columns: &mut [E], y: &mut [E]) {
        if self.depthwise() {
            return self.depthwise_forward(x, by_tap, y);
        }
        let ((_, outs), f) = (self.shares(), self.fan_in());
        for lines in self.tiles(y.len() / self.out_len().max(1)) {
            let rows = lines.len() * self.out.1;
            let y = &mut y[lines.start * self.out.1 * self.outs..][..rows * self.outs];
            for g in 0..self.window.groups {
                let columns = self.columns(x, g, lines.clone(), columns);
                let (lx, lw) = (Matrix::new(rows, f), Matrix::new(f, outs));
                let ly = Matrix::within(rows, outs, self.outs);
                let w = &by_tap[g * f * outs..][..f * outs];
                matmul(columns, lx, w, lw, &mut y[g * outs..], ly, false, Threads::One);
            }
        }
    }

    /// The gradient of the weights, by tap, from samples and the gradient of their output: sets or adds to `gw`.
    pub(super) fn weight_gradient<E: Real>(
        &self,
        x: &[E],
        gy: &[E],
        columns: &mut [E],
        gw: &mut [E],
        add: bool,
    ) {
        if self.depthwise() {
            return self.depthwise_weight_gradient(x, gy, gw, add);
        }
        let ((_, outs), f) = (self.shares(), self.fan_in());
        for lines in self.tiles(gy.len() / self.out_len().max(1)) {
            let rows = lines.len() * self.out.1;
            let gy = &gy[lines.start * self.out.1 * self.outs..][..rows * self.outs];
            for g in 0..self.window.groups {
                let columns = self.columns(x, g, lines.clone(), columns);
                let (lx, lw) = (Matrix::new(rows, f), Matrix::new(f, outs));
                let ly = Matrix::within(rows, outs, self.outs);
                let gw = &mut gw[g * f * outs..][..f * outs];
                let add = add || lines.start > 0;
                matmul(columns, lx.t(), &gy[g * outs..], ly, gw, lw, add, Threads::One);
            }
        }
    }

    /// The gradient of the samples from that of their output, with weights by output, see [`Plan::by_output`].
    pub(super) fn image_gradient<E: Real>(&self, gy: &[E], by_output: &[E], columns: &mut [E], gx: &mut [E]) {
        if self.depthwise() {
            return self.depthwise_image_gradient(gy, by_output, gx);
        }
        let ((_, outs), f) = (self.shares(), self.fan_in());
        if self.pointwise() {
            let rows = gy.len() / self.outs.max(1);
            let (ly, lw, lx) = (Matrix::new(rows, outs), Matrix::new(outs, f), Matrix::new(rows, f));
            return matmul(gy, ly, by_output, lw, gx, lx, false, Threads::One);
        }
        gx.fill(E::zero());
        let line = (self.out.1 * f).max(1);
        for lines in self.tiles(gy.len() / self.out_len().max(1)) {
            let rows = lines.len() * self.out.1;
            let gy = &gy[lines.start * self.out.1 * self.outs..][..rows * self.outs];
            for g in 0..self.window.groups {
                let w = &by_output[g * f * outs..][..f * outs];
                let columns = &mut columns[..rows * f];
                let (lw, lx) = (Matrix::new(outs, f), Matrix::new(rows, f));
                let ly = Matrix::within(rows, outs, self.outs);
                matmul(&gy[g * outs..], ly, w, lw, columns, lx, false, Threads::One);
                vectorized(|| {
                    for (number, columns) in lines.clone().zip(columns.chunks_exact(line)) {
                        let sample = number / self.out.0 * self.image_len();
                        let gx = &mut gx[sample..][..self.image_len()];
                        self.scatter(columns, gx, g, number % self.out.0);
                    }
                });
            }
        }
    }

    /// The taps of the output pixels of some lines, of one group, as rows (height tap, width tap, channel).
    fn columns<'c, E: Real>(
        &self,
        x: &'c [E],
        group: usize,
        lines: Range<usize>,
        columns: &'c mut [E],
    ) -> &'c [E] {
        if self.pointwise() {
            return x;
        }
        let line = self.out.1 * self.fan_in();
        let columns = &mut columns[..lines.len() * line];
        vectorized(|| {
            for (number, columns) in lines.zip(columns.chunks_exact_mut(line.max(1))) {
                let x = &x[number / self.out.0 * self.image_len()..][..self.image_len()];
                self.take(columns, x, group, number % self.out.0);
            }
        });
        columns
    }

    /// Writes the columns of row number `oy` of a sample's output pixels.
    #[inline(always)]
    fn take<E: Real>(&self, columns: &mut [E], x: &[E], group: usize, oy: usize) {
        // A short run is copied as one of this length, which costs a few instructions where calling `memcpy` costs dozens:
        // what lies behind it is written next, because runs come in the order of the columns.
        const SHORT: usize = 16;
        self.runs(group, oy, |to, from, len| {
            let fits = len <= SHORT && to + SHORT <= columns.len();
            match from {
                Some(from) if fits && from + SHORT <= x.len() => {
                    columns[to..to + SHORT].copy_from_slice(&x[from..from + SHORT]);
                }
                Some(from) => columns[to..to + len].copy_from_slice(&x[from..from + len]),
                None if fits => columns[to..to + SHORT].fill(E::zero()),
                None => columns[to..to + len].fill(E::zero()),
            }
        });
    }

    /// Adds columns back to where [`Plan::columns`] read them.
    #[inline(always)]
    fn scatter<E: Real>(&self, columns: &[E], gx: &mut [E], group: usize, oy: usize) {
        self.runs(group, oy, |from, to, len| {
            if let Some(to) = to {
                let (gx, columns) = (&mut gx[to..to + len], &columns[from..from + len]);
                for (gx, c) in gx.iter_mut().zip(columns) {
                    *gx += *c;
                }
            }
        });
    }

    /// Calls `f` for every run of the columns of row number `oy`, with its place there, its place in the image (`None` in
    /// the padding) and its length.
    #[inline(always)]
    fn runs(&self, group: usize, oy: usize, mut f: impl FnMut(usize, Option<usize>, usize)) {
        let ((h, w), c) = (self.image, self.shares().0);
        let ConvWindow { kernel: (kh, kw), stride, padding, dilation, .. } = self.window;
        // Neighbouring taps are neighbours in memory, so that a kernel's row is one run.
        let joined = dilation.1 == 1 && c == self.channels;
        let tap = |distance: usize| if dilation.1 == 1 { distance } else { distance.div_ceil(dilation.1) };
        let mut at = 0;
        for ox in 0..self.out.1 {
            let left = ox * stride.1;
            // Taps inside the image: padding <= left + tap * dilation < w + padding.
            let first = tap(padding.1.saturating_sub(left)).min(kw);
            let last = tap((w + padding.1).saturating_sub(left)).clamp(first, kw);
            for ky in 0..kh {
                let y = oy * stride.0 + ky * dilation.0;
                if y < padding.0 || y - padding.0 >= h || first == last {
                    f(at, None, kw * c);
                    at += kw * c;
                    continue;
                }
                let line = (y - padding.0) * w + left;
                if first > 0 {
                    f(at, None, first * c);
                }
                if joined {
                    let from = (line + first - padding.1) * c;
                    f(at + first * c, Some(from), (last - first) * c);
                } else {
                    for kx in first..last {
                        let from = (line + kx * dilation.1 - padding.1) * self.channels + group * c;
                        f(at + kx * c, Some(from), c);
                    }
                }
                if last < kw {
                    f(at + last * c, None, (kw - last) * c);
                }
                at += kw * c;
            }
        }
    }

    /// Weights (out, in, taps) as (out, taps, in); as (taps, channels) where every channel goes by itself.
    pub(super) fn by_output<E: Real>(&self, weight: &[E]) -> Vec<E> {
        let (f, c) = (self.fan_in().max(1), self.shares().0);
        let mut out = vec![E::zero(); weight.len()];
        if self.depthwise() {
            transpose(weight, (self.channels, f), &mut out);
            return out;
        }
        for (out, weight) in out.chunks_exact_mut(f).zip(weight.chunks_exact(f)) {
            transpose(weight, (c, f / c.max(1)), out);
        }
        out
    }
    /// Weights (out, taps, in) as (group, taps, in, out of the group); as they are where every channel goes by itself.
    pub(super) fn by_tap<E: Real>(&self, by_output: &[E]) -> Vec<E> {
        if self.depthwise() {
            return by_output.to_vec();
        }
        let ((_, outs), f) = (self.shares(), self.fan_in());
        let mut out = vec![E::zero(); by_output.len()];
        let len = (outs * f).max(1);
        for (out, weight) in out.chunks_exact_mut(len).zip(by_output.chunks_exact(len)) {
            transpose(weight, (outs, f), out);
        }
        out
    }
    /// Adds the sum of the groups' weight gradients, by tap, to `gw` (out, in, taps).
    pub(super) fn add_parts<E: Real>(&self, parts: &[Scratch<E>], gw: &mut [E]) {
        const CHUNK: usize = 4096;
        let mut sum = Scratch::zeros(self.weight_len());
        sum.par_chunks_mut(CHUNK).enumerate().for_each(|(i, sum)| {
            for part in parts {
                sum.iter_mut().zip(&part[i * CHUNK..]).for_each(|(sum, v)| *sum += *v);
            }
        });
        self.add_by_tap(&sum, gw);
    }

    /// Adds (group, taps, in, out of the group) to (out, in, taps).
    fn add_by_tap<E: Real>(&self, by_tap: &[E], gw: &mut [E]) {
        if self.depthwise() {
            return add_channels_first(by_tap, (self.channels, self.fan_in()), gw);
        }
        let ((c, outs), f) = (self.shares(), self.fan_in());
        let (len, taps) = ((outs * f).max(1), f / c.max(1));
        for (gw, by_tap) in gw.chunks_exact_mut(len).zip(by_tap.chunks_exact(len)) {
            for (o, gw) in gw.chunks_exact_mut(f.max(1)).enumerate() {
                for (i, gw) in gw.iter_mut().enumerate() {
                    let (channel, tap) = (i / taps, i % taps);
                    *gw += by_tap[(tap * c + channel) * outs + o];
                }
            }
        }
    }
}

/// Rows by columns to columns by rows.
pub(super) fn transpose<E: Real>(from: &[E], (rows, cols): (usize, usize), to: &mut [E]) {
    // In squares, so that both sides' cache lines are used while they are near.
    const SIDE: usize = 16;
    for r in (0..rows).step_by(SIDE) {
        for c in (0..cols).step_by(SIDE) {
            for c in c..cols.min(c + SIDE) {
                for r in r..rows.min(r + SIDE) {
                    to[c * rows + r] = from[r * cols + c];
                }
            }
        }
    }
}

/// Samples (channels, places) to (places, channels).
pub(super) fn channels_last<E: Real>(x: &[E], (channels, places): (usize, usize), out: &mut [E]) {
    let len = (channels * places).max(1);
    for (x, out) in x.chunks_exact(len).zip(out.chunks_exact_mut(len)) {
        transpose(x, (channels, places), out);
    }
}

/// Samples (places, channels) to (channels, places).
pub(super) fn channels_first<E: Real>(x: &[E], (channels, places): (usize, usize), out: &mut [E]) {
    channels_last(x, (places, channels), out);
}

/// Adds samples (places, channels) to (channels, places).
pub(super) fn add_channels_first<E: Real>(x: &[E], (channels, places): (usize, usize), out: &mut [E]) {
    let len = (channels * places).max(1);
    for (x, out) in x.chunks_exact(len).zip(out.chunks_exact_mut(len)) {
        for (channel, out) in out.chunks_exact_mut(places).enumerate() {
            out.iter_mut().zip(x[channel..].iter().step_by(channels)).for_each(|(out, x)| *out += *x);
        }
    }
}
