//! Teachers and prototypes: targets that say nothing, prototypes that nobody uses, copies that follow at once or never.

use super::listen::{Doctor, Probe};
use crate::diagnose::remedy::{number, suspect};
use crate::diagnose::thresholds::*;
use crate::diagnose::Alarm;

impl Doctor {
    /// Targets that are the same for every image, uniform or one-hot.
    pub(super) fn targets(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let s = &probe.statistics;
        let (Some(entropy), Some(most)) = (s.teacher_entropy, s.teacher_entropy_max) else { return };
        let share = entropy / most.max(1e-12);
        // With several prototypes in use, one-hot targets are what clustering wants.
        let one = s.prototype_perplexity.is_none_or(|used| used < ONE_OUTPUT);
        let (uniform, one_hot) = (share > UNIFORM_SHARE, share < ONE_HOT_SHARE && one);
        let settled = self.steps >= SETTLE_STEPS;
        self.uniform_targets = if uniform && settled { self.uniform_targets + 1 } else { 0 };
        self.one_hot_targets = if one_hot && settled { self.one_hot_targets + 1 } else { 0 };
        let kl = s
            .teacher_student_kl
            .map_or(String::new(), |kl| format!(", divergence of the student {}", number(kl)));
        if self.uniform_targets >= TARGET_PROBES {
            let (why, remedy) = suspect(
                &self.context,
                (
                    "Centring without enough sharpening does this: the teacher's temperature is too high.",
                    "--set teacher_temperature=0.04.",
                ),
            );
            let seen = format!("entropy of the targets {entropy:.4}, ln K = {most:.4}{kl}");
            let means = format!(
                "The teacher finds every output equally likely for every image, so it teaches nothing. {why}"
            );
            self.raise(alarms, "uniform-teacher", probe.epoch, seen, means, remedy);
        }
        if self.one_hot_targets >= TARGET_PROBES {
            let (why, remedy) = suspect(
                &self.context,
                (
                    "Sharpening without centring does this: one output wins for every image.",
                    "--set centre_momentum=0.9.",
                ),
            );
            let used =
                s.prototype_perplexity.map_or(String::new(), |used| format!(", {used:.1} outputs in use"));
            let seen = format!("entropy of the targets {entropy:.4} of at most {most:.4}{used}{kl}");
            let means =
                format!("The teacher names the same output for every image, and is sure of it. {why}");
            self.raise(alarms, "one-hot-teacher", probe.epoch, seen, means, remedy);
        }
    }

    /// Prototypes most of which nothing is assigned to.
    pub(super) fn prototypes(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let s = &probe.statistics;
        let (Some(used), Some(all)) = (s.prototype_perplexity, s.prototypes) else { return };
        let limit = (STARVED_SHARE * all as f64).max(ONE_OUTPUT);
        let more = self.last_used.is_some_and(|before| used > RECOVERING * before);
        self.last_used = Some(used).filter(|v| v.is_finite());
        self.starved = if used < limit && !more && self.steps >= SETTLE_STEPS { self.starved + 1 } else { 0 };
        if self.starved < TARGET_PROBES || self.has_raised("one-hot-teacher") {
            return;
        }
        let (why, remedy) = suspect(
            &self.context,
            (
                "No setting stands out: assignments are not balanced, or prototypes move before features have settled.",
                &format!("{}; then fewer prototypes.", self.context.lr_times(0.3)),
            ),
        );
        let seen = format!("perplexity of the prototypes' use {used:.1} of {all}");
        let means = format!(
            "Images share a few prototypes and the others lie idle, so little can be told apart. {why}"
        );
        self.raise(alarms, "prototype-starvation", probe.epoch, seen, means, remedy);
    }

    /// A momentum copy that is no copy of the past: the student itself, or its first state for ever.
    pub(super) fn momentum(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let Some(momentum) = probe.statistics.momentum else { return };
        let before = self.last_momentum.replace(momentum);
        // A momentum that rises gets to 1 at the very last step: only one that was there before counts.
        if before.is_none_or(|before| before != momentum) {
            return;
        }
        if momentum <= 0.0 {
            let seen = format!("momentum {} at two probes", number(momentum));
            let means = "The teacher is the student of one step ago, so its targets change as fast as what they are to steady, \
                         and nothing holds the two from agreeing on a constant.";
            self.raise(
                alarms,
                "teacher-without-memory",
                probe.epoch,
                seen,
                means.into(),
                "--set momentum=0.97.".into(),
            );
        }
        if momentum >= 1.0 {
            let seen = format!("momentum {} at two probes", number(momentum));
            let means = "The teacher never moves: the student learns to predict a random encoder, and nothing that it learns comes \
                         back.";
            self.raise(
                alarms,
                "teacher-frozen",
                probe.epoch,
                seen,
                means.into(),
                "--set momentum=0.97.".into(),
            );
        }
    }
}
