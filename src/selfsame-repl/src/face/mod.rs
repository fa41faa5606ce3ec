//! How a run looks while it goes on: a live bar where stderr is a terminal, a line now and then where it is not.
//!
//! Everything a face draws goes to stderr, so stdout belongs to results.

mod block;
mod columns;
mod download;
mod live;
pub mod picture;
mod plain;
mod rate;
pub mod training;
pub mod words;

use selfsame::front::{Frontend, Reporter};
use selfsame::train::Watch;

pub use columns::columns;
pub use download::Download;
pub use live::Live;
pub use plain::Plain;

/// The face of a command, for stderr; messages, where the program was started by one that draws them.
pub fn for_stderr() -> Box<dyn Watch> {
    if Frontend::detect().is_some() {
        return Box::new(Reporter::new());
    }
    Box::new(Live::new(true))
}

/// A bar for crates being compiled; hidden where stderr is no terminal.
pub fn compiling() -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(0);
    let template = "compiling the library {bar:30} {pos} of {len} crates {elapsed}";
    if let Ok(style) = indicatif::ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// A line that says what is being done; hidden where stderr is no terminal.
pub fn working() -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new_spinner();
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}
