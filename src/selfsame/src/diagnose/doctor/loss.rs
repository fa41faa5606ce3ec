//! A loss that sits on a named value, or nowhere in particular but does not fall.

use super::listen::{mean, Doctor};
use crate::diagnose::remedy::{number, suspect};
use crate::diagnose::thresholds::*;
use crate::diagnose::Alarm;

impl Doctor {
    pub(super) fn plateau(&mut self, epoch: usize, step: u64, alarms: &mut Vec<Alarm>) {
        if self.recent.len() < PLATEAU_STEPS || self.has_raised("temperature-too-high") {
            return;
        }
        let half = PLATEAU_STEPS / 2;
        let (early, late) = (mean(self.recent.iter().take(half)), mean(self.recent.iter().skip(half)));
        if early - late > PLATEAU_WIDTH / 10.0 {
            return;
        }
        let sits = |value: f64| self.recent.iter().all(|loss| (loss - value).abs() < PLATEAU_WIDTH);
        let Some(plateau) = self.context.plateaus.iter().find(|p| sits(p.value)).cloned() else { return };
        let (why, remedy) = suspect(&self.context, ("", &plateau.try_this));
        self.raise(
            alarms,
            "loss-plateau",
            epoch,
            format!(
                "loss {late:.4} at step {step}, within {PLATEAU_WIDTH} of {} = {:.4} for {PLATEAU_STEPS} steps",
                plateau.name, plateau.value
            ),
            format!("{} {why}", plateau.means).trim_end().into(),
            remedy,
        );
    }

    pub(super) fn flat(&mut self, epoch: usize, step: u64, alarms: &mut Vec<Alarm>) {
        let waited = self.steps >= FLAT_STEPS && (epoch >= FLAT_EPOCHS || self.steps >= FLAT_STEPS_AT_MOST);
        let explained =
            ["loss-plateau", "temperature-too-high", "loss-exploding"].iter().any(|k| self.has_raised(k));
        if !waited || explained {
            return;
        }
        let (start, now) = (mean(&self.first), self.latest(START_STEPS));
        if now > start - FALL_SHARE * start.abs() {
            let (why, remedy) = suspect(
                &self.context,
                (
                    "No setting stands out; a learning rate that is much too small looks like this, and so do data \
                     whose views have nothing in common.",
                    &format!("{}, then --epochs twice as many.", self.context.lr_times(10.0)),
                ),
            );
            let seen = format!(
                "loss {} over the {START_STEPS} steps up to step {step}, {} over the first {START_STEPS}",
                number(now),
                number(start)
            );
            self.raise(
                alarms,
                "loss-not-falling",
                epoch,
                seen,
                format!("Nothing is being learned. {why}"),
                remedy,
            );
        }
    }
}
