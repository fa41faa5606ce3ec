//! What `doctor` takes.

use std::path::PathBuf;

use clap::Args;

use super::device::Device;

const DOCTOR_EXAMPLES: &str = "\
Examples:
  selfsame doctor
  selfsame doctor --device cpu         and does every operation compute here what it should?
  selfsame doctor --device cuda        can this machine and this build use a GPU?

With --device every operation runs on it in float32, forwards and backwards; the table shows how far values and
gradients are from a float64 reference on the CPU, relative to the largest.
Exit code 1 when a check fails; warnings do not count.";

/// What `doctor` takes.
#[derive(Debug, Args)]
#[command(after_help = DOCTOR_EXAMPLES)]
pub struct Doctor {
    /// Device that must work; every operation is tested on it
    #[arg(long, value_enum, value_name = "DEVICE")]
    pub device: Option<Device>,
    /// Folder that is to hold the run folders
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub out: PathBuf,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
}
