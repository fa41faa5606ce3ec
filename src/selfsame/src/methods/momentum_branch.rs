//! The momentum copies of encoder and projector.

use dfdx::prelude::*;

use super::checks;
use crate::error::Result;
use crate::nn::{Encoder, Head, HeadPlan, Images, Mode, Momentum};
use crate::ops::Engine;
use crate::optim::{rising_momentum, Buffers};
use crate::random::Stream;
use crate::tape::parameters;

/// How a momentum copy follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Following {
    pub(super) momentum: f64,
    /// Along a half cosine to 1 at the last step, instead of staying.
    pub(super) rising: bool,
    pub(super) buffers: Buffers,
}

impl Following {
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a momentum that is not between 0 and 1.
    pub(super) fn checked(self) -> Result<Following> {
        checks::share("momentum", self.momentum, "0.99 suits short runs, 0.996 to 0.999 long ones.")?;
        Ok(self)
    }

    /// The momentum after optimiser step `step`, counted from 1.
    pub(super) fn at(self, step: u64, total: u64) -> f64 {
        match self.rising {
            true => rising_momentum(self.momentum, step.saturating_sub(1), total),
            false => self.momentum,
        }
    }
}

/// Momentum copies of an encoder and of the head over it; see [`Momentum`].
#[derive(Debug)]
pub(super) struct MomentumBranch<E: Encoder<D>, Z: Dim, D: Engine> {
    encoder: Momentum<E>,
    projector: Momentum<Head<E::Features, Z, D>>,
    following: Following,
    latest: f64,
}

parameters!(
    [E: Encoder<D>, Z: Dim, D: Engine] MomentumBranch<E, Z, D>, D, tensors {}, modules { encoder, projector },
    plain { following, latest }
);

impl<E: Encoder<D>, Z: Dim, D: Engine> MomentumBranch<E, Z, D> {
    /// Copies of `encoder` and of `projector`, which is made of `plan`.
    pub(super) fn new(
        dev: &D,
        encoder: &E,
        projector: &Head<E::Features, Z, D>,
        plan: HeadPlan<'_>,
        following: Following,
    ) -> Result<Self> {
        // Any stream will do: all values are overwritten.
        let rng: &mut Stream = &mut crate::random::stream(&[0]);
        let copy = E::build(&encoder.recipe(), dev, rng)?;
        let head = Head::new(dev, encoder.features(), projector.outputs(), plan, rng)?;
        Ok(MomentumBranch {
            encoder: Momentum::copy::<D>(encoder, copy)?,
            projector: Momentum::copy::<D>(projector, head)?,
            following: following.checked()?,
            latest: following.momentum,
        })
    }

    /// Projections of images, in training mode and on no tape.
    pub(super) fn project(&self, x: Images<E::Input, D>) -> Result<Tensor<(usize, Z), f32, D>> {
        let features = self.encoder.module().forward(x, Mode::Train)?;
        self.projector.module().forward(features, Mode::Train)
    }

    /// Follows after optimiser step `step`, counted from 1.
    pub(super) fn follow(
        &mut self,
        encoder: &E,
        projector: &Head<E::Features, Z, D>,
        step: u64,
        total: u64,
    ) -> Result<()> {
        self.latest = self.following.at(step, total);
        self.encoder.follow::<D>(encoder, self.latest, self.following.buffers)?;
        self.projector.follow::<D>(projector, self.latest, self.following.buffers)
    }

    /// The momentum it followed with last.
    pub(super) fn momentum(&self) -> f64 {
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_momentum_begins_at_its_base_and_may_rise_to_one() {
        let following = Following { momentum: 0.9, rising: true, buffers: Buffers::Kept };
        assert_eq!(following.at(1, 100), 0.9);
        assert!((following.at(51, 100) - 0.95).abs() < 1e-12);
        assert!(following.at(100, 100) > 0.9999);
        assert_eq!(Following { rising: false, ..following }.at(100, 100), 0.9);
        assert!(Following { momentum: 1.1, ..following }.checked().is_err());
    }
}
