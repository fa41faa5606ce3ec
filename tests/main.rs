//! End-to-end tests: the program `selfsame` as a user calls it. `cargo test --workspace` runs them with the rest; the
//! program is built when the first of them needs it.

mod program; // Building and calling the program
mod runs; // Runs that several tests look at, each trained once
mod skip; // Tests that cannot look at anything here
mod terminal; // A real terminal: keys in, the screen out

mod alarms; // Settings that spoil a run are noticed, with a cause and a remedy
mod bad_arguments; // Wrong names and numbers: exit code 2 and a message that helps
mod bad_data; // Missing, cut and inconsistent files: exit code 1, the file named, nothing left behind
mod bench; // bench: what it shows, what it refuses
mod check; // check: exercises graded
mod collapse; // The gallery of deliberate collapses
mod compare; // Runs side by side, from folders as they are found in practice
mod config_file; // --config
mod data; // data list, info, fetch
mod determinism; // The same seed gives the same run, on any number of threads
mod doctor; // doctor
mod goldens; // The program golden: the library against other implementations
mod help; // --help, --version, methods
mod hostile; // Names, folders and files made to harm
mod library; // The library as somebody else's program has it
mod look; // Commands that draw: runs, plot, diagnose, embed, neighbors, views, encoders
mod repl; // The REPL at a real terminal, as somebody uses it
mod resume; // SIGINT, SIGKILL, damaged checkpoints, changed settings
mod session; // Rust cells from scripts: what they share, how they fail, what they leave
mod shape_errors; // What the compiler says when shapes do not fit
mod streams; // Closed pipes, full disks, terminals
mod train;
mod trust; // What is obeyed, who gets in, what heals // What a finished run prints and leaves
