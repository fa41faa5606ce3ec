//! What dfdx's tape lacks: stopping gradients, custom operations, parameters by name, clipping, checking.
//!
//! How dfdx decides where a gradient goes, and the bugs that follow, are told in `README.md` beside this file.
mod allocator;
mod custom;
mod gradcheck;
mod gradient;
mod parameters;
pub mod profile;
mod scratch;
mod stop_gradient;
#[cfg(test)]
mod tests;
mod threads;

pub use allocator::keep_freed_memory;
pub use custom::{record, slot, values, BackwardFn, Slot};
pub use gradcheck::{gradcheck, GradCheck};
pub use gradient::FlatGradient;
pub use parameters::{copy_parameters, count_parameters, AnyTensor, Parameters, Role};
pub use stop_gradient::stop_gradient;
pub use threads::{MaySend, MaySync};

pub(crate) use custom::kept;
pub(crate) use parameters::parameters;
pub(crate) use scratch::Scratch;
