//! What `neighbors` takes.

use std::path::PathBuf;

use clap::Args;

use super::value::whole;

const NEIGHBORS_EXAMPLES: &str = "\
Examples:
  selfsame neighbors runs/simclr-digits-seed7
  selfsame neighbors simclr-digits-seed7 --count 3 --save neighbours.svg

The image at the left is of the test part; '=' stands at neighbours of its class, '≠' at others.";

/// What `neighbors` takes.
#[derive(Debug, Args)]
#[command(after_help = NEIGHBORS_EXAMPLES)]
pub struct Neighbors {
    /// Run folder, finished or interrupted; a name is looked for in 'runs'
    pub run: PathBuf,
    /// Test images, evenly spread over the test part
    #[arg(long, value_name = "N", value_parser = whole, default_value = "6")]
    pub count: usize,
    /// Write the figure into this file
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    pub save: Option<PathBuf>,
    /// Print the classes as one JSON object on stdout instead of drawing
    #[arg(long)]
    pub json: bool,
}
