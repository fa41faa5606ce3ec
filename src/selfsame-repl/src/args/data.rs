//! What `data` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const DATA_EXAMPLES: &str = "\
Examples:
  selfsame data list
  selfsame data fetch mnist                 to data/mnist; resumes a download that was cut
  selfsame data info mnist:data/mnist
  selfsame data info folder:photos";

/// What `data` takes.
#[derive(Debug, Args)]
#[command(after_help = DATA_EXAMPLES)]
pub struct Data {
    /// What to do with data.
    #[command(subcommand)]
    pub command: DataCommand,
}

/// What to do with data.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the data sets 'train' takes and those 'fetch' downloads
    List {
        /// Print one JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// Read a data set and say what is in it
    Info {
        /// Data set, in a form 'train' takes
        data: String,
        /// Print one JSON object on stdout
        #[arg(long)]
        json: bool,
    },
    /// Download a public data set, verify it and put it where 'train' finds it
    Fetch {
        /// Name, one of those 'data list' shows
        name: String,
        /// Folder in which it gets a folder of its own, NAME [default: data]
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Print one JSON object on stdout
        #[arg(long)]
        json: bool,
    },
}
