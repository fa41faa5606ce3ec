//! What `compare` takes.

use std::path::PathBuf;

use clap::Args;

use super::value::{number, whole};

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
