//! The `selfsame` command: train, judge and compare self-supervised encoders.

mod args;
mod commands;
// The session's loop is what uses all of it.
#[allow(dead_code, unused_imports)]
mod editor;
mod exit;
mod face;
mod invocation;
mod numbers;
mod output;
mod run_folder;
mod sparkline;
mod spec;
mod stop;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};

fn main() -> ExitCode {
    selfsame::tape::keep_freed_memory();
    let end = match Arguments::parse().command {
        Command::Train(arguments) => commands::train::run(*arguments),
        Command::Eval(arguments) => commands::eval::run(arguments),
        Command::Compare(arguments) => commands::compare::run(arguments),
        Command::Collapse(arguments) => commands::collapse::run(arguments),
        Command::Data(arguments) => commands::data::run(arguments),
        Command::Doctor(arguments) => commands::doctor::run(arguments),
        Command::Bench(arguments) => commands::bench::run(arguments),
        Command::Methods => commands::methods::run(),
        Command::Encoders(arguments) => commands::encoders::run(arguments),
        Command::Runs(arguments) => commands::runs::run(arguments),
        Command::Views(arguments) => commands::views::run(arguments),
        Command::Neighbors(arguments) => commands::neighbors::run(arguments),
        Command::Embed(arguments) => commands::embed::run(arguments),
        Command::Plot(arguments) => commands::plot::run(arguments),
        Command::Diagnose(arguments) => commands::diagnose::run(arguments),
    };
    exit::finish(end)
}
