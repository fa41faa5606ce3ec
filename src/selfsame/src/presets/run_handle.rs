//! A run by the name of its folder, and what can be asked of it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use dfdx::prelude::Cpu;

use super::run::{evaluate, read_config, resume};
use super::trained::Trained;
use super::{read_report, TrainSpec};
use crate::data::Dataset;
use crate::diagnose::{singular_values, Alarm, Rows};
use crate::display::{Pictures, Scatter};
use crate::error::{Error, Result};
use crate::eval::{knn, Embeddings, Knn};
use crate::front;
use crate::nn::AnyEncoder;
use crate::plot::{panel, spectrum, training_figures, verdict, Figure, History};
use crate::shape::AnyImage;
use crate::train::{read_metrics, EpochMetrics, Outcome, Report, Scores};

/// Rows the spectrum is measured on, at most.
const SPECTRUM_ROWS: usize = 2000;

/// A run folder, finished or not. Its files are read when it is opened; checkpoint and data when something first asks for
/// them, and kept.
///
/// It has no type parameters, whatever the run was trained on, and its encoder computes on the CPU.
///
/// ```no_run
/// use selfsame::prelude::*;
/// let run = Run::open("runs/simclr-digits-seed0")?;
/// let test = run.embed("test")?;
/// println!("{}, kNN {:.3}", run.doctor(), run.knn(20)?);
/// run.plot()?.save("curves.svg")?;
/// # Ok::<(), selfsame::Error>(())
/// ```
pub struct Run {
    folder: PathBuf,
    config: TrainSpec,
    report: Option<Report>,
    metrics: Vec<EpochMetrics>,
    trained: OnceCell<Trained>,
    train: OnceCell<Embeddings>,
    test: OnceCell<Embeddings>,
}

impl Run {
    /// Opens a run folder; a name without slashes is also looked for in `runs`.
    ///
    /// # Errors
    /// No run of that name (with a suggestion); files in it that cannot be read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Run> {
        let folder = find(folder.as_ref())?;
        let config = read_config(&folder)?;
        let lines = folder.join("metrics.jsonl");
        let metrics = if lines.exists() { read_metrics(&lines)? } else { Vec::new() };
        let report = read_report(&folder)?;
        Ok(Run {
            folder,
            config,
            report,
            metrics,
            trained: OnceCell::new(),
            train: OnceCell::new(),
            test: OnceCell::new(),
        })
    }

    /// The run that `outcome` tells of.
    ///
    /// # Errors
    /// As [`Run::open`].
    pub fn of(outcome: &Outcome) -> Result<Run> {
        match outcome {
            Outcome::Done { folder, .. } | Outcome::Interrupted { folder, .. } => Run::open(folder),
        }
    }

    /// Goes on with it, showing how it goes; as it is when it was finished already.
    ///
    /// # Errors
    /// As [`resume`](super::resume()).
    pub fn resume(self) -> Result<Run> {
        if self.report.is_some() {
            return Ok(self);
        }
        Run::of(&resume(&self.folder, &TrainSpec::default(), front::watch().as_mut())?)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder's own name.
    pub fn name(&self) -> String {
        self.folder.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
    }

    /// What it was made with, every preset filled in.
    pub fn config(&self) -> &TrainSpec {
        &self.config
    }

    /// Whether it was trained to its last epoch and judged.
    pub fn is_done(&self) -> bool {
        self.report.is_some()
    }

    /// What it found out.
    ///
    /// # Errors
    /// [`Error::Run`] for a run that is not finished.
    pub fn report(&self) -> Result<&Report> {
        self.report.as_ref().ok_or_else(|| {
            let remedy = format!("Go on with it: :resume {}, or `selfsame train --resume`.", self.name());
            Error::run(&self.folder, format!("it is not finished: {}", self.progress_words()), remedy)
        })
    }

    /// One row an epoch; epoch 0 is the encoder before training.
    pub fn metrics(&self) -> &[EpochMetrics] {
        &self.metrics
    }

    /// Losses and probes, epoch by epoch.
    pub fn history(&self) -> History {
        History::from(self.metrics.as_slice())
    }

    /// What the doctor said.
    ///
    /// # Errors
    /// An unfinished run without a usable checkpoint.
    pub fn alarms(&self) -> Result<Vec<Alarm>> {
        match &self.report {
            Some(report) => Ok(report.alarms.clone()),
            None => Ok(self.trained()?.progress.alarms.clone()),
        }
    }

    /// The verdict in one line, or how far the run is.
    pub fn doctor(&self) -> String {
        match &self.report {
            Some(report) => verdict(report),
            None => format!("Not judged: {}.", self.progress_words()),
        }
    }

    /// `stopped after 3 of 30 epochs`
    pub(crate) fn progress_words(&self) -> String {
        let done = self.metrics.last().map_or(0, |row| row.epoch);
        format!("it stands at {done} of {} epochs", self.config.epochs.unwrap_or(0))
    }

    /// The trained encoder.
    ///
    /// # Errors
    /// No usable checkpoint; data that cannot be read.
    pub fn encoder(&self) -> Result<&AnyEncoder<Cpu>> {
        Ok(self.trained()?.encoder())
    }

    /// The data it was trained on.
    ///
    /// # Errors
    /// As [`Run::encoder`].
    pub fn data(&self) -> Result<&Dataset<AnyImage>> {
        Ok(&self.trained()?.data)
    }

    /// The encoder's features of the part called `train`, `validation` or `test`, in order.
    ///
    /// # Errors
    /// As [`Run::encoder`]; another name; [`Error::Interrupted`] when a stop was asked for.
    pub fn embed(&self, part: &str) -> Result<Embeddings> {
        match part {
            "train" => self.train_embeddings().cloned(),
            "test" => self.embeddings().cloned(),
            _ => self.trained()?.embed(part),
        }
    }

    /// The encoder's features of the test part.
    ///
    /// # Errors
    /// As [`Run::embed`].
    pub fn embeddings(&self) -> Result<&Embeddings> {
        kept(&self.test, || self.trained()?.embed("test"))
    }

    fn train_embeddings(&self) -> Result<&Embeddings> {
        kept(&self.train, || self.trained()?.embed("train"))
    }

    fn trained(&self) -> Result<&Trained> {
        kept(&self.trained, || Trained::load(&self.folder, &self.config.resolve()?))
    }

    /// Test accuracy of `k` nearest neighbours from the training part (cosine, T = 0.07).
    ///
    /// # Errors
    /// As [`Run::embed`]; `k` of 0.
    pub fn knn(&self, k: usize) -> Result<f64> {
        let (train, test) = (self.train_embeddings()?, self.embeddings()?);
        let predicted = knn(train, test, &[Knn::new(k)])?;
        Ok(predicted.first().map_or(0.0, |p| test.accuracy(p)))
    }

    /// kNN and linear probes on the run's own data, or on `data`, by the name commands use.
    ///
    /// # Errors
    /// As [`evaluate`](super::evaluate()).
    pub fn evaluate(&self, data: Option<&str>) -> Result<Scores> {
        evaluate(&self.folder, data, front::watch().as_mut())
    }

    /// Loss and probes over epochs.
    ///
    /// # Errors
    /// When the figure cannot be drawn.
    pub fn plot(&self) -> Result<Figure> {
        panel(&format!("Run {}", self.name()), &training_figures(&self.history())?)
    }

    /// The test features on their first two principal components, with images on hover.
    ///
    /// # Errors
    /// As [`Run::embed`].
    pub fn scatter(&self) -> Result<Scatter> {
        let trained = self.trained()?;
        trained.data.scatter(self.embeddings()?, &trained.data.test())
    }

    /// Singular values of the centred test features.
    ///
    /// # Errors
    /// As [`Run::embed`].
    pub fn spectrum(&self) -> Result<Figure> {
        let test = self.embeddings()?;
        let every = test.len().div_ceil(SPECTRUM_ROWS).max(1);
        let test = test.subset(&(0..test.len()).step_by(every).collect::<Vec<_>>());
        let rows = Rows::from_f32(test.values(), test.len(), test.width())?;
        let values = singular_values(&rows.centred());
        spectrum("Singular values of the test features", &[(self.config.method.as_str(), &values)])
    }

    /// `count` test images with the training images whose features are nearest.
    ///
    /// # Errors
    /// As [`Run::embed`].
    pub fn neighbors(&self, count: usize) -> Result<Pictures> {
        self.data()?.neighbors(self.train_embeddings()?, self.embeddings()?, count)
    }

    /// A few training images with the views the objective compares.
    ///
    /// # Errors
    /// As [`Run::encoder`].
    pub fn views(&self) -> Result<Pictures> {
        let trained = self.trained()?;
        trained.views.pictures(&trained.data.train(), self.config.seed.unwrap_or(0))
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("folder", &self.folder)
            .field("done", &self.is_done())
            .finish_non_exhaustive()
    }
}

/// What `cell` holds, made by `make` the first time.
fn kept<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}

/// The folder itself, or the one of that name in `runs`.
fn find(folder: &Path) -> Result<PathBuf> {
    let among = Path::new("runs");
    let in_runs = among.join(folder);
    if folder.exists() {
        return Ok(folder.to_path_buf());
    }
    if in_runs.exists() {
        return Ok(in_runs);
    }
    let parent = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(among);
    let known = super::runs(parent).map(|runs| runs.names()).unwrap_or_default();
    let given = folder.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    Err(Error::Unknown { kind: "run", given, known })
}
