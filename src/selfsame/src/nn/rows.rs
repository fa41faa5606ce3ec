//! Rows of a table by number.

use dfdx::prelude::*;

use crate::error::{device, Result};
use crate::ops::Engine;

/// Row `ids[i]` of `table` as row `i`; a row asked for more than once collects the gradients of all its places. Ids lie
/// below the number of rows: a bug in the caller where not.
///
/// PyTorch equivalent: `torch.nn.functional.embedding(ids, table)`.
pub(super) fn rows<N: Dim, W: Dim, D: Engine, T: Tape<f32, D>>(
    table: Tensor<(N, W), f32, D, T>,
    ids: Vec<usize>,
) -> Result<Tensor<(usize, W), f32, D, T>> {
    let shape = (ids.len(),);
    let ids = table.device().try_tensor_from_vec(ids, shape).map_err(device)?;
    table.try_gather(ids).map_err(device)
}
