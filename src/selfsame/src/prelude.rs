//! Everything a program, a notebook cell or the REPL needs by one `use selfsame::prelude::*`.
//!
//! No `Result`, `Error`, `Option` or `Vec` of our own: shadowing those breaks notebook cells.

pub use crate::augment::{presets as views, Normalise, View, Views};
pub use crate::data::{
    Cifar10, Cifar100, Dataset, Digits, FashionMnist, ImageFolder, Labels, Mnist, Part, Shapes,
};
pub use crate::diagnose::{Alarm, Geometry};
pub use crate::display::{Audio, Pictures, Show, ShowModel, ShowPlain, ShowTensor, TextSamples};
pub use crate::eval::{knn, Embeddings, Frozen, Knn, LinearProbe};
pub use crate::interrupt::interrupted;
pub use crate::losses::{nt_xent, vicreg};
pub use crate::methods::{
    BarlowTwins, BarlowTwinsConfig, Byol, ByolConfig, Dcl, DclConfig, DeepCluster, DeepClusterConfig,
    DeepClusterV2, DeepClusterV2Config, Dino, DinoConfig, Ibot, IbotConfig, LeJepa, LeJepaConfig, Method,
    MoCo, MoCoConfig, MoCoV3, MoCoV3Config, Nnclr, NnclrConfig, SimClr, SimClrConfig, SimSiam, SimSiamConfig,
    SupCon, SupConConfig, Swav, SwavConfig, VicReg, VicRegConfig, WMse, WMseConfig,
};
pub use crate::nn::{
    AnyEncoder, BatchNorm, Conv1d, Conv2d, ConvNet, ConvTranspose2d, Encoder, LayerNorm, Linear, Mlp, Mode,
    Projector, ResNet, ResNet18, ResNet9, Vit,
};
pub use crate::ops::Engine;
pub use crate::optim::{Cosine, Optimizer, Rule};
pub use crate::presets::{runs, training as train, Run};
pub use crate::shape::{AnyImage, Image, ImageShape, Input, Picture, Size};
pub use crate::tape::{gradcheck, stop_gradient, FlatGradient, Parameters};
pub use crate::train::{Progress, TrainConfig, Trainer};
pub use dfdx::shapes::Const;
pub use dfdx::tensor::{AutoDevice, Cpu};

// Programs like to call a type of their own `Encoder`; the trait's methods are to stay.
pub use crate::methods::Method as _;
pub use crate::nn::Encoder as _;
pub use crate::ops::Engine as _;
pub use crate::shape::{ImageShape as _, Input as _};
pub use crate::tape::Parameters as _;

#[cfg(test)]
mod tests {
    /// Code that evcxr generates around cells names these types: each must be the standard library's.
    #[test]
    fn names_of_the_standard_library_keep_their_meaning() {
        #[allow(unused_imports)]
        use super::*;
        let named: Result<Option<Vec<String>>, Box<dyn std::error::Error>> = Ok(Some(Vec::new()));
        let same: std::result::Result<std::option::Option<std::vec::Vec<std::string::String>>, _> = named;
        assert!(same.is_ok_and(|vec| vec.is_some_and(|v| v.is_empty())));
        let exports = include_str!("prelude.rs").split("mod tests").next().unwrap_or_default();
        assert!(!exports.contains("Error,") && !exports.contains("::Error;"), "Error is the user's own");
    }
}
