//! Two-dimensional convolution.

use dfdx::prelude::*;
use rayon::prelude::*;

use super::{matmul, Matrix, Real, Threads};
use crate::error::{device, Error, Result};
use crate::tape::{profile::op, record, slot, values};

/// Samples whose weight gradients are summed before the groups' sums are: fixed, so that the order of the additions
/// does not depend on the number of threads.
pub(super) const GROUP: usize = 16;

/// How a kernel moves over an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvWindow {
    /// Side of the square kernel.
    pub kernel: usize,
    /// Distance between neighbouring applications.
    pub stride: usize,
    /// Rows and columns of zeros added on every side.
    pub padding: usize,
}

/// Output size of a convolution along one axis: `(size + 2 padding - kernel) / stride + 1`, rounded down.
///
/// A `const fn`, so that sizes can be checked while compiling.
pub const fn conv_output(size: usize, window: ConvWindow) -> usize {
    (size + 2 * window.padding - window.kernel) / window.stride + 1
}

/// Devices with [`conv2d`].
pub trait Conv2dOp<E: Real>: Device<E> {
    /// See [`conv2d`]; sizes are already checked.
    fn conv2d<B: Dim, C: Dim, H: Dim, W: Dim, O: Dim, K: Dim, OH: Dim, OW: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        weight: &Tensor<(O, C, K, K), E, Self>,
        window: ConvWindow,
        out: (OH, OW),
    ) -> Result<Tensor<(B, O, OH, OW), E, Self, T>> {
        composed(x, weight, window, out).map_err(device)
    }
}

/// Convolution (cross-correlation) of (batch, in, height, width) with `weight` (out, in, kernel, kernel) to
/// (batch, out, `out.0`, `out.1`), without bias.
///
/// `out` must be what [`conv_output`] gives; [`Conv2d`](crate::nn::Conv2d) checks that while compiling.
///
/// PyTorch equivalent: `torch.nn.functional.conv2d(x, weight, stride=stride, padding=padding)`.
///
/// # Errors
/// [`Error::Shape`] when the kernel is larger than the padded image, is not the window's or takes another number of
/// channels, or `out` is not the size the window gives; a device out of memory.
pub fn conv2d<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    O: Dim,
    K: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: Conv2dOp<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    weight: &Tensor<(O, C, K, K), E, D>,
    window: ConvWindow,
    out: (OH, OW),
) -> Result<Tensor<(B, O, OH, OW), E, D, T>> {
    check_window(x.shape(), weight.shape(), window, out)?;
    let _timed = op("conv2d");
    D::conv2d(x, weight, window, out)
}

/// Checks an image, a kernel, a window and an output against each other.
pub(super) fn check_window<B: Dim, C: Dim, H: Dim, W: Dim, O: Dim, K: Dim>(
    image: &(B, C, H, W),
    kernel: &(O, C, K, K),
    window: ConvWindow,
    out: (impl Dim, impl Dim),
) -> Result<()> {
    let (h, w, kernels) = (image.2.size(), image.3.size(), [kernel.2.size(), kernel.3.size()]);
    let least = window.kernel.saturating_sub(2 * window.padding).max(1);
    if h < least || w < least || window.stride == 0 || kernels != [window.kernel; 2] {
        let found = format!("{h}x{w} with kernel {}x{}", kernels[0], kernels[1]);
        let expected = format!("an image no smaller than {least}x{least} and {window:?}");
        return Err(Error::shape("convolution", expected, found));
    }
    if kernel.1 != image.1 {
        return Err(Error::shape("channels of a convolution", kernel.1.size(), image.1.size()));
    }
    let want = (conv_output(h, window), conv_output(w, window));
    if want != (out.0.size(), out.1.size()) {
        let found = format!("{}x{}", out.0.size(), out.1.size());
        return Err(Error::shape("output of a convolution", format!("{}x{}", want.0, want.1), found));
    }
    Ok(())
}

/// Where each tap of each output pixel reads, `None` in the padding; order (channel, row tap, column tap, row, column).
fn taps(size: (usize, usize, usize), window: ConvWindow, out: (usize, usize)) -> Vec<Option<usize>> {
    let ((c, h, w), k) = (size, window.kernel);
    let mut taps = Vec::with_capacity(c * k * k * out.0 * out.1);
    for (channel, ky, kx) in (0..c).flat_map(|c| (0..k).flat_map(move |y| (0..k).map(move |x| (c, y, x)))) {
        for (oy, ox) in (0..out.0).flat_map(|y| (0..out.1).map(move |x| (y, x))) {
            let (y, x) = (oy * window.stride + ky, ox * window.stride + kx);
            let inside = y >= window.padding
                && x >= window.padding
                && y - window.padding < h
                && x - window.padding < w;
            taps.push(inside.then(|| (channel * h + y - window.padding) * w + x - window.padding));
        }
    }
    taps
}

/// The same from dfdx's operations: gather the taps as rows, blank those in the padding, one matrix product.
pub(crate) fn composed<
    B: Dim,
    C: Dim,
    H: Dim,
    W: Dim,
    O: Dim,
    K: Dim,
    OH: Dim,
    OW: Dim,
    E: Real,
    D: Device<E>,
    T: Tape<E, D>,
>(
    x: Tensor<(B, C, H, W), E, D, T>,
    weight: &Tensor<(O, C, K, K), E, D>,
    window: ConvWindow,
    out: (OH, OW),
) -> std::result::Result<Tensor<(B, O, OH, OW), E, D, T>, D::Err> {
    let (batch, c, h, w) = *x.shape();
    let (outs, pixels) = (weight.shape().0, out.0.size() * out.1.size());
    let fan_in = c.size() * window.kernel * window.kernel;
    let taps = taps((c.size(), h.size(), w.size()), window, (out.0.size(), out.1.size()));
    let dev = x.device().clone();
    let blank: Vec<E> = taps.iter().map(|t| if t.is_some() { E::one() } else { E::zero() }).collect();
    let blank = dev.try_tensor_from_vec(blank, (taps.len(),))?;
    let index: Tensor<(usize,), usize, D> =
        dev.try_tensor_from_vec(taps.iter().map(|t| t.unwrap_or(0)).collect(), (taps.len(),))?;
    let rows = x.try_reshape_like(&(batch.size(), c.size() * h.size() * w.size()))?;
    let rows: Tensor<(usize, usize), E, D, T> =
        rows.try_permute::<(usize, usize), Axes2<1, 0>>()?.try_gather(index)?;
    let shape = *rows.shape();
    let rows = rows.try_mul(blank.try_broadcast_like::<_, Axis<1>>(&shape)?)?;
    let (rows, tape) = rows.try_reshape_like(&(fan_in, pixels * batch.size()))?.split_tape();
    // On the tape before it is reshaped: reshaping a permuted tensor is an operation, not a view.
    let kernel = weight.clone().put_tape(tape).try_reshape_like(&(outs.size(), fan_in))?;
    let y = kernel.try_matmul(rows)?;
    let y = y.try_reshape_like(&(outs, out.0, out.1, batch))?;
    y.try_permute::<(B, O, OH, OW), Axes4<3, 0, 1, 2>>()
}

impl<E: Real> Conv2dOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn conv2d<B: Dim, C: Dim, H: Dim, W: Dim, O: Dim, K: Dim, OH: Dim, OW: Dim, T: Tape<E, Self>>(
        x: Tensor<(B, C, H, W), E, Self, T>,
        weight: &Tensor<(O, C, K, K), E, Self>,
        window: ConvWindow,
        out: (OH, OW),
    ) -> Result<Tensor<(B, O, OH, OW), E, Self, T>> {
        let (x, mut tape) = x.split_tape();
        let (batch, c, h, w) = *x.shape();
        let outs = weight.shape().0;
        let plan = Plan {
            input: (c.size(), h.size(), w.size()),
            outs: outs.size(),
            out: (out.0.size(), out.1.size()),
            window,
        };
        let (xs, ws) = (values(&x), values(weight));
        let y = plan.forward(&xs, &ws, batch.size());
        let y = x.device().try_tensor_from_vec(y, (batch, outs, out.0, out.1)).map_err(device)?;
        record(&mut tape, vec![slot(&x), slot(weight)], slot(&y), move |gy, g| {
            if let [gx, gw] = g {
                plan.backward(&xs, &ws, gy, gx, gw);
            }
        });
        Ok(y.put_tape(tape))
    }
}

/// The sizes of one convolution, for the kernels.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) input: (usize, usize, usize),
    pub(super) outs: usize,
    pub(super) out: (usize, usize),
    pub(super) window: ConvWindow,
}

impl Plan {
    pub(super) fn input_len(&self) -> usize {
        self.input.0 * self.input.1 * self.input.2
    }
    pub(super) fn pixels(&self) -> usize {
        self.out.0 * self.out.1
    }
    fn fan_in(&self) -> usize {
        self.input.0 * self.window.kernel * self.window.kernel
    }

    pub(super) fn forward<E: Real>(&self, x: &[E], weight: &[E], batch: usize) -> Vec<E> {
        let (o, p, f) = (self.outs, self.pixels(), self.fan_in());
        let mut y = vec![E::zero(); batch * o * p];
        y.par_chunks_mut((o * p).max(1)).zip(x.par_chunks(self.input_len().max(1))).for_each_init(
            || vec![E::zero(); f * p],
            |columns, (y, x)| {
                self.gather(x, columns);
                let (lw, lc) = (Matrix::new(o, f), Matrix::new(f, p));
                matmul(weight, lw, columns, lc, y, Matrix::new(o, p), false, Threads::One);
            },
        );
        y
    }

    fn backward<E: Real>(&self, x: &[E], weight: &[E], gy: &[E], gx: &mut [E], gw: &mut [E]) {
        let (o, p, n) = (self.outs, self.pixels(), self.input_len());
        let groups: Vec<Vec<E>> = gx
            .par_chunks_mut((GROUP * n).max(1))
            .zip(x.par_chunks((GROUP * n).max(1)))
            .zip(gy.par_chunks((GROUP * o * p).max(1)))
            .map_init(
                || self.scratch(),
                |scratch, ((gx, x), gy)| {
                    let mut sum = vec![E::zero(); gw.len()];
                    for ((gx, x), gy) in gx.chunks_mut(n).zip(x.chunks(n)).zip(gy.chunks(o * p)) {
                        self.backward_sample(x, weight, gy, gx, &mut sum, scratch);
                    }
                    sum
                },
            )
            .collect();
        for group in groups {
            gw.iter_mut().zip(group).for_each(|(gw, g)| *gw += g);
        }
    }

    /// Room for one sample's columns and their gradient.
    pub(super) fn scratch<E: Real>(&self) -> (Vec<E>, Vec<E>) {
        let len = self.fan_in() * self.pixels();
        (vec![E::zero(); len], vec![E::zero(); len])
    }

    /// Adds one sample's gradients to `gx` and `gw`.
    pub(super) fn backward_sample<E: Real>(
        &self,
        x: &[E],
        weight: &[E],
        gy: &[E],
        gx: &mut [E],
        gw: &mut [E],
        (columns, gradient): &mut (Vec<E>, Vec<E>),
    ) {
        let (o, p, f) = (self.outs, self.pixels(), self.fan_in());
        self.gather(x, columns);
        let (lw, ly, lc) = (Matrix::new(o, f), Matrix::new(o, p), Matrix::new(f, p));
        matmul(gy, ly, columns, lc.t(), gw, lw, true, Threads::One);
        matmul(weight, lw.t(), gy, ly, gradient, lc, false, Threads::One);
        self.scatter(gradient, gx);
    }

    /// Writes the taps of every output pixel as columns: (in * kernel * kernel, pixels).
    fn gather<E: Real>(&self, x: &[E], columns: &mut [E]) {
        self.rows(|row, at| {
            let out = &mut columns[row.start..row.start + self.out.1];
            match at {
                None => out.fill(E::zero()),
                Some(line) => {
                    let (first, last) = row.inside;
                    out[..first].fill(E::zero());
                    out[last..].fill(E::zero());
                    for (i, v) in out[first..last].iter_mut().enumerate() {
                        *v = x[line + (first + i) * self.window.stride + row.shift - self.window.padding];
                    }
                }
            }
        });
    }

    /// Adds columns back to where [`Plan::gather`] read them.
    fn scatter<E: Real>(&self, columns: &[E], gx: &mut [E]) {
        self.rows(|row, at| {
            if let Some(line) = at {
                let (first, last) = row.inside;
                for (i, v) in columns[row.start + first..row.start + last].iter().enumerate() {
                    gx[line + (first + i) * self.window.stride + row.shift - self.window.padding] += *v;
                }
            }
        });
    }

    /// Calls `f` for every run of one output row under one tap, with the start of the input line it reads, if any.
    fn rows(&self, mut f: impl FnMut(TapRow, Option<usize>)) {
        let ((channels, h, w), k) = (self.input, self.window.kernel);
        let (stride, padding) = (self.window.stride, self.window.padding);
        let mut start = 0;
        for c in 0..channels {
            for ky in 0..k {
                for kx in 0..k {
                    // Output columns whose tap falls inside the image: padding <= ox * stride + kx < w + padding.
                    let first = padding.saturating_sub(kx).div_ceil(stride).min(self.out.1);
                    let last = (w + padding).saturating_sub(kx).div_ceil(stride).clamp(first, self.out.1);
                    for oy in 0..self.out.0 {
                        let y = oy * stride + ky;
                        let line = (y >= padding && y - padding < h).then(|| (c * h + y - padding) * w);
                        f(TapRow { start, inside: (first, last), shift: kx }, line);
                        start += self.out.1;
                    }
                }
            }
        }
    }
}

/// One output row under one tap.
struct TapRow {
    /// Where the row begins in the columns.
    start: usize,
    /// Output columns whose tap is inside the image.
    inside: (usize, usize),
    /// The tap's column in the kernel.
    shift: usize,
}
