//! What `warm` takes.

use clap::Args;

/// What `warm` takes.
#[derive(Debug, Args)]
pub struct Warm {
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}
