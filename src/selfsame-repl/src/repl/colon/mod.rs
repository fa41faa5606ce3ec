//! `:commands`: what each is called, takes and does.

mod cells;
mod export;
mod listing;
mod programs;
mod registry;
mod session;
mod timing;
mod tour;

pub(super) use export::enter;
pub use export::read as read_script;
pub use registry::{all, is_of_the_moment, run, Colon};
