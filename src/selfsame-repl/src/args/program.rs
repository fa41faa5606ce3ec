//! The program itself, and the list of its commands.

use clap::{Parser, Subcommand};

use super::{
    Bench, Check, Collapse, Compare, Data, Diagnose, Doctor, Embed, Encoders, Eval, Methods, Neighbors,
    Notebook, Plot, Reference, Run, Runs, Train, Views, Warm,
};

const EXAMPLES: &str = "\
Examples:
  selfsame                                         the REPL: commands and Rust at one prompt
  selfsame train simclr digits                     embedded data, nothing to download
  selfsame train simclr mnist:data/mnist --epochs 5
  selfsame compare runs/*                          which run was better, and from when on
  selfsame kernel install                          notebooks: the kernel for Jupyter
  selfsame doctor                                  what this machine lacks
  selfsame -c ':methods'                           one command of the REPL, from a script

Exit codes: 0 done, 1 failed, 2 bad arguments, 130 interrupted (training saves a checkpoint first).
'selfsame COMMAND --help' has examples for each command.";

/// Self-supervised learning you can watch working.
///
/// Trains an encoder on images without their labels, then says how good it is: against the same encoder untrained,
/// against raw pixels, against PCA and against training with all labels.
#[derive(Debug, Parser)]
#[command(name = "selfsame", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Arguments {
    /// What to do; without it, the REPL at a terminal, and elsewhere the script that comes on standard input.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Carry out TEXT, commands and Rust as at the prompt, and leave
    #[arg(short = 'c', value_name = "TEXT")]
    pub command_text: Option<String>,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train an encoder without labels, judge it, keep it in a run folder
    ///
    /// A setting that is not given takes the preset's value for the data set; the run folder's config.json records
    /// every value that was used. The same seed gives the same run, whatever the number of threads.
    Train(Box<Train>),
    /// Score the encoder of a run with kNN and linear probes
    ///
    /// The encoder is frozen. Probes are kNN with 20 and 200 neighbours and a linear probe on 1 %, 10 % and 100 % of
    /// the training labels.
    Eval(Eval),
    /// List the runs there are, the latest first
    Runs(Runs),
    /// Draw what was measured epoch by epoch
    ///
    /// Loss, online kNN accuracy and rank of the embeddings, or one measurement; several runs in one pair of axes.
    Plot(Plot),
    /// Say what the geometry of a run's features means
    ///
    /// Spread, ranks, alignment and uniformity beside those of the untrained encoder, the doctor's alarms in words, the
    /// verdict, and the singular values: a cliff in them is a collapse.
    Diagnose(Diagnose),
    /// Draw a run's features in the plane, coloured by class
    ///
    /// The plane is that of the first two principal components, which keep distances as they are.
    Embed(Embed),
    /// Show test images beside the training images an encoder finds most alike
    Neighbors(Neighbors),
    /// Show images of a data set and the views a run would compare
    Views(Views),
    /// Put runs side by side: a table and their curves; or train every objective and compare those
    ///
    /// Scores are of the test part; curves are the loss and the online kNN accuracy over epochs. With --methods the
    /// runs are made first, over several seeds, and the table has a row an objective beside the baselines.
    Compare(Compare),
    /// Show deliberate collapses and what the doctor says of them
    ///
    /// Each entry spoils one objective in one way, on the embedded digits, beside the same run in good health. Exit
    /// code 1 when one is not named, or a healthy twin is accused.
    Collapse(Collapse),
    /// List, inspect and download data sets
    Data(Data),
    /// Check this machine: toolchain, threads, memory, GPU, folders
    ///
    /// Every finding that is not in order comes with what to do about it.
    Doctor(Doctor),
    /// Time a fixed piece of work on this machine
    ///
    /// What is timed is fixed down to shapes, loss and optimiser, so that machines, versions and other frameworks
    /// compare. Speed stands beside the arithmetic it took and the largest rate of matrix products this machine has.
    Bench(Bench),
    /// List the objectives, encoders and data sets there are
    Methods(Methods),
    /// Carry out a script: commands and Rust, as at the prompt
    ///
    /// A file of inputs (.ssl), of plain Rust with commands in `//:` comments (.rs), or a notebook (.ipynb). It stops at the
    /// first error, with exit code 1.
    Run(Run),
    /// Serve notebooks: the kernel for Jupyter
    ///
    /// After `selfsame kernel install` JupyterLab, notebooks and consoles offer 'Selfsame (Rust)'. Cells take commands and
    /// Rust, as the prompt does.
    Kernel(crate::kernel::Arguments),
    /// Grade the exercises of a lesson of the book
    ///
    /// Compiles the functions of a student's file, one apart from the other, checks what each does, and says which are done,
    /// which are wrong and why. Needs no network and no project. Exit code 0 when all pass, else 1.
    Check(Check),
    /// Make notebooks of tutorials in Markdown, and of the book's programs
    ///
    /// In Markdown, pieces of code marked as Rust become cells that run, everything else cells to read. In a program (.rs) the
    /// listings between ANCHOR comments become cells that run, `//!` and `//|` comments cells to read.
    Notebook(Notebook),
    /// Write the pages of the book that describe this program
    #[command(hide = true)]
    Reference(Reference),
    /// Compile what Rust cells need, ahead of the first session
    Warm(Warm),
    /// List the encoders with the images they take and their parameters
    Encoders(Encoders),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_names_every_encoder_and_form_of_data() {
        let mut command = Arguments::command();
        let help = command
            .find_subcommand_mut("train")
            .map(|c| c.render_long_help().to_string())
            .unwrap_or_default();
        for name in selfsame::presets::ENCODERS.iter().chain(selfsame::presets::DATA) {
            assert!(help.contains(name), "{name} is missing in:\n{help}");
        }
    }
}
