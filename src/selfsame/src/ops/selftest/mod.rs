//! A self-test of every operation on the machine at hand, and the cases the tests use too.
//!
//! The reference is an operation's composition from dfdx's in float64 on the CPU; what is tested is the operation as the
//! library calls it, in float32 on a device.

pub(crate) mod cases;
pub(crate) mod convolutions;
pub(crate) mod images;
mod inputs;
pub(crate) mod losses;
pub(crate) mod rows;
mod run;
mod table;

#[cfg(test)]
pub(crate) use inputs::{data, flat, normal, tensor, Flat, Found, How, Inputs, Layout, Taped};
pub(crate) use inputs::{evaluate, Case};
pub(crate) use inputs::{COMPOSED, FUSED};
pub use run::{self_test, SelfCheck, SELF_TEST_TOLERANCE};
