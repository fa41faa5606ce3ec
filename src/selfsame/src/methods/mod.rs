//! Objectives with their state, one per file: configuration, loss, what happens after a step.
//!
//! A [`Method`] is what the training loop takes. Those here are a [`Learner`]: an encoder and, over it, an [`Objective`] with
//! projector, predictor, momentum copies, queue. The loop hands each micro-batch to the loss, which may collect; what was
//! collected moves once an optimiser step, after it. Objectives whose encoder is an [`AnyEncoder`](crate::nn::AnyEncoder)
//! are taken by name in [`presets`](crate::presets).
//!
//! The book takes them in families: [contrastive](../../../book/03-contrastive.html), [without negatives](../../../book/04-without-negatives.html),
//! [clustering](../../../book/05-clustering.html); and shows how to write [your own](../../../book/09-your-own.html).
mod assignments;
mod barlow_twins;
mod block_mask;
mod byol;
mod centre;
mod checks;
mod dcl;
mod deep_cluster;
mod deep_cluster_v2;
mod dino;
mod hybrid;
mod ibot;
mod le_jepa;
mod learner;
mod loss;
mod method;
mod micro_batch;
mod moco;
mod moco_v3;
mod momentum_branch;
mod nnclr;
mod objective;
mod predictor_sample;
pub(crate) mod ranges;
mod sim_siam;
mod simclr;
mod sup_con;
mod swav;
mod teacher;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod testing;
mod vic_reg;
mod w_mse;

pub use barlow_twins::{BarlowTwins, BarlowTwinsConfig, BarlowTwinsObjective};
pub use byol::{Byol, ByolConfig, ByolObjective};
pub use dcl::{Dcl, DclConfig, DclObjective};
pub use deep_cluster::{DeepCluster, DeepClusterConfig, DeepClusterObjective};
pub use deep_cluster_v2::{DeepClusterV2, DeepClusterV2Config, DeepClusterV2Objective};
pub use dino::{Dino, DinoConfig, DinoObjective};
pub use hybrid::{Hybrid, HybridObjective, WeightedObjective};
pub use ibot::{Ibot, IbotConfig, IbotOf};
pub use le_jepa::{LeJepa, LeJepaConfig, LeJepaObjective};
pub use learner::Learner;
pub(crate) use learner::{weights_of, Part};
pub use loss::Loss;
pub use method::{AnyMethod, Method, Trait};
pub use micro_batch::MicroBatch;
pub use moco::{MoCo, MoCoConfig, MoCoObjective};
pub use moco_v3::{MoCoV3, MoCoV3Config, MoCoV3Objective};
pub use nnclr::{Nnclr, NnclrConfig, NnclrObjective};
pub use objective::{Configured, Objective};
pub use ranges::{range_of, Range, RANGES};
pub use sim_siam::{SimSiam, SimSiamConfig, SimSiamObjective};
pub use simclr::{SimClr, SimClrConfig, SimClrObjective};
pub use sup_con::{SupCon, SupConConfig, SupConObjective};
pub use swav::{Swav, SwavConfig, SwavObjective};
pub use vic_reg::{VicReg, VicRegConfig, VicRegObjective};
pub use w_mse::{WMse, WMseConfig, WMseObjective};
