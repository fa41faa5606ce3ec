//! A multi-layer perceptron over pixels.

use std::marker::PhantomData;

use dfdx::prelude::*;

use super::encoder::Images;
use super::{BatchNorm, Encoder, Linear, Mode};
use crate::error::{device, Result};
use crate::ops::{self, Engine};
use crate::random::Stream;
use crate::shape::Picture;
use crate::tape::parameters;

/// Two fully connected layers, each with batch norm and ReLU: pixels to `HIDDEN` to `FEATURES`.
///
/// # Shapes
/// (batch, C, H, W) to (batch, FEATURES).
#[derive(Debug)]
pub struct Mlp<P: Picture, const HIDDEN: usize, const FEATURES: usize, D: Engine = AutoDevice> {
    hidden: Linear<usize, Const<HIDDEN>, D>,
    hidden_norm: BatchNorm<Const<HIDDEN>, D>,
    output: Linear<Const<HIDDEN>, Const<FEATURES>, D>,
    output_norm: BatchNorm<Const<FEATURES>, D>,
    picture: PhantomData<P>,
}

parameters!(
    [P: Picture, const HIDDEN: usize, const FEATURES: usize, D: Engine] Mlp<P, HIDDEN, FEATURES, D>, D,
    tensors {}, modules { hidden, hidden_norm, output, output_norm },
    plain { picture }
);

impl<P: Picture, const HIDDEN: usize, const FEATURES: usize, D: Engine> Encoder<D>
    for Mlp<P, HIDDEN, FEATURES, D>
{
    type Input = P;
    type Features = Const<FEATURES>;
    type Recipe = ();

    fn build((): &(), dev: &D, rng: &mut Stream) -> Result<Self> {
        Ok(Mlp {
            hidden: Linear::new(dev, P::LEN, Const, rng)?,
            hidden_norm: BatchNorm::new(dev, Const)?,
            output: Linear::new(dev, Const, Const, rng)?,
            output_norm: BatchNorm::new(dev, Const)?,
            picture: PhantomData,
        })
    }

    fn recipe(&self) {}

    fn input(&self) -> P {
        P::default()
    }

    fn features(&self) -> Const<FEATURES> {
        Const
    }

    fn forward<T: Tape<f32, D>>(
        &self,
        x: Images<P, D, T>,
        mode: Mode,
    ) -> Result<Tensor<(usize, Const<FEATURES>), f32, D, T>> {
        let batch = x.shape().0;
        let x = self.hidden.forward(x.try_reshape_like(&(batch, P::LEN)).map_err(device)?)?;
        let x = ops::relu(self.hidden_norm.forward(x, mode)?)?;
        ops::relu(self.output_norm.forward(self.output.forward(x)?, mode)?)
    }

    fn describe(&self) -> String {
        format!("MLP, {} to {HIDDEN} to {FEATURES} features", P::words())
    }
}
