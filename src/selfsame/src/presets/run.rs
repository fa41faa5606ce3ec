//! From a specification to a judged run folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use dfdx::prelude::Cpu;

use super::data::{normalise, open, DataKind};
use super::judge::{baselines, embed, judgeable, unjudged, MEASURABLE};
use super::publish::publish;
use super::{budget, objectives, TrainSpec};
use crate::augment::Views;
use crate::data::Dataset;
use crate::diagnose::Geometry;
use crate::error::{Error, Result};
use crate::eval::judge;
use crate::files::{read_text, write_atomic, MOST_SETTINGS};
use crate::methods::{AnyMethod, Method};
use crate::nn::{AnyEncoder, Encoder};
use crate::ops::{simd_kind, Engine};
use crate::optim::Optimizer;
use crate::plot::verdict;
use crate::shape::AnyImage;
use crate::tape::count_parameters;
use crate::text::shell_word;
use crate::train::{
    checkpoint_exists, geometry, is_training, load_checkpoint, load_state, peak_memory_bytes, read_metrics,
    Baselines, Ending, Outcome, Plan, Progress, Report, RunLock, Scores, TrainConfig, Trainer, Watch,
};

/// Trains, judges against the baselines, and leaves a run folder.
///
/// # Errors
/// Unknown names (with a suggestion), settings out of range, the name of a run that is there already, data that cannot be read, a folder that cannot be
/// written, a run that diverged.
pub fn train(spec: &TrainSpec, watch: &mut dyn Watch) -> Result<Outcome> {
    train_beside(spec, None, watch)
}

/// [`train`] beside baselines that are known already, where they are.
pub(super) fn train_beside(
    spec: &TrainSpec,
    known: Option<Baselines>,
    watch: &mut dyn Watch,
) -> Result<Outcome> {
    let named = spec.name.is_some();
    let spec = spec.resolve()?;
    simd_kind()?;
    let place = Place::New { named };
    free_name(&spec, named)?;
    let spec = budget::with_epochs(spec, watch)?;
    dispatch(&spec, &spec.data, Train { place, known, watch })
}

/// Goes on with the run in `folder` where its last checkpoint left it.
///
/// `spec` holds what the command line says again; whatever it sets must equal the run's own configuration.
///
/// # Errors
/// No checkpoint, a damaged one, or a setting that differs from the run's; and all of [`train`]'s.
pub fn resume(folder: &Path, spec: &TrainSpec, watch: &mut dyn Watch) -> Result<Outcome> {
    resume_beside(folder, spec, None, watch)
}

/// [`resume`] beside baselines that are known already, where they are.
pub(super) fn resume_beside(
    folder: &Path,
    spec: &TrainSpec,
    known: Option<Baselines>,
    watch: &mut dyn Watch,
) -> Result<Outcome> {
    let own = read_config(folder)?;
    spec.agrees_with(&own, folder)?;
    let lock = RunLock::take(folder)?;
    // A run that was stopped before its first checkpoint has lost nothing and begins again.
    let trained = || read_metrics(&folder.join("metrics.jsonl")).is_ok_and(|rows| rows.len() > 1);
    if !checkpoint_exists(folder) && trained() {
        let remedy = "Copy its `checkpoint` folder back from where it is, or start the run anew.";
        return Err(Error::run(folder, "there is no checkpoint in it, though it has metrics", remedy));
    }
    let spec = own.resolve()?;
    let place = Place::Begun(lock, folder.to_path_buf());
    dispatch(&spec, &spec.data, Train { place, known, watch })
}

/// Scores the encoder of a finished or interrupted run on `data` (the run's own when `None`).
///
/// # Errors
/// No usable checkpoint; data of another shape than the encoder takes.
pub fn evaluate(folder: &Path, data: Option<&str>, watch: &mut dyn Watch) -> Result<Scores> {
    let spec = read_config(folder)?.resolve()?;
    let data = data.unwrap_or(&spec.data);
    let (own, other) = (DataKind::of(&spec.data)?.0, DataKind::of(data)?.0);
    if own.words() != other.words() {
        return Err(Error::shape(
            format!("the encoder of {}", folder.display()),
            own.words(),
            format!("{data}, {}", other.words()),
        ));
    }
    dispatch(&spec, data, Evaluate { folder, watch })
}

/// Something done on a device once that has a type. Data, encoder and objective have theirs at run time.
pub(super) trait Job {
    type Output;
    fn run<D: Engine>(self, dev: &D, spec: &TrainSpec, kind: DataKind, dir: &str) -> Result<Self::Output>;
}

/// From names to types.
pub(super) fn dispatch<J: Job>(spec: &TrainSpec, data: &str, job: J) -> Result<J::Output> {
    let (kind, dir) = DataKind::of(data)?;
    match spec.device.as_deref() {
        #[cfg(feature = "cuda")]
        Some("cuda") => job.run(&cuda(spec.seed.unwrap_or(0))?, spec, kind, dir),
        #[cfg(not(feature = "cuda"))]
        Some("cuda") => Err(without_cuda()),
        _ => job.run(&Cpu::seed_from_u64(spec.seed.unwrap_or(0)), spec, kind, dir),
    }
}

/// For a build that has no CUDA.
#[cfg(not(feature = "cuda"))]
pub(super) fn without_cuda() -> Error {
    let message = "this program was built without CUDA. Build it with `--features cuda` on a machine with a CUDA toolkit, \
                   or leave out --device.";
    Error::Device { device: "cuda", message: message.into() }
}

/// The first GPU, drawing its weights from `seed`.
#[cfg(feature = "cuda")]
pub(super) fn cuda(seed: u64) -> Result<dfdx::tensor::Cuda> {
    dfdx::tensor::Cuda::try_build(0, seed).map_err(|e| Error::Device {
        device: "cuda",
        message: format!(
            "no usable GPU: {e:?}. `nvidia-smi` shows what the driver sees; leave out --device for the CPU."
        ),
    })
}

/// Where a run is kept.
enum Place {
    /// In a folder that is still to be made; `named` when its name was asked for and no other will do.
    New { named: bool },
    /// In a folder that is there.
    Begun(RunLock, PathBuf),
}

struct Train<'w> {
    place: Place,
    known: Option<Baselines>,
    watch: &'w mut dyn Watch,
}

impl Job for Train<'_> {
    type Output = Outcome;

    fn run<D: Engine>(self, dev: &D, spec: &TrainSpec, kind: DataKind, dir: &str) -> Result<Outcome> {
        let begun = Instant::now();
        let Prepared { spec, config, mut method, data, views } = prepare(dev, spec, kind, dir)?;
        let new = matches!(self.place, Place::New { .. });
        let (_lock, folder, spec) = match self.place {
            Place::Begun(lock, folder) => (lock, folder, spec),
            Place::New { named } => {
                judgeable(&spec.data, &data)?;
                new_folder(&spec, named)?
            }
        };
        let settings = serde_json::Value::Object(spec.settings());
        let trainer = Trainer::new(dev).config(config.clone()).settings(settings).folder(&folder);
        self.watch.started(&Plan {
            folder: Some(folder.clone()),
            method: spec.method.clone(),
            data: spec.data.clone(),
            encoder: spec.encoder.clone().unwrap_or_default(),
            encoder_parameters: count_parameters(method.encoder()),
            epochs: config.epochs,
            epochs_done: trainer.epochs_done()?,
            steps_per_epoch: trainer.steps_per_epoch(data.train().len()),
            batch: config.batch_size,
            train_images: data.train().len(),
        });
        if let Some(note) = method.about(config.batch_size).accumulation.filter(|_| config.accumulate > 1) {
            self.watch.stage(note);
        }
        if let Some(words) = other_vectors(&spec)? {
            self.watch.stage(&words);
        }
        let trained = trainer.watch_within(&mut *self.watch).fit(&mut method, &data, &views);
        let progress = trained.inspect_err(|error| {
            // Found wrong at its first step, it never was a run: nothing to resume, and its name is free again.
            if new && matches!(error, Error::Setting { .. } | Error::Shape { .. }) && no_steps(&folder) {
                drop(fs::remove_dir_all(&folder));
            }
        })?;
        let finished =
            Finished { dev, folder: &folder, spec: &spec, data: &data, views: &views, progress: &progress };
        let judged = match progress.is_done(&config) {
            true => finished.judge(method.encoder(), self.known, begun, &mut *self.watch),
            false => Err(Error::Interrupted),
        };
        if matches!(judged, Ok(_) | Err(Error::Interrupted)) {
            self.watch.ended(&Ending {
                folder: Some(folder.clone()),
                epochs_done: progress.epochs_done,
                steps_done: progress.steps_done,
                stopped: judged.is_err(),
                verdict: judged.as_ref().ok().map(verdict),
            });
        }
        match judged {
            Ok(report) => Ok(Outcome::Done { folder, report: Box::new(report) }),
            Err(Error::Interrupted) => Ok(Outcome::Interrupted {
                epochs_done: progress.epochs_done,
                steps_done: progress.steps_done,
                folder,
            }),
            Err(other) => Err(other),
        }
    }
}

/// What a run is made of.
pub(super) struct Prepared<D: Engine> {
    /// With what only the data could say.
    pub(super) spec: TrainSpec,
    pub(super) config: TrainConfig,
    pub(super) method: AnyMethod<AnyEncoder<D>, D>,
    pub(super) data: Dataset<AnyImage>,
    pub(super) views: Views,
}

/// Opens the data, makes the method, and checks that they and all settings go together: whatever can be found wrong is, before
/// anything is written or trained.
///
/// # Errors
/// As [`train`].
pub(super) fn prepare<D: Engine>(
    dev: &D,
    spec: &TrainSpec,
    kind: DataKind,
    dir: &str,
) -> Result<Prepared<D>> {
    let config = spec.train_config()?;
    let data = open(kind, dir)?;
    let training = data.train().len();
    let spec = objectives::with_room(spec, training);
    let method = objectives::build(dev, &spec, kind)?;
    config.validate(training)?;
    method.fits(config.batch_size / config.accumulate, training)?;
    let views = kind.views(method.views(), method.local_views(), &normalise(&data)?);
    Ok(Prepared { spec, config, method, data, views })
}

/// What to say to a run that was begun with other vector instructions than this process has.
fn other_vectors(spec: &TrainSpec) -> Result<Option<String>> {
    let now = simd_kind()?;
    let then = spec.simd.as_ref().filter(|then| **then != now);
    Ok(then.map(|then| {
        format!(
            "the run was begun with {then} vector instructions and goes on with {now}: its numbers will not be those, \
             bit by bit, that they would have been"
        )
    }))
}

/// Whether the run in `folder` has made no step.
fn no_steps(folder: &Path) -> bool {
    !checkpoint_exists(folder)
        || load_state::<Progress>(folder).is_ok_and(|progress| progress.steps_done == 0)
}

/// A run whose training is over.
struct Finished<'r, D> {
    dev: &'r D,
    folder: &'r Path,
    spec: &'r TrainSpec,
    data: &'r Dataset<AnyImage>,
    views: &'r Views,
    progress: &'r Progress,
}

impl<D: Engine> Finished<'_, D> {
    /// Scores the encoder and the baselines, writes `report.json` and `report.html`.
    fn judge(
        &self,
        encoder: &AnyEncoder<D>,
        known: Option<Baselines>,
        begun: Instant,
        watch: &mut dyn Watch,
    ) -> Result<Report> {
        let Finished { dev, folder, spec, data, views, progress } = *self;
        let config = spec.train_config()?;
        watch.stage("judging the encoder");
        let parts = embed(dev, encoder, data, views)?;
        let scores = judge(&parts, config.seed)?;
        let diagnostics = match parts.test.len() {
            0..MEASURABLE => Geometry::default(),
            _ => geometry(dev, encoder, &data.test(), &parts.test, views, config.seed)?,
        };
        let baselines = match known {
            Some(known) => known,
            None => baselines::<AnyEncoder<D>, D>(dev, &encoder.recipe(), data, views, &config, watch)?,
        };
        let report = Report {
            run: folder.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
            method: spec.method.clone(),
            data: spec.data.clone(),
            encoder: spec.encoder.clone().unwrap_or_default(),
            seed: config.seed,
            epochs: progress.epochs_done,
            loss: progress.losses(),
            scores,
            baselines,
            diagnostics,
            alarms: progress.alarms.clone(),
            unjudged: unjudged(data),
            images_per_second: progress.images_per_second(),
            peak_memory_bytes: peak_memory_bytes(),
            seconds: begun.elapsed().as_secs_f64(),
        };
        write_json(&folder.join("report.json"), &report)?;
        publish(dev, &encoder.recipe(), folder, spec, data, views, &parts, progress, &report)?;
        Ok(report)
    }
}

struct Evaluate<'w> {
    folder: &'w Path,
    watch: &'w mut dyn Watch,
}

impl Job for Evaluate<'_> {
    type Output = Scores;

    fn run<D: Engine>(self, dev: &D, spec: &TrainSpec, kind: DataKind, dir: &str) -> Result<Scores> {
        let (data, config) = (open(kind, dir)?, spec.train_config()?);
        let mut method = objectives::build(dev, spec, kind)?;
        let mut optimizer = Optimizer::new(config.rule, config.weight_decay);
        let progress: Progress = load_checkpoint(self.folder, &mut method, &mut optimizer)?;
        self.watch.stage(&format!("judging the encoder after {} epochs", progress.epochs_done));
        let views = kind.views(method.views(), method.local_views(), &normalise(&data)?);
        judge(&embed(dev, method.encoder(), &data, &views)?, config.seed)
    }
}

/// The folder for run folders and the name of this one. Asked before any data are read, so that a wrong name costs no
/// waiting; [`new_folder`] is what decides.
fn free_name(spec: &TrainSpec, named: bool) -> Result<(PathBuf, String)> {
    let out = spec.out.clone().unwrap_or_else(|| "runs".into());
    let base = spec.name.clone().unwrap_or_else(|| spec.method.clone());
    if base.is_empty() || base.contains(['/', '\\']) || base.starts_with('.') {
        let remedy = "The folder the runs are in is --out.";
        return Err(Error::setting(
            "name",
            format!("'{base}'"),
            "the name of a folder, without slashes",
            remedy,
        ));
    }
    if named && is_taken(&out.join(&base)) {
        return Err(taken(&out.join(&base)));
    }
    Ok((out, base))
}

/// Whether there is something at `folder` that is not what a run left that never began: a folder with a lock that nobody
/// holds, and perhaps a file it had not finished, but no configuration.
fn is_taken(folder: &Path) -> bool {
    let Ok(about) = fs::symlink_metadata(folder) else { return false };
    let Some(mut entries) = Some(folder).filter(|_| about.is_dir()).and_then(|f| fs::read_dir(f).ok()) else {
        return true;
    };
    let left = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.map(|e| e.file_name()).unwrap_or_default();
        name == "lock" || name.to_string_lossy().ends_with(".tmp")
    };
    !entries.all(left) || is_training(folder)
}

fn taken(folder: &Path) -> Error {
    let remedy = match folder.join("config.json").exists() {
        true => format!(
            "Give the new run another --name, or go on with the old one: selfsame train --resume {}",
            shell_word(folder)
        ),
        false => "What is there is no run of ours. Give the new run another --name.".into(),
    };
    Error::setting("name", folder.display(), "the name of a folder that is not there yet", remedy)
}

/// Makes the run's folder, takes it for this process and writes the configuration. A name that nobody asked for gets a
/// number where it is taken.
fn new_folder(spec: &TrainSpec, named: bool) -> Result<(RunLock, PathBuf, TrainSpec)> {
    let (out, base) = free_name(spec, named)?;
    let simd = Some(simd_kind()?);
    fs::create_dir_all(&out).map_err(Error::io("create", &out))?;
    for number in 1.. {
        let name = if number == 1 { base.clone() } else { format!("{base}-{number}") };
        let folder = out.join(&name);
        match fs::create_dir(&folder) {
            Ok(()) => {}
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(Error::io("create", &folder)(e))
            }
            Err(_) if !is_taken(&folder) => {}
            Err(_) if named => return Err(taken(&folder)),
            Err(_) => continue,
        }
        let lock = match RunLock::take(&folder) {
            Ok(lock) => lock,
            // Another process began in it this moment.
            Err(Error::Run { .. }) if !named => continue,
            Err(other) => {
                // On a full disk not even the lock can be written, and it is the only file in there.
                if matches!(other, Error::Io { .. }) {
                    let _ = fs::remove_file(folder.join("lock")).and_then(|()| fs::remove_dir(&folder));
                }
                return Err(other);
            }
        };
        if folder.join("config.json").exists() {
            match named {
                true => return Err(taken(&folder)),
                false => continue,
            }
        }
        let spec = TrainSpec { name: Some(name), simd: simd.clone(), ..spec.clone() };
        // A folder without a configuration is no run: better none at all.
        write_json(&folder.join("config.json"), &spec).inspect_err(|_| {
            let _ = fs::remove_file(folder.join("lock")).and_then(|()| fs::remove_dir(&folder));
        })?;
        return Ok((lock, folder, spec));
    }
    Err(Error::run(out, "every name is taken", "Give the run another --name."))
}

pub(super) fn read_config(folder: &Path) -> Result<TrainSpec> {
    let path = folder.join("config.json");
    if !path.exists() {
        let remedy = "Give a folder that `selfsame train` made; `ls runs` shows them.";
        return Err(Error::run(folder, "it is not a run folder: there is no config.json in it", remedy));
    }
    let text = read_text(&path, MOST_SETTINGS)?;
    serde_json::from_str(&text).map_err(|e| {
        Error::run(&path, format!("it does not parse: {e}"), "Restore the file, or start the run anew.")
    })
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::run(path, e.to_string(), ""))?;
    write_atomic(path, (text + "\n").as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Said(Vec<String>);

    impl Watch for Said {
        fn stage(&mut self, what: &str) {
            self.0.push(what.into());
        }
    }

    fn spec(method: &str, folder: &Path) -> TrainSpec {
        TrainSpec {
            method: method.into(),
            data: "digits".into(),
            encoder: Some("mlp".into()),
            epochs: Some(1),
            out: Some(folder.join("runs")),
            name: Some("run".into()),
            ..TrainSpec::default()
        }
    }

    #[test]
    fn settings_that_only_a_step_finds_wrong_are_found_before_there_is_a_folder() {
        for (method, name, value) in [
            ("moco-v2", "shuffle_groups", 5u64),
            ("w-mse", "group", 100),
            ("deepcluster", "clusters", 5000),
            ("deepcluster", "images", 100),
            ("deepcluster-v2", "prototypes", 5000),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let mut spec = spec(method, folder.path());
            spec.settings.insert(name.into(), value.into());
            let error = train(&spec, &mut ()).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{} is {value}. Expected", name.replace('_', "-"))),
                "{error}"
            );
            assert!(!folder.path().join("runs").exists(), "{method}");
        }
    }

    #[test]
    fn a_run_remembers_its_vectors_and_says_when_it_goes_on_with_others() {
        let folder = tempfile::tempdir().unwrap();
        let spec = TrainSpec { simd: Some("mine".into()), ..spec("simclr", folder.path()) };
        let known = || Some(Baselines::default());
        train_beside(&spec, known(), &mut ()).unwrap();
        let run = folder.path().join("runs/run");
        let own = read_config(&run).unwrap();
        assert_eq!(own.simd, Some(simd_kind().unwrap()));
        let resumed_with = |simd: Option<&str>| {
            let spec = TrainSpec { simd: simd.map(String::from), ..own.clone() };
            write_json(&run.join("config.json"), &spec).unwrap();
            let mut said = Said::default();
            resume_beside(&run, &TrainSpec::default(), known(), &mut said).unwrap();
            said.0.into_iter().find(|what| what.contains("vector instructions"))
        };
        let said = resumed_with(Some("altivec")).unwrap();
        assert!(said.starts_with("the run was begun with altivec vector instructions"), "{said}");
        assert_eq!(resumed_with(own.simd.as_deref()), None);
        // Runs from before say nothing of it.
        assert_eq!(resumed_with(None), None);
    }

    fn named(out: &Path, name: Option<&str>) -> TrainSpec {
        let name = name.map(String::from);
        TrainSpec { method: "simclr".into(), out: Some(out.to_path_buf()), name, ..TrainSpec::default() }
    }

    #[test]
    fn a_run_that_never_began_keeps_its_name_from_nobody() {
        let out = tempfile::tempdir().unwrap();
        let began = |name: Option<&str>| new_folder(&named(out.path(), name), name.is_some());
        let make = |name: &str, file: &str| {
            fs::create_dir_all(out.path().join(name)).unwrap();
            fs::write(out.path().join(name).join(file), "1\n").unwrap();
        };
        make("a", "lock");
        make("a", "config.json.4294967295.tmp");
        make("simclr", "lock");
        for (name, folder) in [(Some("a"), "a"), (None, "simclr"), (None, "simclr-2")] {
            assert!(free_name(&named(out.path(), name), name.is_some()).is_ok());
            let (_lock, made, spec) = began(name).unwrap();
            assert_eq!((made, spec.name.as_deref()), (out.path().join(folder), Some(folder)));
        }
        assert_eq!(fs::read_dir(out.path().join("a")).unwrap().count(), 2, "lock and config.json");
        // It has begun now, and is gone on with.
        let said = began(Some("a")).unwrap_err().to_string();
        assert!(said.contains("selfsame train --resume "), "{said}");
        // What is not ours stays, and nobody is told to resume it.
        make("notes", "diary.txt");
        let said = began(Some("notes")).unwrap_err().to_string();
        assert!(said.contains("no run of ours") && !said.contains("--resume"), "{said}");
        assert_eq!(fs::read_dir(out.path().join("notes")).unwrap().count(), 1);
        // A run that is about to begin in another process has its name.
        make("b", "lock");
        let _other = RunLock::take(&out.path().join("b")).unwrap();
        assert!(began(Some("b")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_free_name_and_a_command_to_copy_is_quoted() {
        let (out, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), out.path().join("a")).unwrap();
        assert!(new_folder(&named(out.path(), Some("a")), true).is_err());
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        let folder = out.path().join("x; echo y");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("config.json"), "").unwrap();
        let said = new_folder(&named(out.path(), Some("x; echo y")), true).unwrap_err().to_string();
        assert!(said.contains("x; echo y'"), "{said}");
    }

    #[cfg(unix)]
    #[test]
    fn a_configuration_without_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("config.json")).unwrap();
        let said = read_config(folder.path()).unwrap_err().to_string();
        assert!(said.contains("config.json: it is a device"), "{said}");
    }
}
