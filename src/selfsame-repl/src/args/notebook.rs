//! What `notebook` takes.

use std::path::PathBuf;

use clap::Args;

const NOTEBOOK_EXAMPLES: &str = "\
Examples:
  selfsame notebook tutorial.md                    writes tutorial.ipynb
  selfsame notebook notebooks/tutorials/*.md --to notebooks --check
  selfsame notebook tutorials/src/bin/*.rs --to notebooks/chapters";

/// What `notebook` takes.
#[derive(Debug, Args)]
#[command(after_help = NOTEBOOK_EXAMPLES)]
pub struct Notebook {
    /// Markdown files, or programs of the book
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Where notebooks go; beside their files otherwise
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Write nothing; fail where a notebook is not what its file makes
    #[arg(long)]
    pub check: bool,
    /// Print one JSON object on stdout: the notebooks, and with --check whether each is up to date
    #[arg(long)]
    pub json: bool,
}
