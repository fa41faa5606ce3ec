//! Rows of a table, looked up by id.

use dfdx::prelude::*;

use super::row_gather::{gather_rows, Readers};
use super::Real;
use crate::error::{device, Error, Result};
use crate::tape::{record, slot, values};

/// Devices with [`embedding`].
pub trait EmbeddingOp<E: Real>: Device<E> {
    /// See [`embedding`]; ids are already checked.
    fn embedding<V: Dim, W: Dim, T: Tape<E, Self>>(
        table: Tensor<(V, W), E, Self, T>,
        ids: &[u32],
    ) -> Result<Tensor<(usize, W), E, Self, T>> {
        composed(table, ids).map_err(device)
    }
}

/// The rows `ids` of `table`: (rows, width) to (ids, width). The gradients of an id that comes more than once add up.
///
/// For ids of several axes reshape the result. The table carries the tape.
///
/// PyTorch equivalent: `torch.nn.functional.embedding(ids, table)`.
///
/// # Errors
/// [`Error::Shape`] for an id that is no row; a device out of memory.
pub fn embedding<V: Dim, W: Dim, E: Real, D: EmbeddingOp<E>, T: Tape<E, D>>(
    table: Tensor<(V, W), E, D, T>,
    ids: &[u32],
) -> Result<Tensor<(usize, W), E, D, T>> {
    let rows = table.shape().0.size();
    if let Some(id) = ids.iter().find(|id| **id as usize >= rows) {
        return Err(Error::shape("embedding", format!("ids below {rows}"), id));
    }
    D::embedding(table, ids)
}

/// The same from dfdx's operations.
pub(crate) fn composed<V: Dim, W: Dim, E: Real, D: Device<E>, T: Tape<E, D>>(
    table: Tensor<(V, W), E, D, T>,
    ids: &[u32],
) -> std::result::Result<Tensor<(usize, W), E, D, T>, D::Err> {
    let index: Vec<usize> = ids.iter().map(|id| *id as usize).collect();
    let index: Tensor<(usize,), usize, D> = table.device().try_tensor_from_vec(index, (ids.len(),))?;
    table.try_gather(index)
}

impl<E: Real> EmbeddingOp<E> for Cpu
where
    Cpu: Device<E>,
{
    fn embedding<V: Dim, W: Dim, T: Tape<E, Self>>(
        table: Tensor<(V, W), E, Self, T>,
        ids: &[u32],
    ) -> Result<Tensor<(usize, W), E, Self, T>> {
        let (table, mut tape) = table.split_tape();
        let (rows, width) = (table.shape().0.size(), table.shape().1);
        let w = width.size();
        let mut y = vec![E::zero(); ids.len() * w];
        gather_rows(&values(&table), ids, &[], w, &mut y);
        let y = table.device().try_tensor_from_vec(y, (ids.len(), width)).map_err(device)?;
        let readers = Readers::new(if T::OWNS_TAPE { ids } else { &[] }, rows);
        record(&mut tape, vec![slot(&table)], slot(&y), move |gy, g| {
            readers.add_to_source(gy, w, &mut g[0]);
        });
        Ok(y.put_tape(tape))
    }
}
