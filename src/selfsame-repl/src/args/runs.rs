//! What `runs` takes.

use std::path::PathBuf;

use clap::Args;

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
