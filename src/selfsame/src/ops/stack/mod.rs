//! A whole pre-norm transformer as one operation.
//!
//! An operation for each layer would send every activation through memory several times. Here a few samples at a time go
//! through all blocks while they are in cache, on one thread; samples are what the threads share out. Only what backward
//! needs is written out, and weight gradients are summed over fixed runs of samples, then in order, so that the result
//! does not depend on the number of threads.

mod backward;
mod forward;
mod kernel;
mod plan;
mod rows;
mod transformer;
mod weights;
mod work;

pub use kernel::StackKernel;
pub(super) use transformer::{composed, composed_vision};
pub use transformer::{
    transformer, vision_transformer, BlockParameters, PatchEmbedding, StackOp, StackParameters,
};
