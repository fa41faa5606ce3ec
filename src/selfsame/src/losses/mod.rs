//! Objectives as pure functions, one per file.
mod nt_xent;

pub(crate) use nt_xent::composed as composed_nt_xent;
pub use nt_xent::{nt_xent, NtXentOp};
