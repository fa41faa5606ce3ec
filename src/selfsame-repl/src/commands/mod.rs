//! One file a command. Each takes its parsed arguments, writes results to stdout and talk to stderr.

pub mod bench;
pub mod collapse;
pub mod compare;
pub mod data;
pub mod doctor;
pub mod eval;
pub mod methods;
mod scores;
pub mod train;
mod workers;
