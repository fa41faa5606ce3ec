//! Embeddings that no longer differ, or along few directions only; views that do not differ; batch norm that leaks.

use super::listen::{Doctor, Probe};
use crate::diagnose::remedy::{number, suspect};
use crate::diagnose::thresholds::*;
use crate::diagnose::Alarm;

impl Doctor {
    pub(super) fn collapse(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let c = self.context.clone();
        let opening = self.opening(probe);
        let parts = [
            ("projector output", &probe.projector, c.projector_dim, COLLAPSED, COLLAPSED_COSINE),
            ("encoder features", &probe.encoder, c.encoder_dim, COLLAPSED_ENCODER, 2.0),
        ];
        for (i, (what, geometry, d, share, cosine)) in parts.into_iter().enumerate() {
            // One normalised number is its sign; that has an alarm of its own.
            if d < 2 {
                continue;
            }
            let healthy = 1.0 / (d as f64).sqrt();
            let collapsed = geometry.std < share * healthy || geometry.mean_cosine > cosine;
            let seen = if i == 0 { &mut self.projector } else { &mut self.encoder };
            let recovering = seen.std.is_some_and(|before| geometry.std > RECOVERING * before);
            let again = seen.collapsed;
            seen.collapsed = collapsed;
            seen.std = Some(geometry.std).filter(|v| v.is_finite());
            let on_its_way = recovering || (i == 0 && opening);
            let long_enough = self.steps >= SETTLED_STEPS || (again && self.steps >= SETTLE_STEPS);
            if !collapsed || !long_enough || on_its_way {
                continue;
            }
            let (why, remedy) = suspect(
                &c,
                (
                    "No setting stands out: a part that keeps views apart (negatives, stop-gradient, predictor, \
                     decorrelation) is missing or too weak, or the learning rate is too high for it.",
                    &format!("{} first; then stronger augmentation or --batch-size {}.", c.lr_times(0.3), 2 * c.batch),
                ),
            );
            let text = format!(
                "{what}: std {} ({} is healthy at width {d}), mean cosine {:.4}",
                number(geometry.std),
                number(healthy),
                geometry.mean_cosine
            );
            let means =
                format!("Every image gets the same embedding, so it says nothing about the image. {why}");
            self.raise(alarms, "total-collapse", probe.epoch, text, means, remedy);
        }
    }

    /// Whether the projector began narrow and may still open: a network can put all images nearly in one point before it is
    /// trained, and what has lost nothing since was not collapsed by training.
    fn opening(&mut self, probe: &Probe) -> bool {
        let Some(start) = probe.random_init_projector_std else { return false };
        let now = probe.projector.std;
        self.widest = self.widest.max(start).max(now);
        now > SPREAD_LEFT * self.widest && self.steps < OPENING_STEPS
    }

    pub(super) fn dimensions(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let c = self.context.clone();
        let parts = [
            ("dimensional-collapse", "encoder features", &probe.encoder, c.encoder_dim),
            ("projector-dimensional-collapse", "projector output", &probe.projector, c.projector_dim),
        ];
        for (i, (kind, what, geometry, d)) in parts.into_iter().enumerate() {
            let seen = if i == 0 { &mut self.encoder } else { &mut self.projector };
            let limit = (LOW_RANK_SHARE * d as f64).max(LOW_RANK);
            // At width 2 or 3 a rank of one and a half is not far from all there is.
            let one_direction = (LOW_EFFECTIVE_SHARE * d as f64).max(LOW_RANK);
            // One direction with nearly all of the variance is a stage where labels gather each class in a point: it tells
            // two groups of classes apart before the others.
            let one = i == 1 && !c.sees_labels && geometry.effective_rank < one_direction;
            let few = geometry.rankme < limit || one;
            let low = d >= 4 && !seen.collapsed && few && geometry.effective_rank < limit;
            let recovering = seen.rank.is_some_and(|before| geometry.rankme > RECOVERING * before);
            seen.low_rank = if low && !recovering { seen.low_rank + 1 } else { 0 };
            seen.rank = Some(geometry.rankme).filter(|v| v.is_finite());
            if seen.low_rank < LOW_RANK_PROBES {
                continue;
            }
            let wider = c.projector_flag();
            let otherwise = if i == 0 {
                (
                    "Views that differ too much, or too little, leave only a few features worth keeping.",
                    format!("{}; then weaker cropping.", c.lr_times(0.3)),
                )
            } else {
                ("The loss is content with few directions.", format!("{wider}, or --temperature 0.1."))
            };
            let (why, remedy) = suspect(&c, (otherwise.0, &otherwise.1));
            let text = format!(
                "{what}: RankMe {:.1} and effective rank {:.1} of {d}, std {}",
                geometry.rankme,
                geometry.effective_rank,
                number(geometry.std)
            );
            let means = format!(
                "Embeddings spread, but along {:.0} of {d} directions; the others carry nothing a probe could use. {why}",
                geometry.rankme.max(1.0)
            );
            self.raise(alarms, kind, probe.epoch, text, means, remedy);
        }
    }

    /// Two views of an image that are the same to the encoder, while images differ.
    pub(super) fn identical_views(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let spread = probe.encoder.std > COLLAPSED_ENCODER / (self.context.encoder_dim.max(1) as f64).sqrt();
        if !(probe.encoder.alignment < SAME_VIEWS && spread) {
            return;
        }
        let seen = format!(
            "mean squared distance between two views of an image {}, between images up to 4; mean cosine of images {:.3}",
            number(probe.encoder.alignment),
            probe.encoder.mean_cosine
        );
        let means = "Both views are the same picture, so there is nothing to become invariant to: the loss is solved by \
                     whatever tells pixels apart, and the features stay those of an untrained encoder.";
        let remedy = "Take random views (--set augmentation=default, or `views::simclr` in Rust), with cropping first.";
        self.raise(alarms, "identical-views", probe.epoch, seen, means.into(), remedy.into());
    }

    /// Features that are one thing with the batch's statistics and another with the running ones.
    pub(super) fn batch_norm(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let Some(cosine) = probe.train_eval_cosine.filter(|c| c.is_finite()) else { return };
        let apart = cosine < TRAIN_EVAL_COSINE && self.steps >= SETTLED_STEPS;
        self.leaks = if apart { self.leaks + 1 } else { 0 };
        if self.leaks < LEAK_PROBES {
            return;
        }
        let c = &self.context;
        let (why, remedy) = suspect(
            c,
            (
                "No setting stands out: small batches make statistics that say much of the batch, and a fast learning rate \
                 leaves the running ones behind.",
                &format!("--batch-size {}, then {}.", 2 * c.batch.max(64), c.lr_times(0.3)),
            ),
        );
        let seen = format!(
            "features of the same images in training and in evaluation mode: mean cosine {cosine:.3} (1 is agreement)"
        );
        let means = format!(
            "Batch norm's batch statistics carry information that its running statistics do not: the loss uses what other \
             images of the batch tell, and the encoder that is kept is not the one that was trained. {why}"
        );
        self.raise(alarms, "batch-norm-leak", probe.epoch, seen, means, remedy);
    }
}
