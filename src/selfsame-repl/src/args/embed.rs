//! What `embed` takes.

use std::path::PathBuf;

use clap::Args;

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
