//! What `eval` takes.

use std::path::PathBuf;

use clap::Args;

use super::value::whole;

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
