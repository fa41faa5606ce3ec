//! A small convolutional network.

use std::marker::PhantomData;

use dfdx::prelude::*;

use super::check::Message;
use super::encoder::Images;
use super::{ConvStage, Encoder, Mode};
use crate::error::Result;
use crate::ops::{self, Engine, ImageGradient, Norm};
use crate::random::Stream;
use crate::shape::Picture;
use crate::tape::parameters;

/// 3x3 convolutions, each with batch norm and ReLU, then the mean over all places.
///
/// `STAGES` convolutions: the first keeps the image's size, each further one halves it; widths double up to `FEATURES`
/// at the last. `ConvNet<Image<3, 32, 32>, 256, 4>` has widths 32, 64, 128, 256.
///
/// # Shapes
/// (batch, C, H, W) to (batch, FEATURES). `FEATURES` must be divisible by `2^(STAGES - 1)`:
/// ```compile_fail,E0080
/// use dfdx::prelude::*;
/// use selfsame::{nn::{ConvNet, Encoder}, shape::Image};
/// # let dev = Cpu::default();
/// // '100 features cannot be halved 3 times, as 4 stages need'
/// ConvNet::<Image<3, 32, 32>, 100, 4, Cpu>::new(&dev, &mut selfsame::random::stream(&[0]))?;
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug)]
pub struct ConvNet<P: Picture, const FEATURES: usize, const STAGES: usize, D: Engine = AutoDevice> {
    stages: ConvStages<D>,
    picture: PhantomData<P>,
}

parameters!(
    [P: Picture, const FEATURES: usize, const STAGES: usize, D: Engine] ConvNet<P, FEATURES, STAGES, D>, D,
    transparent stages,
    plain { picture }
);

impl<P: Picture, const FEATURES: usize, const STAGES: usize, D: Engine> ConvNet<P, FEATURES, STAGES, D> {
    const CHECK: () = {
        if STAGES == 0 || !FEATURES.is_multiple_of(1 << (STAGES - 1)) || FEATURES == 0 {
            let m = Message::new()
                .number(FEATURES)
                .text(" features cannot be halved ")
                .number(STAGES.saturating_sub(1));
            panic!("{}", m.text(" times, as ").number(STAGES).text(" stages need").as_str());
        }
    };

    /// [`Encoder::forward`] with a choice: there, images are data and get no gradient, which saves its computation.
    ///
    /// # Errors
    /// As [`Encoder::forward`].
    pub fn forward_with<T: Tape<f32, D>>(
        &self,
        x: Images<P, D, T>,
        mode: Mode,
        images: ImageGradient,
    ) -> Result<Tensor<(usize, Const<FEATURES>), f32, D, T>> {
        self.stages.forward(x, Const, mode, images)
    }
}

impl<P: Picture, const FEATURES: usize, const STAGES: usize, D: Engine> Encoder<D>
    for ConvNet<P, FEATURES, STAGES, D>
{
    type Input = P;
    type Features = Const<FEATURES>;
    type Recipe = ();

    fn build((): &(), dev: &D, rng: &mut Stream) -> Result<Self> {
        let () = Self::CHECK;
        Ok(ConvNet {
            stages: ConvStages::new(dev, P::CHANNELS, FEATURES, STAGES, rng)?,
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
        self.forward_with(x, mode, ImageGradient::Unwanted)
    }

    fn describe(&self) -> String {
        format!("ConvNet of {STAGES} 3x3 stages, {} to {FEATURES} features", P::words())
    }
}

/// The network of [`ConvNet`] with its sizes as values.
#[derive(Debug)]
pub(super) struct ConvStages<D: Engine> {
    first: ConvStage<usize, usize, 3, 1, 1, D>,
    further: Vec<ConvStage<usize, usize, 3, 2, 1, D>>,
}

parameters!([D: Engine] ConvStages<D>, D, tensors {}, modules { first, further });

impl<D: Engine> ConvStages<D> {
    /// `stages` stages, whose widths double from the first up to `features`.
    pub(super) fn new(
        dev: &D,
        channels: usize,
        features: usize,
        stages: usize,
        rng: &mut Stream,
    ) -> Result<Self> {
        let width = |stage: usize| features >> (stages - 1 - stage);
        let first = ConvStage::new(dev, channels, width(0), rng)?;
        let further =
            (1..stages).map(|s| ConvStage::new(dev, width(s - 1), width(s), rng)).collect::<Result<_>>()?;
        Ok(ConvStages { first, further })
    }

    /// (batch, C, H, W) to (batch, `features`).
    pub(super) fn forward<C: Dim, H: Dim, W: Dim, F: Dim, T: Tape<f32, D>>(
        &self,
        x: Tensor<(usize, C, H, W), f32, D, T>,
        features: F,
        mode: Mode,
        images: ImageGradient,
    ) -> Result<Tensor<(usize, F), f32, D, T>> {
        let layers: Vec<_> = std::iter::once((self.first.stage(), self.first.norm()))
            .chain(self.further.iter().map(|stage| (stage.stage(), stage.norm())))
            .collect();
        let (batch, _, h, w) = *x.shape();
        let mut size = (h.size(), w.size());
        let mut fixed = Vec::with_capacity(layers.len());
        for (stage, norm) in &layers {
            size = stage.window.output(size).unwrap_or((0, 0));
            fixed.push(norm.fixed(mode, batch * size.0 * size.1)?);
        }
        let stages: Vec<_> = layers
            .iter()
            .zip(&fixed)
            .map(|((stage, _), fixed)| (*stage, fixed.as_ref().map_or(Norm::Batch, Norm::Fixed)))
            .collect();
        let (y, found) = ops::conv_stack(x, &stages, features, images)?;
        for ((_, norm), stats) in layers.iter().zip(&found) {
            norm.follow(mode, stats)?;
        }
        Ok(y)
    }
}
