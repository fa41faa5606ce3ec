//! Everything a program, a notebook cell or the REPL needs by one `use selfsame::prelude::*`, of dfdx too: tensors and their
//! shapes, tapes, devices, and the traits whose methods do the arithmetic.
//!
//! ```
//! use selfsame::prelude::*;
//!
//! let dev = Cpu::default();
//! let w: Tensor<Rank1<2>, f32, Cpu> = dev.tensor([1.0, 2.0]);
//! let gradients = w.leaky_trace().square().sum::<Rank0, _>().backward();
//! assert_eq!(gradients.get(&w).array(), [2.0, 4.0]);
//! ```
//!
//! The rest of dfdx is [`crate::dfdx`], whose own `prelude` may stand beside this one. No `Result`, `Error`, `Option` or `Vec`
//! of our own: shadowing those breaks notebook cells.

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

#[doc(no_inline)]
pub use ::dfdx::shapes::{
    Axes2, Axes3, Axes4, Axis, Const, ConstDim, ConstShape, Dim, Dtype, HasDtype, HasShape, Rank0, Rank1,
    Rank2, Rank3, Rank4, Rank5, Rank6, Shape,
};
#[doc(no_inline)]
pub use ::dfdx::tensor::{
    AsArray, AutoDevice, CopySlice, Cpu, Gradients, HasErr, Merge, NoneTape, OnesTensor, OwnedTape, PutTape,
    SampleTensor, SplitTape, Storage, Tape, Tensor, TensorFrom, TensorFromVec, TensorToArray, Trace,
    TriangleTensor, WithEmptyTape, ZerosTensor,
};
#[doc(no_inline)]
pub use ::dfdx::tensor_ops::{
    Backward, BroadcastTo, ChooseFrom, Device, GatherTo, LogSumExpTo, MaxTo, MeanTo, MinTo, PermuteTo,
    RealizeTo, ReshapeTo, Roll, SelectTo, StddevTo, SumTo, TryAdd, TryConcatAlong, TryDiv, TryEq, TryGe,
    TryGt, TryLe, TryLt, TryMatMul, TryMul, TryNe, TryPReLU, TryStack, TrySub, VarTo,
};

// Programs like to call a type of their own `Encoder`, or `Shape`; the trait's methods are to stay.
pub use crate::methods::Method as _;
pub use crate::nn::Encoder as _;
pub use crate::ops::Engine as _;
pub use crate::shape::{ImageShape as _, Input as _};
pub use crate::tape::Parameters as _;
pub use ::dfdx::shapes::{Dim as _, HasShape as _, Shape as _};
pub use ::dfdx::tensor::{Merge as _, Tape as _, Trace as _};
pub use ::dfdx::tensor_ops::{Backward as _, Roll as _};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    /// dfdx's prelude beside ours: a name that meant two things would not compile below.
    mod both {
        #[allow(unused_imports)]
        pub(super) use crate::dfdx::prelude::*;
        #[allow(unused_imports)]
        pub(super) use crate::prelude::*;
    }

    /// The names this prelude exports, read from its source.
    fn exported() -> Vec<String> {
        let source = include_str!("prelude.rs").split("mod tests").next().unwrap_or_default();
        let code: String = source.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
        let mut names = Vec::new();
        for item in code.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next()) {
            let listed = item.split_once('{').map_or(item, |(_, listed)| listed.trim_end_matches('}'));
            names.extend(listed.split(',').map(|name| {
                let name = name.rsplit(" as ").next().unwrap_or_default();
                name.rsplit("::").next().unwrap_or_default().trim().to_string()
            }));
        }
        names.retain(|name| !name.is_empty() && name != "_");
        names.sort();
        names
    }

    // Compiling this is the test; below, that the list is whole.
    #[test]
    #[deny(ambiguous_glob_imports)]
    fn no_name_means_two_things_beside_dfdx_s_own_prelude() {
        #[allow(unused_imports)]
        use both::{
            gradcheck, interrupted, knn, nt_xent, runs, stop_gradient, train, vicreg, views, Alarm,
            AnyEncoder, AnyImage, AsArray, Audio, AutoDevice, Axes2, Axes3, Axes4, Axis, Backward,
            BarlowTwins, BarlowTwinsConfig, BatchNorm, BroadcastTo, Byol, ByolConfig, ChooseFrom, Cifar10,
            Cifar100, Const, ConstDim, ConstShape, Conv1d, Conv2d, ConvNet, ConvTranspose2d, CopySlice,
            Cosine, Cpu, Dataset, Dcl, DclConfig, DeepCluster, DeepClusterConfig, DeepClusterV2,
            DeepClusterV2Config, Device, Digits, Dim, Dino, DinoConfig, Dtype, Embeddings, Encoder, Engine,
            FashionMnist, FlatGradient, Frozen, GatherTo, Geometry, Gradients, HasDtype, HasErr, HasShape,
            Ibot, IbotConfig, Image, ImageFolder, ImageShape, Input, Knn, Labels, LayerNorm, LeJepa,
            LeJepaConfig, Linear, LinearProbe, LogSumExpTo, MaxTo, MeanTo, Merge, Method, MinTo, Mlp, Mnist,
            MoCo, MoCoConfig, MoCoV3, MoCoV3Config, Mode, Nnclr, NnclrConfig, NoneTape, Normalise,
            OnesTensor, Optimizer, OwnedTape, Parameters, Part, PermuteTo, Picture, Pictures, Progress,
            Projector, PutTape, Rank0, Rank1, Rank2, Rank3, Rank4, Rank5, Rank6, RealizeTo, ResNet, ResNet18,
            ResNet9, ReshapeTo, Roll, Rule, Run, SampleTensor, SelectTo, Shape, Shapes, Show, ShowModel,
            ShowPlain, ShowTensor, SimClr, SimClrConfig, SimSiam, SimSiamConfig, Size, SplitTape, StddevTo,
            Storage, SumTo, SupCon, SupConConfig, Swav, SwavConfig, Tape, Tensor, TensorFrom, TensorFromVec,
            TensorToArray, TextSamples, Trace, TrainConfig, Trainer, TriangleTensor, TryAdd, TryConcatAlong,
            TryDiv, TryEq, TryGe, TryGt, TryLe, TryLt, TryMatMul, TryMul, TryNe, TryPReLU, TryStack, TrySub,
            VarTo, VicReg, VicRegConfig, View, Views, Vit, WMse, WMseConfig, WithEmptyTape, ZerosTensor,
        };
        let text = include_str!("prelude.rs");
        let listed =
            text.split_once("use both::{").and_then(|(_, rest)| rest.split_once('}')).map(|(list, _)| list);
        let mut listed: Vec<&str> = listed.unwrap_or_default().split(',').map(str::trim).collect();
        listed.retain(|name| !name.is_empty());
        listed.sort_unstable();
        assert_eq!(listed, exported());
    }

    /// What is ours by both names, so that neither glob gives dfdx's.
    #[test]
    fn layers_and_optimisers_are_ours() {
        fn rule_of(_: &both::Optimizer) {}
        rule_of(&crate::optim::Optimizer::new(crate::optim::Rule::ADAMW, 0.0));
        fn inputs(layer: &both::Linear<both::Const<3>, both::Const<2>, both::Cpu>) -> usize {
            use both::Dim as _;
            layer.inputs().size()
        }
        let dev = both::Cpu::default();
        let rng = &mut crate::random::stream(&[0]);
        assert_eq!(inputs(&crate::nn::Linear::new(&dev, both::Const, both::Const, rng).unwrap()), 3);
    }

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
