//! Tests that cannot look at anything here say so.

use std::fmt::Display;
use std::io::Write;

/// Says that the test which calls it was skipped, and why. It goes to the process's standard error itself: what `eprintln!`
/// prints in a test that passes is never shown. The lines are counted where all tests are run.
pub fn skip(why: impl Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Where nobody listens nothing is lost.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}
