//! Contrastive predictive coding: a context is to find its own future among others' (van den Oord et al. 2018, arXiv
//! 1807.03748).

use dfdx::prelude::*;

use super::attach::{attach, constant, wide, LossOp};
use super::contrast::{contrast, mean};
use super::unit_rows::{products, weighted_columns, weighted_rows};
use crate::error::{Error, Result};
use crate::ops::Real;
use crate::tape::profile::op;

/// Among what a context has to find its future in [`cpc`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum CpcNegatives {
    /// The other sequences of the batch at the same time.
    #[default]
    Batch,
    /// All sequences at all times that some context predicts.
    BatchAndTime,
}

/// For every step k ahead, `W_k c_t` is to score the latent `z_{t+k}` of its own sequence highest.
///
/// van den Oord et al. 2018, arXiv 1807.03748.
///
/// `context` is (B, T, C), `latents` (B, T, D), `maps` (K, D, C), all three differentiated. The score of a pair is
/// the inner product `z . W_k c`, without normalisation or temperature; the loss is the mean over steps of the mean
/// cross-entropy over all contexts that have a future. With [`CpcNegatives::Batch`] chance is `ln B`.
///
/// PyTorch equivalent: equation 4 of the paper; `CPC_audio` differs: it divides scores by D and draws 128 negatives.
///
/// # Errors
/// [`Error::Shape`] where batches or times differ between context and latents, nothing is that far ahead, or there
/// is no step; a device out of memory.
pub fn cpc<
    B: Dim,
    S: Dim,
    C: Dim,
    L: Dim,
    K: Dim,
    E: Real,
    D: LossOp<E>,
    T: Tape<E, D> + Merge<R>,
    R: Tape<E, D>,
>(
    context: Tensor<(B, S, C), E, D, T>,
    latents: Tensor<(B, S, L), E, D, R>,
    maps: &Tensor<(K, L, C), E, D>,
    negatives: CpcNegatives,
) -> Result<Tensor<Rank0, E, D, T>> {
    let (c, z, w) = (*context.shape(), *latents.shape(), *maps.shape());
    let sizes = Sizes { batch: c.0.size(), time: c.1.size(), context: c.2.size(), latent: z.2.size() };
    let fits = z.0 == c.0 && z.1 == c.1 && w.1 == z.2 && w.2 == c.2;
    if !fits
        || w.0.size() == 0
        || w.0.size() >= sizes.time
        || sizes.batch == 0
        || sizes.context * sizes.latent == 0
    {
        let expected =
            "as many sequences and times in context and latents, and 1 to times - 1 maps between them";
        return Err(Error::shape("CPC", expected, format!("{c:?}, {z:?} and {w:?}")));
    }
    let _timed = op("cpc");
    let ((context, tc), (latents, tz)) = (context.split_tape(), latents.split_tape());
    let steps = w.0.size();
    let mut total = Parts::zeros(&sizes, steps);
    let (cv, zv, wv) = (wide(&context), wide(&latents), wide(maps));
    for k in 1..=steps {
        sizes.step([&cv, &zv, &wv], k, steps, negatives, &mut total);
    }
    let loss = constant(context.device(), total.value, tc.merge(tz))?;
    attach(attach(attach(loss, &context, total.context)?, &latents, total.latents)?, maps, total.maps)
}

struct Sizes {
    batch: usize,
    time: usize,
    context: usize,
    latent: usize,
}

/// The loss so far and its gradients.
struct Parts {
    value: f64,
    context: Vec<f64>,
    latents: Vec<f64>,
    maps: Vec<f64>,
}

impl Parts {
    fn zeros(s: &Sizes, steps: usize) -> Parts {
        let rows = s.batch * s.time;
        let (context, latents) = (vec![0.0; rows * s.context], vec![0.0; rows * s.latent]);
        Parts { value: 0.0, context, latents, maps: vec![0.0; steps * s.latent * s.context] }
    }
}

impl Sizes {
    /// Adds the step `k` ahead of `steps`.
    fn step(
        &self,
        [c, z, w]: [&[f64]; 3],
        k: usize,
        steps: usize,
        negatives: CpcNegatives,
        total: &mut Parts,
    ) {
        let Sizes { batch, time, context, latent } = *self;
        let map = &w[(k - 1) * latent * context..][..latent * context];
        // Sequence-major rows of contexts that have a future, and of those futures.
        let places: Vec<usize> = (0..batch).flat_map(|b| (0..time - k).map(move |t| b * time + t)).collect();
        let rows = |v: &[f64], width: usize, ahead: usize| -> Vec<f64> {
            places.iter().flat_map(|at| &v[(at + ahead) * width..][..width]).copied().collect()
        };
        let (present, future) = (rows(c, context, 0), rows(z, latent, k));
        let predicted = products(&present, map, context);
        let mut scores = products(&predicted, &future, latent);
        let n = places.len();
        let together =
            |i: usize, j: usize| negatives == CpcNegatives::BatchAndTime || i % (time - k) == j % (time - k);
        let losses = contrast(&mut scores, n, together, |i, j| if i == j { 1.0 } else { 0.0 });
        total.value += mean(&losses) / steps as f64;
        scores.iter_mut().for_each(|s| *s /= (n * steps) as f64);
        let to_predicted = weighted_rows(&scores, &future, latent);
        let to_future = weighted_columns(&scores, n, &predicted, latent);
        let to_present = weighted_rows(&to_predicted, map, context);
        let to_map = weighted_columns(&to_predicted, latent, &present, context);
        let scatter = |to: &mut [f64], from: &[f64], width: usize, ahead: usize| {
            for (row, at) in from.chunks_exact(width).zip(&places) {
                to[(at + ahead) * width..][..width].iter_mut().zip(row).for_each(|(t, v)| *t += v);
            }
        };
        scatter(&mut total.context, &to_present, context, 0);
        scatter(&mut total.latents, &to_future, latent, k);
        total.maps[(k - 1) * latent * context..].iter_mut().zip(to_map).for_each(|(t, v)| *t += v);
    }
}
