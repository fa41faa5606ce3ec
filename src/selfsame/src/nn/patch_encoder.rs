//! Encoders that see an image as patches, some of which may be hidden.

use dfdx::prelude::*;

use super::encoder::Images;
use super::{Encoder, Linear};
use crate::error::{device, Error, Result};
use crate::ops::{self, Engine};

/// Patches that are replaced by a learned token before the encoder sees them.
#[derive(Debug, Clone, Copy)]
pub struct Hidden<'h, W: Dim, D: Engine> {
    /// Whether each patch of each image is hidden, image after image, patches row by row.
    pub which: &'h [bool],
    /// What stands in their place, a column of as many values as there are features.
    pub token: &'h Tensor<(W, Const<1>), f32, D>,
}

/// An [`Encoder`] that has features for every patch of an image; those of the image are their mean.
///
/// [`Vit`](super::Vit), and [`AnyEncoder`](super::AnyEncoder) where it is one: for the others its functions are
/// errors.
pub trait PatchEncoder<D: Engine>: Encoder<D> {
    /// Rows and columns of patches in an image.
    ///
    /// # Errors
    /// [`Error::Setting`] for an encoder without patches.
    fn grid(&self) -> Result<(usize, usize)>;

    /// Images (batch, channels, height, width) to features of their patches (batch, patches, features).
    ///
    /// # Errors
    /// [`Error::Setting`] for an encoder without patches, [`Error::Shape`] where not every patch is either hidden or
    /// not; a device out of memory.
    fn patches<T: Tape<f32, D>>(
        &self,
        x: Images<Self::Input, D, T>,
        hidden: Option<Hidden<'_, Self::Features, D>>,
    ) -> Result<Tensor<(usize, usize, Self::Features), f32, D, T>>;
}

/// Embedded patches with their positions, some hidden.
pub(super) fn embedded<W: Dim, D: Engine, T: Tape<f32, D>>(
    pixels: Tensor<(usize, usize, usize), f32, D, T>,
    embed: &Linear<usize, W, D>,
    positions: &Tensor<(usize, W), f32, D>,
    hidden: Option<Hidden<'_, W, D>>,
) -> Result<Tensor<(usize, usize, W), f32, D, T>> {
    let (batch, patches, length) = *pixels.shape();
    let (rows, width) = (batch * patches, embed.outputs());
    let mut x = embed.forward(pixels.try_reshape_like(&(rows, length)).map_err(device)?)?;
    if let Some(Hidden { which, token }) = hidden {
        if which.len() != rows {
            return Err(Error::shape("hidden patches", format!("one value for each of {rows}"), which.len()));
        }
        let dev = positions.device();
        let seen = |h: &bool| if *h { 0.0 } else { 1.0 };
        let seen: Vec<f32> = which.iter().flat_map(|h| std::iter::repeat_n(seen(h), width.size())).collect();
        let seen = dev.try_tensor_from_vec(seen, (rows, width)).map_err(device)?;
        let (kept, tape) = x.try_mul(seen).map_err(device)?.split_tape();
        let column = which.iter().map(|h| f32::from(u8::from(*h))).collect();
        let column: Tensor<(usize, Const<1>), f32, D> =
            dev.try_tensor_from_vec(column, (rows, Const)).map_err(device)?;
        x = ops::add(ops::linear(column.put_tape(tape), token, None)?, &kept)?;
    }
    ops::add_to_each(x.try_reshape_like(&(batch, patches, width)).map_err(device)?, positions)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nn::{AnyEncoder, Mode, Network, Recipe, Vit};
    use crate::random::stream;
    use crate::shape::{Image, Size};

    type Tiny = Vit<Image<1, 4, 6>, 2, 8, 2, 2, Cpu>;

    fn images(n: usize) -> Images<Image<1, 4, 6>, Cpu> {
        Cpu::seed_from_u64(4).sample_normal_like(&(n, Const, Const, Const))
    }

    fn token() -> Tensor<(Const<8>, Const<1>), f32, Cpu> {
        Cpu::seed_from_u64(5).sample_normal_like(&(Const, Const))
    }

    #[test]
    fn the_mean_of_the_patches_is_what_the_encoder_says_of_the_image() {
        let vit = Tiny::new(&Cpu::default(), &mut stream(&[1])).unwrap();
        assert_eq!(vit.grid().unwrap(), (2, 3));
        let patches = vit.patches(images(3), None).unwrap();
        let mean = ops::mean_middle(patches).unwrap().as_vec();
        let whole = vit.forward(images(3), Mode::Eval).unwrap().as_vec();
        assert!(mean.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-5));
        let size = Size { channels: 1, height: 4, width: 6 };
        let recipe = Recipe { network: Network::Vit { patch: 2, width: 8, depth: 2, heads: 2 }, input: size };
        let any = AnyEncoder::build(&recipe, &Cpu::default(), &mut stream(&[1])).unwrap();
        let x = Cpu::default().tensor_from_vec(images(3).as_vec(), (3, 1, 4, 6));
        let patches = any.patches(x.clone(), None).unwrap();
        assert_eq!(patches.as_vec(), vit.patches(images(3), None).unwrap().as_vec());
        let network = Network::Mlp { hidden: 4, features: 8 };
        let mlp =
            AnyEncoder::build(&Recipe { network, input: size }, &Cpu::default(), &mut stream(&[1])).unwrap();
        let e = mlp.patches(x, None).unwrap_err().to_string();
        assert!(e.contains("--encoder vit"), "{e}");
    }

    #[test]
    fn a_hidden_patch_s_pixels_do_not_matter_and_its_token_learns() {
        let vit = Tiny::new(&Cpu::default(), &mut stream(&[1])).unwrap();
        let token = token();
        let mut which = [false; 12];
        (which[1], which[6]) = (true, true);
        let hidden = || Some(Hidden { which: &which, token: &token });
        let plain = vit.patches(images(2), hidden()).unwrap().as_vec();
        let mut v = images(2).as_vec();
        // Patch 1 of the first image: its rows 0 and 1, columns 2 and 3.
        v[2] += 5.0;
        v[9] -= 3.0;
        let other = Cpu::default().tensor_from_vec(v.clone(), (2, Const, Const, Const));
        assert_eq!(vit.patches(other, hidden()).unwrap().as_vec(), plain);
        v[0] += 1.0;
        let seen = Cpu::default().tensor_from_vec(v, (2, Const, Const, Const));
        assert_ne!(vit.patches(seen, hidden()).unwrap().as_vec(), plain);
        let loss = vit.patches(images(2).leaky_trace(), hidden()).unwrap().square().sum::<Rank0, _>();
        assert!(loss.backward().get(&token).as_vec().iter().any(|g| g.abs() > 1e-4));
        assert!(vit.patches(images(1), hidden()).is_err());
    }
}
