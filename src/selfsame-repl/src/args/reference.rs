//! What `reference` takes.

use std::path::PathBuf;

use clap::Args;

/// What `reference` takes.
#[derive(Debug, Args)]
pub struct Reference {
    /// Folder of the pages
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Write nothing; fail where a page is not what the program says
    #[arg(long)]
    pub check: bool,
}
