//! The loop of the process that runs cells.
//!
//! evcxr has one too, which takes a file's name to end at its first space. Cells lie where the user's cache is, and that
//! may be below a folder called `Jane Doe`. And it tells the end of a cell by a line among those that the cell prints, which a cell can
//! print too; here the relay is told.

use std::backtrace::Backtrace;
use std::ffi::c_void;
use std::io::BufRead;

use libloading::Library;

use super::relay::Relay;

/// What evcxr writes before the file of a cell and the name of the function in it.
const RUN: &str = "LOAD_AND_RUN ";
/// The exit code of a process that was told something it does not understand.
const CONFUSED: i32 = 99;

/// A cell: it is given the session's variables and gives them back.
type Cell = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

/// Runs the cells that are named on standard input until that ends; does not return.
pub fn serve(relay: &Relay) -> ! {
    tell_of_crashes();
    let mut variables = std::ptr::null_mut();
    for line in std::io::stdin().lock().lines() {
        let done = line.map_err(|e| e.to_string()).and_then(|line| {
            // An answer to a question that the cell did not wait for, or that only looked like one.
            let Some((file, function)) = parse(&line) else { return Ok(false) };
            // SAFETY: evcxr has compiled the file for this session a moment ago, with a function of this type and name, and
            // the variables are what the cell before has given back, or null before the first.
            variables = unsafe { run(file, function, variables) }.map_err(|e| e.to_string())?;
            Ok(true)
        });
        match done {
            Ok(true) => relay.end_cell(),
            Ok(false) => {}
            Err(why) => {
                eprintln!("The cell cannot be loaded: {why}");
                std::process::exit(CONFUSED);
            }
        }
    }
    std::process::exit(0)
}

/// The file and the function of a line. The function's name has no spaces in it.
fn parse(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix(RUN)?.rsplit_once(' ')
}

/// # Safety
/// The file is a library whose initialisers may run, with a [`Cell`] of that name which takes `variables`.
unsafe fn run(file: &str, function: &str, variables: *mut c_void) -> Result<*mut c_void, libloading::Error> {
    // SAFETY: as the caller says.
    let library = unsafe { Library::new(file) }?;
    // SAFETY: as the caller says.
    let variables = unsafe { library.get::<Cell>(function.as_bytes())?(variables) };
    // Never unloaded: values of its types live on, and so do threads it has started.
    std::mem::forget(library);
    Ok(variables)
}

/// Has a cell that accesses memory it must not say so, with the way it came.
fn tell_of_crashes() {
    extern "C" fn crashed(signal: libc::c_int) {
        let what = match signal {
            libc::SIGSEGV => "Segmentation fault.",
            libc::SIGILL => "Illegal instruction.",
            libc::SIGBUS => "Bus error.",
            _ => "Unexpected signal.",
        };
        eprintln!("{what}");
        eprintln!("{}", Backtrace::force_capture());
        std::process::abort();
    }
    for signal in [libc::SIGSEGV, libc::SIGILL, libc::SIGBUS] {
        // SAFETY: the process ends in the handler; what it does before may fail there, and is worth the try.
        unsafe { libc::signal(signal, crashed as extern "C" fn(libc::c_int) as libc::sighandler_t) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_have_spaces_in_its_name() {
        assert_eq!(parse("LOAD_AND_RUN /a/b.so f_1"), Some(("/a/b.so", "f_1")));
        assert_eq!(parse("LOAD_AND_RUN /Jane Doe/\u{e9} b.so f_1"), Some(("/Jane Doe/\u{e9} b.so", "f_1")));
        for line in ["", "LOAD_AND_RUN", "LOAD_AND_RUN a", "RUN a b"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
