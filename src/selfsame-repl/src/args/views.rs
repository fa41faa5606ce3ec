//! What `views` takes.

use std::path::PathBuf;

use clap::Args;

use super::value::whole;

const VIEWS_EXAMPLES: &str = "\
Examples:
  selfsame views digits
  selfsame views mnist:data/mnist --index 17 --save views.svg";

/// What `views` takes.
#[derive(Debug, Args)]
#[command(after_help = VIEWS_EXAMPLES)]
pub struct Views {
    /// Data set: digits, shapes, mnist:DIR, cifar10:DIR, cifar100:DIR or folder:DIR
    pub data: String,
    /// Objective whose views are shown: see 'selfsame methods'
    #[arg(long, value_name = "NAME", default_value = "simclr")]
    pub method: String,
    /// This image of the training part alone [default: a few of them]
    #[arg(long, value_name = "N", value_parser = whole)]
    pub index: Option<usize>,
    /// Seed of the run whose views they are
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
    /// Write the figure into this file
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    pub save: Option<PathBuf>,
    /// Print the images and their views as one JSON object on stdout instead of drawing; pixels are 0 to 255
    #[arg(long)]
    pub json: bool,
}
