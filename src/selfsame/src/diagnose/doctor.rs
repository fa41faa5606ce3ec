//! Listens to a run and says when something is wrong.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::remedy::{number, suspect};
use super::thresholds::*;
use super::{Alarm, Geometry};

/// What an online probe measured, on samples the run does not train on.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Mean training loss of the epoch.
    pub loss: f64,
    /// Geometry of the encoder's features, before the projector.
    pub encoder: Geometry,
    /// Geometry of the projector's output, on which the loss acts.
    pub projector: Geometry,
    /// kNN accuracy on the encoder's features, 0..1, where there are labels.
    pub knn: Option<f64>,
    /// The same for the encoder with its initial weights.
    pub random_init_knn: Option<f64>,
}

/// Listens to a run; each kind of alarm is raised once.
///
/// Its memory belongs to the run's state: serialise it into the checkpoint, so that a resumed run raises the same
/// alarms at the same steps. The thresholds are in [`thresholds`](super::thresholds).
///
/// | kind | raised |
/// | --- | --- |
/// | `learning-rate-too-high`, `temperature-too-high`, `temperature-too-low`, `projector-bottleneck` | at the first step, from the settings and what that step showed |
/// | `not-finite` | at the first loss, gradient or embedding that is NaN or infinite |
/// | `loss-exploding`, `gradient-exploding`, `gradient-vanishing` | after a few steps of it |
/// | `loss-plateau`, `loss-not-falling` | after some fifty steps on a named value, or no better than the start |
/// | `total-collapse` | all embeddings point the same way |
/// | `dimensional-collapse`, `projector-dimensional-collapse` | they spread, but along a few directions |
/// | `worse-than-random-init` | kNN stays below the untrained encoder's |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Doctor {
    context: Context,
    raised: BTreeSet<String>,
    steps: u64,
    /// Losses of the first steps, then of the latest ones.
    first: Vec<f64>,
    recent: VecDeque<f64>,
    first_gradients: Vec<f64>,
    large_gradients: u32,
    zero_gradients: u32,
    /// Spread and rank at the previous probe, and how often in a row they were bad.
    encoder: Seen,
    projector: Seen,
    low_knn: u32,
    last_knn: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    collapsed: bool,
    std: Option<f64>,
    low_rank: u32,
    rank: Option<f64>,
}

impl Doctor {
    /// A doctor for a run that has not begun.
    pub fn new(context: Context) -> Doctor {
        Doctor {
            context,
            raised: BTreeSet::new(),
            steps: 0,
            first: Vec::new(),
            recent: VecDeque::new(),
            first_gradients: Vec::new(),
            large_gradients: 0,
            zero_gradients: 0,
            encoder: Seen::default(),
            projector: Seen::default(),
            low_knn: 0,
            last_knn: 0.0,
        }
    }

    /// Hears of an optimiser step: epoch and step from 1, its loss, and the global gradient norm before clipping.
    pub fn after_step(&mut self, epoch: usize, step: u64, loss: f64, grad_norm: f64) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        self.steps += 1;
        if self.steps == 1 {
            self.settings(epoch, loss, &mut alarms);
        }
        if !loss.is_finite() || !grad_norm.is_finite() {
            self.not_finite(
                epoch,
                &format!("loss {loss}, gradient norm {grad_norm} at step {step}"),
                &mut alarms,
            );
            return alarms;
        }
        if self.first.len() < START_STEPS {
            self.first.push(loss);
        }
        self.recent.push_back(loss);
        if self.recent.len() > PLATEAU_STEPS {
            self.recent.pop_front();
        }
        self.gradients(epoch, step, grad_norm, &mut alarms);
        self.one_hot(epoch, step, &mut alarms);
        self.explosion(epoch, step, &mut alarms);
        self.plateau(epoch, step, &mut alarms);
        self.flat(epoch, step, &mut alarms);
        alarms
    }

    /// Hears of an online probe.
    pub fn after_probe(&mut self, probe: &Probe) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        if probe.encoder.std.is_nan() || probe.projector.std.is_nan() {
            let what =
                format!("embeddings without a spread at epoch {}: too few, or not all finite", probe.epoch);
            self.not_finite(probe.epoch, &what, &mut alarms);
        }
        self.collapse(probe, &mut alarms);
        self.dimensions(probe, &mut alarms);
        self.worse_than_random(probe, &mut alarms);
        alarms
    }

    /// Adds the alarm unless one of its kind was raised before.
    fn raise(
        &mut self,
        alarms: &mut Vec<Alarm>,
        kind: &str,
        epoch: usize,
        seen: String,
        means: String,
        try_this: String,
    ) {
        if self.raised.insert(kind.to_string()) {
            alarms.push(Alarm { kind: kind.into(), epoch, seen, means, try_this });
        }
    }

    fn has_raised(&self, kind: &str) -> bool {
        self.raised.contains(kind)
    }

    /// What the settings alone make certain, with the first step as evidence.
    fn settings(&mut self, epoch: usize, loss: f64, alarms: &mut Vec<Alarm>) {
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

    /// A low temperature shows at the start: a wrong winner costs many times what guessing does.
    fn one_hot(&mut self, epoch: usize, step: u64, alarms: &mut Vec<Alarm>) {
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

    fn not_finite(&mut self, epoch: usize, seen: &str, alarms: &mut Vec<Alarm>) {
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

    fn gradients(&mut self, epoch: usize, step: u64, norm: f64, alarms: &mut Vec<Alarm>) {
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

    fn explosion(&mut self, epoch: usize, step: u64, alarms: &mut Vec<Alarm>) {
        if self.steps < 2 * EXPLODE_STEPS as u64 {
            return;
        }
        let start = mean(&self.first[..EXPLODE_STEPS]);
        let now = self.latest(EXPLODE_STEPS);
        if now - start > (EXPLODE_SHARE * start.abs()).max(1.0) {
            let (why, remedy) = suspect(
                &self.context,
                (
                    "No setting stands out; the learning rate is the first thing to lower.",
                    &format!("{}, or --clip-norm 1.", self.context.lr_times(0.3)),
                ),
            );
            let seen = format!("loss {} at step {step}, {} at the start", number(now), number(start));
            let means = format!("The optimiser climbs: its steps jump over the valley they aim for. {why}");
            self.raise(alarms, "loss-exploding", epoch, seen, means, remedy);
        }
    }

    fn plateau(&mut self, epoch: usize, step: u64, alarms: &mut Vec<Alarm>) {
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

    fn flat(&mut self, epoch: usize, step: u64, alarms: &mut Vec<Alarm>) {
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

    fn collapse(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let c = self.context.clone();
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
            let long_enough = self.steps >= SETTLED_STEPS || (again && self.steps >= SETTLE_STEPS);
            if !(collapsed && long_enough && !recovering) {
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

    fn dimensions(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let c = self.context.clone();
        let parts = [
            ("dimensional-collapse", "encoder features", &probe.encoder, c.encoder_dim),
            ("projector-dimensional-collapse", "projector output", &probe.projector, c.projector_dim),
        ];
        for (i, (kind, what, geometry, d)) in parts.into_iter().enumerate() {
            let seen = if i == 0 { &mut self.encoder } else { &mut self.projector };
            let limit = (LOW_RANK_SHARE * d as f64).max(LOW_RANK);
            // At width 2 or 3 a rank of one and a half is not far from all there is.
            let low = d >= 4 && !seen.collapsed && geometry.rankme < limit && geometry.effective_rank < limit;
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

    fn worse_than_random(&mut self, probe: &Probe, alarms: &mut Vec<Alarm>) {
        let (Some(knn), Some(random)) = (probe.knn, probe.random_init_knn) else { return };
        let improving = knn > self.last_knn + 0.005;
        self.last_knn = knn;
        let low = knn < random - KNN_MARGIN && self.steps >= KNN_STEPS;
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

    /// Mean of the latest `count` losses.
    fn latest(&self, count: usize) -> f64 {
        mean(self.recent.iter().rev().take(count))
    }
}

fn mean<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
    sum / count
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
