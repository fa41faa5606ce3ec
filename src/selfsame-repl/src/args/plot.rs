//! What `plot` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

const PLOT_EXAMPLES: &str = "\
Examples:
  selfsame plot runs/simclr-digits-seed7
  selfsame plot runs/* --metric knn --save knn.svg

Where the terminal shows pixels (kitty, iTerm2, sixel) the figure is drawn in them, elsewhere in characters. \
SELFSAME_GRAPHICS=kitty|iterm|sixel|none overrules what is found out.";

/// What `plot` takes.
#[derive(Debug, Args)]
#[command(after_help = PLOT_EXAMPLES)]
pub struct Plot {
    /// Run folders
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// What is drawn [default: loss, knn and rank]
    #[arg(long, value_enum, value_name = "NAME")]
    pub metric: Option<Metric>,
    /// Write the figure into this file; further ones into FILE-METRIC beside it
    #[arg(long, value_name = "FILE.svg|FILE.png")]
    pub save: Option<PathBuf>,
    /// Print the points as one JSON object on stdout instead of drawing
    #[arg(long)]
    pub json: bool,
}

/// What is measured every epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Metric {
    /// Mean training loss
    Loss,
    /// kNN accuracy on the validation part
    Knn,
    /// Linear-probe accuracy on the validation part
    Linear,
    /// RankMe of the embeddings
    Rank,
    /// Spread of the embeddings
    Std,
    /// Learning rate
    Lr,
    /// Norm of the gradient
    GradNorm,
}

impl Metric {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Loss => "loss",
            Metric::Knn => "knn",
            Metric::Linear => "linear",
            Metric::Rank => "rank",
            Metric::Std => "std",
            Metric::Lr => "lr",
            Metric::GradNorm => "grad-norm",
        }
    }
}
