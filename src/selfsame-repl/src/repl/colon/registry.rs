//! The list of commands, and finding one by what was typed.

use super::super::shell::{Flow, Shell};
use super::{cells, export, listing, programs, session, timing, tour};

/// A `:command`.
#[derive(Clone, Copy)]
pub struct Colon {
    /// What it is called.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// What it takes, as its help shows it.
    pub takes: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// A call that works.
    pub example: &'static str,
    /// Does it.
    pub run: fn(&mut Shell, &str) -> Flow,
}

const fn colon(
    name: &'static str,
    takes: &'static str,
    about: &'static str,
    example: &'static str,
    run: fn(&mut Shell, &str) -> Flow,
) -> Colon {
    Colon { name, aliases: &[], takes, about, example, run }
}

const fn with_aliases(colon: Colon, aliases: &'static [&'static str]) -> Colon {
    Colon { aliases, ..colon }
}

/// Every command, in the order help shows them.
pub fn all() -> &'static [Colon] {
    ALL
}

static ALL: &[Colon] = &[
    colon("tour", "", "A guided first session of five minutes", ":tour", tour::tour),
    colon(
        "train",
        "METHOD DATA [--flags]",
        "Train an encoder without labels and judge it; binds `run`",
        ":train simclr digits --epochs 5",
        programs::train,
    ),
    colon(
        "resume",
        "RUN",
        "Go on with an interrupted run; binds `run`",
        ":resume runs/simclr-digits-seed0",
        programs::resume,
    ),
    colon(
        "eval",
        "RUN [--data DATA]",
        "Score a run's encoder with kNN and linear probes",
        ":eval runs/simclr-digits-seed0",
        programs::eval,
    ),
    colon(
        "compare",
        "RUN.. | --methods M..",
        "Put runs, or methods, side by side",
        ":compare runs/*",
        programs::compare,
    ),
    colon(
        "collapse",
        "NAME | --list | all",
        "Spoil a run on purpose and hear what the doctor says",
        ":collapse --list",
        programs::collapse,
    ),
    colon("runs", "[DIR]", "List run folders", ":runs", programs::runs),
    colon("use", "RUN", "Bind `run` to a run folder", ":use runs/simclr-digits-seed0", programs::bind),
    colon(
        "data",
        "list | info DATA | fetch NAME DIR",
        "List, inspect and download data sets",
        ":data info digits",
        programs::data,
    ),
    colon(
        "views",
        "DATA [--save FILE]",
        "Show images beside their augmented views",
        ":views digits",
        programs::views,
    ),
    colon(
        "neighbors",
        "RUN [--save FILE]",
        "Show test images with their nearest training images",
        ":neighbors run",
        programs::neighbors,
    ),
    colon(
        "embed",
        "RUN [--save FILE]",
        "Draw a run's embeddings in two dimensions",
        ":embed run",
        programs::embed,
    ),
    colon("plot", "RUN.. [--save FILE]", "Draw the curves of runs", ":plot run", programs::plot),
    colon(
        "diagnose",
        "RUN",
        "What the geometry of a run's embeddings says, and the doctor",
        ":diagnose run",
        programs::diagnose,
    ),
    colon("methods", "", "List the objectives", ":methods", programs::methods),
    colon("encoders", "", "List the encoders", ":encoders", programs::encoders),
    colon("bench", "WORKLOAD", "Time a fixed piece of work on this machine", ":bench knn", programs::bench),
    colon(
        "doctor",
        "[--device cpu]",
        "Check this machine: toolchain, threads, memory, folders",
        ":doctor",
        programs::doctor,
    ),
    colon(
        "check",
        "LESSON [FILE]",
        "Grade a lesson's exercises: the functions defined here, or a file's",
        ":check 03",
        programs::check,
    ),
    colon("vars", "", "List variables with their types, shapes and sizes", ":vars", cells::vars),
    with_aliases(
        colon("type", "EXPRESSION", "The type of an expression", ":type 1.0_f32 + 2.0", cells::type_of),
        &["t"],
    ),
    colon("doc", "NAME", "Documentation of what a name means; also ?NAME", ":doc nt_xent", cells::doc),
    colon("dep", "NAME = VERSION", "Add a crate to the session", ":dep itertools = \"0.14\"", cells::dep),
    colon(
        "time",
        "CODE",
        "Run a cell and say how long it took",
        ":time (0..1000000_u64).sum::<u64>()",
        timing::time,
    ),
    colon(
        "timeit",
        "[N] EXPRESSION",
        "Run an expression N times and show the median",
        ":timeit 100 (0..1000_u64).sum::<u64>()",
        timing::timeit,
    ),
    colon(
        "run",
        "FILE.rs | FILE.ssl | FILE.ipynb",
        "Run a script in this session",
        ":run session.ssl",
        export::run_file,
    ),
    colon(
        "edit",
        "[TEXT]",
        "Open the last input, or TEXT, in $EDITOR and run what it becomes",
        ":edit",
        export::edit,
    ),
    colon(
        "load",
        "FILE",
        "Show a file's inputs and put them at the prompt, to be changed",
        ":load session.ssl",
        export::load,
    ),
    with_aliases(
        colon(
            "save",
            "FILE.rs | FILE.ssl | FILE.ipynb",
            "Save the inputs that worked, to be run again",
            ":save session.ssl",
            export::save,
        ),
        &["export"],
    ),
    colon(
        "history",
        "[--all] [TEXT]",
        "Inputs of this session; with --all of earlier ones in this folder",
        ":history train",
        listing::history,
    ),
    colon("show", "rust", "The Rust that the last command stood for", ":show rust", listing::show),
    colon("why", "", "Everything the compiler said of the last error", ":why", listing::why),
    colon("seed", "[N]", "The seed of runs and cells that name none", ":seed 7", session::seed),
    colon("threads", "[N]", "How many threads compute", ":threads 2", session::threads),
    colon("restart", "", "Start a new process for cells; variables are lost", ":restart", session::restart),
    colon("clear", "", "Forget variables, items and imports", ":clear", session::clear),
    colon("status", "", "What the session is doing", ":status", session::status),
    colon(
        "config",
        "[NAME VALUE]",
        "Every setting and where it comes from; or set one",
        ":config",
        listing::config,
    ),
    with_aliases(
        colon("help", "[COMMAND]", "This list, or one command in full", ":help train", listing::help),
        &["h", "?"],
    ),
    with_aliases(colon("quit", "", "Leave; so does Ctrl-D", ":quit", session::quit), &["q", "exit"]),
];

/// The command called `name`.
pub(super) fn find(name: &str) -> Option<&'static Colon> {
    ALL.iter().find(|c| c.name == name || c.aliases.contains(&name))
}

/// Whether an input only looks at the session: such inputs are not saved.
pub fn is_of_the_moment(input: &str) -> bool {
    let Some(rest) = input.trim_start().strip_prefix(':') else { return input.trim_start().starts_with('?') };
    let name = rest.split_whitespace().next().unwrap_or_default();
    [
        "tour", "check", "vars", "type", "t", "doc", "edit", "load", "save", "export", "history", "show",
        "why", "status", "config", "help", "h", "?", "quit", "q", "exit", "restart", "clear", "run",
    ]
    .contains(&name)
}

/// Carries out `line`, a command without its colon.
pub fn run(shell: &mut Shell, line: &str) -> Flow {
    let line = line.trim();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let Some(command) = find(name) else {
        let names: Vec<&str> = ALL.iter().map(|c| c.name).collect();
        let unknown = selfsame::Error::unknown("command", name, &names);
        let message = unknown.to_string();
        // The whole list is a screenful; the suggestion is what helps.
        let short = message.split(" Known").next().unwrap_or(&message).to_string();
        shell.screen.failure(&format!("{short} `:help` lists all."));
        return Flow::Failed;
    };
    (command.run)(shell, rest.trim())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_example_is_of_its_command() {
        let mut seen = std::collections::BTreeSet::new();
        for command in ALL {
            assert!(
                command.aliases.iter().chain([&command.name]).all(|n| seen.insert(*n)),
                "{}",
                command.name
            );
            let name = command.example.strip_prefix(':').unwrap().split(' ').next().unwrap();
            assert_eq!(find(name).unwrap().name, command.name);
        }
        assert!(find("nothing").is_none());
    }

    #[test]
    fn what_only_looks_is_not_saved() {
        assert!(is_of_the_moment(":vars") && is_of_the_moment("?x") && is_of_the_moment(":save a.rs"));
        assert!(!is_of_the_moment(":train simclr digits") && !is_of_the_moment("let x = 1;"));
    }
}
