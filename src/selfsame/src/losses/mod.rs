//! Objectives as pure functions, one per file.
//!
//! Views of a batch come stacked in one tensor: (V N, width), view after view, so row `i` and row `N + i` are two
//! views of sample `i`. What is a target (a momentum encoder's output, a queue, a centre) is taken by reference and
//! receives no gradient. Where libraries disagree about a loss, each way has a name in an enum called
//! `...Convention`.
//!
//! The book has a table of [conventions between libraries](../../../book/loss-conventions.html), and InfoNCE
//! [by hand](../../../book/03-contrastive.html).
mod align_uniform;
mod attach;
mod barlow_twins;
mod check;
mod clip;
mod contrast;
mod cpc;
mod cross_view;
mod dcl;
mod deep_cluster;
mod dino;
mod i_jepa;
mod ibot;
mod info_nce;
mod k_means;
mod koleo;
mod masked_error;
mod moco_v3;
mod negative_cosine;
mod nnclr;
mod nt_xent;
mod sigreg;
mod simmim;
mod sinkhorn;
mod sup_con;
mod swav;
#[cfg(test)]
mod tests;
mod unit_rows;
mod vicreg;
mod w_mse;
mod whiten;

pub use align_uniform::{align_uniform, AlignUniformSettings};
pub(crate) use attach::AttachKernel;
pub use attach::LossOp;
pub use barlow_twins::{barlow_twins, BarlowConvention, BarlowSettings};
pub use clip::{clip, siglip};
pub use cpc::{cpc, CpcNegatives};
pub use dcl::{dcl, dclw, DclwConvention};
pub use deep_cluster::deep_cluster;
pub use dino::{dino, moved_centre, teacher_targets, DistillationTemperatures};
pub use i_jepa::{i_jepa, JepaConvention};
pub use ibot::{ibot, IbotCentre, IbotConvention};
pub use info_nce::{info_nce, info_nce_with_bank, moco};
pub use k_means::{Clusters, KMeans};
pub use koleo::koleo;
pub(crate) use masked_error::composed as composed_masked_error;
pub use masked_error::{masked_error, standardise_patches, MaskedErrorOp};
pub use moco_v3::{moco_v3, MoCoV3Convention};
pub use negative_cosine::{byol, negative_cosine, simsiam, ByolConvention};
pub use nnclr::{nearest_neighbours, nnclr, NnclrConvention};
pub(crate) use nt_xent::{composed as composed_nt_xent, NtXentKernel};
pub use nt_xent::{nt_xent, nt_xent_as, nt_xent_views, NtXentConvention, NtXentOp};
pub use sigreg::{lejepa, random_directions, sigreg, LeJepaSettings, SigRegSettings};
pub use simmim::simmim;
pub use sinkhorn::{sinkhorn, SinkhornSettings};
pub use sup_con::{sup_con, SupConConvention, SupConSettings};
pub use swav::{swav, swav_codes, SwavConvention, SwavSettings};
pub(crate) use vicreg::{composed as composed_vicreg, VicRegKernels};
pub use vicreg::{vicreg, vicreg_as, vicreg_views, VicRegConvention, VicRegOp, VicRegWeights};
pub use w_mse::{w_mse, WMseConvention, WMseSettings};
