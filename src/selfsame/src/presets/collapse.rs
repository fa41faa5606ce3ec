//! A gallery of deliberate collapses: runs that are spoilt in one way each, beside the same run in good health.
//!
//! ```no_run
//! for entry in selfsame::presets::collapse::list() {
//!     println!("{}: {}", entry.name, entry.change);
//! }
//! let shown = selfsame::presets::collapse::run("simsiam-no-stop-gradient", 0)?;
//! assert!(shown.named_correctly);
//! println!("{}", shown.text());
//! # Ok::<(), selfsame::Error>(())
//! ```

use std::collections::BTreeMap;

use dfdx::prelude::Cpu;
use serde::Serialize;
use serde_json::Value;

use super::data::{normalise, open, DataKind};
use super::objectives::build;
use super::TrainSpec;
use crate::augment::{View, Views};
use crate::data::Dataset;
use crate::diagnose::Alarm;
use crate::error::{Error, Result};
use crate::methods::Method;
use crate::shape::{AnyImage, ImageShape};
use crate::train::{EpochMetrics, Trainer, Watch};

/// Passes over the embedded digits a run has, collapsed or not.
const EPOCHS: usize = 20;
/// The small network all runs train; collapses are the objectives' and need no large one.
const ENCODER: &str = "mlp";

/// One deliberate mistake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Collapse {
    /// Its name, `simsiam-no-stop-gradient`.
    pub name: &'static str,
    /// The objective that is spoilt.
    pub method: &'static str,
    /// What is changed, as `train` would be told, or in words.
    pub change: &'static str,
    /// What it shows, as a sentence.
    pub shows: &'static str,
    /// Kinds of alarm that name it; the first is the usual one.
    pub kinds: &'static [&'static str],
    /// Settings that make it.
    settings: &'static [(&'static str, Setting)],
}

/// A setting of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Setting {
    /// The objective's own, a number.
    Number(f64),
    /// The objective's own, a whole number.
    Count(u64),
    /// The objective's own, switched off.
    Off,
    /// The temperature.
    Temperature(f64),
    /// The peak learning rate.
    Rate(f64),
    /// The projector's width.
    Width(usize),
    /// All views are the image itself.
    SameViews,
}

/// All entries of the gallery.
pub fn list() -> &'static [Collapse] {
    ENTRIES
}

/// The entry called `name`.
///
/// # Errors
/// [`Error::Unknown`] with the names there are.
pub fn find(name: &str) -> Result<&'static Collapse> {
    let known: Vec<&str> = ENTRIES.iter().map(|e| e.name).collect();
    ENTRIES.iter().find(|e| e.name == name).ok_or_else(|| Error::unknown("collapse", name, &known))
}

const fn entry(
    name: &'static str,
    method: &'static str,
    change: &'static str,
    shows: &'static str,
    kinds: &'static [&'static str],
    settings: &'static [(&'static str, Setting)],
) -> Collapse {
    Collapse { name, method, change, shows, kinds, settings }
}

const TOTAL: &[&str] = &["total-collapse"];
const DIMENSIONAL: &[&str] = &["projector-dimensional-collapse", "dimensional-collapse"];

const ENTRIES: &[Collapse] = &[
    entry(
        "simsiam-no-stop-gradient",
        "simsiam",
        "--set stop_gradient=false",
        "Targets that move towards predictions meet them at a constant.",
        TOTAL,
        &[("stop_gradient", Setting::Off)],
    ),
    entry(
        "simsiam-no-predictor",
        "simsiam",
        "--set predictor=false",
        "Without a predictor the stop-gradient alone does not help.",
        TOTAL,
        &[("predictor", Setting::Off)],
    ),
    entry(
        "byol-no-predictor",
        "byol",
        "--set predictor=false",
        "A student that must equal the mean of its own past becomes a constant.",
        TOTAL,
        &[("predictor", Setting::Off)],
    ),
    entry(
        "byol-momentum-0",
        "byol",
        "--set momentum=0 --set rising=false",
        "A teacher that is the student of the last step steadies nothing.",
        &["teacher-without-memory", "total-collapse"],
        &[("momentum", Setting::Number(0.0)), ("rising", Setting::Off)],
    ),
    entry(
        "byol-momentum-1",
        "byol",
        "--set momentum=1",
        "A teacher that never moves is a random encoder, and teaches that.",
        &["teacher-frozen"],
        &[("momentum", Setting::Number(1.0))],
    ),
    entry(
        "vicreg-no-variance",
        "vicreg",
        "--set variance=0",
        "Views agree best where everything is the same point.",
        TOTAL,
        &[("variance", Setting::Number(0.0))],
    ),
    entry(
        "vicreg-no-covariance",
        "vicreg",
        "--set covariance=0",
        "Features vary, all in the same way.",
        DIMENSIONAL,
        &[("covariance", Setting::Number(0.0))],
    ),
    entry(
        "barlow-no-decorrelation",
        "barlow",
        "--set lambda=0",
        "Every feature may say what the others say.",
        DIMENSIONAL,
        &[("lambda", Setting::Number(0.0))],
    ),
    entry(
        "dino-no-centring",
        "dino",
        "--set centre_momentum=1",
        "Sharpening without centring: one output wins for every image.",
        &["one-hot-teacher", "prototype-starvation", "total-collapse"],
        &[("centre_momentum", Setting::Number(1.0))],
    ),
    entry(
        "dino-no-sharpening",
        "dino",
        "--set teacher_temperature=1 --set warm_teacher_temperature=1",
        "Centring without sharpening: every output is as likely as any other.",
        &["uniform-teacher"],
        &[("teacher_temperature", Setting::Number(1.0)), ("warm_teacher_temperature", Setting::Number(1.0))],
    ),
    entry(
        "swav-prototypes-unfrozen",
        "swav",
        "--set freeze_epochs=0 --lr 0.05",
        "Prototypes that move before features have settled run after each other.",
        &[
            "prototype-starvation",
            "loss-plateau",
            "total-collapse",
            "dimensional-collapse",
            "projector-dimensional-collapse",
        ],
        &[("freeze_epochs", Setting::Count(0)), ("", Setting::Rate(0.05))],
    ),
    entry(
        "simclr-temperature-1000",
        "simclr",
        "--temperature 1000",
        "All candidates weigh the same, so the loss sits at ln(2N-1).",
        &["temperature-too-high"],
        &[("", Setting::Temperature(1e3))],
    ),
    entry(
        "simclr-temperature-0.0001",
        "simclr",
        "--temperature 0.0001",
        "One candidate outweighs all others, so the loss counts accidents.",
        &["temperature-too-low"],
        &[("", Setting::Temperature(1e-4))],
    ),
    entry(
        "simclr-no-negatives",
        "simclr",
        "--set negatives=false",
        "With nothing to repel, attraction alone ends in a point.",
        TOTAL,
        &[("negatives", Setting::Off)],
    ),
    entry(
        "simclr-identity-views",
        "simclr",
        "both views are the image itself",
        "There is nothing to become invariant to.",
        &["identical-views"],
        &[("", Setting::SameViews)],
    ),
    entry(
        "simclr-projector-1",
        "simclr",
        "--projector-dim 1",
        "A normalised number is its sign.",
        &["projector-bottleneck"],
        &[("", Setting::Width(1))],
    ),
    entry(
        "simclr-learning-rate-10",
        "simclr",
        "--lr 10",
        "A step or two erases the weights.",
        &["learning-rate-too-high", "not-finite", "loss-exploding"],
        &[("", Setting::Rate(10.0))],
    ),
];

/// One entry after its run, beside its healthy twin.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// The entry's name.
    pub name: String,
    /// Its objective.
    pub method: String,
    /// What was changed.
    pub change: String,
    /// The first alarm's kind, or the first that names it; `null` where the doctor was silent.
    pub verdict: Option<String>,
    /// Whether the doctor named it.
    pub named_correctly: bool,
    /// The epoch in which it did.
    pub epoch: Option<usize>,
    /// How many alarms the healthy twin raised.
    pub healthy_twin_alarms: usize,
    /// The spoilt run.
    #[serde(skip)]
    pub spoilt: Course,
    /// The same run without the mistake.
    #[serde(skip)]
    pub healthy: Course,
    #[serde(skip)]
    shows: &'static str,
}

/// What became of a run.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// A line an epoch, epoch 0 (before training) first.
    pub history: Vec<EpochMetrics>,
    /// What the doctor said.
    pub alarms: Vec<Alarm>,
    /// Why it ended early, where numbers were no longer finite.
    pub diverged: Option<String>,
}

/// Runs one entry and its healthy twin; about ten seconds.
///
/// # Errors
/// [`Error::Unknown`] for a name that is none; [`Error::Interrupted`] when a stop was asked for.
pub fn run(name: &str, seed: u64) -> Result<Shown> {
    let entry = find(name)?;
    let mut shown = None;
    run_all(&[entry], seed, |one| shown = Some(one.clone()))?;
    shown.ok_or(Error::Interrupted)
}

/// Runs entries one after the other, each beside its healthy twin, which entries of one objective share; `each` hears of every
/// one as soon as it is known. A spoilt run ends when it has been named.
///
/// # Errors
/// As [`run`].
pub fn run_all(entries: &[&Collapse], seed: u64, mut each: impl FnMut(&Shown)) -> Result<()> {
    let data = open(DataKind::Digits, "")?;
    let mut twins: BTreeMap<&str, Course> = BTreeMap::new();
    for entry in entries {
        if !twins.contains_key(entry.method) {
            twins.insert(entry.method, course(entry.method, &[], &[], seed, &data)?);
        }
        let spoilt = course(entry.method, entry.settings, entry.kinds, seed, &data)?;
        let names = |alarm: &&Alarm| entry.kinds.contains(&alarm.kind.as_str());
        let named = spoilt.alarms.iter().find(names);
        let healthy = twins.get(entry.method).cloned().unwrap_or_default();
        each(&Shown {
            name: entry.name.into(),
            method: entry.method.into(),
            change: entry.change.into(),
            verdict: named.or(spoilt.alarms.first()).map(|alarm| alarm.kind.clone()),
            named_correctly: named.is_some(),
            epoch: named.or(spoilt.alarms.first()).map(|alarm| alarm.epoch),
            healthy_twin_alarms: healthy.alarms.len(),
            spoilt,
            healthy,
            shows: entry.shows,
        });
    }
    Ok(())
}

/// Trains until one of `kinds` has been raised, or to the end.
fn course(
    method: &str,
    settings: &[(&str, Setting)],
    kinds: &'static [&'static str],
    seed: u64,
    data: &Dataset<AnyImage>,
) -> Result<Course> {
    let spec = spec(method, settings, seed)?;
    let dev = Cpu::seed_from_u64(seed);
    let mut built = build(&dev, &spec, DataKind::Digits)?;
    let normalise = normalise(data)?;
    let views = match settings.iter().any(|(_, s)| *s == Setting::SameViews) {
        true => Views::new(vec![View::new(data.shape().size()); built.views()]).normalise(&normalise),
        false => DataKind::Digits.views(built.views(), built.local_views(), &normalise),
    };
    let mut listener = Listener { kinds, ..Default::default() };
    let fit =
        Trainer::new(&dev).config(spec.train_config()?).watch(&mut listener).fit(&mut built, data, &views);
    if crate::interrupted() {
        return Err(Error::Interrupted);
    }
    match fit {
        Ok(progress) => Ok(Course { history: progress.history, alarms: progress.alarms, diverged: None }),
        Err(e @ Error::Diverged { .. }) => {
            Ok(Course { history: Vec::new(), alarms: listener.alarms, diverged: Some(e.to_string()) })
        }
        Err(other) => Err(other),
    }
}

fn spec(method: &str, settings: &[(&str, Setting)], seed: u64) -> Result<TrainSpec> {
    let mut spec = TrainSpec {
        method: method.into(),
        data: "digits".into(),
        encoder: Some(ENCODER.into()),
        epochs: Some(EPOCHS),
        seed: Some(seed),
        ..Default::default()
    };
    for (name, setting) in settings {
        match *setting {
            Setting::Number(v) => drop(spec.settings.insert((*name).into(), v.into())),
            Setting::Count(n) => drop(spec.settings.insert((*name).into(), n.into())),
            Setting::Off => drop(spec.settings.insert((*name).into(), Value::Bool(false))),
            Setting::Temperature(t) => spec.temperature = Some(t),
            Setting::Rate(lr) => spec.lr = Some(lr),
            Setting::Width(d) => spec.projector_dim = Some(d),
            Setting::SameViews => (),
        }
    }
    spec.resolve()
}

/// Listens until it has heard what it waits for.
#[derive(Default)]
struct Listener {
    kinds: &'static [&'static str],
    alarms: Vec<Alarm>,
}

impl Watch for Listener {
    fn alarm(&mut self, alarm: &Alarm) {
        self.alarms.push(alarm.clone());
    }
    fn enough(&mut self) -> bool {
        self.alarms.iter().any(|alarm| self.kinds.contains(&alarm.kind.as_str()))
    }
}

impl Shown {
    /// Both runs side by side, epoch by epoch, and what the doctor said.
    pub fn text(&self) -> String {
        let mut table = crate::plot::Table::new([
            "epoch",
            "loss",
            "std",
            "rank",
            "kNN %",
            "|",
            "healthy loss",
            "std",
            "rank",
            "kNN %",
        ]);
        let rows = self.spoilt.history.len().max(self.healthy.history.len().min(EPOCHS / 2 + 1));
        let cells = |row: Option<&EpochMetrics>| {
            let projector = row.and_then(|r| r.projector.as_ref());
            let cell = |v: Option<f64>, digits: usize| v.map_or("-".into(), |v| format!("{v:.digits$}"));
            [
                cell(row.and_then(|r| r.loss), 3),
                cell(projector.map(|g| g.std), 3),
                cell(projector.map(|g| g.rankme), 1),
                cell(row.and_then(|r| r.knn).map(|v| 100.0 * v), 1),
            ]
        };
        for epoch in 0..rows {
            let (ours, twin) =
                (cells(self.spoilt.history.get(epoch)), cells(self.healthy.history.get(epoch)));
            let row = std::iter::once(epoch.to_string()).chain(ours).chain(["|".to_string()]).chain(twin);
            table.row(row);
        }
        let mut text =
            format!("{}: {} ({})\n{}\n\n{}\n", self.name, self.method, self.change, self.shows, table.text());
        if let Some(why) = &self.spoilt.diverged {
            text += &format!("\n{why}\n");
        }
        for alarm in &self.spoilt.alarms {
            text += &format!(
                "\n{} (epoch {}): {}\n  {}\n  Try: {}\n  See {}\n",
                alarm.kind,
                alarm.epoch,
                alarm.seen,
                alarm.means,
                alarm.try_this,
                alarm.link()
            );
        }
        let named = match (self.named_correctly, self.epoch) {
            (true, Some(epoch)) => format!("named in epoch {epoch}"),
            _ => "NOT NAMED".into(),
        };
        text + &format!("\n{named}; the healthy twin raised {} alarms\n", self.healthy_twin_alarms)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Every entry is named within its epochs, and no healthy twin is accused.
    #[test]
    fn every_collapse_is_named_and_its_healthy_twin_is_not() {
        let entries: Vec<&Collapse> = list().iter().collect();
        assert!(entries.len() >= 12);
        let mut wrong = Vec::new();
        run_all(&entries, 0, |shown| {
            let begun = format!("{} {:?} {:?}", shown.name, shown.verdict, shown.epoch);
            eprintln!("{begun}, twin {:?}", shown.healthy.alarms.iter().map(|a| &a.kind).collect::<Vec<_>>());
            if !shown.named_correctly || shown.healthy_twin_alarms > 0 {
                wrong.push(shown.text());
            }
        })
        .unwrap();
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    }

    #[test]
    fn an_unknown_name_says_what_there_is() {
        let message = find("simsiam-no-stop-gradien").unwrap_err().to_string();
        assert!(message.contains("did you mean 'simsiam-no-stop-gradient'?"), "{message}");
    }
}
