//! The operation without its types: numbers in, numbers and the way back out.

use rayon::prelude::*;

use super::forward::StackValues;
use super::plan::Plan;
use super::weights::BlockValues;
use super::work::{Embedding, Ends, Work};
use crate::ops::kernels::{kernels, Made};
use crate::ops::mask::OwnedMask;
use crate::ops::Real;

/// What a call is about, beside the blocks.
pub struct Call<E> {
    pub(super) plan: Plan,
    pub(super) mask: OwnedMask,
    /// Weight, bias and positions, where patches go in and means come out.
    pub(super) embedding: Option<[Vec<E>; 3]>,
    /// Whether gradients will be asked for.
    pub(super) keep: bool,
}

kernels! {
    /// The kernel of [`transformer`](crate::ops::transformer) and [`vision_transformer`](crate::ops::vision_transformer).
    StackKernel {
        fn transformer(
            call: Call<Self>,
            blocks: Vec<BlockValues<Self>>,
            norm: Option<(Vec<Self>, Vec<Self>)>,
            x: Vec<Self>,
            out: usize,
        ) -> Made<Self> = run;
    }
}

/// `norm` is the scale and shift after the last block, `out` how many numbers come out.
fn run<E: Real>(
    call: Call<E>,
    blocks: Vec<BlockValues<E>>,
    norm: Option<(Vec<E>, Vec<E>)>,
    xs: Vec<E>,
    out: usize,
) -> Made<E> {
    let Call { plan, mask, embedding, keep } = call;
    let folded = |v: BlockValues<E>| {
        let folded = v.fold(&plan);
        (v, folded)
    };
    let values = StackValues { blocks: blocks.into_par_iter().map(folded).collect(), norm };
    let ends = match embedding {
        Some([weight, bias, positions]) => Ends::PatchesToMean(Embedding::new(weight, bias, positions)),
        None => Ends::Tokens,
    };
    let work = Work { plan, values, mask, ends };
    let mut y = vec![E::zero(); out];
    let mut kept = work.forward(&xs, &mut y, keep);
    let backward = move |gy: &[E], g: &mut [Vec<E>]| work.backward(&xs, gy, &mut kept, g);
    (y, Box::new(backward))
}
