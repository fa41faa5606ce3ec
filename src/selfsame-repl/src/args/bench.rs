//! What `bench` takes.

use std::path::PathBuf;

use clap::Args;

use super::value::whole;

const BENCH_EXAMPLES: &str = "\
Examples:
  selfsame bench simclr-vit
  selfsame bench simclr-cnn --profile              which operation takes the time
  selfsame bench knn --threads 1 --json
  selfsame bench vicreg-mlp --export step.safetensors   one step's numbers, to check against another program

Every step counts all threads. Close other programs: the largest rate is measured in the same run, but not in the same second.";

/// What stands below the options of `bench`: the workloads.
fn bench_notes() -> String {
    let all = selfsame::bench::Workload::ALL;
    let list = crate::commands::methods::described(all.iter().map(|w| (w.name(), w.about())));
    format!("Workloads:\n{list}\n\n{BENCH_EXAMPLES}")
}

/// What `bench` takes.
#[derive(Debug, Args)]
#[command(after_help = bench_notes())]
pub struct Bench {
    /// What to time; listed below
    pub workload: String,
    /// Steps that count, after three that warm up
    #[arg(long, value_name = "N", value_parser = whole, default_value = "10")]
    pub steps: usize,
    /// Show what each operation takes
    #[arg(long)]
    pub profile: bool,
    /// Time nothing; write one step's weights, inputs, loss and gradients as safetensors
    #[arg(long, value_name = "FILE", conflicts_with_all = ["profile", "json", "steps"])]
    pub export: Option<PathBuf>,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = whole)]
    pub threads: Option<usize>,
}
