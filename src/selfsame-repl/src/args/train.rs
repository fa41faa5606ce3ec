//! What `train` takes.

use std::path::PathBuf;

use clap::Args;
use selfsame::presets::TrainSpec;

use super::device::Device;
use super::value::{number, setting, whole};

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
