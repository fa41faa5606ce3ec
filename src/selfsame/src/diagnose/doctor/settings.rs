//! What the settings alone make certain, with the first steps as evidence.

use super::listen::{mean, Doctor};
use crate::diagnose::remedy::number;
use crate::diagnose::thresholds::{EXPLODE_STEPS, LOW_TEMPERATURE, ONE_HOT_LOSS};
use crate::diagnose::Alarm;

impl Doctor {
    /// What the settings alone make certain, with the first step as evidence.
    pub(super) fn settings(&mut self, epoch: usize, loss: f64, alarms: &mut Vec<Alarm>) {
        let c = self.context.clone();
        if c.lr_too_high() {
            let means = match c.optimizer.as_str() {
                "adamw" | "adam" => format!(
                    "AdamW moves every weight by about the learning rate at each step, whatever the gradient; \
                     fresh weights of a layer {} wide are about {:.3}, so a step or two erases them.",
                    c.encoder_dim,
                    c.highest_lr()
                ),
                other => format!(
                    "{} scales its steps by it, and rates above {} have not been seen to train anything at {} images a step.",
                    other.to_uppercase(),
                    number(c.highest_lr()),
                    c.batch
                ),
            };
            let seen = format!(
                "learning rate {} with {}, loss {} at the first step",
                number(c.lr),
                c.optimizer,
                number(loss)
            );
            self.raise(alarms, "learning-rate-too-high", epoch, seen, means, format!("{}.", c.lr_flag()));
        }
        if let (Some(t), Some(lowest), Some(chance)) = (c.temperature, c.temperature_too_high(), c.chance()) {
            let name = c.plateaus.first().map_or("chance", |p| p.name.as_str());
            self.raise(
                alarms,
                "temperature-too-high",
                epoch,
                format!(
                    "temperature {}, loss {} at the first step, {name} = {chance:.4}, reachable {lowest:.4}",
                    number(t),
                    number(loss)
                ),
                format!(
                    "Similarities are divided by the temperature, so all candidates weigh the same: even perfect \
                     embeddings lower the loss by {} only, and the gradient shrinks with it.",
                    number(chance - lowest)
                ),
                "--temperature 0.2 (0.1 to 0.5 is usual).".into(),
            );
        }
        if let Some(t) = c.temperature_too_low() {
            self.temperature_too_low(epoch, t, format!("loss {} at the first step", number(loss)), alarms);
        }
        if c.projector_dim == 1 {
            self.raise(
                alarms,
                "projector-bottleneck",
                epoch,
                format!("projector width 1, loss {} at the first step", number(loss)),
                "One number, L2-normalised, is its sign: every image becomes +1 or -1, so the loss can tell two \
                 groups apart and nothing finer, and no gradient passes through a sign."
                    .into(),
                format!("{}.", c.projector_flag()),
            );
        }
    }

    /// A low temperature shows at the start: a wrong winner costs many times what guessing does.
    pub(super) fn one_hot(&mut self, epoch: usize, step: u64, alarms: &mut Vec<Alarm>) {
        let (Some(t), Some(chance)) = (self.context.temperature, self.context.chance()) else { return };
        if t < LOW_TEMPERATURE && self.first.len() == EXPLODE_STEPS && self.steps == EXPLODE_STEPS as u64 {
            let start = mean(&self.first);
            if start > ONE_HOT_LOSS * chance {
                self.temperature_too_low(
                    epoch,
                    t,
                    format!("mean loss {} up to step {step}", number(start)),
                    alarms,
                );
            }
        }
    }

    fn temperature_too_low(&mut self, epoch: usize, t: f64, evidence: String, alarms: &mut Vec<Alarm>) {
        let chance =
            self.context.chance().map_or(String::new(), |v| format!(", guessing costs {}", number(v)));
        self.raise(
            alarms,
            "temperature-too-low",
            epoch,
            format!("temperature {}, {evidence}{chance}", number(t)),
            format!(
                "Similarities are multiplied by {} before the softmax, which makes it one-hot: the nearest negative \
                 gets all the gradient or there is none, and the loss counts a few accidents.",
                number(1.0 / t)
            ),
            "--temperature 0.2 (0.1 to 0.5 is usual).".into(),
        );
    }
}
