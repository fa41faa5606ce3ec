//! What a stack does to rows between its matrix products, vectorised.

use crate::ops::nonlinearity::{gelu_tanh_with_slope, gelu_with_slope, relu_with_slope};
use crate::ops::{sum, vectorized, Activation, Real};

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
    vectorized(
        #[inline(always)]
        || {
            for ((x, hat), inverse) in x.chunks_exact_mut(width).zip(hat.chunks_exact_mut(width)).zip(inverse)
            {
                if let Some(bias) = bias {
                    x.iter_mut().zip(bias).for_each(|(x, b)| *x += *b);
                }
                let mean = sum(width, |i| x[i]) * over;
                hat.iter_mut().zip(&*x).for_each(|(h, x)| *h = *x - mean);
                let variance = sum(width, |i| hat[i] * hat[i]) * over;
                *inverse = (variance + eps).sqrt().recip();
                hat.iter_mut().for_each(|h| *h *= *inverse);
            }
        },
    );
}

/// `hat * scale + shift`, row by row.
pub(super) fn scale_shift<E: Real>(hat: &[E], scale: &[E], shift: &[E], y: &mut [E]) {
    let width = scale.len().max(1);
    vectorized(
        #[inline(always)]
        || {
            for (y, hat) in y.chunks_exact_mut(width).zip(hat.chunks_exact(width)) {
                for (((y, h), s), t) in y.iter_mut().zip(hat).zip(scale).zip(shift) {
                    *y = *h * *s + *t;
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
        || {
            for (up, hat) in up.chunks_exact_mut(width).zip(hat.chunks_exact(width)) {
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
        || {
            let rows = gx.chunks_exact_mut(width).zip(up.chunks_exact(width)).zip(hat.chunks_exact(width));
            for (((gx, up), hat), inverse) in rows.zip(inverse) {
                let mean = sum(width, |i| up[i]) * over;
                let along = sum(width, |i| up[i] * hat[i]) * over;
                let keep = if add { E::one() } else { E::zero() };
                for (((gx, up), hat), total) in gx.iter_mut().zip(up).zip(hat).zip(column_sums.iter_mut()) {
                    *gx = *gx * keep + *inverse * (*up - mean - *hat * along);
                    *total += *gx;
                }
            }
        },
    );
}

/// Adds every row of `rows` to `sums`.
pub(super) fn add_rows<E: Real>(rows: &[E], sums: &mut [E]) {
    let width = sums.len().max(1);
    vectorized(
        #[inline(always)]
        || {
            for row in rows.chunks_exact(width) {
                sums.iter_mut().zip(row).for_each(|(s, r)| *s += *r);
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
        || {
            for (y, pre) in y.chunks_exact_mut(width).zip(pre.chunks_exact(width)) {
                y.iter_mut().zip(pre).zip(bias).for_each(|((y, x), b)| *y = f(*x + *b));
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
        || {
            let rows = y.chunks_exact_mut(width).zip(slope.chunks_exact_mut(width));
            for ((y, slope), pre) in rows.zip(pre.chunks_exact(width)) {
                for (((y, s), x), b) in y.iter_mut().zip(slope).zip(pre).zip(bias) {
                    (*y, *s) = f(*x + *b);
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
        || {
            for (up, slope) in up.chunks_exact_mut(width).zip(slope.chunks_exact(width)) {
                for ((u, s), total) in up.iter_mut().zip(slope).zip(column_sums.iter_mut()) {
                    *u *= *s;
                    *total += *u;
                }
            }
        },
    );
}
