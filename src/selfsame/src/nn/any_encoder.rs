//! An encoder whose kind and sizes are values.

use dfdx::prelude::*;
use serde::{Deserialize, Serialize};

use super::convnet::ConvStages;
use super::encoder::Images;
use super::patch_encoder::{embedded, Hidden, PatchEncoder};
use super::resnet::ResLayers;
use super::transformer::Blocks;
use super::{init, BatchNorm, Encoder, Linear, Mode};
use crate::error::{device, Error, Result};
use crate::ops::{self, Engine, ImageGradient, PatchEmbedding};
use crate::random::Stream;
use crate::shape::{AnyImage, ImageShape, Size};
use crate::tape::{parameters, AnyTensor, Parameters, Role};

/// Which network an [`AnyEncoder`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Network {
    /// [`ConvNet`](super::ConvNet) of `stages` stages up to `features` channels, which `2^(stages - 1)` divides.
    ConvNet {
        /// Features.
        features: usize,
        /// 3x3 convolutions.
        stages: usize,
    },
    /// [`ResNet`](super::ResNet) of four groups of `blocks` blocks up to `features` channels, which 8 divides.
    ResNet {
        /// Features.
        features: usize,
        /// Blocks a group.
        blocks: usize,
    },
    /// [`Vit`](super::Vit): the patch divides the image's sides, the heads the width.
    Vit {
        /// Side of a patch.
        patch: usize,
        /// Features.
        width: usize,
        /// Blocks.
        depth: usize,
        /// Attention heads.
        heads: usize,
    },
    /// [`Mlp`](super::Mlp).
    Mlp {
        /// Units of the hidden layer.
        hidden: usize,
        /// Features.
        features: usize,
    },
}

impl Network {
    /// How many features come out.
    pub fn features(self) -> usize {
        match self {
            Network::ConvNet { features, .. }
            | Network::ResNet { features, .. }
            | Network::Mlp { features, .. } => features,
            Network::Vit { width, .. } => width,
        }
    }

    /// The rule on sizes that it breaks for images of `size`, if any.
    fn broken_rule(self, size: Size) -> Option<String> {
        let zero = "every size at least 1";
        let rule = match self {
            Network::ConvNet { features, stages } => {
                let divides = stages > 0 && stages < 32 && features.is_multiple_of(1 << (stages - 1));
                (features > 0 && divides).then_some(()).ok_or("features that 2^(stages - 1) divides")
            }
            Network::ResNet { features, blocks } => {
                let fits = features > 0 && features.is_multiple_of(8) && blocks > 0;
                fits.then_some(()).ok_or("features that 8 divides")
            }
            Network::Vit { patch, width, heads, .. } => {
                let whole = |n: usize, by: usize| by > 0 && n > 0 && n.is_multiple_of(by);
                let fits = whole(size.height, patch) && whole(size.width, patch) && whole(width, heads);
                fits.then_some(()).ok_or("a patch that divides the sides and heads that divide the width")
            }
            Network::Mlp { hidden, features } => (hidden * features > 0).then_some(()).ok_or(zero),
        };
        rule.err().or(size.is_empty().then_some(zero)).map(str::to_string)
    }
}

/// What an [`AnyEncoder`] is built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The network and its sizes.
    pub network: Network,
    /// Channels, height and width of the images it takes.
    pub input: Size,
}

/// One of this library's networks, with its kind, image size and width known only when the program runs.
///
/// It computes, to the bit, what the typed network of the same sizes does. Objectives trained by name
/// ([`presets`](crate::presets)) all have this encoder, so each is compiled once, and a run's encoder has one type,
/// whatever it was trained on.
///
/// ```
/// use selfsame::nn::{AnyEncoder, Encoder, Mode, Network, Recipe};
/// use selfsame::shape::{ImageShape, Size};
/// use dfdx::prelude::*;
/// let dev = Cpu::default();
/// let input = Size { channels: 1, height: 8, width: 8 };
/// let recipe = Recipe { network: Network::ConvNet { features: 32, stages: 2 }, input };
/// let encoder = AnyEncoder::build(&recipe, &dev, &mut selfsame::random::stream(&[7]))?;
/// assert_eq!(encoder.embed(&dev, &[0.5; 3 * 64])?.len(), 3 * 32);
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct AnyEncoder<D: Engine = AutoDevice> {
    recipe: Recipe,
    layers: Layers<D>,
}

parameters!([D: Engine] AnyEncoder<D>, D, transparent layers, plain { recipe });

#[derive(Debug)]
enum Layers<D: Engine> {
    ConvNet(Box<ConvStages<D>>),
    ResNet(Box<ResLayers<D>>),
    Vit(Box<VitLayers<D>>),
    Mlp(Box<MlpLayers<D>>),
}

impl<D: Engine> Parameters<D> for Layers<D> {
    fn visit(&self, prefix: &str, f: &mut dyn FnMut(&str, Role, &dyn AnyTensor<D>)) {
        match self {
            Layers::ConvNet(layers) => layers.visit(prefix, f),
            Layers::ResNet(layers) => layers.visit(prefix, f),
            Layers::Vit(layers) => layers.visit(prefix, f),
            Layers::Mlp(layers) => layers.visit(prefix, f),
        }
    }
    fn visit_mut(&mut self, prefix: &str, f: &mut dyn FnMut(&str, Role, &mut dyn AnyTensor<D>)) {
        match self {
            Layers::ConvNet(layers) => layers.visit_mut(prefix, f),
            Layers::ResNet(layers) => layers.visit_mut(prefix, f),
            Layers::Vit(layers) => layers.visit_mut(prefix, f),
            Layers::Mlp(layers) => layers.visit_mut(prefix, f),
        }
    }
}

/// What [`Vit`](super::Vit) is made of.
#[derive(Debug)]
struct VitLayers<D: Engine> {
    embed: Linear<usize, usize, D>,
    positions: Tensor<(usize, usize), f32, D>,
    trunk: Blocks<usize, D>,
}

parameters!([D: Engine] VitLayers<D>, D, tensors { positions: NoDecay }, modules { embed, trunk });

/// What [`Mlp`](super::Mlp) is made of.
#[derive(Debug)]
struct MlpLayers<D: Engine> {
    hidden: Linear<usize, usize, D>,
    hidden_norm: BatchNorm<usize, D>,
    output: Linear<usize, usize, D>,
    output_norm: BatchNorm<usize, D>,
}

parameters!(
    [D: Engine] MlpLayers<D>, D, tensors {}, modules { hidden, hidden_norm, output, output_norm }
);

impl<D: Engine> AnyEncoder<D> {
    /// Features of images given as numbers (normalised as in training), one image after the other: as many rows of
    /// [`Encoder::features`] numbers. In evaluation mode and without a tape; hundreds of images at a time.
    ///
    /// # Errors
    /// [`Error::Shape`] for pixels that are no whole number of images; a device out of memory.
    pub fn embed(&self, dev: &D, pixels: &[f32]) -> Result<Vec<f32>> {
        let size = self.recipe.input;
        if !pixels.len().is_multiple_of(size.len()) {
            let found = format!("{} numbers", pixels.len());
            return Err(Error::shape(
                "images to embed",
                format!("a multiple of {}, {size}", size.len()),
                found,
            ));
        }
        let shape = self.input().images(pixels.len() / size.len());
        let x = dev.try_tensor_from_vec(pixels.to_vec(), shape).map_err(device)?;
        Ok(self.forward(x, Mode::Eval)?.as_vec())
    }
}

impl<D: Engine> Encoder<D> for AnyEncoder<D> {
    type Input = AnyImage;
    type Features = usize;
    type Recipe = Recipe;

    fn build(recipe: &Recipe, dev: &D, rng: &mut Stream) -> Result<Self> {
        let Recipe { network, input } = *recipe;
        if let Some(rule) = network.broken_rule(input) {
            return Err(Error::shape(
                format!("an encoder for images of {input}"),
                rule,
                format!("{network:?}"),
            ));
        }
        let layers = match network {
            Network::ConvNet { features, stages } => {
                Layers::ConvNet(Box::new(ConvStages::new(dev, input.channels, features, stages, rng)?))
            }
            Network::ResNet { features, blocks } => {
                Layers::ResNet(Box::new(ResLayers::new(dev, input.channels, features, blocks, rng)?))
            }
            Network::Vit { patch, width, depth, heads } => {
                let tokens = (input.height / patch) * (input.width / patch);
                Layers::Vit(Box::new(VitLayers {
                    embed: Linear::new(dev, input.channels * patch * patch, width, rng)?,
                    positions: init::normal(dev, (tokens, width), 0.02, rng)?,
                    trunk: Blocks::new(dev, width, heads, depth, 2 * width, rng)?,
                }))
            }
            Network::Mlp { hidden, features } => Layers::Mlp(Box::new(MlpLayers {
                hidden: Linear::new(dev, input.len(), hidden, rng)?,
                hidden_norm: BatchNorm::new(dev, hidden)?,
                output: Linear::new(dev, hidden, features, rng)?,
                output_norm: BatchNorm::new(dev, features)?,
            })),
        };
        Ok(AnyEncoder { recipe: *recipe, layers })
    }

    fn recipe(&self) -> Recipe {
        self.recipe
    }

    fn input(&self) -> AnyImage {
        AnyImage(self.recipe.input)
    }

    fn features(&self) -> usize {
        self.recipe.network.features()
    }

    fn forward<T: Tape<f32, D>>(
        &self,
        x: Images<AnyImage, D, T>,
        mode: Mode,
    ) -> Result<Tensor<(usize, usize), f32, D, T>> {
        let (batch, channels, height, width) = *x.shape();
        let found = Size { channels, height, width };
        if found != self.recipe.input {
            return Err(Error::shape("images for the encoder", self.recipe.input, found));
        }
        let features = self.features();
        match &self.layers {
            Layers::ConvNet(stages) => stages.forward(x, features, mode, ImageGradient::Unwanted),
            Layers::ResNet(layers) => layers.forward(x, features, mode),
            Layers::Vit(layers) => {
                let VitLayers { embed, positions, trunk } = &**layers;
                let Network::Vit { patch, .. } = self.recipe.network else {
                    return Err(Error::shape("network of an encoder", "a ViT", self.describe()));
                };
                let embedding = PatchEmbedding { weight: &embed.weight, bias: &embed.bias, positions };
                ops::vision_transformer(ops::patchify(x, patch)?, embedding, &trunk.parameters())
            }
            Layers::Mlp(layers) => {
                let MlpLayers { hidden, hidden_norm, output, output_norm } = &**layers;
                let x = x.try_reshape_like(&(batch, found.len())).map_err(device)?;
                let x = ops::relu(hidden_norm.forward(hidden.forward(x)?, mode)?)?;
                ops::relu(output_norm.forward(output.forward(x)?, mode)?)
            }
        }
    }

    fn describe(&self) -> String {
        let Recipe { network, input } = self.recipe;
        match network {
            Network::ConvNet { features, stages } => {
                format!("ConvNet of {stages} 3x3 stages, {input} to {features} features")
            }
            Network::ResNet { features, blocks } => {
                format!("ResNet-{}, {input} to {features} features", 8 * blocks + 2)
            }
            Network::Vit { patch, width, depth, heads } => format!(
                "ViT, patch {patch}, width {width}, depth {depth}, {heads} heads, {input} to {width} features"
            ),
            Network::Mlp { hidden, features } => format!("MLP, {input} to {hidden} to {features} features"),
        }
    }
}

impl<D: Engine> PatchEncoder<D> for AnyEncoder<D> {
    fn grid(&self) -> Result<(usize, usize)> {
        match self.recipe {
            Recipe { network: Network::Vit { patch, .. }, input } => {
                Ok((input.height / patch, input.width / patch))
            }
            _ => Err(self.without_patches()),
        }
    }

    fn patches<T: Tape<f32, D>>(
        &self,
        x: Images<AnyImage, D, T>,
        hidden: Option<Hidden<'_, usize, D>>,
    ) -> Result<Tensor<(usize, usize, usize), f32, D, T>> {
        let (Layers::Vit(layers), Network::Vit { patch, .. }) = (&self.layers, self.recipe.network) else {
            return Err(self.without_patches());
        };
        let VitLayers { embed, positions, trunk } = &**layers;
        let x = embedded(ops::patchify(x, patch)?, embed, positions, hidden)?;
        ops::transformer(x, &trunk.parameters(), ops::Mask::None)
    }
}

impl<D: Engine> AnyEncoder<D> {
    fn without_patches(&self) -> Error {
        let remedy = "Take the ViT (--encoder vit).";
        Error::setting("encoder", self.describe(), "one that sees an image as patches", remedy)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nn::{ConvNet, Mlp, ResNet, Vit};
    use crate::random::stream;
    use crate::shape::Image;

    const SIZE: Size = Size { channels: 2, height: 12, width: 8 };

    /// Features and gradients of both modes, to the bit.
    fn the_same<E: Encoder<Cpu, Recipe = ()>>(network: Network) {
        let dev = Cpu::default();
        let typed = E::new(&dev, &mut stream(&[3])).unwrap();
        let recipe = Recipe { network, input: SIZE };
        let any = AnyEncoder::build(&recipe, &dev, &mut stream(&[3])).unwrap();
        assert_eq!(any.describe(), typed.describe());
        let pixels: Vec<f32> = (0..5 * SIZE.len()).map(|i| (i as f32 * 0.7).sin()).collect();
        let x = dev.tensor_from_vec(pixels.clone(), typed.input().images(5));
        let y = dev.tensor_from_vec(pixels, any.input().images(5));
        assert_eq!(typed.features().size(), any.features());
        for mode in [Mode::Train, Mode::Eval] {
            let a = typed.forward(x.clone().leaky_traced(), mode).unwrap();
            let b = any.forward(y.clone().leaky_traced(), mode).unwrap();
            assert_eq!(a.as_vec(), b.as_vec());
            let (mut a, mut b) =
                (a.square().sum::<Rank0, _>().backward(), b.square().sum::<Rank0, _>().backward());
            let mut theirs = Vec::new();
            typed.visit("", &mut |name, role, t| {
                let mut sum = vec![0.0; t.numel()];
                t.add_gradient(&mut a, &mut sum).unwrap();
                theirs.push((name.to_string(), role, sum, t.read()));
            });
            let mut theirs = theirs.into_iter();
            any.visit("", &mut |name, role, t| {
                let mut sum = vec![0.0; t.numel()];
                t.add_gradient(&mut b, &mut sum).unwrap();
                assert_eq!(theirs.next().unwrap(), (name.to_string(), role, sum, t.read()));
            });
            assert!(theirs.next().is_none());
        }
    }

    #[test]
    fn it_is_the_typed_network_of_the_same_sizes() {
        the_same::<ConvNet<Image<2, 12, 8>, 12, 3, Cpu>>(Network::ConvNet { features: 12, stages: 3 });
        the_same::<ResNet<Image<2, 12, 8>, 16, 1, Cpu>>(Network::ResNet { features: 16, blocks: 1 });
        the_same::<Mlp<Image<2, 12, 8>, 24, 10, Cpu>>(Network::Mlp { hidden: 24, features: 10 });
        let vit = Network::Vit { patch: 4, width: 12, depth: 2, heads: 3 };
        the_same::<Vit<Image<2, 12, 8>, 4, 12, 2, 3, Cpu>>(vit);
    }

    #[test]
    fn sizes_that_do_not_go_together_are_errors_in_words() {
        let message = |network| {
            AnyEncoder::build(&Recipe { network, input: SIZE }, &Cpu::default(), &mut stream(&[0]))
                .unwrap_err()
                .to_string()
        };
        assert!(message(Network::ConvNet { features: 10, stages: 3 }).contains("2^(stages - 1)"));
        assert!(message(Network::ResNet { features: 12, blocks: 1 }).contains("8 divides"));
        assert!(message(Network::Vit { patch: 5, width: 8, depth: 1, heads: 2 }).contains("patch"));
        assert!(message(Network::Mlp { hidden: 0, features: 1 }).contains("at least 1"));
        let recipe = Recipe { network: Network::Mlp { hidden: 2, features: 3 }, input: SIZE };
        let encoder = AnyEncoder::build(&recipe, &Cpu::default(), &mut stream(&[0])).unwrap();
        let e = encoder.embed(&Cpu::default(), &[0.0; 100]).unwrap_err().to_string();
        assert!(e.contains("a multiple of 192, 2x12x8") && e.contains("100 numbers"), "{e}");
    }
}
