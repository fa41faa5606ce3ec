//! What `diagnose` takes.

use std::path::PathBuf;

use clap::Args;

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
