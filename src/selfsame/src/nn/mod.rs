//! Encoders and heads, generic over image shape and feature size, with their sizes checked while compiling.

mod batch_norm;
mod check;
mod conv1d;
mod conv2d;
mod conv_stage;
mod conv_transpose2d;
mod convnet;
mod encoder;
mod gpt;
mod init;
mod layer_norm;
mod linear;
mod masked_autoencoder;
mod mlp;
mod projector;
#[cfg(test)]
mod tests;
mod transformer;
mod vit;

pub use batch_norm::BatchNorm;
pub use conv1d::Conv1d;
pub use conv2d::Conv2d;
pub use conv_stage::ConvStage;
pub use conv_transpose2d::ConvTranspose2d;
pub use convnet::ConvNet;
pub use encoder::{Encoder, Images, Mode};
pub use gpt::Gpt;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use masked_autoencoder::MaskedAutoencoder;
pub use mlp::Mlp;
pub use projector::Projector;
pub use transformer::Transformer;
pub use vit::Vit;
