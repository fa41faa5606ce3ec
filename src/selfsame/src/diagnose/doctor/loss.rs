//! A loss that sits on a named value, or nowhere in particular but does not fall.

use super::listen::{mean, Doctor, Probe};
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
        let start = mean(&self.first);
        let width =
            |value: f64| (PLATEAU_SHARE * (start - value).abs()).clamp(PLATEAU_WIDTH, PLATEAU_WIDTH_AT_MOST);
        let sits = |value: f64| self.recent.iter().all(|loss| (loss - value).abs() < width(value));
        let Some(plateau) = self.context.plateaus.iter().find(|p| sits(p.value)).cloned() else { return };
        let width = width(plateau.value);
        let (why, remedy) = suspect(&self.context, ("", &plateau.try_this));
        self.raise(
            alarms,
            "loss-plateau",
            epoch,
            format!(
                "loss {late:.4} at step {step}, within {} of {} = {:.4} for {PLATEAU_STEPS} steps",
                number(width),
                plateau.name,
                plateau.value
            ),
            format!("{} {why}", plateau.means).trim_end().into(),
            remedy,
        );
    }

    /// A loss no better than at the start. One whose targets move has [`Doctor::pinned`].
    pub(super) fn flat(&mut self, epoch: usize, step: u64, alarms: &mut Vec<Alarm>) {
        if self.context.moving_targets {
            return;
        }
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

    /// A cross-entropy with a teacher's distribution is that distribution's entropy plus the student's divergence from it.
    /// At first the teacher says much the same of every image, which is easily learned; as the centre takes that away, and
    /// as the temperature rises, the loss rises to `ln K` with nothing wrong. So it is not held against its start but
    /// against what a student costs that says nothing, and only once the teacher no longer sharpens.
    pub(super) fn pinned(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let s = &probe.statistics;
        let (Some(entropy), Some(most), Some(plateau)) =
            (s.teacher_entropy, s.teacher_entropy_max, self.context.plateaus.first().cloned())
        else {
            return;
        };
        let fallen = |before: Option<f64>, now: f64, share: f64| before.is_some_and(|b| b - now > share);
        let sharpening = fallen(self.last_entropy, entropy, SHARPENING * most);
        let falling = fallen(self.last_probe_loss, probe.loss, FALL_SHARE * plateau.value);
        (self.last_entropy, self.last_probe_loss) = (Some(entropy), Some(probe.loss));
        let high = probe.loss > (1.0 - FALL_SHARE) * plateau.value;
        let pinned =
            self.context.moving_targets && high && !sharpening && !falling && self.steps >= FLAT_STEPS;
        self.pinned = if pinned { self.pinned + 1 } else { 0 };
        let explained =
            ["loss-plateau", "loss-exploding", "uniform-teacher", "one-hot-teacher", "total-collapse"];
        if self.pinned < TARGET_PROBES || explained.iter().any(|kind| self.has_raised(kind)) {
            return;
        }
        let (why, remedy) = suspect(&self.context, ("", &plateau.try_this));
        let seen = format!(
            "loss {} at {TARGET_PROBES} probes, {} = {:.4}; entropy of the targets {} of at most {}",
            number(probe.loss),
            plateau.name,
            plateau.value,
            number(entropy),
            number(most)
        );
        let means = format!(
            "A student that says nothing of any image costs no more: what the teacher says of one view is not found in \
             the other. {why}"
        );
        self.raise(alarms, "loss-not-falling", probe.epoch, seen, means.trim_end().into(), remedy);
    }
}
