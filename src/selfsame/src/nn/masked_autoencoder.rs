//! Masked autoencoders (He et al. 2022, arXiv 2111.06377).

use dfdx::prelude::*;
use rand::seq::SliceRandom;

use super::encoder::Images;
use super::rows::rows;
use super::{init, Encoder, Linear, Transformer, Vit};
use crate::error::{device, Error, Result};
use crate::losses::masked_error;
use crate::ops::{self, Engine, Mask};
use crate::random::Stream;
use crate::shape::{Input, Picture};
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
    mask: Tensor<(usize, Const<NARROW>), f32, D>,
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
            mask: init::normal(dev, (1, Const), 0.02, rng)?,
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

    /// Mean squared error over the pixels of the patches that the encoder did not see.
    ///
    /// `order` is a permutation of each image's patches, one image after the other (see [`random_order`]); the first
    /// `visible` of each are seen. The paper shows 25 %.
    ///
    /// # Errors
    /// [`Error::Shape`] where the order is no such permutation or not between one and all but one patches are visible; a
    /// device out of memory.
    pub fn loss<T: Tape<f32, D>>(
        &self,
        x: Images<P, D, T>,
        order: &[u32],
        visible: usize,
    ) -> Result<Tensor<Rank0, f32, D, T>> {
        let (batch, tokens) = (x.shape().0, Self::patches());
        let places = places(order, batch, tokens, visible)?;
        let (x, tape) = x.split_tape();
        // Pixels need no gradient, so they are sorted on the host.
        let mut pixels = values(&ops::patchify(x, PATCH)?);
        let seen = self.encode(&pixels, order, visible, tape)?;
        let x = self.embed.forward(seen)?;
        let x = self.complete(x, &places, visible)?;
        let x = x.try_reshape_like(&(batch, tokens, Const::<NARROW>)).map_err(device)?;
        let x = self.decoder.forward(ops::add_to_each(x, &self.positions)?, Mask::None)?;
        let x = x.try_reshape_like(&(batch * tokens, Const::<NARROW>)).map_err(device)?;
        pixels.chunks_exact_mut((P::LEN / tokens).max(1)).for_each(standardise);
        let hidden: Vec<bool> = places.iter().map(|place| *place >= visible).collect();
        masked_error(self.output.forward(x)?, &pixels, &hidden)
    }

    /// Features of the first `visible` patches of each image, a row each.
    fn encode<T: Tape<f32, D>>(
        &self,
        pixels: &[f32],
        order: &[u32],
        visible: usize,
        tape: T,
    ) -> Result<Tensor<(usize, Const<WIDTH>), f32, D, T>> {
        let tokens = Self::patches();
        let length = P::LEN / tokens;
        let keep: Vec<usize> = (order.chunks_exact(tokens))
            .flat_map(|order| order[..visible].iter().map(|patch| *patch as usize))
            .collect();
        let images = keep.chunks_exact(visible).zip(pixels.chunks_exact(tokens * length));
        let seen: Vec<f32> = images
            .flat_map(|(keep, image)| keep.iter().flat_map(|patch| &image[patch * length..][..length]))
            .copied()
            .collect();
        let shape = (keep.len(), length);
        let seen = self.encoder.positions.device().try_tensor_from_vec(seen, shape).map_err(device)?;
        let (positions, tape) = rows(self.encoder.positions.clone().put_tape(tape), keep)?.split_tape();
        let x = ops::add(self.encoder.embed.forward(seen.put_tape(tape))?, &positions)?;
        let x = x.try_reshape_like(&(shape.0 / visible, visible, Const::<WIDTH>)).map_err(device)?;
        let x = self.encoder.trunk.forward(x, Mask::None)?;
        x.try_reshape_like(&(shape.0, Const::<WIDTH>)).map_err(device)
    }

    /// A row for every patch in its place: what the encoder made of it or the mask's vector.
    fn complete<T: Tape<f32, D>>(
        &self,
        seen: Tensor<(usize, Const<NARROW>), f32, D, T>,
        places: &[usize],
        visible: usize,
    ) -> Result<Tensor<(usize, Const<NARROW>), f32, D, T>> {
        let (tokens, mask) = (Self::patches(), seen.shape().0);
        let from = |(at, place): (usize, &usize)| {
            if *place < visible {
                at / tokens * visible + place
            } else {
                mask
            }
        };
        let from = places.iter().enumerate().map(from).collect();
        let (seen, tape) = seen.split_tape();
        let both = (seen.put_tape(tape), self.mask.clone()).try_concat_along(Axis::<0>).map_err(device)?;
        rows(both, from)
    }
}

/// For each image a random permutation of its `tokens` patches, one after the other.
pub fn random_order(images: usize, tokens: usize, rng: &mut Stream) -> Vec<u32> {
    let mut order: Vec<u32> = (0..images).flat_map(|_| 0..tokens as u32).collect();
    order.chunks_exact_mut(tokens.max(1)).for_each(|order| order.shuffle(rng));
    order
}

/// Where in its image's order each patch stands.
fn places(order: &[u32], images: usize, tokens: usize, visible: usize) -> Result<Vec<usize>> {
    if visible == 0 || visible >= tokens {
        return Err(Error::shape("visible patches", format!("1 to {}", tokens.saturating_sub(1)), visible));
    }
    let wrong = || Error::shape("order of patches", format!("{images} permutations of {tokens}"), "something else");
    if order.len() != images * tokens || images == 0 {
        return Err(wrong());
    }
    let mut places = vec![usize::MAX; order.len()];
    for (places, order) in places.chunks_exact_mut(tokens).zip(order.chunks_exact(tokens)) {
        for (place, patch) in order.iter().enumerate() {
            match places.get_mut(*patch as usize) {
                Some(free) if *free == usize::MAX => *free = place,
                _ => return Err(wrong()),
            }
        }
    }
    Ok(places)
}

/// A patch's pixels to mean 0 and deviation 1.
fn standardise(patch: &mut [f32]) {
    let n = patch.len() as f32;
    let mean = patch.iter().sum::<f32>() / n;
    let variance = patch.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / (n - 1.0).max(1.0);
    let inverse = (variance + 1e-6).sqrt().recip();
    patch.iter_mut().for_each(|v| *v = (*v - mean) * inverse);
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

    /// Hidden pixels are what the loss compares with, never what the prediction is made from: adding a constant to a hidden
    /// patch changes neither, because targets are standardised.
    #[test]
    fn the_encoder_does_not_see_hidden_patches() {
        let (mae, order) = (tiny(), [4, 1, 0, 5, 3, 2]);
        let loss = |v: Vec<f32>| mae.loss(images(v), &order, 2).unwrap().array();
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
        let loss = |v: &[f32], order: &[u32]| mae.loss(images(v.to_vec()), order, 3).unwrap().array();
        let (a, b) = ([0, 2, 5, 1, 3, 4], [1, 3, 0, 5, 4, 2]);
        let both = loss(&v, &[a, b].concat());
        assert!((both - (loss(&v[..24], &a) + loss(&v[24..], &b)) / 2.0).abs() < 1e-5);
        assert!((both - loss(&v, &[[5, 0, 2, 4, 1, 3], b].concat())).abs() < 1e-5);
    }

    #[test]
    fn it_learns_to_fill_in() {
        let mut mae = tiny();
        // Stripes: a visible patch tells what the others are.
        let value = |i: usize| if i % 24 / 6 % 2 == 0 { 1.0 } else { -1.0 } * if i / 24 % 2 == 0 { 1.0 } else { -1.0 };
        let x = images((0..24 * 8).map(value).collect());
        let mut optimizer = Optimizer::new(Rule::ADAMW, 0.0);
        let (mut rng, mut losses) = (stream(&[1]), Vec::new());
        for _ in 0..80 {
            let order = random_order(8, 6, &mut rng);
            let loss = mae.loss(x.leaky_trace(), &order, 2).unwrap();
            losses.push(loss.array());
            let mut gradient = FlatGradient::new();
            gradient.add(&mae, loss.backward()).unwrap();
            optimizer.step(&mut mae, gradient.mean(), 1e-2).unwrap();
        }
        assert!(losses[79] < 0.3 * losses[0], "{losses:?}");
    }

    #[test]
    fn orders_that_are_none_are_errors() {
        let mae = tiny();
        let loss = |order: &[u32], visible| mae.loss(images(noise(24)), order, visible);
        for (order, visible) in
            [(&[0, 1, 2, 3, 4, 4][..], 2), (&[0, 1, 2, 3, 4, 6], 2), (&[0, 1, 2], 2), (&[0, 1, 2, 3, 4, 5], 6)]
        {
            assert!(matches!(loss(order, visible), Err(Error::Shape { .. })));
        }
        let mut order = random_order(3, 6, &mut stream(&[2]));
        order[6..12].sort_unstable();
        assert_eq!(order[6..12], [0, 1, 2, 3, 4, 5]);
    }
}
