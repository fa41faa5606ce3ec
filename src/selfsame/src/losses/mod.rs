//! Objectives as pure functions, one per file.
mod masked_error;
mod nt_xent;
mod vicreg;

pub(crate) use masked_error::composed as composed_masked_error;
pub use masked_error::{masked_error, MaskedErrorOp};
pub(crate) use nt_xent::composed as composed_nt_xent;
pub use nt_xent::{nt_xent, NtXentOp};
pub(crate) use vicreg::composed as composed_vicreg;
pub use vicreg::{vicreg, VicRegOp, VicRegWeights};
