//! The `selfsame` command: train, judge and compare self-supervised encoders.

mod args;
mod commands;
mod editor;
mod engine;
mod exhausted;
mod exit;
mod face;
mod invocation;
mod kernel;
mod lesson;
mod literate;
mod notebook;
mod numbers;
mod output;
mod private;
mod reference;
mod repl;
mod run_folder;
mod sparkline;
mod spec;
mod stop;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};

#[global_allocator]
static ALLOCATOR: exhausted::SystemOrTheEnd = exhausted::SystemOrTheEnd;

fn main() -> ExitCode {
    // First, for the session's process too.
    stop::a_file_that_is_too_large_is_an_error();
    engine::become_session_process();
    selfsame::tape::keep_freed_memory();
    let arguments = Arguments::parse();
    let Some(command) = arguments.command else {
        return exit::finish(commands::session::run(arguments.command_text.as_deref()));
    };
    let end = match command {
        Command::Train(arguments) => commands::train::run(*arguments),
        Command::Eval(arguments) => commands::eval::run(arguments),
        Command::Compare(arguments) => commands::compare::run(arguments),
        Command::Collapse(arguments) => commands::collapse::run(arguments),
        Command::Data(arguments) => commands::data::run(arguments),
        Command::Doctor(arguments) => commands::doctor::run(arguments),
        Command::Bench(arguments) => commands::bench::run(arguments),
        Command::Methods(arguments) => commands::methods::run(&arguments),
        Command::Run(arguments) => commands::session::script(&arguments),
        Command::Kernel(arguments) => commands::kernel::run(arguments),
        Command::Notebook(arguments) => commands::notebook::run(&arguments),
        Command::Check(arguments) => commands::check::run(&arguments),
        Command::Reference(arguments) => commands::reference::run(&arguments),
        Command::Warm(arguments) => commands::session::warm(&arguments),
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
