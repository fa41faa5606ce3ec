//! A device that can do everything the library needs.

use super::{
    ActivationOp, AddOp, AttentionOp, AxisMapOp, BatchNormOp, Conv2dOp, ConvStackOp, ConvStageOp,
    ConvTranspose2dOp, CrossEntropyOp, EmbeddingOp, KlDivOp, L2NormalizeOp, LayerNormOp, LinearActOp,
    LinearOp, MaxPoolOp, MeanErrorOp, PatchifyOp, PoolOp, Real, SoftmaxOp, StackOp, TokensOp, UnpatchifyOp,
};
use crate::losses::{LossOp, MaskedErrorOp, NtXentOp, VicRegOp};
use crate::tape::{MaySend, MaySync};
use crate::train::LoopOp;

/// A dfdx device with all of our operations: `Cpu`, and `Cuda` with the `cuda` feature.
///
/// It cannot be implemented elsewhere, as dfdx's `Device` below it cannot, and there will be more operations in it.
#[diagnostic::on_unimplemented(
    message = "{Self} is not a device Selfsame's operations run on",
    note = "use Cpu, or Cuda with the `cuda` feature"
)]
pub trait Engine<E: Real = f32>:
    ActivationOp<E>
    + AddOp<E>
    + AttentionOp<E>
    + AxisMapOp<E>
    + BatchNormOp<E>
    + Conv2dOp<E>
    + ConvStackOp<E>
    + ConvStageOp<E>
    + ConvTranspose2dOp<E>
    + CrossEntropyOp<E>
    + KlDivOp<E>
    + EmbeddingOp<E>
    + L2NormalizeOp<E>
    + LayerNormOp<E>
    + LinearOp<E>
    + LinearActOp<E>
    + LossOp<E>
    + MaxPoolOp<E>
    + MaskedErrorOp<E>
    + MeanErrorOp<E>
    + NtXentOp<E>
    + PatchifyOp<E>
    + PoolOp<E>
    + SoftmaxOp<E>
    + TokensOp<E>
    + UnpatchifyOp<E>
    + StackOp<E>
    + VicRegOp<E>
    + LoopOp
    + MaySend
    + MaySync
{
}

impl Engine<f32> for dfdx::tensor::Cpu {}
impl Engine<f64> for dfdx::tensor::Cpu {}
#[cfg(feature = "cuda")]
impl Engine<f32> for dfdx::tensor::Cuda {}
#[cfg(feature = "cuda")]
impl Engine<f64> for dfdx::tensor::Cuda {}

/// On a GPU every operation is its composition from dfdx's.
#[cfg(feature = "cuda")]
mod cuda {
    use super::*;
    use dfdx::tensor::Cuda;
    use dfdx::tensor_ops::Device;

    macro_rules! composed {
        ($($op:ident),*) => { $(impl<E: Real> $op<E> for Cuda where Cuda: Device<E> {})* };
    }
    composed!(
        ActivationOp,
        AddOp,
        AttentionOp,
        AxisMapOp,
        BatchNormOp,
        Conv2dOp,
        ConvStackOp,
        ConvStageOp,
        ConvTranspose2dOp,
        CrossEntropyOp,
        KlDivOp,
        EmbeddingOp,
        L2NormalizeOp,
        LayerNormOp,
        LinearOp,
        LinearActOp,
        LossOp,
        MaxPoolOp,
        MeanErrorOp,
        NtXentOp,
        PatchifyOp,
        PoolOp,
        SoftmaxOp,
        TokensOp,
        UnpatchifyOp,
        StackOp,
        MaskedErrorOp,
        VicRegOp
    );
}
