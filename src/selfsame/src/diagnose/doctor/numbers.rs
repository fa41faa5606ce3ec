//! Numbers that leave their range: NaN, explosions, gradients that vanish.

use super::listen::{mean, median, Doctor, Probe};
use crate::diagnose::remedy::{number, suspect};
use crate::diagnose::thresholds::{
    EXPLODE_SHARE, EXPLODE_STEPS, GRADIENT_FACTOR, GRADIENT_ZERO, NORM_FACTOR, NORM_PROBES,
};
use crate::diagnose::Alarm;

impl Doctor {
    pub(super) fn not_finite(&mut self, epoch: usize, seen: &str, alarms: &mut Vec<Alarm>) {
        let (why, remedy) = suspect(
            &self.context,
            (
                "No setting stands out; a division by a zero norm or an overflow are the usual causes.",
                &format!("--clip-norm 1, and {} if that does not hold it.", self.context.lr_times(0.1)),
            ),
        );
        let means =
            format!("The weights are lost from here on: a NaN spreads to all of them in one step. {why}");
        self.raise(alarms, "not-finite", epoch, seen.into(), means, remedy);
    }

    pub(super) fn gradients(&mut self, epoch: usize, step: u64, norm: f64, alarms: &mut Vec<Alarm>) {
        self.zero_gradients = if norm < GRADIENT_ZERO { self.zero_gradients + 1 } else { 0 };
        if self.zero_gradients >= 10 {
            let (why, remedy) = suspect(
                &self.context,
                (
                    "Usually every unit of a ReLU layer is off, or the data are constant.",
                    &format!(
                        "{}; if the first step already shows it, look at the data.",
                        self.context.lr_times(0.1)
                    ),
                ),
            );
            let seen = format!("gradient norm {} at step {step}, and below 1e-8 for ten steps", number(norm));
            let means = format!("Nothing reaches the weights, so nothing is learned. {why}");
            self.raise(alarms, "gradient-vanishing", epoch, seen, means, remedy);
        }
        if self.first_gradients.len() < 10 {
            self.first_gradients.push(norm);
            return;
        }
        let usual = median(&self.first_gradients);
        self.large_gradients = if norm > GRADIENT_FACTOR * usual { self.large_gradients + 1 } else { 0 };
        if self.large_gradients >= 3 && usual > 0.0 {
            let (why, remedy) = suspect(
                &self.context,
                ("No setting stands out.", &format!("--clip-norm 1 and {}.", self.context.lr_times(0.3))),
            );
            let seen =
                format!("gradient norm {} at step {step}, {} at the start", number(norm), number(usual));
            let means = format!("Steps overshoot and feed the next gradient. {why}");
            self.raise(alarms, "gradient-exploding", epoch, seen, means, remedy);
        }
    }

    pub(super) fn explosion(&mut self, epoch: usize, step: u64, alarms: &mut Vec<Alarm>) {
        if self.steps < 2 * EXPLODE_STEPS as u64 {
            return;
        }
        // A loss that rises to what guessing costs has not exploded: a teacher's does while its centre settles.
        let guessing = self.context.plateaus.iter().fold(f64::NEG_INFINITY, |most, p| most.max(p.value));
        let start = mean(&self.first[..EXPLODE_STEPS]).max(guessing);
        let now = self.latest(EXPLODE_STEPS);
        if now - start > (EXPLODE_SHARE * start.abs()).max(1.0) {
            let (why, remedy) = suspect(
                &self.context,
                (
                    "No setting stands out; the learning rate is the first thing to lower.",
                    &format!("{}, or --clip-norm 1.", self.context.lr_times(0.3)),
                ),
            );
            let seen = format!(
                "loss {} at step {step}, {} at the start",
                number(now),
                number(mean(&self.first[..EXPLODE_STEPS]))
            );
            let means = format!("The optimiser climbs: its steps jump over the valley they aim for. {why}");
            self.raise(alarms, "loss-exploding", epoch, seen, means, remedy);
        }
    }

    /// Embeddings that grow without end.
    pub(super) fn norms(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let norm = probe.encoder.norm.max(probe.projector.norm);
        if !norm.is_finite() {
            return;
        }
        let first = *self.first_norm.get_or_insert(norm);
        self.large_norms = if norm > NORM_FACTOR * first.max(1e-3) { self.large_norms + 1 } else { 0 };
        if self.large_norms < NORM_PROBES {
            return;
        }
        let (why, remedy) = suspect(
            &self.context,
            (
                "No setting stands out: a loss of cosines does not feel the length of embeddings, so only weight decay \
                 holds it.",
                &format!("--weight-decay 0.05, then {}.", self.context.lr_times(0.3)),
            ),
        );
        let seen =
            format!("mean length of an embedding {}, {} at the first probe", number(norm), number(first));
        let means = format!(
            "The longer an embedding, the smaller the gradient of its direction: learning slows down, then numbers \
             overflow. {why}"
        );
        self.raise(alarms, "norm-exploding", probe.epoch, seen, means, remedy);
    }
}
