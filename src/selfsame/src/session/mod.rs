//! Preparing a process for the cells of a session.
mod end_of_cell;
mod start;
mod threads;

pub use crate::random::set_default_seed as seed;
pub use end_of_cell::END_OF_CELL;
pub use start::start;
pub use threads::{fewer_threads, threads, useful_threads};
