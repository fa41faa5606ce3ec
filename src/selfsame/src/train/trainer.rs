//! The training loop: batches in, optimiser steps, probes, alarms, checkpoints.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::learns::{Learns, Typed};
use super::metrics::{append, EpochMetrics};
use super::probe::{Measured, OnlineProbe};
use super::progress::{differences, Partial, Progress};
use super::step::Step;
use super::weights::Header;
use super::{checkpoint, snapshot, Ending, EpochLine, Plan, StepLine, TrainConfig, Watch};
use crate::augment::{Normalise, Views};
use crate::data::{epoch_order, for_each_batch, Batches, Dataset, Holds};
use crate::diagnose::{Alarm, Context, Doctor};
use crate::error::{Error, Result};
use crate::eval::{embed, Features};
use crate::files::write_atomic;
use crate::front;
use crate::interrupt::interrupted;
use crate::methods::Method;
use crate::nn::Encoder;
use crate::ops::Engine;
use crate::optim::{Cosine, Optimizer, Rule, Schedule};
use crate::shape::{AnyImage, ImageShape};
use crate::tape::count_parameters;

/// The loop for one objective, with or without a run folder.
///
/// Each of [`TrainConfig`]'s settings has a method of its own name; what one of them set stands, whether
/// [`config`](Trainer::config) comes before or after it.
///
/// ```
/// use selfsame::prelude::*;
/// let trainer = Trainer::new(&Cpu::default()).epochs(5).config(TrainConfig { lr: 0.01, ..Default::default() });
/// assert_eq!((trainer.settled().epochs, trainer.settled().lr), (5, 0.01));
/// ```
pub struct Trainer<'t, D> {
    dev: D,
    config: TrainConfig,
    /// What copies each setting that was set by its own method.
    set: Vec<fn(&TrainConfig, &mut TrainConfig)>,
    schedule: Option<Box<dyn Schedule + 't>>,
    folder: Option<PathBuf>,
    settings: Option<serde_json::Value>,
    watch: Option<&'t mut dyn Watch>,
    announces: bool,
}

/// A method for a setting, with the setting's name and documentation.
macro_rules! setting {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {
        /// The loop's settings, one by one.
        impl<D: Engine> Trainer<'_, D> {
            $($(#[$doc])*
            pub fn $name(mut self, $name: $type) -> Self {
                self.config.$name = $name;
                self.set.push(|from, to| to.$name = from.$name);
                self
            })*
        }
    };
}

setting! {
    /// Passes over the training part (10).
    epochs: usize,
    /// Images an optimiser step (256).
    batch_size: usize,
    /// Micro-batches a step is split into (1); see [`TrainConfig::accumulate`].
    accumulate: usize,
    /// Seed of order and views ([`default_seed`](crate::random::default_seed), 0).
    seed: u64,
    /// Update rule (AdamW).
    rule: Rule,
    /// Peak learning rate (1e-3).
    lr: f64,
    /// Weight decay of weights; biases, norms and positions have none (0.05).
    weight_decay: f64,
    /// Epochs of linear warm-up before the cosine to 0 (1).
    warmup_epochs: f64,
    /// Largest global gradient norm (`None`: off).
    clip_norm: Option<f64>,
    /// Online kNN and diagnostics every so many epochs (1).
    probe_every: usize,
}

impl<'t, D: Engine> Trainer<'t, D> {
    /// A loop with the default [`TrainConfig`] that leaves nothing on disk.
    pub fn new(dev: &D) -> Self {
        Trainer {
            dev: dev.clone(),
            config: TrainConfig::default(),
            set: Vec::new(),
            schedule: None,
            folder: None,
            settings: None,
            watch: None,
            announces: true,
        }
    }
    /// All settings but those that have been set by their own methods, which stand.
    pub fn config(mut self, config: TrainConfig) -> Self {
        let own = std::mem::replace(&mut self.config, config);
        self.set.iter().for_each(|copy| copy(&own, &mut self.config));
        self
    }
    /// The settings it is going to train with.
    pub fn settled(&self) -> &TrainConfig {
        &self.config
    }
    /// Takes the learning rate of every step from `schedule` instead of from [`TrainConfig`]'s warm-up and cosine. A run that
    /// goes on from a checkpoint must be given the same: a function cannot be compared with what it was.
    ///
    /// ```
    /// use selfsame::prelude::*;
    /// let halved_every_hundred = |step: u64, _total: u64| 1e-3 * 0.5_f64.powi((step / 100) as i32);
    /// let trainer = Trainer::new(&Cpu::default()).schedule(halved_every_hundred);
    /// # let _ = trainer;
    /// ```
    pub fn schedule(mut self, schedule: impl Schedule + 't) -> Self {
        self.schedule = Some(Box::new(schedule));
        self
    }
    /// Keeps metrics and checkpoints in this run folder, which [`fit`](Trainer::fit) makes where there is none.
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_path_buf());
        self
    }
    /// Everything the run is made with, as an object: it is kept in the checkpoint, and a run only goes on from a
    /// checkpoint that holds the same. The loop's own [`TrainConfig`] when this is not called.
    pub fn settings(mut self, settings: serde_json::Value) -> Self {
        self.settings = Some(settings);
        self
    }
    /// Tells `watch` what happens; [`front::watch`] hears it when this is not called.
    pub fn watch(mut self, watch: &'t mut dyn Watch) -> Self {
        self.watch = Some(watch);
        self
    }
    /// As [`Trainer::watch`], for a caller that says itself when the run begins and ends.
    pub(crate) fn watch_within(mut self, watch: &'t mut dyn Watch) -> Self {
        self.announces = false;
        self.watch(watch)
    }

    /// Trains `method` on the training part of `data` until the configured epoch, from the folder's checkpoint if there
    /// is one. When a stop is asked for ([`interrupt`](crate::interrupt())) it ends after the step under way, with a
    /// checkpoint, and returns what it has.
    ///
    /// # Errors
    /// Settings out of range, views that do not fit the encoder, data that cannot be read, a folder that cannot be
    /// written, a checkpoint that is damaged or was made with other settings; [`Error::Diverged`] when the loss or a gradient is not finite, with the last
    /// checkpoint kept as it was.
    pub fn fit<M: Method<D>>(
        self,
        method: &mut M,
        data: &impl Holds<<M::Encoder as Encoder<D>>::Input>,
        views: &Views,
    ) -> Result<Progress> {
        let data = data.dataset();
        let (shape, takes) = (data.shape(), method.encoder().input());
        if shape != takes {
            return Err(Error::shape("images for the encoder", takes.size(), shape.size()));
        }
        if views.count() != method.views() {
            return Err(Error::shape("views for this objective", method.views(), views.count()));
        }
        let dev = self.dev.clone();
        D::train(self, &mut Typed { method, dev }, &data.any(), views)
    }

    pub(super) fn run(
        mut self,
        method: &mut dyn Learns<D>,
        data: &Dataset<AnyImage>,
        views: &Views,
    ) -> Result<Progress> {
        let shape = data.shape();
        self.config.validate(data.train().len())?;
        method.fits(self.config.batch_size / self.config.accumulate, data.train().len())?;
        views.validate(shape.size())?;
        if let Some(view) = (0..views.count()).find(|view| views.view_size(*view) != shape.size()) {
            let what = format!("view {view}, which must have the size of the encoder's images");
            return Err(Error::shape(what, shape.size(), views.view_size(view)));
        }
        if let Some(folder) = &self.folder {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        }
        let mut optimizer = Optimizer::new(self.config.rule, self.config.weight_decay);
        let mut usual = front::watch();
        let watch: &mut dyn Watch = match self.watch.take() {
            Some(watch) => watch,
            None => usual.as_mut(),
        };
        if self.announces {
            watch.started(&self.plan(method, data)?);
        }
        let probe = OnlineProbe::new(data, views, self.config.seed)?;
        let mut progress = self.start(method, &mut optimizer, &probe)?;
        while !progress.is_done(&self.config) {
            let stopped = self.epoch(method, &mut optimizer, data, views, &probe, &mut progress, watch)?;
            self.save(method, &optimizer, &progress)?;
            if stopped || watch.enough() {
                break;
            }
        }
        if self.announces {
            watch.ended(&Ending {
                folder: self.folder.clone(),
                epochs_done: progress.epochs_done,
                steps_done: progress.steps_done,
                stopped: !progress.is_done(&self.config),
                verdict: None,
            });
        }
        Ok(progress)
    }

    /// What is about to happen, in the types' own words.
    fn plan(&self, method: &dyn Learns<D>, data: &Dataset<AnyImage>) -> Result<Plan> {
        let images = data.train().len();
        Ok(Plan {
            folder: self.folder.clone(),
            method: method.about(self.config.batch_size).name.into(),
            data: data.name().into(),
            encoder: method.describe(),
            encoder_parameters: count_parameters(method.encoder()),
            epochs: self.config.epochs,
            epochs_done: self.epochs_done()?,
            steps_per_epoch: self.steps_per_epoch(images),
            batch: self.config.batch_size,
            train_images: images,
        })
    }

    /// Progress from the folder's checkpoint, or a new one whose first row is the encoder before training.
    fn start(
        &self,
        method: &mut dyn Learns<D>,
        optimizer: &mut Optimizer,
        probe: &OnlineProbe,
    ) -> Result<Progress> {
        if let Some(folder) = self.begun()? {
            let progress: Progress = checkpoint::load(folder, method, optimizer)?;
            // Lines written after the checkpoint are made again.
            let lines = progress.history.iter().map(EpochMetrics::line).collect::<Result<String>>()?;
            write_atomic(folder.join("metrics.jsonl"), lines.as_bytes())?;
            return Ok(progress);
        }
        let about = method.about(self.config.batch_size / self.config.accumulate);
        let doctor = Doctor::new(Context {
            method: about.name.into(),
            optimizer: self.config.rule.name().into(),
            batch: self.config.batch_size,
            accumulate: self.config.accumulate,
            temperature: about.temperature,
            lr: self.config.lr,
            encoder_dim: method.width(),
            projector_dim: about.projector_dim,
            plateaus: about.plateaus,
            moving_targets: about.moving_targets,
            sees_labels: about.sees_labels,
            missing: method.missing(),
        });
        let Measured { encoder, projector, knn, linear, .. } = probe.measure(method)?;
        let row = EpochMetrics {
            epoch: 0,
            step: 0,
            loss: None,
            lr: None,
            grad_norm: None,
            knn: Some(knn),
            linear: Some(linear),
            std: Some(encoder.std),
            rankme: Some(encoder.rankme),
            encoder: Some(encoder),
            projector: Some(projector),
            statistics: None,
            terms: BTreeMap::new(),
        };
        if let Some(folder) = &self.folder {
            write_atomic(folder.join("metrics.jsonl"), row.line()?.as_bytes())?;
        }
        let progress = Progress {
            epochs_done: 0,
            steps_done: 0,
            history: vec![row],
            alarms: Vec::new(),
            images: 0,
            train_seconds: 0.0,
            settings: self.made_with()?,
            partial: Partial::default(),
            doctor,
        };
        self.save(method, optimizer, &progress)?;
        Ok(progress)
    }

    fn save(&self, method: &dyn Learns<D>, optimizer: &Optimizer, progress: &Progress) -> Result<()> {
        self.folder.as_deref().map_or(Ok(()), |f| checkpoint::save(f, method, optimizer, progress))
    }

    /// The rest of the epoch under way; says whether a stop was asked for before its end.
    #[allow(clippy::too_many_arguments)] // the loop's whole state, passed from one function to its only other half
    fn epoch(
        &self,
        method: &mut dyn Learns<D>,
        optimizer: &mut Optimizer,
        data: &Dataset<AnyImage>,
        views: &Views,
        probe: &OnlineProbe,
        progress: &mut Progress,
        watch: &mut dyn Watch,
    ) -> Result<bool> {
        let (part, epoch) = (data.train(), progress.epochs_done + 1);
        let micro = self.config.batch_size / self.config.accumulate;
        let steps = self.steps_per_epoch(part.len());
        let total = steps * self.config.epochs as u64;
        let order = epoch_order(part.len(), self.config.seed, epoch as u64);
        let batches = Batches {
            order: &order[..steps as usize * self.config.batch_size],
            batch: micro,
            start_batch: progress.partial.steps as usize * self.config.accumulate,
            drop_last: true,
            seed: self.config.seed,
            epoch: epoch as u64,
        };
        let (begun, images_before) = (Instant::now(), progress.images);
        if progress.partial.steps == 0 {
            let normalise = evaluation_normalise(views, part.shape().size().channels);
            // To the end even when a stop was asked for: the loop stops after the step that follows.
            let width = method.width();
            let embed = |features: Features<'_>| embed(&part, &normalise, width, &|| false, features);
            method.before_epoch(epoch as u64, &embed)?;
        }
        let mut step = Step::default();
        let flow = for_each_batch(&part, batches, views, |batch| {
            let key = [self.config.seed, epoch as u64, batch.number as u64];
            let loss = method.loss(batch, key)?;
            step.add(method, loss)?;
            if step.parts < self.config.accumulate {
                return Ok(ControlFlow::Continue(()));
            }
            let lr = self.rate(progress.steps_done, part.len())?;
            self.finish(&mut step, method, optimizer, lr, total, progress, watch)?;
            Ok(if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        let seconds = begun.elapsed().as_secs_f64();
        progress.train_seconds += seconds;
        // Stopped after the epoch's very last step, the epoch is complete and is closed as any other.
        if flow.is_break() && progress.partial.steps < steps {
            return Ok(true);
        }
        let rate = (progress.images - images_before) as f64 / seconds.max(1e-9);
        let lr = self.rate(progress.steps_done.saturating_sub(1), part.len())?;
        self.close(method, probe, progress, watch, lr, rate)?;
        Ok(flow.is_break())
    }

    /// The optimiser's half of a step: clip, move, tell.
    #[allow(clippy::too_many_arguments)]
    fn finish(
        &self,
        step: &mut Step,
        method: &mut dyn Learns<D>,
        optimizer: &mut Optimizer,
        lr: f64,
        total: u64,
        progress: &mut Progress,
        watch: &mut dyn Watch,
    ) -> Result<()> {
        let (epoch, number) = (progress.epochs_done + 1, progress.steps_done + 1);
        let loss = step.loss / self.config.accumulate as f64;
        step.gradient.mean();
        let norm = match self.config.clip_norm {
            Some(max) => step.gradient.clip_norm(max),
            None => step.gradient.norm(),
        };
        let alarms = progress.doctor.after_step(epoch, number, loss, norm);
        tell(alarms, progress, watch);
        if !(loss.is_finite() && norm.is_finite()) {
            return Err(diverged(epoch, number, loss, norm, progress));
        }
        optimizer.step(method, step.gradient.mean(), lr)?;
        method.after_step(number, total)?;
        progress.steps_done = number;
        progress.images += self.config.batch_size as u64;
        progress.partial.steps += 1;
        progress.partial.loss += loss;
        for (name, sum) in &step.terms {
            let mean = sum / self.config.accumulate as f64;
            *progress.partial.terms.entry(name.clone()).or_default() += mean;
        }
        progress.partial.grad_norm += norm;
        step.clear();
        watch.stepped(&StepLine { epoch, step: number, loss, lr, images: self.config.batch_size });
        Ok(())
    }

    /// Ends an epoch: probe, alarms, its line of metrics.
    fn close(
        &self,
        method: &mut dyn Learns<D>,
        probe: &OnlineProbe,
        progress: &mut Progress,
        watch: &mut dyn Watch,
        lr: f64,
        images_per_second: f64,
    ) -> Result<()> {
        let epoch = progress.epochs_done + 1;
        let steps = progress.partial.steps.max(1) as f64;
        let loss = progress.partial.loss / steps;
        let mut row = EpochMetrics {
            epoch,
            step: progress.steps_done,
            loss: Some(loss),
            lr: Some(lr),
            grad_norm: Some(progress.partial.grad_norm / steps),
            knn: None,
            linear: None,
            std: None,
            rankme: None,
            encoder: None,
            projector: None,
            statistics: None,
            terms: std::mem::take(&mut progress.partial.terms)
                .into_iter()
                .map(|(name, sum)| (name, sum / steps))
                .collect(),
        };
        if epoch.is_multiple_of(self.config.probe_every) || epoch == self.config.epochs {
            let Measured { encoder, projector, knn, linear, asked, train_eval_cosine } =
                probe.measure(method)?;
            let statistics = method.statistics()?;
            let untrained = progress.history.first();
            let seen = crate::diagnose::Probe {
                epoch,
                loss,
                encoder: encoder.clone(),
                projector: projector.clone(),
                knn: Some(knn),
                random_init_knn: untrained.and_then(|row| row.knn),
                random_init_projector_std: untrained.and_then(|row| Some(row.projector.as_ref()?.std)),
                asked,
                train_eval_cosine,
                statistics,
            };
            let alarms = progress.doctor.after_probe(&seen);
            tell(alarms, progress, watch);
            (row.knn, row.linear) = (Some(knn), Some(linear));
            (row.std, row.rankme) = (Some(encoder.std), Some(encoder.rankme));
            (row.encoder, row.projector) = (Some(encoder), Some(projector));
            row.statistics = Some(statistics).filter(|s| !s.is_empty());
        }
        if let Some(folder) = &self.folder {
            append(&folder.join("metrics.jsonl"), &row)?;
        }
        let header = self.header(method, probe)?;
        snapshot::show(&*method, method.encoder(), &header, &mut |model| watch.measured(&row, model));
        watch.epoch_done(&EpochLine {
            epoch,
            loss,
            knn: row.knn,
            linear: row.linear,
            std: row.std,
            rankme: row.rankme,
            images_per_second,
        });
        progress.history.push(row);
        progress.epochs_done = epoch;
        progress.partial = Partial::default();
        Ok(())
    }

    /// Complete epochs in the folder's checkpoint; 0 without one.
    ///
    /// # Errors
    /// A checkpoint that is damaged or was made with other settings.
    pub fn epochs_done(&self) -> Result<usize> {
        match self.begun()? {
            Some(folder) => Ok(checkpoint::load_state::<Progress>(folder)?.epochs_done),
            None => Ok(0),
        }
    }

    /// The folder when there is a checkpoint in it, made with the same settings.
    fn begun(&self) -> Result<Option<&Path>> {
        let Some(folder) = self.folder.as_deref().filter(|f| checkpoint::exists(f)) else { return Ok(None) };
        let (now, then) = (self.made_with()?, checkpoint::load_state::<Progress>(folder)?.settings);
        let differ = differences(&now, &then);
        if differ.is_empty() {
            return Ok(Some(folder));
        }
        let remedy = "Put those settings back (in config.json, where the run has one), or start a new run.";
        Err(Error::run(folder, format!("its checkpoint was made with other settings: {differ}"), remedy))
    }

    /// What a file of the encoder's weights is to say.
    fn header(&self, method: &dyn Learns<D>, probe: &OnlineProbe) -> Result<Header> {
        let size = method.size();
        Ok(Header {
            encoder: method.describe(),
            layout: vec![size.channels, size.height, size.width],
            normalise: Some(probe.normalise().clone()),
            recipe: self.made_with()?,
        })
    }

    fn made_with(&self) -> Result<serde_json::Value> {
        match &self.settings {
            Some(settings) => Ok(settings.clone()),
            None => serde_json::to_value(&self.config).map_err(|e| Error::run("config", e.to_string(), "")),
        }
    }

    /// Optimiser steps an epoch; a last incomplete batch is left out.
    pub fn steps_per_epoch(&self, images: usize) -> u64 {
        (images / self.config.batch_size.max(1)) as u64
    }

    /// The learning rate of `step`, counted from 0.
    fn rate(&self, step: u64, images: usize) -> Result<f64> {
        let steps = self.steps_per_epoch(images);
        let total = steps.saturating_mul(self.config.epochs as u64);
        let Some(schedule) = &self.schedule else {
            let warmup = (self.config.warmup_epochs * steps as f64).round() as u64;
            return Ok(Cosine::new(self.config.lr, warmup, total).at(step));
        };
        match schedule.at(step, total) {
            lr if lr.is_finite() && lr >= 0.0 => Ok(lr),
            lr => {
                let name = format!("the schedule's learning rate at step {step} of {total}");
                Err(Error::setting(name, lr, "0 or a positive number", "Steps are counted from 0."))
            }
        }
    }
}

fn tell(alarms: Vec<Alarm>, progress: &mut Progress, watch: &mut dyn Watch) {
    for alarm in alarms {
        watch.alarm(&alarm);
        progress.alarms.push(alarm);
    }
}

/// The error of a run whose numbers are no longer finite, in the doctor's words.
fn diverged(epoch: usize, step: u64, loss: f64, norm: f64, progress: &Progress) -> Error {
    let said = progress.alarms.iter().rev().find(|a| a.kind == "not-finite");
    Error::Diverged {
        epoch,
        step,
        found: format!("loss {loss}, gradient norm {norm}"),
        means: said.map_or_else(|| "A weight or activation overflowed.".into(), |a| a.means.clone()),
        remedy: said.map_or_else(|| "a lower learning rate (--lr 1e-3).".into(), |a| a.try_this.clone()),
    }
}

/// What evaluation does to images before an encoder trained on `views` sees them.
pub(crate) fn evaluation_normalise(views: &Views, channels: usize) -> Normalise {
    views.evaluation_normalise().cloned().unwrap_or_else(|| Normalise::identity(channels))
}
