//! What `selfsame kernel` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::spec::DEFAULT_NAME;

const EXAMPLES: &str = "\
Examples:
  selfsame kernel install                          for this user; then `jupyter lab`
  selfsame kernel install --sys-prefix             into the Python environment that is active
  selfsame kernel list
  selfsame kernel uninstall";

/// What `kernel` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with the kernel.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell Jupyter of this program
    Install(Install),
    /// List the kernels of this program that Jupyter knows
    List {
        /// Print one JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// Take one away again
    Uninstall(Install),
    /// Serve one notebook; Jupyter calls this
    Run(Run),
}

/// Which kernel, and where.
#[derive(Debug, Args)]
pub struct Install {
    /// In this user's Jupyter folder [default]
    #[arg(long, conflicts_with_all = ["prefix", "sys_prefix"])]
    pub user: bool,
    /// In DIR/share/jupyter
    #[arg(long, value_name = "DIR", conflicts_with = "sys_prefix")]
    pub prefix: Option<PathBuf>,
    /// In the active Python environment: VIRTUAL_ENV, CONDA_PREFIX, or that of `python3`
    #[arg(long)]
    pub sys_prefix: bool,
    /// What notebooks call it
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAME)]
    pub name: String,
}

/// What `kernel run` takes.
#[derive(Debug, Args)]
pub struct Run {
    /// The file in which Jupyter says where to listen
    pub connection_file: PathBuf,
}
