//! Images and texts in one space: CLIP (Radford et al. 2021, arXiv 2103.00020) and SigLIP (Zhai et al. 2023, arXiv
//! 2303.15343).

use dfdx::prelude::*;

use super::attach::{attach, constant, wide, LossOp};
use super::check;
use super::contrast::{contrast, mean};
use super::unit_rows::{inner, products, weighted_columns, weighted_rows, UnitRows};
use crate::error::Result;
use crate::ops::Real;
use crate::tape::profile::op;

/// Each image is to find its text among the batch's, and each text its image.
///
/// Radford et al. 2021, arXiv 2103.00020.
///
/// `image` and `text` are (N, width), row `i` of both belongs together; rows are normalised inside. With
/// `s = exp(log_scale) image text'` the loss is half the sum of the mean cross-entropy of the rows and of the
/// columns with the diagonal. Gradients go to both and to `log_scale`, which is learnt: it starts at `ln(1 / 0.07)`
/// and CLIP keeps it below `ln 100`. Chance is `ln N`.
///
/// PyTorch equivalent: `open_clip.loss.ClipLoss()(F.normalize(image), F.normalize(text), log_scale.exp())`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::clip;
/// let dev = Cpu::default();
/// let z: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[1., 0.], [0., 1.]]);
/// let loss = clip(z.clone(), z, &dev.tensor(0.0))?.array();
/// assert!((loss - (1.0 + (-1f32).exp()).ln()).abs() < 1e-6);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Shapes
/// Widths that differ do not compile:
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::losses::clip;
/// let dev = Cpu::default();
/// let (image, text): (Tensor<Rank2<2, 2>, f32, _>, Tensor<Rank2<2, 3>, f32, _>) = (dev.zeros(), dev.zeros());
/// clip(image, text, &dev.tensor(0.0));
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) without rows or where sizes known only at run time differ; a device out of
/// memory.
pub fn clip<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D> + Merge<R>, R: Tape<E, D>>(
    image: Tensor<(B, W), E, D, T>,
    text: Tensor<(B, W), E, D, R>,
    log_scale: &Tensor<Rank0, E, D>,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::same("texts of CLIP", image.shape(), text.shape())?;
    check::stacked("CLIP", image.shape(), 1, 1)?;
    let _timed = op("clip");
    let scale = wide(log_scale)[0].exp();
    paired(image, text, |cosines, n| {
        let mut rows: Vec<f64> = cosines.iter().map(|c| scale * c).collect();
        let mut columns: Vec<f64> = (0..n * n).map(|i| rows[(i % n) * n + i / n]).collect();
        let own = |i: usize, k: usize| if i == k { 1.0 } else { 0.0 };
        let one_way = mean(&contrast(&mut rows, n, |_, _| true, own));
        let other = mean(&contrast(&mut columns, n, |_, _| true, own));
        let slope = |i: usize| 0.5 / n as f64 * (rows[i] + columns[(i % n) * n + i / n]);
        let slopes: Vec<f64> = (0..n * n).map(slope).collect();
        (0.5 * (one_way + other), slopes, scale)
    })
    .and_then(|(loss, along, _)| attach(loss, log_scale, vec![along]))
}

/// Every pair of an image and a text is to be told right: together or not.
///
/// Zhai et al. 2023, arXiv 2303.15343.
///
/// `image` and `text` are (N, width), row `i` of both belongs together; rows are normalised inside. With
/// `s = exp(log_scale) image text' + bias` the loss is the sum over all pairs of `-log sigmoid(s)` on the diagonal
/// and `-log sigmoid(-s)` off it, over N. Gradients go to both and to `log_scale` and `bias`, which are learnt and
/// start at `ln 10` and -10.
///
/// PyTorch equivalent: `open_clip.loss.SigLipLoss()(F.normalize(image), F.normalize(text), log_scale.exp(), bias)`.
///
/// # Errors
/// As [`clip`].
pub fn siglip<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D> + Merge<R>, R: Tape<E, D>>(
    image: Tensor<(B, W), E, D, T>,
    text: Tensor<(B, W), E, D, R>,
    log_scale: &Tensor<Rank0, E, D>,
    bias: &Tensor<Rank0, E, D>,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::same("texts of SigLIP", image.shape(), text.shape())?;
    check::stacked("SigLIP", image.shape(), 1, 1)?;
    let _timed = op("siglip");
    let (scale, shift) = (wide(log_scale)[0].exp(), wide(bias)[0]);
    let (loss, along, total) = paired(image, text, |cosines, n| {
        let (mut value, mut slopes) = (0.0, Vec::with_capacity(n * n));
        for (i, c) in cosines.iter().enumerate() {
            let sign = if i / n == i % n { 1.0 } else { -1.0 };
            let x = sign * (scale * c + shift);
            // -log sigmoid(x), and its slope -sigmoid(-x), without a power that could overflow.
            value += (-x).max(0.0) + (-x.abs()).exp().ln_1p();
            let sigmoid = if x > 0.0 { (-x).exp() / (1.0 + (-x).exp()) } else { 1.0 / (1.0 + x.exp()) };
            slopes.push(-sign * sigmoid / n as f64);
        }
        (value / n as f64, slopes, scale)
    })?;
    attach(attach(loss, log_scale, vec![along])?, bias, vec![total])
}

/// A loss of the cosines of all pairs: `of(cosines, N)` gives its value, its slopes with respect to scaled cosines,
/// and the scale. Returns the loss, its slope along the logarithm of the scale, and the slopes' sum.
fn paired<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D> + Merge<R>, R: Tape<E, D>>(
    a: Tensor<(B, W), E, D, T>,
    b: Tensor<(B, W), E, D, R>,
    of: impl FnOnce(&[f64], usize) -> (f64, Vec<f64>, f64),
) -> Result<(Tensor<Rank0, E, D, T>, f64, f64)> {
    let ((a, ta), (b, tb)) = (a.split_tape(), b.split_tape());
    let (n, width) = (a.shape().0.size(), a.shape().1.size());
    let (x, y) = (UnitRows::of(&wide(&a), width), UnitRows::of(&wide(&b), width));
    let cosines = products(&x.rows, &y.rows, width);
    let (value, mut slopes, scale) = of(&cosines, n);
    let total = slopes.iter().sum();
    slopes.iter_mut().for_each(|s| *s *= scale);
    let along = inner(&slopes, &cosines);
    let to_a = x.back(&weighted_rows(&slopes, &y.rows, width));
    let to_b = y.back(&weighted_columns(&slopes, n, &x.rows, width));
    let loss = attach(constant(a.device(), value, ta.merge(tb))?, &a, to_a)?;
    Ok((attach(loss, &b, to_b)?, along, total))
}
