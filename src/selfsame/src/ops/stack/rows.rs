//! What a stack does to rows between its matrix products, vectorised.
//!
//! Loops count instead of zipping: long chains of zips are not always inlined, and then not compiled for wide vectors.

use crate::ops::nonlinearity::{gelu_tanh_with_slope, gelu_with_slope, relu_with_slope};
use crate::ops::{dot, sum, vectorized, Activation, Real};

/// Adds `bias` to every row of `x`, then writes the rows centred and scaled to variance 1 to `hat` and their inverse
/// standard deviations to `inverse`.
pub(super) fn add_normalize<E: Real>(
    x: &mut [E],
    bias: Option<&[E]>,
    eps: E,
    hat: &mut [E],
    inverse: &mut [E],
) {
    let Some(width) = x.len().checked_div(inverse.len()).filter(|w| *w > 0) else { return };
    let over = E::of(1.0 / width as f64);
    let bias = bias.map(|b| &b[..width]);
    vectorized(
        #[inline(always)]
        move || {
            for ((x, hat), inverse) in x.chunks_exact_mut(width).zip(hat.chunks_exact_mut(width)).zip(inverse)
            {
                let (x, hat) = (&mut x[..width], &mut hat[..width]);
                if let Some(bias) = bias {
                    for i in 0..width {
                        x[i] += bias[i];
                    }
                }
                let mean = sum(x) * over;
                for i in 0..width {
                    hat[i] = x[i] - mean;
                }
                let variance = dot(hat, hat) * over;
                let factor = (variance + eps).sqrt().recip();
                for h in hat.iter_mut() {
                    *h *= factor;
                }
                *inverse = factor;
            }
        },
    );
}

/// `hat * scale + shift`, row by row.
pub(super) fn scale_shift<E: Real>(hat: &[E], scale: &[E], shift: &[E], y: &mut [E]) {
    let width = scale.len().max(1);
    vectorized(
        #[inline(always)]
        move || {
            for (y, hat) in y.chunks_exact_mut(width).zip(hat.chunks_exact(width)) {
                let (y, hat, scale, shift) =
                    (&mut y[..width], &hat[..width], &scale[..width], &shift[..width]);
                for i in 0..width {
                    y[i] = hat[i] * scale[i] + shift[i];
                }
            }
        },
    );
}

/// From `up`, the gradient after [`scale_shift`], to that of `hat`, in place; adds to the scale's and the shift's.
pub(super) fn scale_shift_backward<E: Real>(
    up: &mut [E],
    hat: &[E],
    scale: &[E],
    gs: &mut [E],
    gt: &mut [E],
) {
    let width = scale.len().max(1);
    vectorized(
        #[inline(always)]
        move || {
            for (up, hat) in up.chunks_exact_mut(width).zip(hat.chunks_exact(width)) {
                let (up, hat, scale) = (&mut up[..width], &hat[..width], &scale[..width]);
                let (gs, gt) = (&mut gs[..width], &mut gt[..width]);
                for i in 0..width {
                    gt[i] += up[i];
                    gs[i] += up[i] * hat[i];
                    up[i] *= scale[i];
                }
            }
        },
    );
}

/// Adds to `gx` (or writes, unless `add`) what `up`, the gradient of `hat`, is to the input of [`add_normalize`]; adds
/// the rows of the result to `column_sums`.
pub(super) fn normalize_backward<E: Real>(
    up: &[E],
    hat: &[E],
    inverse: &[E],
    gx: &mut [E],
    add: bool,
    column_sums: &mut [E],
) {
    let Some(width) = gx.len().checked_div(inverse.len()).filter(|w| *w > 0) else { return };
    let over = E::of(1.0 / width as f64);
    let column_sums = &mut column_sums[..width];
    vectorized(
        #[inline(always)]
        move || {
            let rows = gx.chunks_exact_mut(width).zip(up.chunks_exact(width)).zip(hat.chunks_exact(width));
            for (((gx, up), hat), inverse) in rows.zip(inverse) {
                let (gx, up, hat) = (&mut gx[..width], &up[..width], &hat[..width]);
                let mean = sum(up) * over;
                let along = dot(up, hat) * over;
                if !add {
                    gx.fill(E::zero());
                }
                let factor = *inverse;
                for i in 0..width {
                    let g = gx[i] + factor * (up[i] - mean - hat[i] * along);
                    gx[i] = g;
                    column_sums[i] += g;
                }
            }
        },
    );
}

/// Adds the first columns of every row, `width` long, to `sums`, as many as it has.
pub(super) fn add_rows<E: Real>(rows: &[E], width: usize, sums: &mut [E]) {
    let n = sums.len();
    vectorized(
        #[inline(always)]
        move || {
            for row in rows.chunks_exact(width.max(1)) {
                let row = &row[..n];
                for i in 0..n {
                    sums[i] += row[i];
                }
            }
        },
    );
}

/// Adds `bias` to the first columns of every row, `width` long.
pub(super) fn add_to_rows<E: Real>(rows: &mut [E], width: usize, bias: &[E]) {
    let n = bias.len();
    vectorized(
        #[inline(always)]
        move || {
            for row in rows.chunks_exact_mut(width.max(1)) {
                let row = &mut row[..n];
                for i in 0..n {
                    row[i] += bias[i];
                }
            }
        },
    );
}

/// `activation(pre + bias)`, row by row.
pub(super) fn activate<E: Real>(activation: Activation, pre: &[E], bias: &[E], y: &mut [E]) {
    match activation {
        Activation::None => each(
            pre,
            bias,
            y,
            #[inline(always)]
            |x| x,
        ),
        Activation::Relu => each(
            pre,
            bias,
            y,
            #[inline(always)]
            |x: E| relu_with_slope(x).0,
        ),
        Activation::Gelu => each(
            pre,
            bias,
            y,
            #[inline(always)]
            |x: E| gelu_with_slope(x).0,
        ),
        Activation::GeluTanh => each(
            pre,
            bias,
            y,
            #[inline(always)]
            |x: E| gelu_tanh_with_slope(x).0,
        ),
    }
}

fn each<E: Real>(pre: &[E], bias: &[E], y: &mut [E], f: impl Fn(E) -> E) {
    let width = bias.len().max(1);
    vectorized(
        #[inline(always)]
        move || {
            for (y, pre) in y.chunks_exact_mut(width).zip(pre.chunks_exact(width)) {
                let (y, pre, bias) = (&mut y[..width], &pre[..width], &bias[..width]);
                for i in 0..width {
                    y[i] = f(pre[i] + bias[i]);
                }
            }
        },
    );
}

/// [`activate`] and its slope.
pub(super) fn activate_with_slope<E: Real>(
    activation: Activation,
    pre: &[E],
    bias: &[E],
    y: &mut [E],
    slope: &mut [E],
) {
    match activation {
        Activation::None => each_with_slope(
            pre,
            bias,
            y,
            slope,
            #[inline(always)]
            |x| (x, E::one()),
        ),
        Activation::Relu => each_with_slope(
            pre,
            bias,
            y,
            slope,
            #[inline(always)]
            |x: E| relu_with_slope(x),
        ),
        Activation::Gelu => each_with_slope(
            pre,
            bias,
            y,
            slope,
            #[inline(always)]
            |x: E| gelu_with_slope(x),
        ),
        Activation::GeluTanh => {
            each_with_slope(
                pre,
                bias,
                y,
                slope,
                #[inline(always)]
                |x: E| gelu_tanh_with_slope(x),
            );
        }
    }
}

fn each_with_slope<E: Real>(pre: &[E], bias: &[E], y: &mut [E], slope: &mut [E], f: impl Fn(E) -> (E, E)) {
    let width = bias.len().max(1);
    vectorized(
        #[inline(always)]
        move || {
            let rows = y.chunks_exact_mut(width).zip(slope.chunks_exact_mut(width));
            for ((y, slope), pre) in rows.zip(pre.chunks_exact(width)) {
                let (y, slope) = (&mut y[..width], &mut slope[..width]);
                let (pre, bias) = (&pre[..width], &bias[..width]);
                for i in 0..width {
                    (y[i], slope[i]) = f(pre[i] + bias[i]);
                }
            }
        },
    );
}

/// `up *= slope`, row by row; adds the rows of the result to `column_sums`.
pub(super) fn times_slope<E: Real>(up: &mut [E], slope: &[E], column_sums: &mut [E]) {
    let width = column_sums.len().max(1);
    vectorized(
        #[inline(always)]
        move || {
            for (up, slope) in up.chunks_exact_mut(width).zip(slope.chunks_exact(width)) {
                let (up, slope, column_sums) = (&mut up[..width], &slope[..width], &mut column_sums[..width]);
                for i in 0..width {
                    let u = up[i] * slope[i];
                    up[i] = u;
                    column_sums[i] += u;
                }
            }
        },
    );
}
