//! What became of a cell that did not end well, in words.

use super::explain::explain;
use super::fault::{Fault, FaultKind};
use super::output::CellOutput;

/// What is left of the session after a cell.
pub enum Ended {
    /// All of it.
    Well,
    /// evcxr has started a new process.
    Process,
    /// Nothing.
    Session,
}

/// Why code of our own was refused.
pub fn in_words(error: &evcxr::Error, code: &str) -> String {
    match error {
        evcxr::Error::CompilationErrors(errors) => explain(errors, code).to_string(),
        other => other.to_string(),
    }
}

/// A cell that did not compile, or never ran for another reason.
pub fn compile_fault(error: evcxr::Error, code: &str) -> Fault {
    match error {
        evcxr::Error::CompilationErrors(errors) => explain(&errors, code),
        evcxr::Error::TypeRedefinedVariablesLost(names) => Fault::new(
            FaultKind::CompileError,
            format!("The type of {} was defined anew, so the old values are lost.", names.join(", ")),
        ),
        other => {
            let text = other.to_string();
            let mut lines = text.lines();
            let fault = Fault::new(FaultKind::CompileError, lines.next().unwrap_or_default());
            let rest: Vec<&str> = lines.collect();
            if rest.is_empty() { fault } else { fault.remedy(rest.join(" ")) }.detail(text)
        }
    }
}

/// A cell that panicked, or ended at a question mark.
pub fn runtime_fault(cell: &mut CellOutput) -> Fault {
    let said = cell.take_held();
    match cell.panic.take() {
        Some((message, place)) => {
            let message = if message.is_empty() { said.join("\n") } else { message };
            let at = if place.is_empty() || place.starts_with("src/lib.rs") {
                String::new()
            } else {
                format!(" (at {place})")
            };
            Fault::new(FaultKind::Panic, format!("panicked: {message}{at}")).detail(said.join("\n"))
        }
        None => Fault::new(FaultKind::Error, said.join("\n")),
    }
}

/// A cell whose process is gone.
pub fn process_fault(said: &str, killed: bool, errors: &[String]) -> Fault {
    let mut detail = errors.join("\n");
    if !detail.is_empty() {
        detail.push('\n');
    }
    detail.push_str(said);
    let how = said.rsplit("Subprocess terminated with status: ").next().unwrap_or(said).trim();
    let summary = if killed {
        "Stopped by force. The cell's process is gone, and its variables with it.".to_string()
    } else if how.contains("signal: 11")
        || errors.iter().any(|line| line.contains("has overflowed its stack"))
    {
        format!("The cell recursed until its stack was full, or used memory that is not there ({how}). Its process is gone, and its variables with it.")
    } else {
        format!("The process that runs the cells ended ({how}), and its variables with it.")
    };
    Fault::new(FaultKind::ProcessEnded, summary)
        .remedy("A new one is being started; what was imported and defined is still there.")
        .detail(detail)
}
