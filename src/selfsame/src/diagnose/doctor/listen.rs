//! Listens to a run and says when something is wrong.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::diagnose::thresholds::{PLATEAU_STEPS, START_STEPS};
use crate::diagnose::{Alarm, Context, Geometry, Statistics};

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
    /// Spread of the projector's output with its initial weights, from which a collapse is told from a slow start; without it
    /// every narrow spread counts.
    pub random_init_projector_std: Option<f64>,
    /// Images that both accuracies are of: on few, they differ by chance.
    pub asked: usize,
    /// Mean cosine between features of the same images with the batch's statistics and with the running ones, where it was
    /// measured.
    pub train_eval_cosine: Option<f64>,
    /// What the objective says of its teacher, prototypes and predictor.
    pub statistics: Statistics,
}

/// Listens to a run; each kind of alarm is raised once.
///
/// Its memory belongs to the run's state: serialise it into the checkpoint, so that a resumed run raises the same
/// alarms at the same steps. The thresholds are in `thresholds`.
///
/// | kind | raised |
/// | --- | --- |
/// | `learning-rate-too-high`, `temperature-too-high`, `temperature-too-low`, `projector-bottleneck` | at the first step, from the settings and what that step showed |
/// | `not-finite` | at the first loss, gradient or embedding that is NaN or infinite |
/// | `loss-exploding`, `gradient-exploding`, `gradient-vanishing` | after a few steps of it |
/// | `loss-plateau`, `loss-not-falling` | after some fifty steps on a named value, or no better than the start; of a teacher's student, no better than saying nothing |
/// | `total-collapse` | all embeddings point the same way |
/// | `dimensional-collapse`, `projector-dimensional-collapse` | they spread, but along a few directions |
/// | `identical-views` | two views of an image are the same to the encoder, while images differ |
/// | `norm-exploding` | embeddings grow by orders of magnitude |
/// | `batch-norm-leak` | features differ between training and evaluation mode |
/// | `uniform-teacher`, `one-hot-teacher` | a teacher says the same of every image |
/// | `prototype-starvation` | most prototypes are never used |
/// | `teacher-without-memory`, `teacher-frozen` | the momentum is 0, or 1 |
/// | `worse-than-random-init` | kNN stays below the untrained encoder's |
/// | `probe-falling` | kNN was better before and stays worse |
/// | `shortcut` | the loss falls and kNN never gets above the untrained encoder's |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Doctor {
    pub(super) context: Context,
    pub(super) raised: BTreeSet<String>,
    pub(super) steps: u64,
    /// Losses of the first steps, then of the latest ones.
    pub(super) first: Vec<f64>,
    pub(super) recent: VecDeque<f64>,
    pub(super) first_gradients: Vec<f64>,
    pub(super) large_gradients: u32,
    pub(super) zero_gradients: u32,
    /// Spread and rank at the previous probe, and how often in a row they were bad.
    pub(super) encoder: Seen,
    pub(super) projector: Seen,
    /// Widest spread the projector's output had so far.
    #[serde(default)]
    pub(super) widest: f64,
    pub(super) low_knn: u32,
    pub(super) last_knn: f64,
    pub(super) first_norm: Option<f64>,
    pub(super) large_norms: u32,
    pub(super) best_knn: Option<(f64, usize)>,
    pub(super) lost: u32,
    pub(super) first_loss: Option<f64>,
    pub(super) useless: u32,
    pub(super) leaks: u32,
    /// Targets, prototypes and momentum at the previous probe, and how often in a row they were bad.
    pub(super) uniform_targets: u32,
    pub(super) one_hot_targets: u32,
    pub(super) starved: u32,
    pub(super) last_used: Option<f64>,
    pub(super) last_momentum: Option<f64>,
    /// Entropy of the targets and loss at the previous probe, and how often in a row the loss was that of saying nothing.
    #[serde(default)]
    pub(super) last_entropy: Option<f64>,
    #[serde(default)]
    pub(super) last_probe_loss: Option<f64>,
    #[serde(default)]
    pub(super) pinned: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) collapsed: bool,
    pub(super) std: Option<f64>,
    pub(super) low_rank: u32,
    pub(super) rank: Option<f64>,
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
            widest: 0.0,
            low_knn: 0,
            last_knn: 0.0,
            first_norm: None,
            large_norms: 0,
            best_knn: None,
            lost: 0,
            first_loss: None,
            useless: 0,
            leaks: 0,
            uniform_targets: 0,
            one_hot_targets: 0,
            starved: 0,
            last_used: None,
            last_momentum: None,
            last_entropy: None,
            last_probe_loss: None,
            pinned: 0,
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
        self.identical_views(probe, &mut alarms);
        self.targets(probe, &mut alarms);
        self.prototypes(probe, &mut alarms);
        self.momentum(probe, &mut alarms);
        self.collapse(probe, &mut alarms);
        self.pinned(probe, &mut alarms);
        self.dimensions(probe, &mut alarms);
        self.norms(probe, &mut alarms);
        self.batch_norm(probe, &mut alarms);
        self.worse_than_random(probe, &mut alarms);
        self.falling(probe, &mut alarms);
        self.shortcut(probe, &mut alarms);
        alarms
    }

    /// Adds the alarm unless one of its kind was raised before.
    pub(super) fn raise(
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

    pub(super) fn has_raised(&self, kind: &str) -> bool {
        self.raised.contains(kind)
    }

    /// Mean of the latest `count` losses.
    pub(super) fn latest(&self, count: usize) -> f64 {
        mean(self.recent.iter().rev().take(count))
    }
}

pub(super) fn mean<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
    sum / count
}

pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
