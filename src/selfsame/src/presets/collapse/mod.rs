//! A gallery of deliberate collapses: runs that are spoilt in one way each, beside the same run in good health.
//!
//! ```no_run
//! for entry in selfsame::presets::collapse::list() {
//!     println!("{}: {}", entry.name, entry.change);
//! }
//! let shown = selfsame::presets::collapse::run("simsiam-no-stop-gradient", 0)?;
//! assert!(shown.named_correctly);
//! println!("{}", shown.text());
//! # Ok::<(), selfsame::Error>(())
//! ```
mod course;
mod entries;
mod gallery;
mod shown;

pub use course::{healthy, Course};
pub use entries::{find, list, Collapse};
pub use gallery::{run, run_all};
pub use shown::Shown;

#[cfg(test)]
mod tests;
