//! What a program that uses the loop by itself may expect of it.

use dfdx::prelude::Cpu;

use super::{EpochMetrics, Progress, Snapshot, StepLine, TrainConfig, Trainer, Watch};
use crate::augment::{presets as views, Normalise, Views};
use crate::data::{Dataset, Digits};
use crate::error::Error;
use crate::eval::Frozen;
use crate::methods::{AnyMethod, Method as _, SimClr, SimClrConfig};
use crate::nn::{ConvNet, Encoder as _};
use crate::optim::Rule;
use crate::random::stream;
use crate::shape::{Image, Size};
use crate::tape::{Parameters, Role};

type Picture = Image<1, 8, 8>;
type Net = ConvNet<Picture, 16, 2, Cpu>;

fn simclr() -> SimClr<Net, 16, Cpu> {
    SimClr::new(&Cpu::default(), SimClrConfig::default()).unwrap()
}

fn digits() -> (Dataset<Picture>, Views) {
    (Digits::load().unwrap(), views::glyphs(Size::of::<Picture>()))
}

fn short() -> Trainer<'static, Cpu> {
    Trainer::new(&Cpu::default()).batch_size(600).epochs(1).watch_nothing()
}

impl Trainer<'static, Cpu> {
    fn watch_nothing(self) -> Self {
        self.watch(Box::leak(Box::new(())))
    }
}

fn fit(trainer: Trainer<'_, Cpu>) -> Result<Progress, Error> {
    let (data, views) = digits();
    trainer.fit(&mut simclr(), &data, &views)
}

/// Rows as they stand in a file: what could not be measured is NaN, which is not equal to itself.
fn written(rows: &[EpochMetrics]) -> Vec<String> {
    rows.iter().map(|row| row.line().unwrap()).collect()
}

#[test]
fn a_run_folder_is_made_with_the_folders_above_it() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("runs/of/mine");
    let progress = fit(short().folder(&folder)).unwrap();
    let lines = super::read_metrics(&folder.join("metrics.jsonl")).unwrap();
    assert_eq!((progress.epochs_done, lines.len()), (1, 2));
    // It is there already, with its checkpoint: nothing is left to do.
    let again = fit(short().folder(&folder)).unwrap();
    assert_eq!(written(&again.history), written(&progress.history));
}

#[test]
fn what_stands_where_the_folder_should_be_is_named_and_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("mine");
    std::fs::write(&file, "a file").unwrap();
    let said = fit(short().folder(&file)).unwrap_err().to_string();
    assert!(said.starts_with(&format!("cannot create {}", file.display())), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "a file");
    // Settings are looked at first, and leave no empty folder behind.
    let never = root.path().join("never");
    assert!(fit(short().batch_size(1).folder(&never)).is_err() && !never.exists());
}

#[test]
fn every_setting_has_a_method_of_its_own_and_stands_whatever_config_says() {
    let own = TrainConfig {
        epochs: 3,
        batch_size: 64,
        accumulate: 2,
        seed: 7,
        rule: Rule::LARS,
        lr: 0.2,
        weight_decay: 1e-4,
        warmup_epochs: 0.5,
        clip_norm: Some(1.0),
        probe_every: 2,
    };
    let set = |trainer: Trainer<'static, Cpu>| {
        let trainer = trainer.epochs(3).batch_size(64).accumulate(2).seed(7).rule(Rule::LARS).lr(0.2);
        trainer.weight_decay(1e-4).warmup_epochs(0.5).clip_norm(Some(1.0)).probe_every(2)
    };
    let new = || Trainer::new(&Cpu::default());
    assert_eq!(set(new()).settled(), &own);
    assert_eq!(set(new()).config(TrainConfig::default()).settled(), &own);
    assert_eq!(set(new().config(TrainConfig::default())).settled(), &own);
    let one = new().epochs(5).config(TrainConfig { lr: 0.3, epochs: 9, ..TrainConfig::default() });
    assert_eq!(one.settled(), &TrainConfig { lr: 0.3, epochs: 5, ..TrainConfig::default() });
    assert_eq!(one.epochs(6).epochs(7).settled().epochs, 7);
}

#[test]
fn a_schedule_of_one_s_own_sets_every_step_s_rate() {
    #[derive(Default)]
    struct Rates(Vec<f64>);
    impl Watch for Rates {
        fn stepped(&mut self, step: &StepLine) {
            self.0.push(step.lr);
        }
    }
    let mut rates = Rates::default();
    let falling = |step: u64, total: u64| 1e-3 * (total - step) as f64;
    let trainer = Trainer::new(&Cpu::default()).batch_size(400).epochs(2).watch(&mut rates);
    let progress = fit(trainer.schedule(falling)).unwrap();
    let total = progress.steps_done;
    assert_eq!(rates.0, (0..total).map(|step| falling(step, total)).collect::<Vec<_>>());
    assert_eq!(progress.history.last().unwrap().lr, Some(1e-3));
    let said = fit(short().schedule(|_, _| f64::NAN)).unwrap_err().to_string();
    assert!(
        said.starts_with("the schedule's learning rate at step 0 of") && said.contains("is NaN"),
        "{said}"
    );
}

/// Hears the rows, and keeps the encoder of the best.
struct Keeper {
    rows: Vec<EpochMetrics>,
    file: std::path::PathBuf,
    tensors: Vec<(String, Role)>,
}

impl Watch for Keeper {
    fn measured(&mut self, row: &EpochMetrics, model: &Snapshot<'_>) {
        self.rows.push(row.clone());
        self.tensors.clear();
        model.visit(&mut |name, role, sizes, values| {
            assert_eq!(sizes.iter().product::<usize>(), values.len(), "{name}");
            self.tensors.push((name.to_string(), role));
        });
        model.save_encoder(&self.file).unwrap();
    }
}

#[test]
fn a_watcher_gets_the_whole_row_and_the_model() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("encoder.safetensors");
    let mut keeper = Keeper { rows: Vec::new(), file: file.clone(), tensors: Vec::new() };
    let ((data, views), dev) = (digits(), Cpu::default());
    let mut method = simclr();
    let trainer = Trainer::new(&dev).batch_size(600).epochs(2).watch(&mut keeper);
    let progress = trainer.fit(&mut method, &data, &views).unwrap();
    assert_eq!(written(&keeper.rows), written(&progress.history[1..]));
    assert!(keeper.rows.iter().all(|row| row.projector.is_some() && row.grad_norm.is_some()));
    let names: Vec<&str> = keeper.tensors.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        names.iter().any(|name| name.starts_with("encoder."))
            && names.iter().any(|name| name.contains("projector"))
    );
    // What was kept is the encoder as the last epoch left it, for the same images.
    let mut kept = Net::new(&dev, &mut stream(&[9])).unwrap();
    let frozen = Frozen::load(&file, &mut kept, &dev).unwrap();
    let normalise = Normalise::identity(1);
    let expected = Frozen::new(method.encoder(), &dev, normalise.clone()).embed(&data.test()).unwrap();
    assert_eq!(frozen.normalise(), &normalise);
    assert_eq!(frozen.embed(&data.test()).unwrap().values(), expected.values());
    let recipe = crate::weights::header(&file).unwrap().recipe;
    assert_eq!((&recipe["epochs"], &recipe["batch_size"]), (&2.into(), &600.into()));
}

#[test]
#[cfg(not(feature = "cuda"))]
fn a_method_whose_type_is_forgotten_trains_in_a_thread() {
    fn sends<T: Send>(_: &T) {}
    let method: AnyMethod<Net, Cpu> = Box::new(simclr());
    sends(&method);
    let boxed: Box<dyn Parameters<Cpu>> = Box::new(simclr());
    sends(&boxed);
    let trained = std::thread::spawn(move || {
        let mut method = method;
        let (data, views) = digits();
        short().fit(&mut method, &data, &views).map(|progress| progress.epochs_done)
    });
    assert_eq!(trained.join().unwrap().unwrap(), 1);
}
