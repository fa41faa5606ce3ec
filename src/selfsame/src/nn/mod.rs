//! Encoders and heads, generic over image shape and feature size, with their sizes checked while compiling.

mod any_encoder;
mod batch_norm;
mod check;
mod conv1d;
mod conv2d;
mod conv_stage;
mod conv_transpose2d;
mod convnet;
mod encoder;
mod gpt;
mod head;
mod init;
mod layer_norm;
mod linear;
mod masked_autoencoder;
mod mlp;
mod momentum;
mod projector;
mod prototypes;
mod queue;
mod resnet;
#[cfg(test)]
mod tests;
mod transformer;
mod vit;

pub use any_encoder::{AnyEncoder, Network, Recipe};
pub use batch_norm::BatchNorm;
pub use conv1d::Conv1d;
pub use conv2d::Conv2d;
pub use conv_stage::ConvStage;
pub use conv_transpose2d::ConvTranspose2d;
pub use convnet::ConvNet;
pub use encoder::{Encoder, Images, Mode};
pub use gpt::Gpt;
pub use head::{Head, HeadPlan};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use masked_autoencoder::MaskedAutoencoder;
pub use mlp::Mlp;
pub use momentum::Momentum;
pub use projector::Projector;
pub use prototypes::Prototypes;
pub use queue::Queue;
pub use resnet::{ResNet, ResNet18, ResNet9};
pub use transformer::Transformer;
pub use vit::Vit;
