//! What `methods` takes.

use clap::Args;

const METHODS_EXAMPLES: &str = "\
Examples:
  selfsame methods
  selfsame methods --json";

/// What `methods` takes.
#[derive(Debug, Args)]
#[command(after_help = METHODS_EXAMPLES)]
pub struct Methods {
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}
