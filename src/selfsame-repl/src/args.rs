//! The command line: what `selfsame --help` describes. Values are only parsed here; ranges and names are the library's.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use selfsame::presets::TrainSpec;

const EXAMPLES: &str = "\
Examples:
  selfsame                                         the REPL: commands and Rust at one prompt
  selfsame train simclr digits                     embedded data, nothing to download
  selfsame train simclr mnist:data/mnist --epochs 5
  selfsame compare runs/*                          which run was better, and from when on
  selfsame kernel install                          notebooks: the kernel for Jupyter
  selfsame doctor                                  what this machine lacks
  selfsame -c ':methods'                           one command of the REPL, from a script

Exit codes: 0 done, 1 failed, 2 bad arguments, 130 interrupted (training saves a checkpoint first).
'selfsame COMMAND --help' has examples for each command.";

/// Self-supervised learning you can watch working.
///
/// Trains an encoder on images without their labels, then says how good it is: against the same encoder untrained,
/// against raw pixels, against PCA and against training with all labels.
#[derive(Debug, Parser)]
#[command(name = "selfsame", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Arguments {
    /// What to do; without it, the REPL at a terminal, and elsewhere the script that comes on standard input.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Carry out TEXT, commands and Rust as at the prompt, and leave
    #[arg(short = 'c', value_name = "TEXT")]
    pub command_text: Option<String>,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train an encoder without labels, judge it, keep it in a run folder
    ///
    /// A setting that is not given takes the preset's value for the data set; the run folder's config.json records
    /// every value that was used. The same seed gives the same run, whatever the number of threads.
    Train(Box<Train>),
    /// Score the encoder of a run with kNN and linear probes
    ///
    /// The encoder is frozen. Probes are kNN with 20 and 200 neighbours and a linear probe on 1 %, 10 % and 100 % of
    /// the training labels.
    Eval(Eval),
    /// List the runs there are, the latest first
    Runs(Runs),
    /// Draw what was measured epoch by epoch
    ///
    /// Loss, online kNN accuracy and rank of the embeddings, or one measurement; several runs in one pair of axes.
    Plot(Plot),
    /// Say what the geometry of a run's features means
    ///
    /// Spread, ranks, alignment and uniformity beside those of the untrained encoder, the doctor's alarms in words, the
    /// verdict, and the singular values: a cliff in them is a collapse.
    Diagnose(Diagnose),
    /// Draw a run's features in the plane, coloured by class
    ///
    /// The plane is that of the first two principal components, which keep distances as they are.
    Embed(Embed),
    /// Show test images beside the training images an encoder finds most alike
    Neighbors(Neighbors),
    /// Show images of a data set and the views a run would compare
    Views(Views),
    /// Put runs side by side: a table and their curves; or train every objective and compare those
    ///
    /// Scores are of the test part; curves are the loss and the online kNN accuracy over epochs. With --methods the
    /// runs are made first, over several seeds, and the table has a row an objective beside the baselines.
    Compare(Compare),
    /// Show deliberate collapses and what the doctor says of them
    ///
    /// Each entry spoils one objective in one way, on the embedded digits, beside the same run in good health. Exit
    /// code 1 when one is not named, or a healthy twin is accused.
    Collapse(Collapse),
    /// List, inspect and download data sets
    Data(Data),
    /// Check this machine: toolchain, threads, memory, GPU, folders
    ///
    /// Every finding that is not in order comes with what to do about it.
    Doctor(Doctor),
    /// Time a fixed piece of work on this machine
    ///
    /// What is timed is fixed down to shapes, loss and optimiser, so that machines, versions and other frameworks
    /// compare. Speed stands beside the arithmetic it took and the largest rate of matrix products this machine has.
    Bench(Bench),
    /// List the objectives, encoders and data sets there are
    Methods,
    /// Carry out a script: commands and Rust, as at the prompt
    ///
    /// A file of inputs (.ssl), of plain Rust with commands in `//:` comments (.rs), or a notebook (.ipynb). It stops at the
    /// first error, with exit code 1.
    Run(Run),
    /// Serve notebooks: the kernel for Jupyter
    ///
    /// After `selfsame kernel install` JupyterLab, notebooks and consoles offer 'Selfsame (Rust)'. Cells take commands and
    /// Rust, as the prompt does.
    Kernel(crate::kernel::Arguments),
    /// Grade the exercises of a lesson of the book
    ///
    /// Compiles the functions of a student's file, one apart from the other, checks what each does, and says which are done,
    /// which are wrong and why. Needs no network and no project. Exit code 0 when all pass, else 1.
    Check(Check),
    /// Make notebooks of tutorials in Markdown, and of the book's programs
    ///
    /// In Markdown, pieces of code marked as Rust become cells that run, everything else cells to read. In a program (.rs) the
    /// listings between ANCHOR comments become cells that run, `//!` and `//|` comments cells to read.
    Notebook(Notebook),
    /// Write the pages of the book that describe this program
    #[command(hide = true)]
    Reference(Reference),
    /// Compile what Rust cells need, ahead of the first session
    Warm,
    /// List the encoders with the images they take and their parameters
    Encoders(Encoders),
}

/// What `run` takes.
#[derive(Debug, Args)]
pub struct Run {
    /// The script
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print each input before it is carried out
    #[arg(long)]
    pub echo: bool,
}

const TRAIN_EXAMPLES: &str = "\
Examples:
  selfsame train simclr digits --epochs 30 --seed 7
  selfsame train simclr folder:photos --encoder vit --batch-size 128 --accumulate 2
  selfsame train byol digits --set momentum=0.99         the objective's own settings
  selfsame train simclr digits --json > result.json      the report alone on stdout
  selfsame train --resume runs/simclr-digits-seed7       after Ctrl-C, a crash or a power cut
  selfsame train --config runs/simclr-digits-seed7/config.json --name again --temperature 0.1

Ctrl-C finishes the current step, saves a checkpoint and prints the command that resumes.
A run leaves RUN/config.json, metrics.jsonl, checkpoint/, report.json and report.html.";

/// What stands below the settings of `train`: the presets' numbers, which are the library's, and the examples.
fn train_notes() -> String {
    let mut table =
        selfsame::plot::Table::new(["data", "epochs", "batch", "lr", "warm-up", "temperature", "projector"]);
    for data in selfsame::presets::DATA {
        let method = selfsame::presets::METHODS.first().copied().unwrap_or_default().to_string();
        let spec = TrainSpec { method, data: data.to_string(), ..TrainSpec::default() };
        let Ok(spec) = spec.resolve() else { continue };
        let cell = |value: Option<f64>| value.map_or("-".to_string(), |v| v.to_string());
        let count = |value: Option<usize>| value.map_or("-".to_string(), |v| v.to_string());
        table.row([
            data.to_string(),
            count(spec.epochs),
            count(spec.batch_size),
            cell(spec.lr),
            cell(spec.warmup_epochs),
            cell(spec.temperature),
            count(spec.projector_dim),
        ]);
    }
    format!(
        "Defaults by data set (lr is AdamW's; SGD takes 0.06, LARS 0.3):\n{}\n\n{TRAIN_EXAMPLES}",
        table.text()
    )
}

/// What `train` takes.
#[derive(Debug, Args)]
#[command(after_help = train_notes(), allow_negative_numbers = true)]
pub struct Train {
    /// Objective: see 'selfsame methods'
    pub method: Option<String>,
    /// Data set: digits, shapes, mnist:DIR, cifar10:DIR, cifar100:DIR or folder:DIR
    pub data: Option<String>,

    /// Read settings from a JSON file, in the form of a run's config.json; flags win over it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Go on with the run in DIR from its last checkpoint; METHOD and DATA may be left out
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,

    /// Passes over the training part [default: by data set, below]
    #[arg(long, value_name = "N", value_parser = whole, help_heading = "Training")]
    pub epochs: Option<usize>,
    /// Minutes of training instead: as many passes as fit, at least one; how long one takes is measured first
    #[arg(long, value_name = "X", value_parser = number, conflicts_with = "epochs", help_heading = "Training")]
    pub minutes: Option<f64>,
    /// Images an optimiser step, 2 or more; each is seen in two views [default: by data set, below]
    #[arg(long, value_name = "N", value_parser = whole, help_heading = "Training")]
    pub batch_size: Option<usize>,
    /// Micro-batches a step is computed in: less memory, same step; a contrastive loss then has fewer negatives [default: 1]
    #[arg(long, value_name = "N", value_parser = whole, help_heading = "Training")]
    pub accumulate: Option<usize>,
    /// Seed of everything random: weights, order, views [default: 0]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub seed: Option<u64>,
    /// Judge the encoder with kNN and look for collapse every N epochs [default: 1]
    #[arg(long, value_name = "N", value_parser = whole, help_heading = "Training")]
    pub probe_every: Option<usize>,

    /// Encoder: convnet, vit, mlp, resnet9 or resnet18 [default: convnet]
    #[arg(long, value_name = "NAME", help_heading = "Model and objective")]
    pub encoder: Option<String>,
    /// Temperature of the loss, above 0, where it has one; small values look at the hardest negatives only [default: by
    /// data set, below]
    #[arg(long, value_name = "X", value_parser = number, help_heading = "Model and objective")]
    pub temperature: Option<f64>,
    /// Width of the projector's output, where the loss is computed [default: by data set, below]
    #[arg(long, value_name = "N", value_parser = whole, help_heading = "Model and objective")]
    pub projector_dim: Option<usize>,
    /// A setting of the objective's own, as often as needed: momentum=0.99, queue=512; config.json of a run lists them all
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting, help_heading = "Model and objective")]
    pub set: Vec<(String, serde_json::Value)>,

    /// Optimiser: adamw, sgd or lars [default: adamw]
    #[arg(long, value_name = "NAME", help_heading = "Optimiser")]
    pub optimizer: Option<String>,
    /// Peak learning rate, reached after the warm-up and followed by a cosine down to 0 [default: by data set, below]
    #[arg(long, value_name = "X", value_parser = number, help_heading = "Optimiser")]
    pub lr: Option<f64>,
    /// Weight decay of weights; biases and norms have none [default: 0.05; sgd 0.0005, lars 0.0001]
    #[arg(long, value_name = "X", value_parser = number, help_heading = "Optimiser")]
    pub weight_decay: Option<f64>,
    /// Epochs of linear warm-up [default: by data set, below]
    #[arg(long, value_name = "X", value_parser = number, help_heading = "Optimiser")]
    pub warmup_epochs: Option<f64>,
    /// Scale gradients down to this global norm when they exceed it [default: off]
    #[arg(long, value_name = "X", value_parser = number, help_heading = "Optimiser")]
    pub clip_norm: Option<f64>,

    /// Folder that holds the run folders [default: runs]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Name of the run folder, which must be free [default: made of method, data and seed]
    #[arg(long, help_heading = "Output")]
    pub name: Option<String>,
    /// Print the report as one JSON object on stdout; everything else goes to stderr
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    /// Where to compute [default: cpu]
    #[arg(long, value_enum, value_name = "DEVICE", help_heading = "Machine")]
    pub device: Option<Device>,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = whole, help_heading = "Machine")]
    pub threads: Option<usize>,
}

/// Where to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Device {
    /// The processor
    Cpu,
    /// An NVIDIA GPU; needs a build with --features cuda
    Cuda,
}

impl Device {
    /// As the library and config.json spell it.
    pub fn name(self) -> &'static str {
        match self {
            Device::Cpu => "cpu",
            Device::Cuda => "cuda",
        }
    }
}

const EVAL_EXAMPLES: &str = "\
Examples:
  selfsame eval runs/simclr-digits-seed7
  selfsame eval runs/simclr-mnist-7 --data mnist:data/fashion-mnist     does it transfer?

The regularisation of the linear probe is chosen on the validation part; scores are of the test part. \
With fewer labels the score is the mean over five draws.";

/// What `eval` takes.
#[derive(Debug, Args)]
#[command(after_help = EVAL_EXAMPLES)]
pub struct Eval {
    /// Run folder, finished or interrupted
    pub run: PathBuf,
    /// Score on another data set with images of the same size [default: the run's own]
    #[arg(long)]
    pub data: Option<String>,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = whole)]
    pub threads: Option<usize>,
}

const COMPARE_EXAMPLES: &str = "\
Examples:
  selfsame compare runs/t-0.1 runs/t-0.5
  selfsame compare runs/* --save curves.svg
  selfsame compare runs/* --json | jq '.runs[].linear.by_labels'
  selfsame compare --methods all --data digits --seeds 3
  selfsame compare --methods simclr,vicreg,byol --data mnist:data/mnist --save methods.svg
  selfsame compare --methods all --data mnist:data/mnist --encoder mlp --minutes 1 --threads 1

Runs that are still going on, or were interrupted, show what they have so far.";

/// What `compare` takes.
#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct Compare {
    /// Run folders
    #[arg(required_unless_present = "methods", conflicts_with = "methods", value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Train these objectives (comma-separated, or 'all') and compare them; finished runs in --out are not made again
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Training to compare")]
    pub methods: Vec<String>,
    /// Data set they train on
    #[arg(long, default_value = "digits", requires = "methods", help_heading = "Training to compare")]
    pub data: String,
    /// Runs an objective, with seeds 0, 1, ...
    #[arg(
        long,
        value_name = "N",
        default_value = "3",
        requires = "methods",
        help_heading = "Training to compare"
    )]
    pub seeds: u64,
    /// Passes over the training part, the same for all [default: by data set]
    #[arg(long, value_name = "N", value_parser = whole, requires = "methods", help_heading = "Training to compare")]
    pub epochs: Option<usize>,
    /// Minutes of training a run instead, the same for all: each makes as many passes as fit, at least one
    #[arg(
        long,
        value_name = "X",
        value_parser = number,
        requires = "methods",
        conflicts_with = "epochs",
        help_heading = "Training to compare"
    )]
    pub minutes: Option<f64>,
    /// Encoder, the same for all [default: convnet]
    #[arg(long, value_name = "NAME", requires = "methods", help_heading = "Training to compare")]
    pub encoder: Option<String>,
    /// Folder that holds the runs
    #[arg(
        long,
        value_name = "DIR",
        default_value = "runs/compare",
        requires = "methods",
        help_heading = "Training to compare"
    )]
    pub out: PathBuf,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = whole, requires = "methods", help_heading = "Training to compare")]
    pub threads: Option<usize>,
    /// Draw the runs' losses over one another into this file, their kNN accuracies into FILE-knn beside it
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    pub save: Option<PathBuf>,
    /// Print one JSON object on stdout: every run's report and its metrics
    #[arg(long)]
    pub json: bool,
}

/// The folder that holds run folders unless it is named.
pub const RUNS: &str = "runs";

const RUNS_EXAMPLES: &str = "\
Examples:
  selfsame runs
  selfsame runs experiments --json | jq '.runs[].run'

kNN and 1% labels are accuracies of the test part in per cent; of a run that is not judged yet, kNN is the last probe's.";

/// What `runs` takes.
#[derive(Debug, Args)]
#[command(after_help = RUNS_EXAMPLES)]
pub struct Runs {
    /// Folder that holds the run folders
    #[arg(default_value = RUNS, value_name = "DIR")]
    pub folder: PathBuf,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

const PLOT_EXAMPLES: &str = "\
Examples:
  selfsame plot runs/simclr-digits-seed7
  selfsame plot runs/* --metric knn --save knn.svg

Where the terminal shows pixels (kitty, iTerm2, sixel) the figure is drawn in them, elsewhere in characters. \
SELFSAME_GRAPHICS=kitty|iterm|sixel|none overrules what is found out.";

/// What `plot` takes.
#[derive(Debug, Args)]
#[command(after_help = PLOT_EXAMPLES)]
pub struct Plot {
    /// Run folders
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// What is drawn [default: loss, knn and rank]
    #[arg(long, value_enum, value_name = "NAME")]
    pub metric: Option<Metric>,
    /// Write the figure into this file; further ones into FILE-METRIC beside it
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    pub save: Option<PathBuf>,
    /// Print the points as one JSON object on stdout instead of drawing
    #[arg(long)]
    pub json: bool,
}

/// What is measured every epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Metric {
    /// Mean training loss
    Loss,
    /// kNN accuracy on the validation part
    Knn,
    /// Linear-probe accuracy on the validation part
    Linear,
    /// RankMe of the embeddings
    Rank,
    /// Spread of the embeddings
    Std,
    /// Learning rate
    Lr,
    /// Norm of the gradient
    GradNorm,
}

impl Metric {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Loss => "loss",
            Metric::Knn => "knn",
            Metric::Linear => "linear",
            Metric::Rank => "rank",
            Metric::Std => "std",
            Metric::Lr => "lr",
            Metric::GradNorm => "grad-norm",
        }
    }
}

const DIAGNOSE_EXAMPLES: &str = "\
Examples:
  selfsame diagnose runs/simclr-digits-seed7
  selfsame diagnose runs/simclr-digits-seed7 --save spectrum.svg --json";

/// What `diagnose` takes.
#[derive(Debug, Args)]
#[command(after_help = DIAGNOSE_EXAMPLES)]
pub struct Diagnose {
    /// Run folder, finished or interrupted; a name is looked for in 'runs'
    pub run: PathBuf,
    /// Write the singular values as a figure into this file
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    pub save: Option<PathBuf>,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

const EMBED_EXAMPLES: &str = "\
Examples:
  selfsame embed runs/simclr-digits-seed7
  selfsame embed simclr-digits-seed7 --save map.png";

/// What `embed` takes.
#[derive(Debug, Args)]
#[command(after_help = EMBED_EXAMPLES)]
pub struct Embed {
    /// Run folder, finished or interrupted; a name is looked for in 'runs'
    pub run: PathBuf,
    /// Write the figure into this file
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    pub save: Option<PathBuf>,
    /// Print the points as one JSON object on stdout instead of drawing
    #[arg(long)]
    pub json: bool,
}

const NEIGHBORS_EXAMPLES: &str = "\
Examples:
  selfsame neighbors runs/simclr-digits-seed7
  selfsame neighbors simclr-digits-seed7 --count 3 --save neighbours.svg

The image at the left is of the test part; '=' stands at neighbours of its class, '≠' at others.";

/// What `neighbors` takes.
#[derive(Debug, Args)]
#[command(after_help = NEIGHBORS_EXAMPLES)]
pub struct Neighbors {
    /// Run folder, finished or interrupted; a name is looked for in 'runs'
    pub run: PathBuf,
    /// Test images, evenly spread over the test part
    #[arg(long, value_name = "N", value_parser = whole, default_value = "6")]
    pub count: usize,
    /// Write the figure into this file
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    pub save: Option<PathBuf>,
    /// Print the classes as one JSON object on stdout instead of drawing
    #[arg(long)]
    pub json: bool,
}

const VIEWS_EXAMPLES: &str = "\
Examples:
  selfsame views digits
  selfsame views mnist:data/mnist --index 17 --save views.svg";

/// What `views` takes.
#[derive(Debug, Args)]
#[command(after_help = VIEWS_EXAMPLES)]
pub struct Views {
    /// Data set: digits, shapes, mnist:DIR, cifar10:DIR, cifar100:DIR or folder:DIR
    pub data: String,
    /// Objective whose views are shown: see 'selfsame methods'
    #[arg(long, value_name = "NAME", default_value = "simclr")]
    pub method: String,
    /// This image of the training part alone [default: a few of them]
    #[arg(long, value_name = "N", value_parser = whole)]
    pub index: Option<usize>,
    /// Seed of the run whose views they are
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
    /// Write the figure into this file
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    pub save: Option<PathBuf>,
}

const ENCODERS_EXAMPLES: &str = "\
Examples:
  selfsame encoders
  selfsame train simclr digits --encoder vit";

/// What `encoders` takes.
#[derive(Debug, Args)]
#[command(after_help = ENCODERS_EXAMPLES)]
pub struct Encoders {
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

const COLLAPSE_EXAMPLES: &str = "\
Examples:
  selfsame collapse --list
  selfsame collapse simsiam-no-stop-gradient
  selfsame collapse all --json | jq '.[] | select(.named_correctly | not)'";

/// What `collapse` takes.
#[derive(Debug, Args)]
#[command(after_help = COLLAPSE_EXAMPLES)]
pub struct Collapse {
    /// Entry of the gallery, or 'all'
    #[arg(required_unless_present = "list")]
    pub name: Option<String>,
    /// List the entries instead of running any
    #[arg(long, conflicts_with = "name")]
    pub list: bool,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
    /// Print one JSON array on stdout
    #[arg(long)]
    pub json: bool,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = whole)]
    pub threads: Option<usize>,
}

const DATA_EXAMPLES: &str = "\
Examples:
  selfsame data list
  selfsame data fetch mnist                 to data/mnist; resumes a download that was cut
  selfsame data info mnist:data/mnist
  selfsame data info folder:photos";

/// What `data` takes.
#[derive(Debug, Args)]
#[command(after_help = DATA_EXAMPLES)]
pub struct Data {
    /// What to do with data.
    #[command(subcommand)]
    pub command: DataCommand,
}

/// What to do with data.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the data sets 'train' takes and those 'fetch' downloads
    List,
    /// Read a data set and say what is in it
    Info {
        /// Data set, in a form 'train' takes
        data: String,
        /// Print one JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// Download a public data set, verify it and put it where 'train' finds it
    Fetch {
        /// Name, one of those 'data list' shows
        name: String,
        /// Folder in which it gets a folder of its own, NAME [default: data]
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
}

const DOCTOR_EXAMPLES: &str = "\
Examples:
  selfsame doctor
  selfsame doctor --device cpu         and does every operation compute here what it should?
  selfsame doctor --device cuda        can this machine and this build use a GPU?

With --device every operation runs on it in float32, forwards and backwards; the table shows how far values and
gradients are from a float64 reference on the CPU, relative to the largest.
Exit code 1 when a check fails; warnings do not count.";

/// What `doctor` takes.
#[derive(Debug, Args)]
#[command(after_help = DOCTOR_EXAMPLES)]
pub struct Doctor {
    /// Device that must work; every operation is tested on it
    #[arg(long, value_enum, value_name = "DEVICE")]
    pub device: Option<Device>,
    /// Folder that is to hold the run folders
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub out: PathBuf,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  selfsame check --list                            the lessons that have exercises
  selfsame check 03 --start                        writes 03.rs, with everything that is asked
  selfsame check 03                                grades 03.rs
  selfsame check 03 answers.ipynb --json           grades a notebook's functions; one JSON object
  selfsame check all answers                       every lesson that has a file in the folder, answers/03.rs";

/// What `check` takes.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct Check {
    /// Lesson, by its number; or 'all' of those that have a file in the folder FILE
    #[arg(value_name = "LESSON", required_unless_present = "list")]
    pub lesson: Option<String>,
    /// The student's file: .rs, .ssl or .ipynb [default: LESSON.rs; for 'all' this folder]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// List the lessons that have exercises
    #[arg(long, conflicts_with_all = ["lesson", "start"])]
    pub list: bool,
    /// Write the file to begin with instead; one that is there stays as it is
    #[arg(long, conflicts_with = "json")]
    pub start: bool,
    /// Show every hint of what has not passed, not only the next
    #[arg(long)]
    pub hints: bool,
    /// Seconds that each exercise may take
    #[arg(long, value_name = "SECONDS", default_value = "20")]
    pub limit: u64,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// What the file is called in the report.
    #[arg(long, hide = true)]
    pub called: Option<String>,
}

const NOTEBOOK_EXAMPLES: &str = "\
Examples:
  selfsame notebook tutorial.md                    writes tutorial.ipynb
  selfsame notebook notebooks/tutorials/*.md --to notebooks --check
  selfsame notebook tutorials/src/bin/*.rs --to notebooks/chapters";

/// What `notebook` takes.
#[derive(Debug, Args)]
#[command(after_help = NOTEBOOK_EXAMPLES)]
pub struct Notebook {
    /// Markdown files, or programs of the book
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Where notebooks go; beside their files otherwise
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Write nothing; fail where a notebook is not what its file makes
    #[arg(long)]
    pub check: bool,
}

/// What `reference` takes.
#[derive(Debug, Args)]
pub struct Reference {
    /// Folder of the pages
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Write nothing; fail where a page is not what the program says
    #[arg(long)]
    pub check: bool,
}

const BENCH_EXAMPLES: &str = "\
Examples:
  selfsame bench simclr-vit
  selfsame bench simclr-cnn --profile              which operation takes the time
  selfsame bench knn --threads 1 --json
  selfsame bench vicreg-mlp --export step.safetensors   one step's numbers, to check against another program

Every step counts all threads. Close other programs: the largest rate is measured in the same run, but not in the same second.";

/// What stands below the options of `bench`: the workloads.
fn bench_notes() -> String {
    let all = selfsame::bench::Workload::ALL;
    let list = crate::commands::methods::described(all.iter().map(|w| (w.name(), w.about())));
    format!("Workloads:\n{list}\n\n{BENCH_EXAMPLES}")
}

/// What `bench` takes.
#[derive(Debug, Args)]
#[command(after_help = bench_notes())]
pub struct Bench {
    /// What to time; listed below
    pub workload: String,
    /// Steps that count, after three that warm up
    #[arg(long, value_name = "N", value_parser = whole, default_value = "10")]
    pub steps: usize,
    /// Show what each operation takes
    #[arg(long)]
    pub profile: bool,
    /// Time nothing; write one step's weights, inputs, loss and gradients as safetensors
    #[arg(long, value_name = "FILE", conflicts_with_all = ["profile", "json", "steps"])]
    pub export: Option<PathBuf>,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = whole)]
    pub threads: Option<usize>,
}

/// A count: 0 and up. What the setting's own limits are, the library says.
fn whole(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a whole number, 0 or more".to_string())
}

/// A number; `nan` and `inf` pass, for the library to refuse with the setting's range.
fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "expected a number, for example 0.2 or 1e-3".to_string())
}

/// A setting of an objective.
fn setting(text: &str) -> Result<(String, serde_json::Value), String> {
    selfsame::presets::read_setting(text)
        .map_err(|_| "expected NAME=VALUE, for example momentum=0.99".to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_names_every_encoder_and_form_of_data() {
        let mut command = Arguments::command();
        let help = command
            .find_subcommand_mut("train")
            .map(|c| c.render_long_help().to_string())
            .unwrap_or_default();
        for name in selfsame::presets::ENCODERS.iter().chain(selfsame::presets::DATA) {
            assert!(help.contains(name), "{name} is missing in:\n{help}");
        }
    }
}
