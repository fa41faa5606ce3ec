//! One file a command. Each takes its parsed arguments, writes results to stdout and talk to stderr.

pub mod bench;
pub mod check;
pub mod collapse;
pub mod compare;
pub mod data;
pub mod diagnose;
pub mod doctor;
mod drawn;
pub mod embed;
pub mod encoders;
pub mod eval;
pub mod kernel;
pub mod methods;
pub mod neighbors;
pub mod notebook;
pub mod plot;
pub mod reference;
pub mod runs;
mod scores;
pub mod session;
pub mod train;
pub mod views;
mod workers;
