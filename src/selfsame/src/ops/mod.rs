//! Operations with their own backward pass, one per file.
//!
//! Each operation is a trait implemented for every device: the provided body is a composition of dfdx operations, which
//! serves any device, and [`Cpu`](dfdx::tensor::Cpu) overrides it with a kernel on slices. A free function of the same
//! name is what the rest of the library calls. Operations work in float32 and, on the CPU, in float64, so that
//! gradients can be checked to ten digits.
//!
//! A kernel is compiled in this crate and nowhere else, however many shapes it serves (`kernels`).
//!
//! Results do not depend on the number of threads: sums over samples are taken in groups of fixed size, in order.

mod activation;
mod add;
mod attend;
mod attention;
mod avg_pool;
mod axis_map;
mod batch_norm;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod checks;
mod conv1d;
mod conv2d;
#[cfg(test)]
mod conv_cases;
mod conv_depthwise;
mod conv_norm;
mod conv_passes;
mod conv_plan;
mod conv_stack;
mod conv_stage;
mod conv_taps;
mod conv_transpose2d;
mod conv_window;
mod cross_entropy;
#[cfg(test)]
mod edges;
mod embedding;
mod engine;
#[cfg(test)]
mod golden;
pub(crate) mod kernels;
mod kl_div;
mod l2_normalize;
mod layer_norm;
mod linear;
mod linear_act;
mod mask;
mod matmul;
mod max_pool;
mod mean_error;
mod nonlinearity;
mod patchify;
mod pool;
mod pool_window;
mod random_masking;
mod real;
mod resize;
mod row_gather;
mod selftest;
mod simd;
mod softmax;
mod stack;
mod tokens;
mod unpatchify;

pub use activation::{activate, gelu, gelu_tanh, log_sigmoid, relu, silu, softplus, ActivationOp};
pub use add::{add, add_to_each, AddOp};
pub use attention::{attention, AttentionOp};
pub use avg_pool::{adaptive_avg_pool2d, avg_pool1d, avg_pool2d, Divisor};
pub use axis_map::{AxisMap, AxisMapOp};
pub use batch_norm::{batch_norm, BatchNormOp, BatchStats, Norm};
pub use conv1d::{conv1d, conv_transpose1d};
pub use conv2d::{conv2d, Conv2dOp};
pub use conv_stack::{conv_stack, ConvStackOp, ImageGradient, Stages};
pub use conv_stage::{conv_stage, ConvStageOp, Stage};
pub use conv_transpose2d::{conv_transpose2d, ConvTranspose2dOp};
pub use conv_window::{conv_output, ConvWindow};
pub use cross_entropy::{
    cross_entropy, cross_entropy_with, soft_cross_entropy, CrossEntropyOp, CrossEntropySettings, Targets,
};
pub use embedding::{embedding, EmbeddingOp};
pub use engine::Engine;
pub use kl_div::{kl_div, KlDivOp};
pub use l2_normalize::{l2_normalize, L2NormalizeOp};
pub(crate) use l2_normalize::{normalize_rows, normalize_rows_backward};
pub use layer_norm::{layer_norm, LayerNormOp};
pub use linear::{linear, LinearOp};
pub use linear_act::{linear_act, LinearActOp};
pub use mask::Mask;
pub use matmul::{matmul, Matrix, Threads};
pub use max_pool::{max_pool1d, max_pool2d, MaxPoolOp};
pub use mean_error::{bce_with_logits, mean_error, MeanErrorOp, Penalty};
pub use nonlinearity::Activation;
pub use patchify::{patchify, PatchifyOp};
pub use pool::{mean_last, mean_middle, PoolOp};
pub use pool_window::PoolWindow;
pub use random_masking::RandomMasking;
pub use real::Real;
pub use resize::{resize, Resize};
pub use selftest::{self_test, SelfCheck, SELF_TEST_TOLERANCE};
pub(crate) use simd::{dot, largest, sum, sum_map, sum_zip, vectorized};
pub use simd::{simd_kind, SIMD, SIMD_KINDS};
pub use softmax::{log_softmax, logsumexp, softmax, SoftmaxOp};
pub use stack::{transformer, vision_transformer, BlockParameters, PatchEmbedding, StackOp, StackParameters};
pub use tokens::{gather_tokens, scatter_tokens, TokensOp};
pub use unpatchify::{unpatchify, UnpatchifyOp};
