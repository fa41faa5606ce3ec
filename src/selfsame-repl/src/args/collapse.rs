//! What `collapse` takes.

use clap::Args;

use super::value::whole;

const COLLAPSE_EXAMPLES: &str = "\
Examples:
  selfsame collapse --list
  selfsame collapse simsiam-no-stop-gradient
  selfsame collapse all --json | jq '.[] | select(.named_correctly | not)'";

/// What `collapse` takes.
#[derive(Debug, Args)]
#[command(after_help = COLLAPSE_EXAMPLES)]
pub struct Collapse {
    /// Entry of the gallery, or 'all'
    #[arg(required_unless_present = "list")]
    pub name: Option<String>,
    /// List the entries instead of running any
    #[arg(long, conflicts_with = "name")]
    pub list: bool,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
    /// Print one JSON array on stdout
    #[arg(long)]
    pub json: bool,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = whole)]
    pub threads: Option<usize>,
}
