//! What `run` takes.

use std::path::PathBuf;

use clap::Args;

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
