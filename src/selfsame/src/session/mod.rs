//! Preparing a process for the cells of a session.
mod start;
mod threads;

pub use crate::random::set_default_seed as seed;
pub use start::start;
pub use threads::threads;
