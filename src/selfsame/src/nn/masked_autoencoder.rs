//! Masked autoencoders (He et al. 2022, arXiv 2111.06377).

use dfdx::prelude::*;

use super::encoder::Images;
use super::{init, Encoder, Linear, Transformer, Vit};
use crate::error::{device, Error, Result};
use crate::losses::{masked_error, standardise_patches};
use crate::ops::{self, Engine, Mask, RandomMasking};
use crate::random::Stream;
use crate::shape::Picture;
use crate::tape::{parameters, values};

/// A [`Vit`] that sees some patches of an image, and a narrow decoder of width `NARROW` that predicts the pixels of the
/// others. What is kept after training is the encoder.
///
/// The decoder has as many heads as the encoder and an MLP of twice its width; in the place of a hidden patch it gets one
/// learned vector, everywhere its own learned positions. Each patch's pixels are predicted less their mean and over their
/// deviation (unbiased, with 1e-6 added to the variance), which the paper found to help.
///
/// # Shapes
/// The patch must divide the image's sides and the heads both widths:
/// ```compile_fail,E0080
/// use dfdx::prelude::*;
/// use selfsame::{nn::MaskedAutoencoder, shape::Image};
/// # let dev = Cpu::default();
/// // '4 heads do not divide width 42'
/// MaskedAutoencoder::<Image<3, 32, 32>, 4, 128, 4, 4, 42, Cpu>::new(&dev, 2, &mut selfsame::random::stream(&[0]))?;
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct MaskedAutoencoder<
    P: Picture,
    const PATCH: usize,
    const WIDTH: usize,
    const DEPTH: usize,
    const HEADS: usize,
    const NARROW: usize,
    D: Engine = AutoDevice,
> {
    encoder: Vit<P, PATCH, WIDTH, DEPTH, HEADS, D>,
    embed: Linear<Const<WIDTH>, Const<NARROW>, D>,
    mask: Tensor<(Const<NARROW>,), f32, D>,
    positions: Tensor<(usize, Const<NARROW>), f32, D>,
    decoder: Transformer<NARROW, HEADS, D>,
    output: Linear<Const<NARROW>, usize, D>,
}

parameters!(
    [
        P: Picture, const PATCH: usize, const WIDTH: usize, const DEPTH: usize, const HEADS: usize,
        const NARROW: usize, D: Engine
    ] MaskedAutoencoder<P, PATCH, WIDTH, DEPTH, HEADS, NARROW, D>, D,
    tensors { mask: NoDecay, positions: NoDecay }, modules { encoder, embed, decoder, output }
);

impl<
        P: Picture,
        const PATCH: usize,
        const WIDTH: usize,
        const DEPTH: usize,
        const HEADS: usize,
        const NARROW: usize,
        D: Engine,
    > MaskedAutoencoder<P, PATCH, WIDTH, DEPTH, HEADS, NARROW, D>
{
    /// A model whose decoder has `depth` blocks, with random weights.
    ///
    /// # Errors
    /// The device is out of memory.
    pub fn new(dev: &D, depth: usize, rng: &mut Stream) -> Result<Self> {
        let encoder = Vit::new(dev, rng)?;
        Ok(MaskedAutoencoder {
            encoder,
            embed: Linear::new(dev, Const, Const, rng)?,
            mask: init::normal(dev, (Const,), 0.02, rng)?,
            positions: init::normal(dev, (Self::patches(), Const), 0.02, rng)?,
            decoder: Transformer::new(dev, depth, 2 * NARROW, rng)?,
            output: Linear::new(dev, Const, P::LEN / Self::patches(), rng)?,
        })
    }

    /// How many patches an image has.
    pub fn patches() -> usize {
        (P::HEIGHT / PATCH) * (P::WIDTH / PATCH)
    }

    /// The encoder, when training is over; the decoder is dropped.
    pub fn into_encoder(self) -> Vit<P, PATCH, WIDTH, DEPTH, HEADS, D> {
        self.encoder
    }

    /// Mean squared error over the pixels of the patches that `masking` hides. The paper hides 75 %.
    ///
    /// # Errors
    /// [`Error::Shape`] for a masking of other images or one that shows or hides everything; a device out of memory.
    pub fn loss<T: Tape<f32, D>>(
        &self,
        x: Images<P, D, T>,
        masking: &RandomMasking,
    ) -> Result<Tensor<Rank0, f32, D, T>> {
        let (batch, tokens) = (x.shape().0, Self::patches());
        let visible = masking.kept.len() / batch.max(1);
        let lengths = [masking.kept.len(), masking.restore.len(), masking.hidden.len()];
        if lengths != [batch * visible, batch * tokens, batch * tokens] || visible == 0 || visible >= tokens {
            let expected =
                format!("{batch} images of {tokens} patches, of which some are hidden and some not");
            return Err(Error::shape("masking", expected, format!("lists of {lengths:?}")));
        }
        let (x, tape) = x.split_tape();
        // Pixels need no gradient, so they are picked on the host.
        let mut pixels = values(&ops::patchify(x, PATCH)?);
        let seen = self.encode(&pixels, &masking.kept, visible, tape)?;
        let x = self.embed.forward(seen)?;
        let x = x.try_reshape_like(&(batch, visible, Const::<NARROW>)).map_err(device)?;
        let x = ops::scatter_tokens(x, &self.mask, &masking.restore, tokens)?;
        let x = self.decoder.forward(ops::add_to_each(x, &self.positions)?, Mask::None)?;
        let x = x.try_reshape_like(&(batch * tokens, Const::<NARROW>)).map_err(device)?;
        standardise_patches(&mut pixels, P::LEN / tokens);
        masked_error(self.output.forward(x)?, &pixels, &masking.hidden)
    }

    /// Features of the `visible` patches of each image that `kept` names, a row each.
    fn encode<T: Tape<f32, D>>(
        &self,
        pixels: &[f32],
        kept: &[u32],
        visible: usize,
        tape: T,
    ) -> Result<Tensor<(usize, Const<WIDTH>), f32, D, T>> {
        let Vit { embed, positions, trunk, .. } = &self.encoder;
        let images: Tensor<(usize, usize, usize), f32, D> = {
            let shape = (kept.len() / visible, Self::patches(), P::LEN / Self::patches());
            positions.device().try_tensor_from_vec(pixels.to_vec(), shape).map_err(device)?
        };
        let seen = ops::gather_tokens(images, kept, visible)?;
        let (batch, _, length) = *seen.shape();
        let seen = seen.try_reshape_like(&(batch * visible, length)).map_err(device)?;
        let (positions, tape) = ops::embedding(positions.clone().put_tape(tape), kept)?.split_tape();
        let x = ops::add(embed.forward(seen.put_tape(tape))?, &positions)?;
        let x = x.try_reshape_like(&(batch, visible, Const::<WIDTH>)).map_err(device)?;
        let x = trunk.forward(x, Mask::None)?;
        x.try_reshape_like(&(batch * visible, Const::<WIDTH>)).map_err(device)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::optim::{Optimizer, Rule};
    use crate::random::stream;
    use crate::shape::Image;
    use crate::tape::FlatGradient;

    type Tiny = MaskedAutoencoder<Image<1, 4, 6>, 2, 8, 1, 2, 4, Cpu>;

    fn tiny() -> Tiny {
        MaskedAutoencoder::new(&Cpu::default(), 1, &mut stream(&[3])).unwrap()
    }

    fn images(values: Vec<f32>) -> Images<Image<1, 4, 6>, Cpu> {
        let batch = values.len() / 24;
        Cpu::default().tensor_from_vec(values, (batch, Const, Const, Const))
    }

    fn noise(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * 1.7).sin() + 0.3 * (i as f32 * 0.37).cos()).collect()
    }

    /// The masking that shows the first `visible` patches of each order.
    fn masking(orders: &[[u32; 6]], visible: usize) -> RandomMasking {
        let mut noise = vec![0.0; 6 * orders.len()];
        for (noise, order) in noise.chunks_exact_mut(6).zip(orders) {
            order.iter().enumerate().for_each(|(place, patch)| noise[*patch as usize] = place as f64);
        }
        RandomMasking::of_noise(&noise, 6, visible).unwrap()
    }

    /// Hidden pixels are what the loss compares with, never what the prediction is made from: adding a constant to a hidden
    /// patch changes neither, because targets are standardised.
    #[test]
    fn the_encoder_does_not_see_hidden_patches() {
        let (mae, masking) = (tiny(), masking(&[[4, 1, 0, 5, 3, 2]], 2));
        let loss = |v: Vec<f32>| mae.loss(images(v), &masking).unwrap().array();
        let plain = noise(24);
        let brighter = |patch: usize| {
            let mut v = plain.clone();
            let (top, left) = (patch / 3 * 2, patch % 3 * 2);
            for at in [top * 6 + left, top * 6 + left + 1, (top + 1) * 6 + left, (top + 1) * 6 + left + 1] {
                v[at] += 3.0;
            }
            v
        };
        for patch in 0..6 {
            let same = (loss(brighter(patch)) - loss(plain.clone())).abs() < 1e-5;
            assert_eq!(same, ![4, 1].contains(&patch), "patch {patch}");
        }
    }

    #[test]
    fn the_order_of_the_visible_does_not_matter_and_images_are_their_own() {
        let mae = tiny();
        let v = noise(48);
        let loss = |v: &[f32], orders: &[[u32; 6]]| {
            mae.loss(images(v.to_vec()), &masking(orders, 3)).unwrap().array()
        };
        let (a, b) = ([0, 2, 5, 1, 3, 4], [1, 3, 0, 5, 4, 2]);
        let both = loss(&v, &[a, b]);
        assert!((both - (loss(&v[..24], &[a]) + loss(&v[24..], &[b])) / 2.0).abs() < 1e-5);
        assert!((both - loss(&v, &[[5, 0, 2, 4, 1, 3], b])).abs() < 1e-5);
    }

    #[test]
    fn it_learns_to_fill_in() {
        let mut mae = tiny();
        // Rising or falling over the whole image: a visible patch tells what the others are.
        let value = |i: usize| (i % 24) as f32 * if (i / 24).is_multiple_of(2) { 0.1 } else { -0.1 };
        let x = images((0..24 * 8).map(value).collect());
        let mut optimizer = Optimizer::new(Rule::ADAMW, 0.0);
        let (mut rng, mut losses) = (stream(&[1]), Vec::new());
        for _ in 0..80 {
            let masking = RandomMasking::draw(8, 6, 2, &mut rng).unwrap();
            let loss = mae.loss(x.leaky_trace(), &masking).unwrap();
            losses.push(loss.array());
            let mut gradient = FlatGradient::new();
            gradient.add(&mae, loss.backward()).unwrap();
            optimizer.step(&mut mae, gradient.mean(), 1e-2).unwrap();
        }
        assert!(losses[79] < 0.3 * losses[0], "{losses:?}");
    }

    #[test]
    fn maskings_that_do_not_fit_are_errors() {
        let (mae, order) = (tiny(), [0, 1, 2, 3, 4, 5]);
        for bad in [masking(&[order], 0), masking(&[order], 6), masking(&[order; 2], 3)] {
            let e = mae.loss(images(noise(24)), &bad).unwrap_err();
            assert!(e.to_string().contains("1 images of 6 patches"), "{e}");
        }
    }
}
