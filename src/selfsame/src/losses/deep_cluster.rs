//! Predicting which cluster an image was put in: the loss of DeepCluster v2 (Caron et al. 2020, arXiv 2006.09882,
//! appendix).

use dfdx::prelude::*;

use super::check;
use crate::error::{device, Error, Result};
use crate::ops::{cross_entropy_with, l2_normalize, linear, CrossEntropySettings, Engine, Real};
use crate::tape::profile::op;

/// Every head's prototypes are to score an embedding's own cluster highest.
///
/// Caron et al. 2020, arXiv 2006.09882, appendix.
///
/// `z` is (rows, width), all crops in one, normalised inside; head h has prototypes (K_h, width), used as given, and
/// `assignments[h]` says for each row which of them it belongs to, or [`None`] where that is not known yet. The loss
/// is the mean over heads of the cross-entropy of `z prototypes' / temperature` with the assignments, the mean over
/// rows that have one. Gradients go to embeddings and prototypes. The paper's temperature is 0.1; one head over K
/// clusters starts at `ln K`. DeepCluster v1 is [`cross_entropy`](crate::ops::cross_entropy) on the output of a
/// linear layer.
///
/// PyTorch equivalent:
/// `sum(F.cross_entropy(F.normalize(z) @ c.T / 0.1, a, ignore_index=-100) for c, a in zip(prototypes, assignments)) / heads`.
///
/// ```
/// use dfdx::prelude::*;
/// use selfsame::losses::deep_cluster;
/// let dev = Cpu::default();
/// let z: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[3., 0.], [0., 1.]]);
/// let prototypes: Tensor<Rank2<2, 2>, f32, _> = dev.tensor([[1., 0.], [0., 1.]]);
/// let loss = deep_cluster(z, &[&prototypes], &[&[Some(0), None]], 1.0)?.array();
/// assert!((loss - (1.0 + (-1f32).exp()).ln()).abs() < 1e-6);
/// # Ok::<(), selfsame::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] without heads, where there are not as many lists of assignments as heads or assignments as rows,
/// an assignment is no prototype, or no row of a head has one; [`Error::Setting`] for a temperature that is not a
/// positive number; a device out of memory.
pub fn deep_cluster<B: Dim, K: Dim, W: Dim, E: Real, D: Engine<E>, T: Tape<E, D>>(
    z: Tensor<(B, W), E, D, T>,
    prototypes: &[&Tensor<(K, W), E, D>],
    assignments: &[&[Option<u32>]],
    temperature: f64,
) -> Result<Tensor<Rank0, E, D, T>> {
    check::temperature(temperature)?;
    check::stacked("DeepCluster", z.shape(), 1, 1)?;
    if prototypes.is_empty() || prototypes.len() != assignments.len() {
        let expected = format!("a list for each of {} heads, at least one", prototypes.len());
        return Err(Error::shape("assignments of DeepCluster", expected, assignments.len()));
    }
    let _timed = op("deep cluster");
    let (unit, mut tape) = l2_normalize(z)?.split_tape();
    let mut total: Option<Tensor<Rank0, E, D>> = None;
    for (prototypes, assignments) in prototypes.iter().zip(assignments) {
        check::as_wide("prototypes of DeepCluster", unit.shape().1, prototypes.shape())?;
        let scores = linear(unit.clone().put_tape(tape), prototypes, None)?;
        let logits = scores.try_mul(E::of(1.0 / temperature)).map_err(device)?;
        let labels: Vec<u32> = assignments.iter().map(|a| a.unwrap_or(u32::MAX)).collect();
        let settings = CrossEntropySettings { ignore: Some(u32::MAX), ..Default::default() };
        let loss = cross_entropy_with(logits, &labels, settings)?;
        let loss = match total.take() {
            Some(before) => loss.try_add(before).map_err(device)?,
            None => loss,
        };
        let (sum, rest) = loss.split_tape();
        total = Some(sum);
        tape = rest;
    }
    let total = total.ok_or_else(|| Error::shape("DeepCluster", "at least one head", 0))?;
    total.put_tape(tape).try_mul(E::of(1.0 / prototypes.len() as f64)).map_err(device)
}
