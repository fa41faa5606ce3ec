//! What `encoders` takes.

use clap::Args;

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
