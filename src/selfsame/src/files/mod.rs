//! Reading and writing files that somebody else may have made: regular files of a bounded size, written whole or not at
//! all, and never through a link out of a run folder.
mod leftovers;
mod own;
mod read;
mod whole;

pub use leftovers::remove_leftovers;
pub(crate) use own::{make_folder, no_link, open_own};
pub use read::{open, read, read_text, MOST_SETTINGS, MOST_TEXT};
pub use whole::write_atomic;
