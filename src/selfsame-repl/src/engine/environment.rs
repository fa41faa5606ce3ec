//! What this program tells the processes it starts of itself by environment variables, and keeps from the programs of others.

use std::os::raw::c_int;
use std::process::Command;
use std::sync::OnceLock;

use selfsame::front;

/// The process that started this one, and with which it ends.
pub const PARENT: &str = "SELFSAME_PARENT";
/// The descriptor that the output of cells goes to.
const OUTPUT: &str = "SELFSAME_CELLS";
/// What [`LIBRARIES`] was before it was set for a session.
const LIBRARIES_BEFORE: &str = "SELFSAME_LIBRARIES_BEFORE";
/// Where libraries are looked for.
const LIBRARIES: &str = "LD_LIBRARY_PATH";
/// What evcxr marks its processes for cells with.
const RUNTIME: &str = "EVCXR_IS_RUNTIME";

/// What the messages of all processes carry that this one starts. Nobody else is told.
pub fn secret() -> &'static str {
    static SECRET: OnceLock<String> = OnceLock::new();
    SECRET.get_or_init(|| uuid::Uuid::new_v4().simple().to_string())
}

/// Makes a process of this program's own of `command`: one that sends messages to the face called `frontend`, and ends with
/// this process.
pub fn for_own_process(command: &mut Command, frontend: &str) {
    command
        .env(front::VARIABLE, frontend)
        .env(front::SECRET, secret())
        .env(PARENT, std::process::id().to_string());
}

/// And one that runs cells, whose output goes to the descriptor `output`, with libraries in `libraries`.
pub fn for_cells(command: &mut Command, output: c_int, libraries: Option<std::ffi::OsString>) {
    command.env(OUTPUT, output.to_string());
    if let Some(folders) = libraries {
        command.env(LIBRARIES, folders);
        if let Some(before) = std::env::var_os(LIBRARIES) {
            command.env(LIBRARIES_BEFORE, before);
        }
    }
}

/// In a process that [`for_cells`] was called for: the descriptor. The environment is then what it was before, for the programs
/// that cells start. To be called while there is one thread.
pub fn of_cells() -> Option<c_int> {
    let output = std::env::var(OUTPUT).ok().and_then(|number| number.parse().ok());
    let is_runtime = std::env::var_os(RUNTIME).is_some();
    // A stock session marks whatever its cells start, this program among it.
    std::env::remove_var(RUNTIME);
    std::env::remove_var(OUTPUT);
    let output = output.filter(|_| is_runtime)?;
    match std::env::var_os(LIBRARIES_BEFORE) {
        Some(before) => std::env::set_var(LIBRARIES, before),
        None => std::env::remove_var(LIBRARIES),
    }
    std::env::remove_var(LIBRARIES_BEFORE);
    Some(output)
}

/// The process that this one ends with, if there is one. To be called while there is one thread.
pub fn parent() -> Option<libc::pid_t> {
    let parent = std::env::var(PARENT).ok().and_then(|id| id.parse().ok());
    std::env::remove_var(PARENT);
    parent
}
