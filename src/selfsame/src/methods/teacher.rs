//! The momentum copies of an encoder and of DINO's head, and the temperature of what they say.

use dfdx::prelude::*;

use super::momentum_branch::Following;
use crate::diagnose::{perplexity, target_entropy, target_kl, Rows, Statistics};
use crate::error::Result;
use crate::losses::teacher_targets;
use crate::nn::{DinoHead, DinoHeadPlan, Encoder, Images, LastLayer, Mode, Momentum};
use crate::ops::Engine;
use crate::tape::parameters;

/// A temperature that goes along a line from `from` at the first epoch to `to` at epoch `epochs`, and stays there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Warming {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) epochs: usize,
}

impl Warming {
    /// In epoch `epoch`, from 1: as numpy's `linspace(from, to, epochs)`.
    pub(super) fn at(self, epoch: u64) -> f64 {
        let (done, last) = (epoch.saturating_sub(1) as f64, self.epochs.saturating_sub(1) as f64);
        if self.epochs == 0 || done > last {
            return self.to;
        }
        if last == 0.0 {
            return self.from;
        }
        self.from + (self.to - self.from) * done / last
    }
}

/// Momentum copies of an encoder and of the head over it.
#[derive(Debug)]
pub(super) struct Teacher<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> {
    encoder: Momentum<E>,
    head: Momentum<DinoHead<E::Features, Z, K, D>>,
    following: Following,
    latest: f64,
}

parameters!(
    [E: Encoder<D>, Z: Dim, K: Dim, D: Engine] Teacher<E, Z, K, D>, D, tensors {}, modules { encoder, head },
    plain { following, latest }
);

impl<E: Encoder<D>, Z: Dim, K: Dim, D: Engine> Teacher<E, Z, K, D> {
    /// Copies of `encoder` and of `head`, which is made of `plan`.
    pub(super) fn new(
        dev: &D,
        encoder: &E,
        head: &DinoHead<E::Features, Z, K, D>,
        plan: DinoHeadPlan,
        following: Following,
    ) -> Result<Self> {
        // Any stream will do: all values are overwritten.
        let rng = &mut crate::random::stream(&[0]);
        let copy = E::build(&encoder.recipe(), dev, rng)?;
        let other = DinoHead::new(dev, encoder.features(), plan, head.bottleneck(), head.prototypes(), rng)?;
        Ok(Teacher {
            encoder: Momentum::copy::<D>(encoder, copy)?,
            head: Momentum::copy::<D>(head, other)?,
            following: following.checked()?,
            latest: following.momentum,
        })
    }

    /// Logits of images, in training mode and on no tape.
    pub(super) fn logits(&self, x: Images<E::Input, D>) -> Result<Tensor<(usize, K), f32, D>> {
        let features = self.encoder.module().forward(x, Mode::Train)?;
        self.of_features(features)
    }

    /// Logits of features, in training mode as well.
    pub(super) fn of_features(
        &self,
        features: Tensor<(usize, E::Features), f32, D>,
    ) -> Result<Tensor<(usize, K), f32, D>> {
        self.head.module().forward(features, LastLayer::Trained, Mode::Train)
    }

    /// The copy of the encoder.
    pub(super) fn encoder(&self) -> &E {
        self.encoder.module()
    }

    /// Follows after optimiser step `step`, counted from 1.
    pub(super) fn follow(
        &mut self,
        encoder: &E,
        head: &DinoHead<E::Features, Z, K, D>,
        step: u64,
        total: u64,
    ) -> Result<()> {
        self.latest = self.following.at(step, total);
        self.encoder.follow::<D>(encoder, self.latest, self.following.buffers)?;
        self.head.follow::<D>(head, self.latest, self.following.buffers)
    }

    /// The momentum it followed with last.
    pub(super) fn momentum(&self) -> f64 {
        self.latest
    }
}

/// Numbers on a teacher's and a student's distributions over prototypes, for rows that belong together.
pub(super) fn distributions<K: Dim, D: Engine>(
    teacher: &Tensor<(usize, K), f32, D>,
    centre: &Tensor<(K,), f32, D>,
    student: &[f32],
    [teacher_temperature, student_temperature]: [f64; 2],
) -> Result<Statistics> {
    let (rows, prototypes) = (teacher.shape().0, teacher.shape().1.size());
    let targets = Rows::new(teacher_targets(teacher, centre, teacher_temperature)?, rows, prototypes)?;
    let student: Vec<f32> = student[..(rows * prototypes).min(student.len())].to_vec();
    let none = centre.device().try_zeros_like(centre).map_err(crate::error::device)?;
    let shape = (student.len() / prototypes.max(1), teacher.shape().1);
    let student = teacher.device().try_tensor_from_vec(student, shape).map_err(crate::error::device)?;
    let said = Rows::new(teacher_targets(&student, &none, student_temperature)?, shape.0, prototypes)?;
    let mut shares = vec![0.0; prototypes];
    for row in targets.iter() {
        let most = row.iter().enumerate().fold(0, |best, (k, p)| if *p > row[best] { k } else { best });
        shares[most] += 1.0 / rows as f64;
    }
    Ok(Statistics {
        teacher_entropy: Some(target_entropy(&targets)),
        teacher_entropy_max: Some((prototypes as f64).ln()),
        teacher_student_kl: Some(target_kl(&targets, &said)?),
        prototype_perplexity: Some(perplexity(&shares)),
        prototypes: Some(prototypes),
        ..Default::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temperature_warms_along_a_line() {
        let warming = Warming { from: 0.04, to: 0.07, epochs: 4 };
        let found: Vec<f64> = [1, 2, 3, 4, 5, 50].map(|epoch| warming.at(epoch)).to_vec();
        let expected = [0.04, 0.05, 0.06, 0.07, 0.07, 0.07];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        assert_eq!(Warming { epochs: 0, ..warming }.at(1), 0.07);
        assert_eq!(
            (Warming { epochs: 1, ..warming }.at(1), Warming { epochs: 1, ..warming }.at(2)),
            (0.04, 0.07)
        );
    }
}
