//! What `check` takes.

use std::path::PathBuf;

use clap::Args;

const CHECK_EXAMPLES: &str = "\
Examples:
  selfsame check --list                            the lessons that have exercises
  selfsame check 03 --start                        writes 03.rs, with everything that is asked
  selfsame check 03                                grades 03.rs
  selfsame check 03 answers.ipynb --json           grades a notebook's functions; one JSON object
  selfsame check all answers                       every lesson that has a file in the folder, answers/03.rs";

/// What `check` takes.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct Check {
    /// Lesson, by its number; or 'all' of those that have a file in the folder FILE
    #[arg(value_name = "LESSON", required_unless_present = "list")]
    pub lesson: Option<String>,
    /// The student's file: .rs, .ssl or .ipynb [default: LESSON.rs; for 'all' this folder]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// List the lessons that have exercises
    #[arg(long, conflicts_with_all = ["lesson", "start"])]
    pub list: bool,
    /// Write the file to begin with instead; one that is there stays as it is
    #[arg(long, conflicts_with = "json")]
    pub start: bool,
    /// Show every hint of what has not passed, not only the next
    #[arg(long)]
    pub hints: bool,
    /// Seconds that each exercise may take
    #[arg(long, value_name = "SECONDS", default_value = "20")]
    pub limit: u64,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// What the file is called in the report.
    #[arg(long, hide = true)]
    pub called: Option<String>,
}
