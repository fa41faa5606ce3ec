//! Families of losses.json.

mod clustering; // Prototypes, codes, teachers
mod contrastive; // One positive among negatives
mod joint; // Two views, no negatives
mod masked; // What was hidden

use std::marker::PhantomData;

use crate::check::Found;
use crate::{Family, Skipped};

type Checked = Result<Found, String>;

/// The families' functions in number type `E`.
struct In<E>(PhantomData<E>);

macro_rules! both {
    ($($family:literal => $function:ident),* $(,)?) => {
        &[$(Family { name: $family, double: In::<f64>::$function, single: Some(In::<f32>::$function) }),*]
    };
}

/// Every family this program compares.
pub const FAMILIES: &[Family] = both! {
    "align_uniform" => align_uniform,
    "barlow" => barlow,
    "barlow_pseudocode" => barlow_pseudocode,
    "byol" => byol,
    "causal_lm" => causal_lm,
    "clip" => clip,
    "cpc" => cpc,
    "dcl" => dcl,
    "dclw" => dclw,
    "dclw_grad" => dclw_grad,
    "deepclusterv2" => deep_cluster,
    "dino" => dino,
    "ibot" => ibot,
    "ijepa" => i_jepa,
    "infonce_inbatch" => info_nce,
    "infonce_moco" => moco,
    "koleo" => koleo,
    "lejepa" => lejepa,
    "mae" => mae,
    "mlm" => mlm,
    "mocov3" => moco_v3,
    "negative_cosine" => negative_cosine,
    "nnclr_lightly" => nnclr_lightly,
    "nnclr_paper" => nnclr_paper,
    "ntxent" => nt_xent,
    "ntxent_memory_bank" => memory_bank,
    "siglip" => siglip,
    "sigreg" => sigreg,
    "simmim" => simmim,
    "simsiam" => simsiam,
    "sinkhorn" => sinkhorn,
    "spherical_kmeans" => spherical_k_means,
    "supcon" => sup_con,
    "supcon_in" => sup_con_in,
    "supcon_pml" => sup_con_pml,
    "swav" => swav,
    "vicreg" => vicreg,
    "wmse" => w_mse,
};

/// Families that are not compared, and why.
pub const SKIPPED: &[Skipped] = &[
    ("ddpm", "the library has no diffusion"),
    ("ddpm_schedule", "the library has no diffusion"),
    ("rotation", "a cross-entropy and a turn of images, both compared elsewhere"),
    ("ts2vec", "the library has no time series"),
    ("vae", "the library has no variational autoencoder"),
    ("vqvae", "the library has no vector quantisation"),
    ("vqvae_ema", "the library has no vector quantisation"),
];
