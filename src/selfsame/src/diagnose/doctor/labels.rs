//! What a probe with labels sees: features that get worse, or no better while the loss falls.

use super::listen::{mean, Doctor, Probe};
use crate::diagnose::remedy::{number, suspect};
use crate::diagnose::thresholds::*;
use crate::diagnose::Alarm;

/// How far another accuracy of as many images must be from `accuracy` to count: at least `least`, and
/// [`CHANCE_ERRORS`] times the standard error of the difference of two such accuracies, `sqrt(2 p (1 - p) / images)`.
fn beyond_chance(least: f64, accuracy: f64, images: usize) -> f64 {
    let error = (2.0 * accuracy * (1.0 - accuracy) / images.max(1) as f64).sqrt();
    least.max(CHANCE_ERRORS * error)
}

impl Doctor {
    pub(super) fn worse_than_random(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let (Some(knn), Some(random)) = (probe.knn, probe.random_init_knn) else { return };
        let improving = knn > self.last_knn + 0.005;
        self.last_knn = knn;
        let low = knn < random - beyond_chance(KNN_MARGIN, random, probe.asked) && self.steps >= KNN_STEPS;
        self.low_knn = if low { self.low_knn + 1 } else { 0 };
        if self.low_knn >= KNN_PROBES && !improving {
            let (why, remedy) = suspect(
                &self.context,
                (
                    "No setting stands out: the views may throw away what tells the classes apart, or training is \
                     still too short.",
                    &format!("{} with more --epochs, or weaker augmentation.", self.context.lr_times(0.3)),
                ),
            );
            let seen = format!("kNN {:.1} %, random-init {:.1} %", 100.0 * knn, 100.0 * random);
            let means = format!("Training has made the features worse than not training. {why}");
            self.raise(alarms, "worse-than-random-init", probe.epoch, seen, means, remedy);
        }
    }

    /// Accuracy that was there and is lost again: training goes on past what the pretext task is good for.
    pub(super) fn falling(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let Some(knn) = probe.knn else { return };
        let (best, at) = self.best_knn.filter(|(best, _)| *best >= knn).unwrap_or((knn, probe.epoch));
        self.best_knn = Some((best, at));
        self.lost = if knn < best - beyond_chance(PROBE_FALL, best, probe.asked) { self.lost + 1 } else { 0 };
        if self.lost < KNN_PROBES || self.explained() {
            return;
        }
        let (why, remedy) = suspect(
            &self.context,
            (
                "No setting stands out: the pretext task has been solved further than it is useful.",
                &format!("--epochs {at}, where it was best, or weaker {}.", self.context.lr_times(0.3)),
            ),
        );
        let seen = format!("kNN {:.1} %, {:.1} % at epoch {at}", 100.0 * knn, 100.0 * best);
        let means =
            format!("The features were better before: what is learned now costs what was learned. {why}");
        self.raise(alarms, "probe-falling", probe.epoch, seen, means, remedy);
    }

    /// A loss that falls while nothing useful is learned.
    pub(super) fn shortcut(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let (Some(knn), Some(random)) = (probe.knn, probe.random_init_knn) else { return };
        let start = *self.first_loss.get_or_insert(probe.loss);
        let fallen = start - probe.loss;
        let best = self.best_knn.map_or(knn, |(best, _)| best.max(knn));
        let useless = best < random - SHORTCUT_MARGIN && fallen > SHORTCUT_FALL * start.abs().max(1e-6);
        self.useless = if useless && self.steps >= SETTLED_STEPS { self.useless + 1 } else { 0 };
        if self.useless < SHORTCUT_PROBES || self.explained() || self.has_raised("worse-than-random-init") {
            return;
        }
        let (why, remedy) = suspect(
            &self.context,
            (
                "No setting stands out: the two views share something simple that is enough (colours, a border, noise).",
                "Stronger augmentation of what they share: colour jitter, smaller crops.",
            ),
        );
        let now = mean(&[probe.loss]);
        let seen = format!(
            "loss {} after {} in the first epoch, best kNN {:.1} %, random-init {:.1} %",
            number(now),
            number(start),
            100.0 * best,
            100.0 * random
        );
        let means = format!("The loss is met by a shortcut: something that tells images apart and says nothing of what is in \
                             them. {why}");
        self.raise(alarms, "shortcut", probe.epoch, seen, means, remedy);
    }

    /// Whether a verdict was given that explains why probes are bad.
    fn explained(&self) -> bool {
        ["total-collapse", "dimensional-collapse", "learning-rate-too-high", "not-finite", "identical-views"]
            .iter()
            .any(|kind| self.has_raised(kind))
    }
}
