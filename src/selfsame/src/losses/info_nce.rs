//! InfoNCE: find the one key that belongs to a query among others (van den Oord et al. 2018, arXiv 1807.03748).

use dfdx::prelude::*;

use super::attach::{of_one, of_two, wide, Graded, LossOp};
use super::check;
use super::contrast::{contrast, mean};
use super::unit_rows::{inner, products, weighted_columns, weighted_rows, UnitRows};
use crate::error::Result;
use crate::ops::Real;
use crate::tape::profile::op;

/// Each query is to find its own key among the keys of the batch.
///
/// van den Oord et al. 2018, arXiv 1807.03748.
///
/// `q` and `k` are (N, width), row `i` of both from the same sample; rows are normalised inside. With `s_ij` the
/// cosine of query i and key j, the loss is the mean over queries of
/// `-log(exp(s_ii / temperature) / sum_j exp(s_ij / temperature))`: one direction, negatives from the other view
/// only. Gradients go to both; give it `stop_gradient(&k)` where keys are targets. With all similarities equal the
/// loss is `ln N`.
///
/// PyTorch equivalent:
/// `F.cross_entropy(F.normalize(q) @ F.normalize(k).T / temperature, torch.arange(len(q)))`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::info_nce;
/// let dev = Cpu::default();
/// let z: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[1., 0.], [0., 1.]]);
/// let loss = info_nce(z.clone(), z, 1.0)?.array();
/// assert!((loss - (1.0 + (-1f32).exp()).ln()).abs() < 1e-6);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Shapes
/// Queries and keys of different widths do not compile:
/// ```compile_fail
/// use dfdx::prelude::*;
/// use selfsame::losses::info_nce;
/// let dev = Cpu::default();
/// let (q, k): (Tensor<Rank2<2, 2>, f32, _>, Tensor<Rank2<2, 3>, f32, _>) = (dev.zeros(), dev.zeros());
/// info_nce(q, k, 0.1);
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) without rows or where sizes known only at run time differ,
/// [`Error::Setting`](crate::Error::Setting) for a temperature that is not a positive number; a device out of memory.
pub fn info_nce<B: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D> + Merge<R>, R: Tape<E, D>>(
    q: Tensor<(B, W), E, D, T>,
    k: Tensor<(B, W), E, D, R>,
    temperature: f64,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::same("keys of InfoNCE", q.shape(), k.shape())?;
    check::stacked("InfoNCE", q.shape(), 1, 1)?;
    check::temperature(temperature)?;
    let _timed = op("info-nce");
    let width = q.shape().1.size();
    of_two(q, k, |q, k| Ok(in_batch(q, k, width, temperature)))
}

/// Each query is to find its own key among it and a bank of other rows.
///
/// van den Oord et al. 2018, arXiv 1807.03748.
///
/// `q` and `k` are (N, width) and normalised inside; `bank` is (M, width) and taken as stored, which is normalised
/// where it was filled with normalised rows. The loss is the mean over queries of the cross-entropy of
/// `[q_i.k_i, q_i.bank_1, ..., q_i.bank_M] / temperature` against the first. Gradients go to `q` and `k`, none to
/// the bank. With all similarities equal the loss is `ln(M + 1)`. [`moco`] is the same with keys that are targets.
///
/// PyTorch equivalent: `lightly.loss.NTXentLoss(temperature, memory_bank_size=(M, width))(q, k)`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::info_nce_with_bank;
/// let dev = Cpu::default();
/// let q: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[1., 0.], [0., 1.]]);
/// let bank: Tensor<Rank2<3, 2>, f32, _> = dev.tensor([[-1., 0.], [0., -1.], [1., 0.]]);
/// let loss = info_nce_with_bank(q.clone(), q, &bank, 0.5)?.array();
/// assert!(loss > 0.0);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// As [`info_nce`], and [`Error::Shape`](crate::Error::Shape) for an empty bank.
pub fn info_nce_with_bank<
    B: Dim,
    K: Dim,
    W: Dim,
    E: Real,
    D: LossOp<E>,
    T: Tape<E, D> + Merge<R>,
    R: Tape<E, D>,
>(
    q: Tensor<(B, W), E, D, T>,
    k: Tensor<(B, W), E, D, R>,
    bank: &Tensor<(K, W), E, D>,
    temperature: f64,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::same("keys of InfoNCE", q.shape(), k.shape())?;
    check::stacked("InfoNCE", q.shape(), 1, 1)?;
    check::as_wide("bank of InfoNCE", q.shape().1, bank.shape())?;
    check::temperature(temperature)?;
    let _timed = op("info-nce with bank");
    let (width, bank) = (q.shape().1.size(), wide(bank));
    of_two(q, k, |q, k| Ok(with_bank(q, k, &bank, width, temperature)))
}

/// The loss of MoCo v1 and v2 (He et al. 2020, arXiv 1911.05722; Chen et al. 2020, arXiv 2003.04297).
///
/// [`info_nce_with_bank`] with keys from the momentum encoder and a queue of earlier keys, neither of which receives
/// a gradient. The paper's temperature is 0.07, 0.2 in v2; chance is `ln(K + 1)` for a queue of K.
///
/// PyTorch equivalent:
/// `F.cross_entropy(torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], 1) / temperature, zeros)` of normalised
/// `q` and detached normalised `k`.
///
/// # Errors
/// As [`info_nce_with_bank`].
pub fn moco<B: Dim, K: Dim, W: Dim, E: Real, D: LossOp<E>, T: Tape<E, D>>(
    q: Tensor<(B, W), E, D, T>,
    keys: &Tensor<(B, W), E, D>,
    queue: &Tensor<(K, W), E, D>,
    temperature: f64,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::same("keys of MoCo", q.shape(), keys.shape())?;
    check::stacked("MoCo", q.shape(), 1, 1)?;
    check::as_wide("queue of MoCo", q.shape().1, queue.shape())?;
    check::temperature(temperature)?;
    let _timed = op("moco");
    let (width, keys, queue) = (q.shape().1.size(), wide(keys), wide(queue));
    of_one(q, |q| {
        let Graded { value, gradients: [gradient, _] } = with_bank(q, &keys, &queue, width, temperature);
        Ok(Graded { value, gradients: [gradient] })
    })
}

/// [`info_nce`] on slices.
pub(super) fn in_batch(q: &[f64], k: &[f64], width: usize, temperature: f64) -> Graded<2> {
    let (q, k) = (UnitRows::of(q, width), UnitRows::of(k, width));
    let n = q.len();
    let mut scores = products(&q.rows, &k.rows, width);
    scores.iter_mut().for_each(|s| *s /= temperature);
    let losses = contrast(&mut scores, n, |_, _| true, |i, j| if i == j { 1.0 } else { 0.0 });
    let factor = 1.0 / (n as f64 * temperature);
    scores.iter_mut().for_each(|s| *s *= factor);
    let gradients = [
        q.back(&weighted_rows(&scores, &k.rows, width)),
        k.back(&weighted_columns(&scores, n, &q.rows, width)),
    ];
    Graded { value: mean(&losses), gradients }
}

fn with_bank(q: &[f64], k: &[f64], bank: &[f64], width: usize, temperature: f64) -> Graded<2> {
    let (q, k) = (UnitRows::of(q, width), UnitRows::of(k, width));
    let (n, m) = (q.len(), bank.len() / width);
    let others = products(&q.rows, bank, width);
    let mut scores = Vec::with_capacity(n * (m + 1));
    for (i, others) in others.chunks_exact(m).enumerate() {
        scores.push(inner(q.row(i), k.row(i)) / temperature);
        scores.extend(others.iter().map(|s| s / temperature));
    }
    let losses = contrast(&mut scores, m + 1, |_, _| true, |_, j| if j == 0 { 1.0 } else { 0.0 });
    let factor = 1.0 / (n as f64 * temperature);
    let slopes: Vec<f64> = scores.chunks_exact(m + 1).flat_map(|row| &row[1..]).map(|s| s * factor).collect();
    let own: Vec<f64> = scores.chunks_exact(m + 1).map(|row| row[0] * factor).collect();
    let mut to_q = weighted_rows(&slopes, bank, width);
    let mut to_k = vec![0.0; k.rows.len()];
    for i in 0..n {
        to_q[i * width..][..width].iter_mut().zip(k.row(i)).for_each(|(g, k)| *g += own[i] * k);
        to_k[i * width..][..width].iter_mut().zip(q.row(i)).for_each(|(g, q)| *g = own[i] * q);
    }
    Graded { value: mean(&losses), gradients: [q.back(&to_q), k.back(&to_k)] }
}
